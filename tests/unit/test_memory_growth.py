"""What is advised where GPU memory grows: going on with memory empty, how long that lasts, where to look."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import pytest

from gpumon.advice.advise import advise_view
from gpumon.advice.changing import is_change
from gpumon.advice.knobs.command import Value
from gpumon.advice.terms import Terms
from gpumon.diagnosis.diagnose import examine
from gpumon.diagnosis.view import View
from gpumon.model.measure import Maybe, Missing
from gpumon.model.reading import TrainingReading
from gpumon.model.suggestion import GoOn, Suggestion
from gpumon.model.training import Ended, Ending
from tests.unit.run_scene import changed, view, with_progress
from tests.unit.synthetic_training import GIB, HEALTHY

_MIB = 1 << 20
_GO_ON = GoOn("python train.py --resume runs/last.pt", "the running epoch is lost: 12 of its 40 batches")
_NONE = Missing("no epoch is completed yet: there is no checkpoint to go on from")


def advice(seen: View, way: Maybe[GoOn] = _GO_ON) -> Suggestion:
    """Return the only suggestion on a view; `way` is how its training goes on with nothing changed."""

    def go_on(_: TrainingReading, changes: Mapping[str, Value]) -> Maybe[GoOn]:
        assert not changes
        return way

    (found,) = advise_view(seen, examine(seen).findings, Terms(go_on=go_on))
    assert found.finding in {"vram-growth", "vram-at-limit"}
    return found


def growing(
    mib: int = 100,
    *,
    left: float | None = 36000.0,
    end: Ended | None = None,
    batch: int = 16,
    epoch: int = 2,
) -> View:
    """Return two minutes of a training whose memory grows from 5 of 12 GiB by so many MiB every other second.

    It takes `left` seconds more.
    """
    samples = []
    for second in range(120):
        own = 5 * GIB + second // 2 * mib * _MIB
        sample = replace(HEALTHY, gpu_own=own, batch_size=batch, epoch=epoch).sample(second)
        eta: Maybe[float] = Missing("not known") if left is None else left
        samples.append(with_progress(changed(sample, ended=end), eta_seconds=eta))
    return view(samples)


def test_what_grows_is_gone_on_with_from_the_last_checkpoint() -> None:
    """With nothing changed; what is lost and how to stop it stand beside the command."""
    found = advice(growing(50))
    assert (found.setting, found.to_value, found.command) == ("resume", "last.pt", _GO_ON.command)
    assert found.text.startswith("stop it before it is full and go on from its last checkpoint")
    assert "without .item() or .detach()" in found.text
    assert found.warnings[0] == _GO_ON.lost
    assert found.warnings[1].startswith("stop it first")


def test_how_long_it_lasts_is_how_long_it_lasted() -> None:
    """2500 of 100000 steps in 2 min, and 168 s until it is full; half a batch leaves room for longer."""
    found = advice(growing(50, left=4680.0))
    assert "it lasts about 5 min, as this time (with batch 8 about 6 min); look for" in found.text


def test_how_long_it_lasts_is_not_told_where_it_is_not_known() -> None:
    """Without an end of the run nobody knows for how long it has trained."""
    found = advice(growing(50, left=None))
    assert "from its last checkpoint, with memory empty; look for" in found.text


def test_a_batch_of_one_has_no_half() -> None:
    """Then nothing is said of a smaller one."""
    assert "with batch" not in advice(growing(50, batch=1)).text


def test_one_restart_that_lasts_to_the_end_says_so() -> None:
    """170 s are left until it is full, 175 until the end: begun with memory empty it is not full by then."""
    scene = growing(50, left=175.0, epoch=60)
    assert "lasts to the end of the run" in advice(scene).text


def test_memory_that_is_full_only_after_the_end_needs_nothing() -> None:
    """It is told where to look, and nothing is to be copied."""
    found = advice(growing(20, left=100.0))
    assert not is_change(found)
    assert isinstance(found.command, Missing)
    assert found.text.startswith("at this pace the run ends before memory is full; look for")


def test_without_a_checkpoint_it_says_what_is_lost() -> None:
    """There is no command, and why."""
    found = advice(growing(50), _NONE)
    assert is_change(found)
    assert found.command == _NONE
    assert found.text.startswith("when memory is full, what was done since the last checkpoint is lost")


@pytest.mark.parametrize("mib", [50, 0], ids=["it grew", "it was at rest"])
def test_a_training_that_died_of_memory_can_go_on(mib: int) -> None:
    """The command needs no stop any more; other advice to what has ended there is none."""
    end = Ended(Ending.CRASHED, "it crashed: the GPU ran out of memory (log)", 1.7e9 + 119)
    found = advice(growing(mib, end=end))
    assert found.text.startswith("go on from its last checkpoint")
    assert found.command == _GO_ON.command
    assert len(found.warnings) == 2
