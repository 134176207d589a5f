"""What holds for every test: how hypothesis searches, who runs beside whom, and that Ctrl-C ends all."""

from __future__ import annotations

import os
import signal
import tempfile
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

# Machines that run tests are busy: slow examples say nothing of a strategy. Where a run decides whether
# something is taken in, the examples are the same each time; everywhere else they are new ones.
settings.register_profile(
    "gpumon", deadline=None, suppress_health_check=[HealthCheck.too_slow], derandomize="CI" in os.environ
)
settings.load_profile("gpumon")

# The runs that tests attach to are not those of the person who runs them; children inherit it.
_DATA = tempfile.TemporaryDirectory(prefix="gpumon-tests-data-")
os.environ["XDG_DATA_HOME"] = _DATA.name
# Nor are the findings that they have muted.
os.environ["XDG_STATE_HOME"] = _DATA.name

# A shell ignores SIGINT for what it starts in the background, and every child would inherit that.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Return what deals the tests out to the workers of `pytest -n 2`."""
    from tests.side_by_side import ByFile

    return ByFile(config, log)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """In a worker of xdist the longest stretch comes first, so that it is not the last one to end."""
    if "PYTEST_XDIST_WORKER" in os.environ:
        from tests.side_by_side import WATCHED

        items.sort(key=lambda item: item.nodeid.partition("::")[0] not in WATCHED)
