"""What limits a real YOLOv5 is named right, live: here without workers.

A starved and a compute-bound one are in test_attach.py and test_attach_ways.py, a hung one in test_hang.py.
"""

from __future__ import annotations

import pytest

from gpumon.model.finding import Severity
from tests.real.watched import WatchedTraining, is_settled

pytestmark = pytest.mark.real


def test_no_workers(loading_in_main: WatchedTraining) -> None:
    """With `--workers 0` the main process loads every batch itself, and the verdict says so."""
    look = next(look for look in loading_in_main.looks if is_settled(look))
    assert look.verdict is not None
    assert (look.verdict.id, look.verdict.severity) == ("starved-no-workers", Severity.WARNING)
