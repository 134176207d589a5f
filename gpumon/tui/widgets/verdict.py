"""The verdict: what is the matter, what to change, what it brings."""

from __future__ import annotations

from gpumon.model.measure import Maybe, known
from gpumon.model.report import AttachState, TrainingReport
from gpumon.model.training import Setting, Training
from gpumon.paint.glyphs import Glyphs, ascii_words, glyphs
from gpumon.paint.row import Row, Span, clip, spread
from gpumon.paint.wrap import wrap
from gpumon.tui.widgets.finding_words import finding_row, framework_name, memory_row, suggestion_row
from gpumon.tui.widgets.frame import Frame
from gpumon.tui.widgets.pane import Pane

_INDENT = 2
_HINT = (Span("enter: why   y: copy the command", "dim"),)


class VerdictPane(Pane):
    """Findings, suggestions and the memory risk; the search while nothing is attached.

    Order by what must not be missed: the verdict, its suggestion, the memory risk, the rest.
    """

    def title(self, frame: Frame) -> Row:
        """Return `verdict`, or where the search stands."""
        state = frame.report.attachment.state
        return (Span("verdict" if state is AttachState.ATTACHED else state.value, "title"),)

    def draw(self, frame: Frame, width: int, height: int) -> list[Row]:
        """Return the rows, with a count of what had no room."""
        glyph = glyphs(frame.view.ascii)
        inner = max(0, width - 2)
        blocks = _blocks(frame, glyph)
        outlook = frame.training_report.memory if frame.training_report is not None else None
        memory = memory_row(outlook, frame.training, glyph) if outlook is not None else ()
        hinted = next((row for row, _ in blocks if row[0].role == "suggestion"), ())
        rows: list[Row] = []
        shown = 0
        hint_at = -1
        for row, indent in blocks:
            words = _words(row, ascii_only=frame.view.ascii)
            wrapped = wrap(words, inner - indent, indent=_INDENT)
            left = height - len(rows)
            if shown and len(wrapped) > left and not (left and row == memory):
                break
            if len(wrapped) > left:
                wrapped = wrapped[:left]
                wrapped[-1] = (*wrapped[-1], Span(f" {glyph.ellipsis}", "dim"))
            if len(wrapped) == 1 and row == hinted:
                hint_at = len(rows)
            rows.extend((Span(" " * (indent + 1)), *part) for part in wrapped)
            shown += 1
        hidden = len(blocks) - shown
        if hidden > 0 and len(rows) < height:
            rows.append((Span(f" {glyph.ellipsis} {hidden} more", "dim"),))
        elif hidden > 0 and rows:
            rows[-1] = spread(rows[-1], (Span(f"+{hidden} ", "dim"),), width)
        if 0 <= hint_at < len(rows) - (hidden > 0):
            rows[hint_at] = spread(rows[hint_at], _HINT, width - 1)
        return rows


def _blocks(frame: Frame, glyph: Glyphs) -> list[tuple[Row, int]]:
    """Return what there is to say, most important first, each with its indent."""
    report = frame.training_report
    attachment = frame.report.attachment
    blocks: list[tuple[Row, int]] = []
    if attachment.state is not AttachState.ATTACHED:
        mark = glyph.ring if attachment.state is not AttachState.ENDED else glyph.bullet
        word = "ENDED" if attachment.state is AttachState.ENDED else attachment.state.value.upper()
        role = "warn" if attachment.state is AttachState.ENDED else "info"
        blocks.append(((Span(f"{mark} {word}", role), Span("  "), Span(attachment.text)), 0))
        if attachment.state is AttachState.CHOOSING:
            blocks += [(_candidate(number, each), 2) for number, each in enumerate(attachment.candidates, 1)]
    if report is not None:
        blocks += _judgement(report, frame, glyph)
    if not blocks:
        text = attachment.text or "nothing is known yet"
        blocks.append(((Span(f"{glyph.ring} WATCHING", "info"), Span("  "), Span(text)), 0))
    return blocks


def _judgement(report: TrainingReport, frame: Frame, glyph: Glyphs) -> list[tuple[Row, int]]:
    training = frame.training
    blocks: list[tuple[Row, int]] = []
    if not report.findings:
        text = "no finding so far" if report.settled else "measuring: the first verdict takes some seconds"
        blocks.append(((Span(f"{glyph.ring} WATCHING", "info"), Span("  "), Span(text)), 0))
    later: list[tuple[Row, int]] = []
    placed: set[int] = set()
    for number, finding in enumerate(report.findings):
        target = blocks if number == 0 else later
        target.append((finding_row(finding, glyph), 0))
        for index, suggestion in enumerate(report.suggestions):
            if suggestion.finding == finding.id and index not in placed:
                placed.add(index)
                target.append((suggestion_row(suggestion, training, glyph), 2))
    if report.memory is not None:
        memory = memory_row(report.memory, training, glyph)
        if memory:
            blocks.append((memory, 0))
    rest = [each for index, each in enumerate(report.suggestions) if index not in placed]
    return [*blocks, *later, *((suggestion_row(each, training, glyph), 2) for each in rest)]


def _candidate(number: int, training: Training) -> Row:
    framework = framework_name(training.framework)
    run_dir = known(training.run_dir) or ""
    return (
        Span(f"{number} ", "key"),
        Span(f"{framework} pid {training.id.pid}  ", "value"),
        Span(f"batch {_value(training.settings.batch_size)} workers {_value(training.settings.workers)}  "),
        Span(clip(training.name, 30) + "  "),
        Span(clip(run_dir, 60), "dim"),
    )


def _value(setting: Maybe[Setting]) -> str:
    found = known(setting)
    return "–" if found is None or found.value is None else str(found.value)


def _words(row: Row, *, ascii_only: bool) -> Row:
    return tuple(Span(ascii_words(span.text), span.role) for span in row) if ascii_only else row
