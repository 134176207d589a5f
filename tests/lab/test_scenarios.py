"""The table of scenarios keeps to what scoring and the library need."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from tests.lab.jpeg.spec import LabSpec, read_spec
from tests.lab.scenario import Dose, Machine, Scenario
from tests.lab.scenarios import scenarios
from tests.lab.score_labels import LABELS


@pytest.fixture(scope="module", params=[2, 16], ids=lambda cores: f"{cores} cores")
def table(request: pytest.FixtureRequest) -> tuple[Scenario, ...]:
    """The scenarios for a small and a large machine."""
    return scenarios(Machine(request.param, 0.003))


def traces(table: tuple[Scenario, ...]) -> list[tuple[Scenario, Dose]]:
    return [(scenario, dose) for scenario in table for dose in scenario.doses]


def test_names_are_unique(table: tuple[Scenario, ...]) -> None:
    """A trace's name is its file's."""
    names = Counter(f"{scenario.name}-{dose.name}" for scenario, dose in traces(table))
    assert [] == [name for name, count in names.items() if count > 1]


def test_labels_are_ids_of_findings(table: tuple[Scenario, ...]) -> None:
    """A typo would be a label that no diagnoser can give."""
    assert set() == {label for scenario in table for label in scenario.labels} - set(LABELS)


def test_each_scenario_runs_or_says_why_it_does_not(table: tuple[Scenario, ...]) -> None:
    """Nothing pretends: no doses mean a reason, and a reason means no doses."""
    assert [] == [scenario.name for scenario in table if bool(scenario.doses) == bool(scenario.skipped)]


def test_a_third_is_set_aside(table: tuple[Scenario, ...]) -> None:
    """By name alone, so that a new run of the library changes nothing."""
    sets = Counter(scenario.set_of(dose) for scenario, dose in traces(table))
    assert sets["test"] >= sets.total() / 3
    assert sets["tune"] >= sets.total() / 3


def test_every_family_of_faults_can_be_tuned_and_tested(table: tuple[Scenario, ...]) -> None:
    """A label with three doses has some in both sets, unless its scenario is sealed."""
    for scenario in table:
        if len(scenario.doses) == 3 and not scenario.sealed:
            assert {scenario.set_of(dose) for dose in scenario.doses} == {"tune", "test"}


def test_specs_are_read_as_they_were_written(table: tuple[Scenario, ...], tmp_path: Path) -> None:
    """The training gets what the table says."""
    for _, dose in traces(table):
        assert dose.spec == read_spec(dose.spec.write(tmp_path / "spec"))
    assert read_spec(LabSpec().write(tmp_path / "spec")) == LabSpec()
