"""The share of the newest optimizer steps that a GradScaler skipped, from report to report."""

from __future__ import annotations

from gpumon.model.measure import Maybe, Missing
from gpumon.sources.reporter_file import ReportCounts
from gpumon.sources.reporter_steps import StepsWatch


def _counts(steps: int, skips: int) -> ReportCounts:
    return ReportCounts(
        pid=1,
        start_ticks=1,
        opened_ns=0,
        heartbeat_ns=0,
        hooks=0,
        optimizer_steps=steps - skips,
        scaler_steps=steps,
        scaler_skips=skips,
        fused_scaler_steps=0,
        is_cuda_silent=False,
        cuda=None,
        error="",
        loaders=(),
    )


def _ratio(*reports: tuple[int, int]) -> Maybe[float]:
    watch = StepsWatch()
    for report in reports:
        watch.see(_counts(*report))
    return watch.skipped_ratio


def test_the_newest_twenty_steps_count() -> None:
    """What was skipped before them is past: only the steps since the newest report far enough back."""
    assert _ratio((0, 0), (40, 3), (60, 3)) == 0.0
    assert _ratio((100, 2), (110, 12), (120, 22)) == 1.0


def test_a_slow_training_is_waited_for() -> None:
    """Reports a second apart with a step or two each add up to twenty."""
    few = [(steps, steps) for steps in range(0, 20, 2)]
    assert isinstance(_ratio(*few), Missing)
    assert _ratio(*few, (20, 20)) == 1.0


def test_another_training_in_the_same_process_begins_anew() -> None:
    """Counts that fall belong to another file."""
    assert isinstance(_ratio((0, 0), (40, 40), (2, 0)), Missing)


def test_without_a_scaler_there_is_no_share() -> None:
    """A training without AMP has no GradScaler that could skip."""
    assert _ratio((0, 0), (0, 0)) == Missing("no GradScaler is used")
