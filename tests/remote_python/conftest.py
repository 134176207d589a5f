"""One run of the known program per installed interpreter, shared by the tests that only look."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from gpumon.remote_python import Interpreter
from tests.remote_python.children import PROGRAMS, attached
from tests.remote_python.interpreters import Installed, installed


@pytest.fixture(params=installed(), ids=str, scope="package")
def known(request: pytest.FixtureRequest) -> Iterator[tuple[Installed, Interpreter, Any]]:
    """Attach to the known program: the interpreter that runs it, the reader, and what the program says."""
    with attached(request.param.program, PROGRAMS / "known.py") as (interpreter, said):
        yield request.param, interpreter, said
