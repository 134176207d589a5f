"""The wait of a training as the rules see it, from looks, from several sources, and from exact numbers."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gpumon.diagnosis.view import View, view_of
from gpumon.history.history import History
from gpumon.history.stats import Interval
from gpumon.model.clock import Instant
from gpumon.model.measure import Certainty, Measure
from gpumon.model.reading import LoaderReading, TrainingReading
from gpumon.model.sample import Sample
from gpumon.model.training import Phase
from tests.unit.full_report import FULL_READING, full_report

STATE = "state of the main thread"
FRAMES = "interpreter (CPython 3.11)"


def looks(source: str, waiting: int, of: int) -> LoaderReading:
    ratio = Measure(waiting / of, Certainty.SAMPLED, source, 0.05)
    return LoaderReading(data_wait_ratio=ratio, main_samples=of, main_waiting_samples=waiting, workers=0)


def told(ratio: float) -> LoaderReading:
    return LoaderReading(data_wait_ratio=Measure(ratio, Certainty.EXACT, "reporter"), workers=0)


def view(loaders: list[LoaderReading]) -> View:
    """The view of a training that trains steadily, one reading a second."""
    history = History()
    base: Sample = full_report().sample
    reading: TrainingReading = replace(FULL_READING, phase=Phase.TRAIN, ended=None)
    for second, loader in enumerate(loaders):
        sample = replace(
            base,
            sequence=second,
            instant=Instant(1000.0 + second, float(second)),
            trainings=(replace(reading, loader=loader),),
        )
        history.append(sample)
    found = view_of(history.window(), reading.training.id.pid)
    assert found is not None
    return found


def wait(loaders: list[LoaderReading]) -> Interval:
    found = view(loaders).wait
    assert isinstance(found, Interval)
    return found


def test_what_states_leave_in_doubt_does_not_even_out() -> None:
    """Twenty seconds without a look that waited are still as doubtful as the account of each of them."""
    doubtful = replace(
        looks(STATE, 0, 20),
        data_wait_ratio=Measure(0.0, Certainty.SAMPLED, STATE, 0.05, low=0.0, high=0.06),
    )
    found, plain = wait([doubtful] * 20), wait([looks(STATE, 0, 20)] * 20)
    assert plain.high < 0.02
    assert (found.value, found.low) == (0.0, 0.0)
    assert found.high == pytest.approx((plain.high**2 + 0.06**2) ** 0.5)


def test_looks_of_one_source_are_pooled() -> None:
    """Seconds weigh by their looks."""
    assert wait([looks(FRAMES, 10, 50), looks(FRAMES, 0, 10)]).value == pytest.approx(10 / 60)


def test_sources_are_never_mixed() -> None:
    """Of two sources that disagree the one that looked most counts, alone."""
    assert wait([looks(STATE, 0, 20)] * 3 + [looks(FRAMES, 40, 50)] * 5).value == pytest.approx(0.8)


def test_exact_seconds_keep_an_interval() -> None:
    """Seconds that are all alike do not make the next one certain."""
    found = wait([told(0.25)] * 10)
    assert found.value == pytest.approx(0.25)
    assert 0.0 < found.low < 0.25 < found.high < 0.5


@pytest.mark.parametrize("ratio", [0.0, 1.0])
def test_exact_bounds_keep_an_interval(ratio: float) -> None:
    """Never and always are no certainties either."""
    found = wait([told(ratio)] * 10)
    assert found.value == ratio
    assert found.high - found.low > 0


def test_exact_seconds_that_differ_widen_the_interval() -> None:
    """How seconds differ says how well the next ones are known."""
    even, uneven = wait([told(0.5)] * 10), wait([told(0.1), told(0.9)] * 5)
    assert even.value == pytest.approx(uneven.value)
    assert uneven.high - uneven.low > even.high - even.low


def test_exact_is_preferred_to_looks() -> None:
    """What the training itself told most of the time is what counts."""
    assert wait([looks(FRAMES, 50, 50)] * 2 + [told(0.2)] * 4).value == pytest.approx(0.2)


@given(st.lists(st.floats(0.0, 1.0), min_size=1, max_size=20))
def test_exact_wait_lies_within_its_interval(ratios: list[float]) -> None:
    """The mean of the seconds is the value, and the interval holds it."""
    found = wait([told(ratio) for ratio in ratios])
    assert found.value == pytest.approx(sum(ratios) / len(ratios))
    assert 0.0 <= found.low <= found.value <= found.high <= 1.0
    assert found.low < found.high
