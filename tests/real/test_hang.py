"""A real YOLOv5 that hangs on a full /dev/shm: nothing is measured, so it may run beside other tests."""

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
# It is told 20 s after it began; only a failing test waits so long.
_PATIENCE_SECONDS = 400.0


def _names(look: Look) -> list[str]:
    return [finding.id for finding in look.judged.findings]


def test_hang_on_a_full_shm(stage: Stage) -> None:
    """Workers that cannot hand over a batch for want of /dev/shm: both the hang and its cause are told."""
    training = stage.fresh(replace(recipes.COMPUTE_BOUND, under=_SMALL_SHM))
    with Watch(training.pid, wish=Wish(training.pid)) as watch:
        look = watch.until(lambda look: "hung" in _names(look), _PATIENCE_SECONDS)
    assert "shm-nearly-full" in _names(look)
    assert {Severity.CRITICAL} == {
        finding.severity for finding in look.judged.findings if finding.id in {"hung", "shm-nearly-full"}
    }
