"""Imports that leave out what gpumon never uses."""

from __future__ import annotations

import subprocess
import sys

import pytest

from gpumon.tui.lean_import import left_out


def _python(code: str) -> str:
    finished = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    return finished.stdout + finished.stderr


def test_a_module_left_out_cannot_be_imported_within() -> None:
    """Inside the block the import fails as if there were no such module, afterwards it succeeds."""
    code = """
from gpumon.tui.lean_import import left_out
with left_out("wave"):
    try:
        import wave
    except ImportError:
        print("missing")
import wave
print(wave.__name__)
"""
    assert "missing\nwave\n" == _python(code)


def test_a_hollow_module_has_one_name() -> None:
    """What takes one name from it can be imported; the real module is there afterwards."""
    code = """
from gpumon.tui.lean_import import left_out
with left_out(hollow={"wave": "open"}):
    from wave import open
print(open)
from wave import open
print(open.__module__)
"""
    assert "None\nwave\n" == _python(code)


def test_what_is_imported_already_stays() -> None:
    """A module in use is not taken away."""
    with left_out("subprocess", hollow={"pytest": "x"}):
        assert sys.modules["subprocess"] is subprocess
        assert sys.modules["pytest"] is pytest


def test_the_dashboard_loads_no_openssl() -> None:
    """Neither asyncio nor plotext brings it in, and the chart draws all the same."""
    code = """
import sys
from gpumon.tui.lean_import import OPENSSL, left_out
with left_out(*OPENSSL):
    import gpumon.tui.run
from gpumon.tui.widgets.plotext_chart import Scale, plot
rows = plot([[(0.0, 0.0), (1.0, 1.0)]], width=40, height=10, x=Scale(0, 1, []), y=Scale(0, 1, []))
print(len(rows), [name for name in ("ssl", "_ssl", "_hashlib", "unittest") if name in sys.modules])
"""
    assert "10 []\n" == _python(code)
