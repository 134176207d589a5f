"""A watch as lines of JSON: one document an interval, and one for what begins and is over (schema 1)."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping

import gpumon
from gpumon.model.document import SCHEMA, document
from gpumon.model.document_values import Json, plain, rfc3339
from gpumon.model.report import Report
from gpumon.monitor.onsets import Alert
from gpumon.sinks.alert_json import alert_bytes
from gpumon.sinks.endings import End, Over
from gpumon.sinks.interval import GpuInterval, Interval, TrainingInterval

_ALWAYS = ("schema", "gpumon", "timestamp", "hostname", "simulated")
_OF_GPU = ("index", "uuid", "name", "interval")
_OF_TRAINING = ("pid", "framework", "name", "run_dir", "phase", "settled", "doubt", "ended", "interval")
_OF_PROGRESS = ("epoch", "epochs", "batch", "batches", "eta_seconds")
_OF_FINDING = ("id", "severity", "since", "text")
_OF_SUGGESTION = ("setting", "from", "to", "finding", "images_per_second", "command")


def interval_document(interval: Interval, *, full: bool) -> Json:
    """Return the report at the end of an interval, with what the interval showed as `interval`.

    There is one in the document, in each GPU and in each training. Without `full` what is of the last
    second only is left out, but for where the training stands, its findings and what to change.
    """
    found = document(interval.report, gpumon.__version__)
    gpus = {gpu.uuid: gpu for gpu in interval.gpus}
    trainings = {each.reading.training.id.pid: each for each in interval.trainings}
    for gpu in found["gpus"]:
        gpu["interval"] = _gpu(gpus[gpu["uuid"]]) if gpu["uuid"] in gpus else None
    for training in found["trainings"]:
        each = trainings.get(training["pid"])
        training["interval"] = None if each is None else _training(each)
    found["event"] = "interval"
    found["interval"] = {
        "began": rfc3339(interval.began.unix_seconds),
        "seconds": interval.seconds,
        "samples": interval.samples,
    }
    return found if full else _reduced(found)


def ending_document(ending: Over | End) -> Json:
    """Return that a finding is over, or that a training ended."""
    if isinstance(ending, End):
        training = ending.reading.training
        ended = ending.reading.ended
        return {
            **_head(ending.report, "ended", simulated=training.simulated),
            "training": {"pid": training.id.pid, "framework": training.framework, "name": training.name},
            "ended": None
            if ended is None
            else {"how": ended.how.value, "text": ended.text, "timestamp": rfc3339(ended.unix_seconds)},
        }
    episode = ending.episode
    reading = ending.report.sample.training(episode.pid)
    over = ending.report.sample.instant if episode.over is None else episode.over
    return {
        **_head(ending.report, "finding-over", simulated=reading is not None and reading.training.simulated),
        "training": {"pid": episode.pid},
        "finding": {
            "id": episode.id,
            "severity": episode.severity.value,
            "since": rfc3339(episode.began.unix_seconds),
            "until": rfc3339(over.unix_seconds),
            "lasted_seconds": episode.lasted_seconds(over),
        },
    }


class JsonWatch:
    """The lines of a watch for programs; `full` writes whole reports."""

    def __init__(self, *, full: bool) -> None:
        """Write reduced reports, or whole ones."""
        self._full = full

    def head(self) -> str:
        """Return nothing: every line has its names."""
        return ""

    def alert(self, alert: Alert) -> str:
        """Return the line of a finding that begins."""
        return alert_bytes(alert).decode("ascii")

    def ending(self, ending: Over | End) -> str:
        """Return the line of a finding that is over, or of a training that ended."""
        return _line(ending_document(ending))

    def interval(self, interval: Interval) -> Iterator[str]:
        """Yield the line of an interval."""
        yield _line(interval_document(interval, full=self._full))


def _line(found: Json) -> str:
    return json.dumps(found, allow_nan=False, ensure_ascii=True) + "\n"


def _head(report: Report, event: str, *, simulated: bool) -> Json:
    return {
        "schema": SCHEMA,
        "gpumon": gpumon.__version__,
        "event": event,
        "timestamp": rfc3339(report.sample.instant.unix_seconds),
        "hostname": report.sample.hostname,
        "simulated": simulated,
    }


def _gpu(gpu: GpuInterval) -> Json:
    missing: dict[str, str] = {}
    names = ("gpu_busy_ratio", "gpu_memory_peak_bytes", "gpu_memory_total_bytes")
    return {**{name: plain(name, getattr(gpu, name), missing) for name in names}, "missing": missing}


def _training(training: TrainingInterval) -> Json:
    missing: dict[str, str] = {}
    names = (
        "images_per_second",
        "data_wait_ratio",
        "gpu_busy_ratio",
        "gpu_memory_peak_bytes",
        "gpu_memory_total_bytes",
        "training_gpu_memory_peak_bytes",
    )
    return {
        "seen_seconds": training.seen_seconds,
        "steady_seconds": training.steady_seconds,
        "phase_seconds": {phase.value: seconds for phase, seconds in training.phases},
        **{name: plain(name, getattr(training, name), missing) for name in names},
        "missing": missing,
    }


def _reduced(found: Json) -> Json:
    return {
        **_picked(found, _ALWAYS),
        "event": found["event"],
        "interval": found["interval"],
        "gpus": [_picked(gpu, _OF_GPU) for gpu in found["gpus"]],
        "trainings": [
            {
                **_picked(training, _OF_TRAINING),
                "progress": _picked(training["progress"], _OF_PROGRESS),
                "findings": [_picked(finding, _OF_FINDING) for finding in training["findings"]],
                "suggestions": [_picked(each, _OF_SUGGESTION) for each in training["suggestions"]],
            }
            for training in found["trainings"]
        ],
        "errors": found["errors"],
    }


def _picked(found: Mapping[str, object], names: tuple[str, ...]) -> Json:
    """Return those values, with the reasons of those of them that are missing."""
    picked: Json = {name: found[name] for name in names}
    reasons = found.get("missing")
    if isinstance(reasons, Mapping):
        picked["missing"] = {name: reasons[name] for name in names if name in reasons}
    return picked
