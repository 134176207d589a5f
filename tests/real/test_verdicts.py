"""What limits a real YOLOv5 is named right, live: without workers, and hung on a full /dev/shm.

A starved and a compute-bound one are in test_attach.py and test_attach_ways.py.
"""

from __future__ import annotations

from dataclasses import replace

import pytest

from gpumon.model.finding import Severity
from gpumon.monitor.attaching import Wish
from tests.lab.watch import Look, Watch
from tests.real import recipes
from tests.real.stage import Stage

pytestmark = pytest.mark.real

# A mount namespace needs root. Two workers keep four batches of 2.5 MB ready: more than fits.
_SMALL_SHM = (
    "unshare",
    "--mount",
    "sh",
    "-c",
    'mount -t tmpfs -o size=8m small /dev/shm && exec "$@"',
    "sh",
)


def _names(look: Look) -> list[str]:
    return [finding.id for finding in look.judged.findings]


def test_no_workers(stage: Stage) -> None:
    """With `--workers 0` the main process loads every batch itself, and the verdict says so."""
    training = stage.steady(replace(recipes.STARVED, workers=0))
    with Watch(training.pid, wish=Wish(training.pid)) as watch:
        look = watch.until(lambda look: look.judged.settled and look.verdict, 40)
    assert look.verdict is not None
    assert (look.verdict.id, look.verdict.severity) == ("starved-no-workers", Severity.WARNING)


def test_hang_on_a_full_shm(stage: Stage) -> None:
    """Workers that cannot hand over a batch for want of /dev/shm: both the hang and its cause are told."""
    training = stage.fresh(replace(recipes.COMPUTE_BOUND, under=_SMALL_SHM))
    with Watch(training.pid, wish=Wish(training.pid)) as watch:
        look = watch.until(lambda look: "hung" in _names(look), 150)
    assert "shm-nearly-full" in _names(look)
    assert {Severity.CRITICAL} == {
        finding.severity for finding in look.judged.findings if finding.id in {"hung", "shm-nearly-full"}
    }
