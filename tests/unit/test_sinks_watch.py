"""Intervals, findings and ends of a watch as lines of text and of JSON."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from gpumon.model.clock import Instant
from gpumon.model.document import document
from gpumon.model.finding import Severity
from gpumon.model.measure import Certainty, Measure, Missing
from gpumon.model.report import Attachment, AttachState
from gpumon.model.training import Ended, Ending, Phase
from gpumon.monitor.episodes import Episode
from gpumon.monitor.onsets import Onsets
from gpumon.sinks.endings import End, Over
from gpumon.sinks.interval import GpuInterval, Interval, TrainingInterval
from gpumon.sinks.watch_json import JsonWatch, ending_document, interval_document
from gpumon.sinks.watch_plain import PlainWatch
from tests.unit.full_report import FULL_READING, FULL_REPORT, UNIX_SECONDS, full_report, missing_report

GIB = 1 << 30
_GPU = GpuInterval("GPU-1", 0.58, 7 * GIB, 12 * GIB)
_TRAINING = TrainingInterval(
    reading=FULL_READING,
    seen_seconds=10.0,
    steady_seconds=9.0,
    phases=((Phase.TRAIN, 9.0), (Phase.CHECKPOINT, 1.0)),
    images_per_second=Measure(90.1, Certainty.SAMPLED, "reads", 1.5),
    data_wait_ratio=Measure(0.41, Certainty.SAMPLED, "interpreter (CPython 3.11)", 0.012),
    gpu_busy_ratio=0.58,
    gpu_memory_peak_bytes=7 * GIB,
    gpu_memory_total_bytes=12 * GIB,
    training_gpu_memory_peak_bytes=6 * GIB,
)
_INTERVAL = Interval(full_report(), Instant(UNIX_SECONDS - 10, 4990.0), 10.0, 10, (_GPU,), (_TRAINING,))
_NONE = Missing("not read")
_UNKNOWN = replace(
    _TRAINING,
    phases=((Phase.UNKNOWN, 10.0),),
    images_per_second=_NONE,
    data_wait_ratio=_NONE,
    gpu_busy_ratio=_NONE,
    gpu_memory_peak_bytes=_NONE,
    gpu_memory_total_bytes=_NONE,
)
_TABLE = (
    "time                      pid  phase         epoch      img/s     wait   busy      VRAM-peak  verdict\n"
    "2026-09-21T14:13:20Z    41234  train          3/99   90.1±1.5    41%±1    58%    7.0/12.0GiB"
    "  starved-too-few-workers\n"
)


def _plain(interval: Interval, *, unicode: bool = True, color: bool = False) -> str:
    form = PlainWatch(unicode=unicode, color=color)
    return form.head() + "".join(form.interval(interval))


def test_a_row_stands_under_its_names() -> None:
    """One word in each column, so that awk finds the same one in every line."""
    text = _plain(_INTERVAL)

    assert text == _TABLE
    assert [9, 9] == [len(line.split()) for line in text.splitlines()]


def test_what_is_not_known_is_a_dash_in_its_column() -> None:
    """The columns stay where they are."""
    head, row = _plain(replace(_INTERVAL, trainings=(_UNKNOWN,))).splitlines()

    assert row.split()[2:] == ["unknown", "3/99", "–", "–", "–", "–", "starved-too-few-workers"]
    assert head.index("verdict") == row.index("starved")


def test_without_a_training_the_machine_has_the_row() -> None:
    """The state of the search stands where the phase would."""
    report = replace(full_report(), attachment=Attachment(AttachState.SEARCHING, "no training runs"))
    (_, row) = _plain(replace(_INTERVAL, report=report, trainings=())).splitlines()

    assert row.split()[1:] == ["–", "searching", "–", "–", "–", "58%", "7.0/12.0GiB", "–"]


def test_ascii_rows_are_ascii_and_as_wide() -> None:
    """Dashes and plus-minus signs have twins; an estimate is marked by a tilde in both."""
    guess = Measure(90.0, Certainty.ESTIMATED, "bytes read", low=80.0, high=99.0)
    text = _plain(
        replace(_INTERVAL, trainings=(_UNKNOWN, replace(_TRAINING, images_per_second=guess))), unicode=False
    )

    assert text.isascii()
    assert " ~90.0 " in text


@pytest.mark.parametrize(
    ("finding_id", "severity", "sgr"),
    [
        ("starved-disk", Severity.WARNING, "33"),
        ("hung", Severity.CRITICAL, "31"),
        ("compute-bound", Severity.INFO, "32"),
    ],
)
def test_only_the_verdict_is_coloured(finding_id: str, severity: Severity, sgr: str) -> None:
    """Red is for danger; without colour nothing but the escapes is gone."""
    finding = replace(FULL_REPORT.findings[0], id=finding_id, severity=severity)
    interval = replace(_INTERVAL, report=full_report(judged=replace(FULL_REPORT, findings=(finding,))))
    coloured = _plain(interval, color=True)

    assert f"  \x1b[{sgr}m{finding_id}\x1b[0m\n" in coloured
    assert _plain(interval) == coloured.replace(f"\x1b[{sgr}m", "").replace("\x1b[0m", "")


def _over() -> Over:
    moment = Instant(UNIX_SECONDS - 60, 4940.0)
    began = Instant(UNIX_SECONDS - 785, 4215.0)
    return Over(Episode(41234, "starved-lock", Severity.WARNING, "it waits", began, moment), full_report())


def _end() -> End:
    ended = Ended(Ending.FINISHED, "100 of 100 epochs are in results.csv", UNIX_SECONDS)
    return End(replace(FULL_READING, ended=ended), full_report())


def test_begins_and_ends_are_lines() -> None:
    """Each with its time, its id and which training it is of."""
    form = PlainWatch(unicode=True, color=True)
    (alert,) = Onsets().read(full_report())
    time = "gpumon: 2026-09-21T14:13:20.250Z"

    assert form.alert(alert).startswith(f"{time} warning starved-too-few-workers: the GPU waits 41 %")
    assert form.ending(_over()) == (
        f"{time} over starved-lock: it lasted 12m05s, until 2026-09-21T14:12:20.250Z (pid 41234)\n"
    )
    assert form.ending(_end()) == (
        f"{time} ended pid 41234 (finished): 100 of 100 epochs are in results.csv\n"
    )


def test_a_reduced_document_has_what_its_interval_showed() -> None:
    """Sums of the interval, where the training stands, findings, the command; nothing else of one second."""
    found = json.loads(next(JsonWatch(full=False).interval(_INTERVAL)))
    (training,) = found["trainings"]

    assert (1, "interval", "box", {"began": "2026-09-21T14:13:10.250Z", "seconds": 10.0, "samples": 10}) == (
        found["schema"],
        found["event"],
        found["hostname"],
        found["interval"],
    )
    assert {
        "value": 0.41,
        "certainty": "sampled",
        "source": "interpreter (CPython 3.11)",
        "standard_error": 0.012,
    } == (training["interval"]["data_wait_ratio"])
    assert {"train": 9.0, "checkpoint": 1.0} == training["interval"]["phase_seconds"]
    assert (3, "starved-too-few-workers", "workers") == (
        training["progress"]["epoch"],
        training["findings"][0]["id"],
        training["suggestions"][0]["setting"],
    )
    assert set() == {"host", "self", "driver"} & set(found)
    assert set() == {"loader", "processes", "command", "memory"} & set(training)


def test_a_full_document_is_the_report_with_the_interval() -> None:
    """All that `snapshot --json` prints stands in it unchanged."""
    found = interval_document(_INTERVAL, full=True)
    plain = document(full_report(), found["gpumon"])
    for part in (found, *found["gpus"], *found["trainings"]):
        assert part.pop("interval")

    assert found.pop("event") == "interval"
    assert plain == found


def test_what_is_missing_is_null_with_its_reason() -> None:
    """Reasons stand beside the nulls in reduced documents too."""
    missing = missing_report()
    interval = replace(
        _INTERVAL, report=missing, trainings=(replace(_UNKNOWN, reading=missing.sample.trainings[0]),)
    )
    found = interval_document(interval, full=False)
    training, _ = found["trainings"]

    assert (None, "not read") == (
        training["interval"]["data_wait_ratio"],
        training["interval"]["missing"]["data_wait_ratio"],
    )
    assert training["progress"]["epoch"] is None
    assert training["progress"]["missing"]["epoch"]


def test_ends_are_documents() -> None:
    """A finding with its span, a training with how it ended."""
    over, end = ending_document(_over()), ending_document(_end())

    assert ("finding-over", "starved-lock", 725.0) == (
        over["event"],
        over["finding"]["id"],
        over["finding"]["lasted_seconds"],
    )
    assert ("ended", 41234, "finished") == (end["event"], end["training"]["pid"], end["ended"]["how"])
    assert JsonWatch(full=False).head() == ""
