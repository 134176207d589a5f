"""Runs and comparisons as plain lines."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime

from gpumon.diagnosis.words import percent
from gpumon.history.stats import Interval
from gpumon.model.measure import Maybe, Missing
from gpumon.paint.numbers import NOT_KNOWN, bytes_text, duration, quantity
from gpumon.recording.runs_compare import Comparison, Difference, Kind
from gpumon.recording.runs_place import how_it_ended
from gpumon.recording.runs_run import Run, RunEnd, Value
from gpumon.recording.runs_statistics import peak_of, speed_of, wait_interval, wait_of

_MODEL_CHARACTERS = 24
_VALUE_CHARACTERS = 36
_GAP = "  "
_HEAD = ("run", "seen", "training", "batch", "workers", "images/s", "wait", "GPU memory", "followed", "ended")
_RIGHT = frozenset({"run", "batch", "workers"})


def run_lines(runs: Sequence[Run], boot: str) -> Iterator[str]:
    """Return the list of runs as a table, the newest first."""
    rows = [_HEAD, *(_cells(run, boot) for run in runs)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(_HEAD))]
    for row in rows:
        cells = [
            cell.rjust(width) if name in _RIGHT else cell.ljust(width)
            for cell, width, name in zip(row, widths, _HEAD, strict=True)
        ]
        yield _GAP.join(cells).rstrip()


def comparison_lines(comparison: Comparison, boot: str) -> Iterator[str]:
    """Return two runs side by side, then what can be said of them."""
    runs = (comparison.one, comparison.other)
    rows: list[tuple[str, ...]] = [("", *(f"run {run.id}" for run in runs), "change")]
    rows.append(("training", *(_model(run) for run in runs), ""))
    rows.append(("seen", *(_seen(run) for run in runs), ""))
    rows += [_difference_row(each) for each in comparison.differences if each.kind is Kind.SETTING]
    rows.append(("images/s", *(_speed(run) for run in runs), _factor(comparison.speedup)))
    rows.append(("wait for data", *(_wait(run) for run in runs), _points(comparison.wait_change)))
    change = comparison.memory_change_bytes
    rows.append(("GPU memory", *(_memory(run) for run in runs), _bytes_change(change)))
    rows.append(("followed", *(_followed(run) for run in runs), ""))
    rows.append(("ended", *(_end(run, boot) for run in runs), ""))
    others = [_difference_row(each) for each in comparison.differences if each.kind is not Kind.SETTING]
    everything = [*rows, *others]
    widths = [max(len(row[column]) for row in everything) for column in range(4)]
    for row in rows:
        yield _joined(row, widths)
    if others:
        yield ""
        yield "also different:"
        for row in others:
            yield _joined(row, widths)
    yield ""
    yield comparison.text
    for name, value in (("wait for data", comparison.wait_change), ("GPU memory", change)):
        if isinstance(value, Missing):
            yield f"{name}: {value.reason}"
    for warning in comparison.warnings:
        yield f"mind: {warning}"


def _joined(row: Sequence[str], widths: Sequence[int]) -> str:
    return _GAP.join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()


def _cells(run: Run, boot: str) -> tuple[str, ...]:
    return (
        str(run.id),
        _seen(run),
        _model(run),
        _setting(run, "batch_size"),
        _setting(run, "workers"),
        _speed(run),
        _wait(run),
        _memory(run),
        duration(run.seen_seconds),
        _end(run, boot),
    )


def _seen(run: Run) -> str:
    moment = datetime.fromtimestamp(run.first_seen_unix_seconds).astimezone()
    return moment.strftime("%Y-%m-%d %H:%M")


def _model(run: Run) -> str:
    """Return "yolov5 train.py yolov5s.pt 640", with "simulated" in front where it is."""
    words = ["simulated"] if run.about.simulated else []
    words += [run.about.framework, _cut(run.about.name, _MODEL_CHARACTERS)]
    for name in ("weights", "cfg"):
        setting = run.about.setting(name)
        if setting is not None and setting.value:
            words.append(_cut(str(setting.value).rsplit("/", 1)[-1], _MODEL_CHARACTERS))
            break
    imgsz = run.about.setting("imgsz")
    if imgsz is not None and imgsz.value is not None:
        words.append(_cut(str(imgsz.value), _MODEL_CHARACTERS))
    return " ".join(words)


def _setting(run: Run, name: str) -> str:
    setting = run.about.setting(name)
    return NOT_KNOWN if setting is None else _value(setting.value)


def _value(value: Value) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:g}"
    if value is None:
        return "not set"
    text = str(value)
    # Of a path the end tells more.
    return text if len(text) <= _VALUE_CHARACTERS else f"…{text[1 - _VALUE_CHARACTERS :]}"


def _cut(text: str, limit: int) -> str:
    return text if len(text) <= limit else f"{text[: limit - 1]}…"


def _speed(run: Run) -> str:
    speed = speed_of(run)
    if isinstance(speed, Missing):
        return NOT_KNOWN
    found = speed.interval()
    return f"{quantity(found.value)} ({quantity(max(0.0, found.low))}–{quantity(found.high)})"


def _wait(run: Run) -> str:
    wait = wait_of(run)
    if isinstance(wait, Missing):
        return NOT_KNOWN
    found = wait_interval(wait)
    return f"{percent(found.value)} ({100 * found.low:.1f}–{100 * found.high:.1f})"


def _memory(run: Run) -> str:
    peak = peak_of(run)
    if isinstance(peak, Missing):
        return NOT_KNOWN
    seen, high = bytes_text(peak.seen_bytes), peak.likely_high_bytes
    return f"≥ {seen}" if isinstance(high, Missing) else f"{seen} (up to ~{bytes_text(high)})"


def _followed(run: Run) -> str:
    epochs = ""
    if run.first_epoch is not None and run.last_epoch is not None:
        one = run.first_epoch == run.last_epoch
        epochs = f", epoch {run.first_epoch}" if one else f", epochs {run.first_epoch} to {run.last_epoch}"
    return f"{duration(run.seen_seconds)}, {duration(run.steady_seconds)} steady{epochs}"


def _end(run: Run, boot: str) -> str:
    end, _ = how_it_ended(run, boot)
    return "running" if end is RunEnd.OPEN else end.value.replace("-", " ")


def _difference_row(each: Difference) -> tuple[str, ...]:
    if each.name == "gpu_memory_total_bytes":
        values = [
            bytes_text(value) if isinstance(value, int) else NOT_KNOWN for value in (each.one, each.other)
        ]
    else:
        absent = NOT_KNOWN if not each.known else "not set"
        values = [absent if value is None else _value(value) for value in (each.one, each.other)]
    return (each.name, values[0], values[1], "")


def _factor(speedup: Maybe[Interval]) -> str:
    if isinstance(speedup, Missing):
        return NOT_KNOWN
    return f"×{speedup.value:.2f} ({speedup.low:.2f}–{speedup.high:.2f})"


def _points(change: Maybe[Interval]) -> str:
    if isinstance(change, Missing):
        return NOT_KNOWN
    return f"{100 * change.value:+.1f} points ({100 * change.low:+.1f} to {100 * change.high:+.1f})"


def _bytes_change(change: Maybe[Interval]) -> str:
    if isinstance(change, Missing):
        return NOT_KNOWN
    low, high = _signed(change.low), _signed(change.high)
    return f"{_signed(change.value)} ({low} to {high})"


def _signed(amount: float) -> str:
    sign = "-" if amount < 0 else "+"
    return f"{sign}{bytes_text(abs(amount))}"
