"""The JSON of schema 1."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import pytest

import gpumon
from gpumon.model.document import document
from gpumon.model.document_values import rfc3339
from gpumon.model.finding import Evidence
from gpumon.model.measure import Certainty, Measure, Missing
from gpumon.model.metrics import METRICS
from gpumon.model.report import Report
from gpumon.model.suggestion import Effect
from gpumon.model.training import Ended, Ending
from tests.unit.full_advice import FULL_SUGGESTION
from tests.unit.full_report import FULL_READING, FULL_REPORT, full_report, missing_report

GOLDEN = Path(__file__).with_name("report.json")
NAN, INFINITY = float("nan"), float("inf")

# What is null because it is so, not because it cannot be had.
TRULY_NULL = {"ended", "proof", "from", "to", "cpu_quota_cores", "memory_limit_bytes"}

# Section 9 of the design, as far as it names keys.
KEYS = {
    "": "schema gpumon timestamp hostname simulated gpus host trainings errors self",
    "gpus": "index uuid name gpu_busy_ratio gpu_memory_used_bytes gpu_memory_total_bytes "
    "gpu_temperature_celsius gpu_power_watts processes missing",
    "gpus.processes": "pid gpu_memory_used_bytes",
    "host": "cpu_busy_ratio cores memory_used_bytes memory_total_bytes missing",
    "host.cores": "core cpu_busy_ratio",
    "trainings": "pid framework run_dir settings processes phase progress loader memory "
    "findings suggestions plan proof missing",
    "trainings.settings": "batch_size workers imgsz epochs cache",
    "trainings.processes": "pid role cpu_busy_ratio",
    "trainings.progress": "epoch epochs batch batches images_per_second eta_seconds",
    "trainings.progress.images_per_second": "value certainty source",
    "trainings.loader": "data_wait_ratio shm_free_bytes",
    "trainings.loader.data_wait_ratio": "value certainty standard_error source",
    "trainings.memory": "oom_risk peak_bytes limit_bytes largest_safe_batch",
    "trainings.memory.oom_risk": "probability level certainty",
    "trainings.memory.largest_safe_batch": "value low high certainty",
    "trainings.findings": "id severity since text evidence",
    "trainings.findings.evidence": "metric value threshold",
    "trainings.suggestions": "setting from to images_per_second gpu_memory_bytes bound finding command "
    "data_wait_ratio together curve go_on",
    "trainings.suggestions.go_on": "command lost path edit missing",
    "trainings.plan": "name state text evidence suggestion",
    "trainings.proof": "run earlier_run changes settled text images_per_second data_wait_ratio "
    "gpu_memory_bytes",
    "trainings.proof.images_per_second": "before predicted achieved is_as_predicted",
    "trainings.suggestions.images_per_second": "now predicted low high",
    "errors": "source text",
    "self": "cpu_ratio memory_bytes",
}


def _document(report: Report) -> dict[str, Any]:
    return document(report, gpumon.__version__)


def _all_keys(value: Any) -> set[str]:
    if isinstance(value, dict):
        return set(value).union(*map(_all_keys, value.values()))
    if isinstance(value, list):
        return set().union(*map(_all_keys, value))
    return set()


def _nulls(value: Any, name: str = "", reasons: tuple[str, ...] = ()) -> Iterator[tuple[str, bool]]:
    """Yield the name of every null and whether a `missing` around it says why."""
    if value is None:
        yield name, any(reason == name or reason.endswith(f".{name}") for reason in reasons)
    elif isinstance(value, dict):
        within = (*reasons, *value.get("missing", {}))
        for key, item in value.items():
            yield from _nulls(item, key, within)
    elif isinstance(value, list):
        for item in value:
            yield from _nulls(item, name, reasons)


def test_the_document_of_a_full_report_stays_as_it_is() -> None:
    """Schema 1 is a promise: names, nesting and values are those of report.json."""
    assert json.loads(GOLDEN.read_text(encoding="utf-8")) == json.loads(json.dumps(_document(full_report())))


def test_nothing_is_missing_in_a_full_report() -> None:
    """The full report leaves only what is truly null, and the memory that does not change."""
    names = {name for name, _ in _nulls(_document(full_report()))}

    assert {"ended", "cache", "gpu_memory_bytes"} == names


def test_every_missing_reading_is_null_with_its_reason() -> None:
    """A null without a reason in the nearest `missing` is only what is truly null."""
    unexplained = {name for name, explained in _nulls(_document(missing_report())) if not explained}

    assert set() == unexplained - TRULY_NULL


def test_no_reason_stands_for_what_is_there() -> None:
    """`missing` names nothing in a report in which all is known, but a suggestion's unchanged memory."""
    found = _document(full_report())
    training = found["trainings"][0]
    parts = [found["driver"], *found["gpus"], found["host"], found["host"]["pressure"], found["self"]]
    parts += [training, training["loader"], training["progress"], training["cgroup"], training["memory"]]
    parts += training["processes"]

    assert [{}] * len(parts) == [part["missing"] for part in parts]


@pytest.mark.parametrize("path", sorted(KEYS))
def test_the_keys_of_the_design_are_there(path: str) -> None:
    """Every key that section 9 names stands where it is said to stand."""
    suggestion = replace(FULL_SUGGESTION, gpu_memory_bytes=Effect(1.0, 2.0, 1.5, 2.5))
    found: Any = _document(full_report(judged=replace(FULL_REPORT, suggestions=(suggestion,))))
    for step in filter(None, path.split(".")):
        found = found[step]
        found = found[0] if isinstance(found, list) else found

    assert set() == set(KEYS[path].split()) - set(found)


# In the document a cgroup's memory stands within the cgroup, and shares of phases are the phase itself.
ELSEWHERE = {"cgroup_memory_used_bytes", "validation_ratio", "checkpoint_ratio"}


@pytest.mark.parametrize(
    "metric",
    [m for m in METRICS if m.scope in {"gpu", "training"} and m.name not in ELSEWHERE],
    ids=lambda m: m.name,
)
def test_the_names_of_the_metrics_occur(metric: Any) -> None:
    """A measure of a GPU or a training has the name in the document that it has everywhere."""
    assert metric.name in _all_keys(_document(full_report()))


def test_every_measure_is_an_object_with_certainty_and_source() -> None:
    """A number that is not simply read says how it is known."""
    training = _document(full_report())["trainings"][0]
    measures = [
        training[part.name][field.name]
        for part in fields(FULL_READING)
        if part.name in {"loader", "progress"}
        for field in fields(getattr(FULL_READING, part.name))
        if isinstance(getattr(getattr(FULL_READING, part.name), field.name), Measure)
    ]

    assert len(measures) == 11
    assert [] == [m for m in measures if not {"value", "certainty", "source"} <= set(m)]


def test_a_loss_that_is_not_a_number_keeps_its_name() -> None:
    """A NaN loss is news, and JSON has no NaN."""
    results = (("train/box_loss", NAN), ("val/box_loss", INFINITY))
    reading = replace(FULL_READING, progress=replace(FULL_READING.progress, results=results))

    found = _document(full_report(reading))["trainings"][0]["progress"]["results"]

    assert {"train/box_loss": "nan", "val/box_loss": "inf"} == found


@pytest.mark.parametrize("value", [NAN, INFINITY, -INFINITY])
def test_a_reading_that_is_not_finite_is_missing(value: float) -> None:
    """A number that JSON cannot carry is null, and its reason says that it was not finite."""
    loader = replace(
        FULL_READING.loader,
        data_wait_ratio=Measure(value, Certainty.SAMPLED, "main thread"),
        worker_idle_ratio=value,
    )

    found = _document(full_report(replace(FULL_READING, loader=loader)))["trainings"][0]["loader"]

    assert [None, None] == [found["data_wait_ratio"], found["worker_idle_ratio"]]
    assert {"data_wait_ratio", "worker_idle_ratio"} == set(found["missing"])


@pytest.mark.parametrize("value", [NAN, INFINITY, -INFINITY])
def test_numbers_that_are_not_finite_never_break_the_json(value: float) -> None:
    """Whatever a source or a prediction comes up with, the document can be written as strict JSON."""
    report = full_report(
        replace(FULL_READING, usable_cores=value, processes=()),
        replace(
            FULL_REPORT,
            findings=(replace(FULL_REPORT.findings[0], evidence=(Evidence("x", value, value, low=value),)),),
            suggestions=(
                replace(FULL_SUGGESTION, speedup=Effect(value, value, value, value), to_value=value),
            ),
        ),
    )
    host = report.sample.host
    assert not isinstance(host.cores, Missing)
    assert not isinstance(host.disks, Missing)
    host = replace(
        host,
        cpu_busy_ratio=value,
        cores=(replace(host.cores[0], cpu_busy_ratio=value),),
        disks=(replace(host.disks[0], disk_busy_ratio=value),),
        pressure=replace(host.pressure, cpu_some_ratio=value),
    )
    gpu = replace(report.sample.gpus[0], gpu_power_watts=value)
    report = replace(report, sample=replace(report.sample, host=host, gpus=(gpu,)))

    assert isinstance(json.dumps(_document(report), allow_nan=False), str)


def test_an_ended_training_says_how_it_ended() -> None:
    """The end of a training is an object with its kind, a sentence and a time."""
    ended = Ended(Ending.CRASHED, "the log ends with a traceback", 0.0)

    found = _document(full_report(replace(FULL_READING, ended=ended)))["trainings"][0]["ended"]

    expected = {"how": "crashed", "text": "the log ends with a traceback", "timestamp": rfc3339(0.0)}
    assert expected == found


def test_times_are_rfc_3339_in_utc() -> None:
    """Times have milliseconds and the letter Z."""
    assert rfc3339(1_790_000_000.25) == "2026-09-21T14:13:20.250Z"


def test_a_simulated_training_marks_the_document() -> None:
    """One simulated part makes the whole document simulated."""
    training = replace(FULL_READING.training, simulated=True)

    found = _document(full_report(replace(FULL_READING, training=training)))

    assert [True, True] == [found["simulated"], found["trainings"][0]["simulated"]]


def test_a_training_without_a_verdict_has_none() -> None:
    """A training that nobody judged yet has no findings, and is not settled."""
    report = replace(full_report(), trainings=())

    found = _document(report)["trainings"][0]

    assert [[], [], False] == [found["findings"], found["suggestions"], found["settled"]]


def test_what_looks_inside_stands_there_or_why_nothing_does() -> None:
    """A script can tell sampled figures from a training's own, and what keeps it from them."""
    reading = replace(FULL_READING, reporter=Missing("it was not started by `gpumon run`"))

    found = _document(full_report(reading))["trainings"][0]

    assert ("interpreter (CPython 3.11)", None) == (found["interpreter"], found["reporter"])
    assert found["missing"]["reporter"] == "it was not started by `gpumon run`"


def test_a_finding_says_what_it_costs() -> None:
    """The share, and until the end of the run the time and the energy; what costs nothing says why not."""
    findings = (FULL_REPORT.findings[0], replace(FULL_REPORT.findings[0], lost_ratio=None))
    found = _document(full_report(judged=replace(FULL_REPORT, findings=findings)))["trainings"][0]["findings"]

    assert (0.41, "estimated") == (found[0]["cost"]["lost_ratio"], found[0]["cost"]["certainty"])
    assert None not in (
        found[0]["cost"][name] for name in ("images_per_second", "lost_seconds", "lost_joules")
    )
    assert (None, ["cost"]) == (found[1]["cost"], list(found[1]["missing"]))
