"""What a finding costs."""

from __future__ import annotations

from dataclasses import replace
from math import isclose

from hypothesis import given
from hypothesis import strategies as st

from gpumon.advice.cost_words import cost_words
from gpumon.model.cost import Cost, cost_of, power_of
from gpumon.model.measure import Certainty, Measure, Missing, number
from gpumon.model.reading import ProgressReading, TrainingReading
from gpumon.model.training import Ended, Ending
from tests.tui.fakes import fake_sample
from tests.unit.told import finding

_READING = fake_sample("starved", 10).trainings[0]


def _reading(rate: float | None, eta_seconds: float | None) -> TrainingReading:
    unknown = Missing("not read")
    progress = ProgressReading(
        images_per_second=unknown if rate is None else Measure(rate, Certainty.EXACT, "log"),
        eta_seconds=unknown if eta_seconds is None else eta_seconds,
    )
    return replace(_READING, progress=progress)


def _cost(lost_ratio: float | None, reading: TrainingReading, watts: float | None = 100.0) -> Cost | None:
    power = Missing("not read") if watts is None else watts
    return cost_of(replace(finding(), lost_ratio=lost_ratio), reading, power)


def test_a_lost_share_is_speed_time_and_energy() -> None:
    """Of 90 images/s with 40 % lost there would be 150; of 10 h, 4 are lost, at 100 W 0.4 kWh."""
    found = _cost(0.4, _reading(90.0, 36_000.0))

    assert found is not None
    assert isclose(60.0, number(found.images_per_second) or 0.0)
    assert isclose(14_400.0, number(found.lost_seconds) or 0.0)
    assert isclose(0.4 * 3.6e6, number(found.lost_joules) or 0.0)


def test_it_is_said_in_words() -> None:
    """Share, rate, time and energy; the estimates have their sign."""
    found = _cost(0.4, _reading(90.0, 36_000.0))

    assert found is not None
    assert cost_words(found) == (
        "40 % of the time",
        "~60.0 img/s",
        "~4h00m until the end of the run",
        "up to 0.40 kWh",
    )


def test_without_an_end_it_is_the_share_of_an_hour() -> None:
    """Where the rest of the run is not known there is neither a time nor an energy."""
    found = _cost(0.1, _reading(None, None))

    assert found is not None
    assert cost_words(found) == ("10 % of the time", "~6m00s of each hour")


def test_without_power_there_is_no_energy() -> None:
    """The reason is that of the power."""
    found = _cost(0.1, _reading(90.0, 3600.0), watts=None)

    assert found is not None
    assert found.lost_joules == Missing("not read")


def test_what_costs_nothing_has_no_cost() -> None:
    """A finding without a lost share, one that lost none, and one of a training that has ended."""
    over = Ended(Ending.FINISHED, "", 0.0)

    assert _cost(None, _READING) is None
    assert _cost(0.0, _READING) is None
    assert _cost(0.4, replace(_READING, ended=over)) is None


def test_the_power_is_that_of_all_its_gpus() -> None:
    """Those it does not use do not count; where one of them is not known, none is."""
    gpus = fake_sample("eight_gpus", 10).gpus
    reading = replace(_READING, gpu_uuids=("GPU-0", "GPU-3"))
    dark = replace(gpus[3], gpu_power_watts=Missing("not supported"))

    assert isclose(2 * 141.2, number(power_of(reading, gpus)) or 0.0)
    assert isinstance(power_of(reading, (*gpus[:3], dark)), Missing)
    assert isinstance(power_of(replace(reading, gpu_uuids=()), gpus), Missing)


@given(st.floats(), st.floats(), st.floats(), st.floats())
def test_no_number_breaks_it(lost: float, rate: float, eta_seconds: float, watts: float) -> None:
    """Whatever a rule or a source comes up with, there is a cost that can be said, or none."""
    found = _cost(lost, _reading(rate, eta_seconds), watts)

    assert found is None or (0 < found.lost_ratio < 1 and cost_words(found))
