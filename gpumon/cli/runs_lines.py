"""Runs and comparisons as plain lines."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from gpumon.model.measure import Missing
from gpumon.paint.numbers import duration
from gpumon.recording.runs_compare import Comparison, Difference, Kind
from gpumon.recording.runs_run import Run
from gpumon.recording.runs_words import (
    brought_words,
    bytes_words,
    difference_words,
    end_text,
    factor_words,
    followed_text,
    memory_words,
    points_words,
    predicted_words,
    proof_text,
    seen_text,
    setting_text,
    speed_words,
    training_text,
    wait_words,
)

_GAP = "  "
_HEAD = ("run", "seen", "training", "batch", "workers", "images/s", "wait", "GPU memory", "followed", "ended")
_RIGHT = frozenset({"run", "batch", "workers"})


def run_lines(runs: Sequence[Run], boot: str) -> Iterator[str]:
    """Return the list of runs as a table, the newest first."""
    head: tuple[str, ...] = _HEAD
    rows = [_cells(run, boot) for run in runs]
    brought = [brought_words(run.proof) for run in runs]
    if any(brought):
        head = (*head, "brought")
        rows = [(*row, words) for row, words in zip(rows, brought, strict=True)]
    table = [head, *rows]
    widths = [max(len(row[column]) for row in table) for column in range(len(head))]
    for row in table:
        cells = [
            cell.rjust(width) if name in _RIGHT else cell.ljust(width)
            for cell, width, name in zip(row, widths, head, strict=True)
        ]
        yield _GAP.join(cells).rstrip()


def comparison_lines(comparison: Comparison, boot: str) -> Iterator[str]:
    """Return two runs side by side, then what can be said of them."""
    runs = (comparison.one, comparison.other)
    rows: list[tuple[str, ...]] = [("", *(f"run {run.id}" for run in runs), "change")]
    rows.append(("training", *(training_text(run) for run in runs), ""))
    rows.append(("seen", *(seen_text(run) for run in runs), ""))
    rows += [_difference_row(each) for each in comparison.differences if each.kind is Kind.SETTING]
    speedup, change = comparison.speedup, comparison.memory_change_bytes
    predicted = dict(predicted_words(comparison))
    speeds = (*(speed_words(run) for run in runs), factor_words(speedup))
    waits = (*(wait_words(run) for run in runs), points_words(comparison.wait_change))
    peaks = (*(memory_words(run) for run in runs), bytes_words(change))
    for label, cells in (("images/s", speeds), ("wait for data", waits), ("GPU memory", peaks)):
        rows.append((label, *(words.joined() for words in cells)))
        if label in predicted:
            rows.append(("  predicted", "", predicted[label].joined(), ""))
    rows.append(("followed", *(followed_text(run) for run in runs), ""))
    rows.append(("ended", *(end_text(run, boot) for run in runs), ""))
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
    if comparison.proof is not None and predicted:
        yield proof_text(comparison.proof)
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
        seen_text(run),
        training_text(run),
        setting_text(run, "batch_size"),
        setting_text(run, "workers"),
        speed_words(run).joined(),
        wait_words(run).joined(),
        memory_words(run).joined(),
        duration(run.seen_seconds),
        end_text(run, boot),
    )


def _difference_row(each: Difference) -> tuple[str, ...]:
    return (each.name, *difference_words(each), "")
