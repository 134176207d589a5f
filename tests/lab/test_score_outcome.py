"""One trace judged by one diagnoser: times, alarms, and what the verdict is."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import pytest

from gpumon.model.measure import number
from gpumon.model.sample import Sample
from gpumon.model.training import Phase
from tests.lab.score_gpumon import Gpumon
from tests.lab.score_judgement import Advice, Judgement
from tests.lab.score_outcome import achieved, judge
from tests.lab.score_scene import MadeUpTrace, healthy, starved
from tests.lab.score_truth import TruthError
from tests.unit.synthetic_training import HEALTHY, STARVED

FEW = "starved-too-few-workers"


@dataclass
class Scripted:
    """Says one label from some seconds on, and nothing in the seconds before and between."""

    label: str
    seconds: frozenset[int]
    advice: Advice = field(default_factory=lambda: Advice({}))
    passed: int = 0

    def see(self, sample: Sample) -> Judgement:
        """Speak when it is time."""
        del sample
        self.passed += 1
        if self.passed - 1 in self.seconds:
            return Judgement((self.label, "hung"), wait=0.5, advice=self.advice)
        return Judgement(("hung", self.label), abstains=True)


def test_the_verdict_is_what_is_said_a_minute_after_the_onset() -> None:
    """Later words do not count."""
    trace = starved(seconds=80, onset_seconds=5.0)

    assert judge(trace, lambda: Scripted(FEW, frozenset({65}))).is_right
    assert not judge(trace, lambda: Scripted(FEW, frozenset({66}))).is_right


def test_a_short_trace_is_judged_at_its_end() -> None:
    """Its last word is the verdict."""
    assert judge(starved(seconds=12), lambda: Scripted(FEW, frozenset({11}))).is_right


def test_the_delay_counts_from_the_onset() -> None:
    """A word before the onset finds nothing."""
    outcome = judge(starved(onset_seconds=5.0), lambda: Scripted(FEW, frozenset({2, 9, 20})))

    assert 4.0 == outcome.delay_seconds


def test_the_onset_is_the_first_second_of_training_at_the_earliest() -> None:
    """Nothing can be found while a training starts."""
    start = replace(STARVED, seconds=4, phases=(Phase.START,) * 4)
    trace = MadeUpTrace("late", (start, STARVED), {"labels": [FEW]})

    assert 3.0 == judge(trace, lambda: Scripted(FEW, frozenset({7}))).delay_seconds


def test_another_fault_of_the_family_is_half_right() -> None:
    """The family has a verdict and a delay of its own."""
    outcome = judge(starved(), lambda: Scripted("starved-lock", frozenset(range(10, 30))))

    assert (False, True) == (outcome.is_right, outcome.is_right_family)
    assert (None, 10.0) == (outcome.delay_seconds, outcome.family_delay_seconds)


def test_an_abstention_is_no_verdict_but_may_name_the_fault() -> None:
    """It counts among the two likeliest."""
    outcome = judge(starved(), lambda: Scripted(FEW, frozenset()))

    assert "" == outcome.told
    assert not outcome.is_right
    assert outcome.is_in_two


def test_either_of_two_injected_faults_is_right() -> None:
    """A mix has more than one right answer."""
    trace = starved(labels=["starved-lock", FEW])

    assert judge(trace, lambda: Scripted(FEW, frozenset({29}))).is_right


def test_warnings_less_than_a_minute_apart_are_one_alarm() -> None:
    """A warning that flickers is one, one that comes back much later is another."""
    outcome = judge(healthy(seconds=200), lambda: Scripted(FEW, frozenset({10, 20, 30, 60, 150})))

    assert (2, 5) == (outcome.alarms, outcome.alarm_seconds)
    assert pytest.approx(199 / 3600) == outcome.hours


def test_to_call_a_run_healthy_is_no_alarm() -> None:
    """Findings that only inform warn nobody."""
    assert 0 == judge(healthy(), lambda: Scripted("compute-bound", frozenset(range(30)))).alarms


def test_the_true_wait_is_that_of_the_seconds_of_training() -> None:
    """Seconds of validation, in which nothing is loaded for training, do not count."""
    phases = (Phase.TRAIN, Phase.TRAIN, Phase.VALIDATE, Phase.TRAIN)
    trace = MadeUpTrace(
        "mixed",
        (replace(STARVED, seconds=4, phases=phases),),
        {"labels": [FEW], "waits": [0.4, 0.9, 0.2], "data_wait_ratio": 0.5},
    )
    # The second that the third sample ends is one of validation.
    outcome = judge(trace, lambda: Scripted(FEW, frozenset()))

    assert outcome.true_wait == pytest.approx(0.3)


def test_no_advice_leaves_the_rate_as_it_is() -> None:
    """So does the advice to change nothing."""
    idle = judge(starved(), lambda: Scripted(FEW, frozenset()))
    still = judge(starved(), lambda: Scripted(FEW, frozenset({29})))
    moved = judge(starved(), lambda: Scripted(FEW, frozenset({29}), Advice({"workers": 4})))

    assert [90.0, 90.0, 150.0] == [achieved(outcome) for outcome in (idle, still, moved)]


def test_a_change_that_the_grid_does_not_tell_has_no_known_outcome() -> None:
    """Rates of a grid over the workers say nothing of another batch; where the points tell it they do."""
    both = Advice({"workers": 4, "batch_size": 32})
    rates = [
        {"settings": {"workers": workers, "batch_size": batch}, "images_per_second": rate}
        for workers, batch, rate in ((2, 16, 90.0), (4, 16, 150.0), (4, 32, 170.0))
    ]
    told = starved(settings={"workers": 2, "batch_size": 16}, grid=rates)
    outcomes = [judge(trace, lambda: Scripted(FEW, frozenset({29}), both)) for trace in (starved(), told)]
    same = judge(told, lambda: Scripted(FEW, frozenset({29}), Advice({"workers": 4, "batch_size": 16})))

    assert [None, 170.0, 150.0] == [achieved(outcome) for outcome in (*outcomes, same)]


def test_a_trace_without_a_truth_is_told() -> None:
    """It cannot be scored."""
    with pytest.raises(TruthError, match="no truth"):
        judge(MadeUpTrace("bare", (HEALTHY,)), Gpumon)


def test_a_danger_told_beside_the_verdict_is_named() -> None:
    """A training that is starved and has hardly any shared memory left is told both."""
    both = replace(STARVED, seconds=20, shm_free=1 << 20, shm_needed=float(1 << 30))
    outcome = judge(MadeUpTrace("both", (both,), {"labels": ["shm-nearly-full"]}), Gpumon)

    assert outcome.is_named
    assert {"shm-nearly-full", FEW} == set(outcome.final.also)


def test_gpumon_finds_a_starved_training_and_promises_its_gain() -> None:
    """The diagnosis of a trace is that of the live code: label, wait, ceiling and advice."""
    outcome = judge(starved(), Gpumon)

    assert FEW == outcome.told
    assert outcome.delay_seconds is not None
    assert outcome.delay_seconds <= 10
    assert number(outcome.final.wait) == pytest.approx(0.41, abs=0.05)
    assert number(outcome.final.fed_speedup) == pytest.approx(1 / 0.59, abs=0.15)
    assert isinstance(outcome.final.advice, Advice)
    assert outcome.final.advice.changes == {"workers": 6, "batch_size": 32}


def test_gpumon_calls_a_healthy_training_healthy() -> None:
    """Without an alarm at any second."""
    outcome = judge(healthy(seconds=60), Gpumon)

    assert ("compute-bound", 0) == (outcome.told, outcome.alarms)
