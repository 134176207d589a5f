"""The figures of told probabilities, on records whose answers are known; and those that docs quote."""

from __future__ import annotations

import json
from math import log

import pytest

from gpumon.diagnosis.risk import FITTED, PUBLISHED, Signs, Weights
from tests.contract.test_house import ROOT
from tests.lab.risk import FIGURES
from tests.lab.risk_print import tables
from tests.lab.risk_score import (
    Point,
    Record,
    brier,
    is_warned,
    lead_epochs,
    log_loss,
    points,
    reliability,
    summary,
)
from tests.lab.risk_watch import Look

GIB = 1 << 30


def look(steps: int, probability: float = 0.0, *, grows: bool = False, rose: bool = False) -> Look:
    """Return a look at which that probability is told."""
    signs = Signs(12 * GIB, 6 * GIB, 4.0 * GIB, records=0.0, size_probability=probability)
    return Look(steps, steps, signs, grows, rose)


def record(
    looks: tuple[Look, ...], failed: int | None = None, kind: str = "steady", room: float = 0.2
) -> Record:
    """Return a record of 100 steps in epochs of 10."""
    return Record(kind, 100, 10, failed, room, 0, looks)


def test_certainty_that_is_right_has_no_error() -> None:
    """And half and half has a quarter."""
    assert brier([Point(1.0, True), Point(0.0, False)]) == 0.0
    assert brier([Point(0.5, True), Point(0.5, False)]) == 0.25


def test_certainty_that_is_wrong_costs_a_bounded_amount() -> None:
    """Clipped at 0.5 %."""
    assert log_loss([Point(0.0, True)]) == pytest.approx(-log(0.005))
    assert log_loss([Point(0.5, True)]) == pytest.approx(log(2))


def test_a_run_is_looked_at_ten_times_until_it_fails() -> None:
    """At 5, 15 ... 95 steps of 100; one that fails at 40 has four."""
    looks = tuple(look(steps, 0.2) for steps in range(0, 100, 5))
    assert len(points(record(looks), PUBLISHED)) == 10
    found = points(record(looks, failed=40), PUBLISHED)
    assert [point.failed for point in found] == [True] * 4
    assert {round(point.probability, 6) for point in found} == {0.2}


def test_bins_hold_every_probability_once() -> None:
    """With their mean and the share that failed."""
    rows = reliability([Point(0.02, False)] * 9 + [Point(0.02, True), Point(1.0, True)])
    assert [row["count"] for row in rows] == [10, 1]
    assert rows[0]["share"] == pytest.approx(0.1)
    assert rows[0]["share_low"] < 0.1 < rows[0]["share_high"]


@pytest.mark.parametrize(
    ("looks", "epochs"),
    [
        ((look(10, 0.4), look(20, 0.4), look(30, 0.4)), 3.0),
        ((look(10, 0.4), look(20, 0.01), look(30, grows=True)), 1.0),
        ((look(10, 0.4), look(20, 0.4), look(30, 0.01)), 0.0),
    ],
    ids=["without a break", "after a break", "taken back"],
)
def test_lead_is_the_last_warning_without_a_break(looks: tuple[Look, ...], epochs: float) -> None:
    """Until the failure at step 40."""
    assert lead_epochs(record(looks, failed=40), lambda one: is_warned(one, FITTED)) == epochs


def test_missed_false_and_near_are_told_apart() -> None:
    """Two failed, one of them unwarned; of two healthy ones one was warned of; one had little room."""
    found = summary(
        [
            record((look(10), look(30, 0.5)), failed=40),
            record((look(10, 0.5), look(30)), failed=40, kind="leak"),
            record((look(10),)),
            record((look(10, 0.5, rose=True), look(20))),
            record((look(10, 0.5),), room=0.02),
        ],
        Weights(),
    )
    assert (found["failed"], found["missed"]["count"], found["missed"]["of"]) == (2, 1, 2)
    assert (found["false_alarms"]["count"], found["false_alarms"]["of"]) == (1, 2)
    assert found["false_alarms_five_points"]["count"] == 1
    assert (found["tight_warned"]["count"], found["tight_high"]["count"]) == (1, 1)
    assert found["leak_lead_epochs"] == {"count": 1, "median": 0.0, "low": 0.0, "high": 0.0}


def test_kinds_are_told_apart() -> None:
    """How many of each ran out, were missed or warned of in vain, and ran out of whom little was told."""
    found = summary(
        [record((look(0), look(30)), failed=40, kind="leak"), record((look(0, 0.5), look(20)))], Weights()
    )["kinds"]
    assert found["leak"] == {
        "runs": 1,
        "failed": 1,
        "missed": [1, 1],
        "false_alarms": [0, 0],
        "low_failed": [4, 4],
    }
    assert (found["steady"]["missed"], found["steady"]["false_alarms"]) == ([0, 0], [1, 1])
    assert found["steady"]["low_failed"] == [0, 8]


def test_who_fails_in_the_first_steps_could_not_be_warned_of() -> None:
    """Neither missed nor found."""
    assert summary([record((look(1),), failed=4), record((look(1),))])["missed"]["of"] == 0


def test_the_page_shows_the_figures_that_were_kept() -> None:
    """What the script prints of them stands in docs/accuracy-memory.md word for word."""
    page = (ROOT / "docs" / "accuracy-memory.md").read_text(encoding="utf-8")
    for table in tables(json.loads(FIGURES.read_text(encoding="utf-8"))).split("\n\n"):
        assert table in page


def test_the_figures_are_of_the_weights_in_use() -> None:
    """Whoever changes them simulates again."""
    weights = json.loads(FIGURES.read_text(encoding="utf-8"))["fitted"]["weights"]
    kept = Weights(**{**weights, "flush_probabilities": tuple(weights["flush_probabilities"])})
    assert kept == FITTED
