"""A watch as lines of text: a table with one row per interval, and lines for what begins and is over."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from gpumon.model.document_values import rfc3339
from gpumon.model.finding import Severity
from gpumon.model.measure import Certainty, Maybe, Measure, Missing, known
from gpumon.model.report import Report
from gpumon.monitor.onsets import Alert
from gpumon.paint.numbers import NOT_KNOWN, bytes_of, duration, percent, quantity
from gpumon.sinks.ascii import ascii_text
from gpumon.sinks.endings import End, Over
from gpumon.sinks.interval import GpuInterval, Interval, TrainingInterval

# Name and width of each column; one word in each, so that awk finds the same column in every line.
_COLUMNS = (
    ("time", -20),
    ("pid", 7),
    ("phase", -10),
    ("epoch", 7),
    ("img/s", 9),
    ("wait", 7),
    ("busy", 5),
    ("VRAM-peak", 13),
    ("verdict", -1),
)
_GAP = "  "
# SGR: red only for danger, yellow for what is to be mended, green for what is well.
_COLORS = {Severity.CRITICAL: "\x1b[31m", Severity.WARNING: "\x1b[33m"}
_WELL, _PLAIN = "\x1b[32m", "\x1b[0m"
_HEALTHY = "compute-bound"


def alert_line(alert: Alert) -> str:
    """Return a finding that begins: time, severity, id and sentence."""
    return f"{_moment(alert.report)} {alert.finding.severity.value} {alert.text}\n"


class PlainWatch:
    """The lines of a watch for people and logs."""

    def __init__(self, *, unicode: bool, color: bool) -> None:
        """Without `unicode` only ASCII is written; `color` colours the verdict by its severity."""
        self._unicode = unicode
        self._color = color

    def head(self) -> str:
        """Return the names of the columns."""
        return self._text(_row([name for name, _ in _COLUMNS]))

    def alert(self, alert: Alert) -> str:
        """Return the line of a finding that begins."""
        return self._text(alert_line(alert))

    def ending(self, ending: Over | End) -> str:
        """Return the line of a finding that is over, or of a training that ended."""
        if isinstance(ending, End):
            ended = ending.reading.ended
            words = "" if ended is None else f" ({ended.how.value}): {ended.text}"
            pid = ending.reading.training.id.pid
            return self._text(f"{_moment(ending.report)} ended pid {pid}{words}\n")
        episode = ending.episode
        text = f"{_moment(ending.report)} over {episode.id}"
        if episode.over is not None:
            lasted = duration(episode.lasted_seconds(episode.over))
            text += f": it lasted {lasted}, until {rfc3339(episode.over.unix_seconds)}"
        return self._text(f"{text} (pid {episode.pid})\n")

    def interval(self, interval: Interval) -> Iterator[str]:
        """Yield a row for each training, or one for the machine where there is none."""
        report = interval.report
        time = rfc3339(report.sample.instant.unix_seconds)[:19] + "Z"
        for training in interval.trainings:
            cells = _training_cells(training)
            verdict, colour = _verdict(report, training.reading.training.id.pid)
            yield self._line([time, *cells], verdict, colour)
        if not interval.trainings:
            dash = NOT_KNOWN
            machine = _gpu_cells(interval.gpus)
            state = report.attachment.state.value
            yield self._line([time, dash, state, dash, dash, dash, *machine], dash, "")

    def _line(self, cells: Sequence[str], verdict: str, colour: str) -> str:
        if self._color and colour:
            verdict = f"{colour}{verdict}{_PLAIN}"
        return self._text(_row([*cells, verdict]))

    def _text(self, text: str) -> str:
        if self._unicode:
            return text
        # The escapes of colours are ASCII.
        return ascii_text(text)


def _row(cells: Sequence[str]) -> str:
    """Return cells in their columns: negative widths are aligned left."""
    padded = [
        cell.ljust(-width) if width < 0 else cell.rjust(width)
        for cell, (_, width) in zip(cells, _COLUMNS, strict=True)
    ]
    return _GAP.join(padded).rstrip() + "\n"


def _moment(report: Report) -> str:
    return f"gpumon: {rfc3339(report.sample.instant.unix_seconds)}"


def _training_cells(training: TrainingInterval) -> list[str]:
    reading = training.reading
    return [
        str(reading.training.id.pid),
        training.phase.value,
        _epoch(training),
        _rate(training.images_per_second),
        _share(training.data_wait_ratio),
        percent(known(training.gpu_busy_ratio)).replace(" ", ""),
        _peak(training.gpu_memory_peak_bytes, training.gpu_memory_total_bytes),
    ]


def _epoch(training: TrainingInterval) -> str:
    progress = training.reading.progress
    epoch, epochs = known(progress.epoch), known(progress.epochs)
    if epoch is None:
        return NOT_KNOWN
    # YOLOv5 counts 0/99 ... 99/99 in its own log, ultralytics 1/100 ... 100/100.
    first = 1 if training.reading.training.framework == "ultralytics" else 0
    return f"{epoch + first}" + (f"/{epochs - 1 + first}" if epochs is not None else "")


def _rate(measure: Maybe[Measure]) -> str:
    if isinstance(measure, Missing):
        return NOT_KNOWN
    value, error = quantity(measure.value), measure.standard_error
    around = ""
    if error:
        # As many decimals as the value has; a small one is no zero.
        around = f"{error:.{len(value.partition('.')[2])}f}"
        around = "±" + (around if float(around) else f"{error:.1g}")
    return f"{_mark(measure)}{value}{around}"


def _share(measure: Maybe[Measure]) -> str:
    if isinstance(measure, Missing):
        return NOT_KNOWN
    error = measure.standard_error
    around = "" if error is None else f"±{error * 100:.0f}"
    return f"{_mark(measure)}{measure.value * 100:.0f}%{around}"


def _mark(measure: Measure) -> str:
    return "~" if measure.certainty is Certainty.ESTIMATED else ""


def _peak(peak: Maybe[int], total: Maybe[int]) -> str:
    text = bytes_of(known(peak), known(total))
    return text.replace(" of ", "/").replace(" ", "")


def _gpu_cells(intervals: Sequence[GpuInterval]) -> list[str]:
    """Return the mean busy ratio of all GPUs, and the peak of the fullest one."""
    busy = [ratio for gpu in intervals if (ratio := known(gpu.gpu_busy_ratio)) is not None]
    ratio = sum(busy) / len(busy) if busy else None
    shares = [
        (peak / total, peak, total)
        for gpu in intervals
        if (peak := known(gpu.gpu_memory_peak_bytes)) is not None
        and (total := known(gpu.gpu_memory_total_bytes))
    ]
    cell = NOT_KNOWN
    if shares:
        _, used, whole = max(shares)
        cell = _peak(used, whole)
    return [percent(ratio).replace(" ", ""), cell]


def _verdict(report: Report, pid: int) -> tuple[str, str]:
    """Return the id of the first finding of a training, and its colour."""
    training = report.of(pid)
    if training is None or not training.findings:
        return NOT_KNOWN, ""
    finding = training.findings[0]
    return finding.id, _WELL if finding.id == _HEALTHY else _COLORS.get(finding.severity, "")
