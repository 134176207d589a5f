"""The one vocabulary: names, units and readers."""

from __future__ import annotations

import pytest

from gpumon.model.metrics import METRICS, Metric
from tests.unit.full_report import full_report, missing_sample

UNITS = {
    "_bytes": "bytes",
    "_bytes_per_second": "bytes/s",
    "_images_per_second": "images/s",
    "_batches_per_second": "batches/s",
    "_watts": "watts",
    "_joules": "joules",
    "_hertz": "hertz",
    "_celsius": "celsius",
    "_seconds": "seconds",
    "_cpu_ratio": "cores",
    "_ratio": "ratio",
}


def test_names_are_unique() -> None:
    """One measure has one name."""
    names = [metric.name for metric in METRICS]

    assert sorted(set(names)) == sorted(names)


@pytest.mark.parametrize("metric", METRICS, ids=lambda metric: metric.name)
def test_the_unit_is_the_one_that_the_name_says(metric: Metric) -> None:
    """The longest suffix of the name is its unit; a CPU ratio of processes counts in cores."""
    suffix = max((suffix for suffix in UNITS if f"_{metric.name}".endswith(suffix)), key=len)

    assert UNITS[suffix] == metric.unit


@pytest.mark.parametrize("metric", METRICS, ids=lambda metric: metric.name)
def test_what_is_missing_is_none(metric: Metric) -> None:
    """Every reader works on a sample in which everything is missing, and finds no number."""
    assert [] == [value for _, value in metric.read(missing_sample()) if value is not None]


@pytest.mark.parametrize("metric", METRICS, ids=lambda metric: metric.name)
def test_what_is_there_is_found(metric: Metric) -> None:
    """Every reader finds a number in a sample that has everything: no name is misspelt."""
    found = [value for _, value in metric.read(full_report().sample)]

    assert [] != found
    assert None not in found


@pytest.mark.parametrize("metric", METRICS, ids=lambda metric: metric.name)
def test_what_is_found_lies_in_the_range(metric: Metric) -> None:
    """The values of an ordinary sample lie within the range that the table gives."""
    low = float("-inf") if metric.low is None else metric.low
    high = float("inf") if metric.high is None else metric.high

    assert [] == [v for _, v in metric.read(full_report().sample) if v is not None and not low <= v <= high]


@pytest.mark.parametrize("scope", ["gpu", "training", "core", "disk", "host", "self"])
def test_labels_tell_things_of_one_scope_apart(scope: str) -> None:
    """Metrics of one scope have the same labels, one for each thing."""
    labels = {
        tuple(label for label, _ in metric.read(full_report().sample))
        for metric in METRICS
        if metric.scope == scope
    }

    assert len(labels) == 1
