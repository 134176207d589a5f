"""Figures: known numbers come out, and their intervals are the same every time."""

from __future__ import annotations

from dataclasses import replace

import pytest

from gpumon.history.stats import Interval
from gpumon.model.measure import known
from tests.lab.score_definitions import DEFINITIONS, confusion, figures
from tests.lab.score_figures import Definition, difference, figure, macro_f1, poisson
from tests.lab.score_gpumon import Gpumon
from tests.lab.score_judgement import SILENT, Advice
from tests.lab.score_outcome import Outcome, judge
from tests.lab.score_print import confusion_table, definitions, document, tables, trace_table
from tests.lab.score_scene import healthy, starved

FEW = "starved-too-few-workers"


@pytest.fixture(scope="module")
def outcomes() -> list[Outcome]:
    """Starved and healthy trainings, of which one has another label than what it looks like."""
    traces = [
        *(starved(20, scenario=f"few-{number}") for number in range(4)),
        *(healthy(20, scenario=f"healthy-{number}") for number in range(3)),
        starved(20, scenario="lock", labels=["starved-lock"], grid=[]),
    ]
    return [judge(trace, Gpumon) for trace in traces]


def test_macro_f1_of_a_known_table() -> None:
    """Two of three a are found, b twice with one false b, and nothing is said of c."""
    pairs = [("a", "a"), ("a", "a"), ("a", "b"), ("b", "b"), ("b", "b"), ("c", "")]

    assert macro_f1(pairs) == pytest.approx((0.8 + 0.8 + 0.0) / 3)


def test_nothing_right_has_no_f1() -> None:
    """Abstaining from everything scores 0, not an error."""
    assert 0.0 == macro_f1([("a", ""), ("b", "")])


@pytest.mark.parametrize(
    ("events", "low", "high"),
    [(0, 0.0, 2.9957), (1, 0.0513, 4.7439), (3, 0.8177, 7.7537), (10, 5.425, 16.962)],
)
def test_poissons_interval_is_that_of_the_tables(events: int, low: float, high: float) -> None:
    """90 % intervals of a count, by Garwood."""
    span = poisson([(events, 2.0)])

    assert (low / 2, high / 2) == pytest.approx((span.low, span.high), abs=1e-3)


def test_figures_of_known_outcomes(outcomes: list[Outcome]) -> None:
    """Seven of eight are right; the lock is of the right family."""
    found = figures(outcomes)

    assert {name: found[name].value for name in ("accuracy", "abstained", "wrong", "family_accuracy")} == {
        "accuracy": 7 / 8,
        "abstained": 0.0,
        "wrong": 1 / 8,
        "family_accuracy": 1.0,
    }
    assert (1 / 5, 0.0) == (found["never_found"].value, found["family_never_found"].value)
    # F1 of too few workers 8/9, of healthy 1, of the lock 0.
    assert found["macro_f1"].value == pytest.approx((8 / 9 + 1.0 + 0.0) / 3)


def test_only_controls_have_false_alarms(outcomes: list[Outcome]) -> None:
    """No alarm in three times 19 seconds is no proof of few: the interval says so."""
    found = figures(outcomes)["false_alarms_per_hour"]

    assert (0.0, 3) == (found.value, found.count)
    assert found.high == pytest.approx(2.9957 / (3 * 19 / 3600), rel=1e-3)


def test_the_advice_is_held_against_the_grid(outcomes: list[Outcome]) -> None:
    """4 workers bring 150 of at most 152 images a second: a regret of 1.3 %, and less than promised."""
    advice = Advice({"workers": 4}, Interval(1.8, 1.6, 1.9))
    advised = [replace(outcome, final=replace(outcome.final, advice=advice)) for outcome in outcomes]
    found = figures(advised)

    assert found["regret"].value == pytest.approx(1 - 150 / 152)
    assert (1.0, 0.0, 0.0) == tuple(found[name].value for name in ("regret_small", "harmed", "beyond_grid"))
    assert (4, 1.0) == (found["promise_error"].count, found["promise_held"].value)
    assert found["promise_error"].value == pytest.approx(1.8 / (150 / 90) - 1)


def test_a_joint_change_is_not_held_against_a_grid_of_workers(outcomes: list[Outcome]) -> None:
    """A larger batch is advised with the workers that feed it: no rate of the grid is of that batch."""
    advised = [known(outcome.final.advice) for outcome in outcomes[:4]]
    found = figures(outcomes)

    assert all(advice is not None and {"workers", "batch_size"} == set(advice.changes) for advice in advised)
    assert (1.0, 4) == (found["beyond_grid"].value, found["beyond_grid"].count)
    assert {0} == {found[name].count for name in ("regret", "harmed", "promise_error", "promise_held")}


def test_what_cannot_be_counted_has_no_value(outcomes: list[Outcome]) -> None:
    """A set without controls has no false alarms, not 0 of them."""
    faults = [outcome for outcome in outcomes if not outcome.truth.control]

    assert (None, 0) == (
        figures(faults)["false_alarms_per_hour"].value,
        figures(faults)["false_alarm_ratio"].count,
    )


def test_a_hung_training_has_no_error_of_its_wait() -> None:
    """It stands still: no share of its time means anything."""
    found = figures([judge(starved(20, labels=["hung"]), Gpumon)])

    assert (0, 0) == (found["wait_error_mean"].count, found["fed_speedup_error"].count)


def test_opposites_are_starved_and_healthy_taken_for_each_other(outcomes: list[Outcome]) -> None:
    """Another cause of the same wait is wrong, but no opposite; a wait in a healthy training is one."""
    assert 0.0 == figures(outcomes)["opposites"].value
    traces = (healthy(20, labels=[FEW]), starved(20, labels=["compute-bound"]))
    mistaken = [judge(trace, Gpumon) for trace in traces]
    assert 1.0 == figures(mistaken)["opposites"].value
    assert None is figures([judge(starved(20, labels=["hung"]), Gpumon)])["opposites"].value


def test_intervals_are_the_same_every_time(outcomes: list[Outcome]) -> None:
    """The draws have a fixed seed, and the interval holds the value."""
    found = figures(outcomes)["accuracy"]

    assert found == figures(outcomes)["accuracy"]
    assert found.low is not None
    assert found.high is not None
    assert found.low <= 7 / 8 <= found.high
    assert found.low < found.high


def test_doses_of_a_scenario_are_drawn_together(outcomes: list[Outcome]) -> None:
    """Traces of fewer than five scenarios have no interval, however many they are."""
    same = [outcome for outcome in outcomes if outcome.truth.scenario.startswith("few")] * 5

    assert (None, None) == (figures(same)["accuracy"].low, figures(same)["accuracy"].high)


def test_a_trace_that_does_not_count_is_left_out(outcomes: list[Outcome]) -> None:
    """What is picked as None is not in the number."""
    few = Definition(
        "few", "", lambda one: 1.0 if one.truth.main == FEW else None, lambda items: float(len(items))
    )

    assert (4.0, 4) == (figure(few, outcomes).value, figure(few, outcomes).count)


def test_a_lead_is_drawn_on_the_same_traces(outcomes: list[Outcome]) -> None:
    """One more of eight is right, and never one less in any draw: the interval ends at 0."""
    worse = [replace(outcomes[0], final=SILENT), *outcomes[1:]]
    accuracy = next(definition for definition in DEFINITIONS if definition.name == "accuracy")
    found = difference(accuracy, outcomes, worse)

    assert (1 / 8, 8) == (found.value, found.count)
    assert 0.0 == found.low
    assert found.high is not None
    assert found.high > 1 / 8


def test_confusions_are_counted(outcomes: list[Outcome]) -> None:
    """Rows are what was injected, columns what was told."""
    assert {(FEW, FEW): 4, ("compute-bound", "compute-bound"): 3, ("starved-lock", FEW): 1} == confusion(
        outcomes
    )
    assert "| starved-lock |  | 1 |" in confusion_table(outcomes)


def test_tables_have_a_row_per_diagnoser_and_every_figure_is_explained(outcomes: list[Outcome]) -> None:
    """What is printed is Markdown."""
    text = tables({"gpumon": outcomes, "other": outcomes})

    assert 5 == text.count("\n| gpumon |") == text.count("\n| other |")
    assert all(definition.name in text for definition in DEFINITIONS)
    assert len(DEFINITIONS) == len(definitions().splitlines())
    assert "| few-high | starved-lock | starved-too-few-workers | family | never |" in trace_table(outcomes)


def test_single_traces_are_told_only_when_asked_for(outcomes: list[Outcome]) -> None:
    """The document of the test set has sums alone."""
    assert "starved-lock" not in str(document({"gpumon": outcomes}, individual=False))
    assert "starved-lock" in str(document({"gpumon": outcomes}, individual=True))
