"""What comes first of several changes: in the suggestions, and in the plan."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gpumon.advice.advise import report_on
from gpumon.advice.changing import is_change
from gpumon.advice.turn import cure_of, first_of, in_turn
from gpumon.model.plan import StepState
from gpumon.model.report import TrainingReport
from gpumon.model.suggestion import Change, Effect, Suggestion
from tests.unit.recipe import Seen, changed, plan
from tests.unit.synthetic_training import GIB, PID, STARVED
from tests.unit.test_advice_cache import EXHAUSTED, REMOTE, CacheScene

_FEEDING = {"batch_size", "workers", "cache"}


def bringing(suggestion: Suggestion, low: float) -> Suggestion:
    """Return a suggestion that surely brings so much."""
    return replace(suggestion, speedup=Effect(1.0, low + 0.2, low, low + 0.5))


CACHE, BATCH = changed("cache", "off", "ram", "starved"), changed("batch_size", 16, 32, "starved")
STAYS = changed("workers", 2, 2, "starved")


def settings_of(*suggestions: Suggestion) -> list[str]:
    """Return the settings in their turn."""
    return [suggestion.setting for suggestion in in_turn(suggestions)]


@pytest.mark.parametrize(
    ("cache", "batch", "first"),
    [(1.2, 1.6, "batch_size"), (1.6, 1.2, "cache"), (1.3, 1.3, "batch_size")],
)
def test_what_surely_brings_most_comes_first(cache: float, batch: float, first: str) -> None:
    """By the low end of the gain; of equals the batch, as the golden rule has it."""
    assert settings_of(bringing(CACHE, cache), bringing(BATCH, batch))[0] == first


def test_a_change_without_a_known_gain_comes_after_one_with_it() -> None:
    """Nothing is sure of it."""
    assert settings_of(BATCH, bringing(CACHE, 1.05)) == ["cache", "batch_size"]


def test_what_changes_nothing_comes_last() -> None:
    """After what has to be prepared, too."""
    images = changed("images", "4000 px", "640 px", "starved")
    assert settings_of(STAYS, images, bringing(CACHE, 1.3)) == ["cache", "images", "workers"]


def test_suggestions_for_other_findings_keep_their_place() -> None:
    """A smaller batch for memory at its limit stays in front of what brings more."""
    smaller = bringing(changed("batch_size", 16, 14, "vram-at-limit"), 0.9)
    amp = bringing(changed("amp", "off", "on", "amp-off"), 1.5)
    found = in_turn((smaller, bringing(CACHE, 1.1), amp, bringing(BATCH, 1.4)))
    assert [suggestion.setting for suggestion in found] == ["batch_size", "batch_size", "amp", "cache"]
    assert found[0] == smaller


def test_the_first_change_is_named_for_those_behind_it() -> None:
    """Within a finding; before a cache also what another one asks for."""
    workers = changed("workers", 2, 4, "other")
    assert first_of((BATCH, workers), 1) is None
    assert first_of((workers, CACHE), 1) == workers
    assert first_of((STAYS, CACHE), 1) is None
    assert cure_of("starved", (workers, STAYS, CACHE)) == CACHE
    assert cure_of("starved", (workers, STAYS)) is None


def test_the_plan_has_the_same_turn() -> None:
    """What comes second is for later, and says after what."""
    pair = replace(BATCH, together=(Change("workers", 2, 4),))
    first = plan(Seen(STARVED), pair, CACHE)
    assert [first[name].state for name in ("batch", "cache")] == [StepState.TO_DO, StepState.LATER]
    assert first["cache"].text.endswith("; first the batch")
    second = plan(Seen(STARVED), CACHE, pair)
    assert [second[name].state for name in ("batch", "cache")] == [StepState.LATER, StepState.TO_DO]
    assert second["batch"].text.endswith("; first the cache")


def test_what_one_command_does_is_told_once() -> None:
    """Batch and workers together: the second step names the first."""
    pair = replace(BATCH, together=(Change("workers", 2, 4),))
    steps = plan(Seen(STARVED), pair)
    assert (steps["batch"].text, steps["workers"].text) == (
        "batch_size 32",
        "with the batch, by the same command",
    )
    assert (steps["workers"].state, steps["workers"].suggestion) == (StepState.TO_DO, 0)


def test_a_step_at_which_nothing_can_be_changed_is_for_later() -> None:
    """After what cures the same finding, else after what is behind it."""
    beside = plan(Seen(STARVED), CACHE, STAYS)["workers"]
    assert (beside.state, beside.text) == (StepState.LATER, "workers 2; to be seen again after the cache")
    alone = plan(Seen(STARVED), STAYS)["workers"]
    assert (alone.state, alone.text) == (StepState.LATER, "workers 2; first what is behind starved")


def test_a_wait_that_a_cache_cures_leaves_the_workers_for_later() -> None:
    """Where nothing is said of their number."""
    cure = replace(CACHE, finding="starved-too-few-workers")
    assert plan(Seen(STARVED), cure)["workers"].state is StepState.LATER


def agrees(report: TrainingReport) -> bool:
    """Tell whether the plan's first open change is the first of the top finding, if this is about feeding."""
    top = report.findings[0].id
    first = next((one for one in report.suggestions if one.finding == top), None)
    if first is None or first.setting not in _FEEDING or not is_change(first):
        return True
    opened = [step.suggestion for step in report.plan if step.state is StepState.TO_DO]
    index = next((index for index in opened if index is not None), None)
    return index is not None and report.suggestions[index] == first


@pytest.mark.parametrize("room", [2 * GIB, int(8.5 * GIB)])
@pytest.mark.parametrize("scene", [EXHAUSTED, REMOTE])
def test_verdict_and_plan_begin_with_the_same_change(scene: CacheScene, room: int) -> None:
    """A cache beside a larger batch, with much room for it and with little."""
    report = report_on(replace(scene, gpu_own=room).window(), PID)
    assert {one.setting for one in report.suggestions if is_change(one)} & _FEEDING
    assert agrees(report)


@settings(deadline=None, max_examples=60)
@given(
    st.builds(
        CacheScene,
        wait=st.sampled_from([0.1, 0.4, 0.8]),
        workers=st.sampled_from([0, 1, 2, 8]),
        idle=st.sampled_from([0.0, 0.02, 0.5]),
        cpu=st.sampled_from([0.2, 0.6, 0.96]),
        queue=st.sampled_from([0.01, 0.3, 0.5]),
        remote=st.sampled_from([0.0, 0.4]),
        cores=st.sampled_from([2, 8]),
        others_cpu=st.sampled_from([0.0, 1.8]),
        main_cpu=st.sampled_from([0.1, 0.5, 1.0]),
        gpu_own=st.sampled_from([2 * GIB, 5 * GIB]),
        batch_size=st.sampled_from([1, 8, 16]),
    )
)
def test_no_open_step_changes_nothing_and_all_agree(scene: CacheScene) -> None:
    """Whatever is the limit: an open step has something to do, and the first is the verdict's own."""
    report = report_on(scene.window(), PID)
    for step in report.plan:
        if step.state is StepState.TO_DO and step.suggestion is not None:
            assert is_change(report.suggestions[step.suggestion])
    assert agrees(report)
