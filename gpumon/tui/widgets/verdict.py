"""The verdict: what is the matter, what to change, what it brings."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

from textual import events
from textual.message import Message

from gpumon.advice.changing import is_change
from gpumon.model.kinds import Severity
from gpumon.model.measure import Maybe, Missing, known
from gpumon.model.report import AttachState, TrainingReport
from gpumon.paint.glyphs import Glyphs, ascii_words, glyphs
from gpumon.paint.row import Row, Span, clip, fit, row_width, spread, text_width
from gpumon.paint.wrap import wrap
from gpumon.tui.widgets.finding_words import finding_row, framework_name, memory_row
from gpumon.tui.widgets.frame import Frame
from gpumon.tui.widgets.pane import Pane
from gpumon.tui.widgets.suggestion_words import proof_row, suggestion_row

if TYPE_CHECKING:
    from gpumon.model.training import Setting, Training


class Block(NamedTuple):
    """Something to say, with its indent; cut rather than broken where it has one line at most.

    `opens` is what a click on it leads to: the id of a finding, or a place; empty: nothing.
    """

    row: Row
    indent: int
    is_one_line: bool = False
    opens: str = ""


Blocks: TypeAlias = list[Block]

_INDENT = 2
_TIE = "\N{NO-BREAK SPACE}"
# The finding that the row about memory tells already.
_SAID_BY_MEMORY = "vram-at-limit"
# Keys that go with a suggestion, and what they do: as many as have room.
_HINT = (("enter", "why"), ("y", "copy the command"))
_HINT_GO_ON = (*_HINT, ("Y", "to go on"))
_HINTS = (_HINT, _HINT[1:], (("y", "copy"),))


class VerdictPane(Pane):
    """Findings, suggestions and the memory risk; the search while nothing is attached.

    Order by what must not be missed: a run that is about to die comes before one that is slow. So a high
    memory risk and critical findings, then the verdict with its suggestion, the memory risk, what changed
    settings brought, the rest; with the most urgent warning beside the verdict right after it.
    """

    class Opened(Message):
        """A click on something that is said: `what` is the id of a finding, or a place."""

        def __init__(self, what: str) -> None:
            super().__init__()
            self.what = what

    def __init__(self) -> None:
        super().__init__()
        self._said_of: Frame | None = None
        self._blocks: Blocks = []
        self._broken: list[list[Row]] = []
        self._broken_for: tuple[Blocks, int] | None = None
        # What a click on each row leads to, from the first one inside the box.
        self._opens: list[str] = []

    def title(self, frame: Frame) -> Row:
        """Return `verdict`, or where the search stands."""
        state = frame.report.attachment.state
        return (Span("verdict" if state is AttachState.ATTACHED else state.value, "title"),)

    def rows_wanted(self, frame: Frame, width: int) -> int:
        """Return how many rows all there is to say takes inside a box of `width` cells."""
        blocks = self._said(frame, glyphs(frame.view.ascii))
        return sum(len(rows) for rows in self._wrapped(blocks, width, frame.view.ascii))

    def draw(self, frame: Frame, width: int, height: int) -> list[Row]:
        """Return the rows, with a count of what had no room."""
        glyph = glyphs(frame.view.ascii)
        blocks = self._said(frame, glyph)
        memory = _memory_block(frame, glyph)
        arrow = Span(f"{glyph.arrow} ", "suggestion")
        hinted = next((block for block in blocks if block.row[0] == arrow), None)
        rows: list[Row] = []
        self._opens = []
        shown = 0
        hint_at = -1
        is_full, is_memory_to_come = False, any(block.row == memory for block in blocks)
        for block, broken in zip(blocks, self._wrapped(blocks, width, frame.view.ascii), strict=True):
            wrapped = broken
            left = height - len(rows)
            if block.row == memory:
                is_memory_to_come = False
            elif shown and (is_full or len(wrapped) > left - is_memory_to_come):
                # The memory risk is one of the three things to be told, be it in one row.
                is_full = True
                continue
            if shown and not left:
                break
            if len(wrapped) > left:
                wrapped = [*wrapped[: left - 1], (*wrapped[left - 1], Span(f" {glyph.ellipsis}", "dim"))]
            elif block is hinted:
                hint_at = len(rows) + len(wrapped) - 1
            rows.extend((Span(" " * (block.indent + 1)), *part) for part in wrapped)
            self._opens += [block.opens] * len(wrapped)
            shown += 1
        hidden = len(blocks) - shown
        if hidden > 0 and len(rows) < height:
            rows.append((Span(f" {glyph.ellipsis} {hidden} more", "dim"),))
            self._opens.append("findings")
        elif hidden > 0 and rows:
            rows[-1] = spread(rows[-1], (Span(f"+{hidden} ", "dim"),), width)
        if 0 <= hint_at < len(rows) - (hidden > 0):
            rows[hint_at] = spread(rows[hint_at], _hint(frame, rows[hint_at], width - 1), width - 1)
        return rows

    def on_click(self, event: events.Click) -> None:
        """Open what is said where the click was."""
        row = event.y - 1
        if 0 <= row < len(self._opens) and self._opens[row]:
            self.post_message(self.Opened(self._opens[row]))

    def _said(self, frame: Frame, glyph: Glyphs) -> Blocks:
        """Return the blocks of a frame, made once: the height is asked for before the rows."""
        if self._said_of is not frame:
            self._said_of, self._blocks = frame, _blocks(frame, glyph)
        return self._blocks

    def _wrapped(self, blocks: Blocks, width: int, ascii_only: bool) -> list[list[Row]]:
        """Return the blocks broken to the width; sentences change less often than numbers elsewhere."""
        key = (blocks, width)
        if key != self._broken_for:
            inner = max(0, width - 2)
            self._broken = [_broken(block, inner, ascii_only=ascii_only) for block in blocks]
            self._broken_for = key
        return self._broken


def _broken(block: Block, width: int, *, ascii_only: bool) -> list[Row]:
    """Return a block in as many rows as it may take."""
    row, room = _words(block.row, ascii_only=ascii_only), width - block.indent
    if not block.is_one_line:
        return wrap(row, room, indent=_INDENT)
    return [row if row_width(row) <= room else fit(row, room, ellipsis=glyphs(ascii_only).ellipsis)]


def _hint(frame: Frame, row: Row, width: int) -> Row:
    """Return the keys that go with a suggestion, as many as have room beside it."""
    report = frame.training_report
    ways = (known(each.go_on) for each in report.suggestions) if report is not None else ()
    can_go_on = any(way and not way.begins_again and known(way.command) for way in ways)
    for hint in (_HINT_GO_ON, *_HINTS) if can_go_on else _HINTS:
        text = "   ".join(f"{frame.view.keys(key)}: {word}" for key, word in hint)
        if row_width(row) + text_width(text) < width:
            return (Span(text, "dim"),)
    return ()


def _memory_block(frame: Frame, glyph: Glyphs) -> Row:
    """Return the row about the memory risk, empty where nothing is known of it."""
    outlook = frame.training_report.memory if frame.training_report is not None else None
    if outlook is None:
        return ()
    if frame.report.attachment.state is AttachState.ENDED:
        # What it held is worth knowing; a risk is none any more.
        over = Missing("the training has ended")
        outlook = replace(outlook, oom_risk=over, largest_safe_batch=over)
    return memory_row(outlook, frame.training, glyph, advised_batch=_advised_batch(frame))


def _advised_batch(frame: Frame) -> object:
    """Return the batch that a suggestion of the verdict sets: it stands above the memory risk; else None."""
    report = frame.training_report
    if report is None or not report.findings:
        return None
    for suggestion in report.suggestions:
        if suggestion.finding == report.findings[0].id:
            changes = [(suggestion.setting, suggestion.to_value)]
            changes += [(change.setting, change.to_value) for change in suggestion.together]
            batch = dict(changes).get("batch_size")
            if batch is not None:
                return batch
    return None


def _blocks(frame: Frame, glyph: Glyphs) -> Blocks:
    """Return what there is to say, most important first, each with its indent."""
    report = frame.training_report
    attachment = frame.report.attachment
    blocks: Blocks = []
    if attachment.state is not AttachState.ATTACHED:
        mark = glyph.ring if attachment.state is not AttachState.ENDED else glyph.bullet
        word = "ENDED" if attachment.state is AttachState.ENDED else attachment.state.value.upper()
        role = "warn" if attachment.state is AttachState.ENDED else "info"
        blocks.append(Block((Span(f"{mark} {word}", role), Span("  "), Span(attachment.text)), 0))
        if attachment.state is AttachState.CHOOSING:
            blocks += [
                Block(_candidate(number, each), 2) for number, each in enumerate(attachment.candidates, 1)
            ]
    if frame.is_stopped:
        # What was measured before says nothing about a training that does not run.
        text = "its main process is stopped (SIGSTOP or Ctrl-Z): SIGCONT or fg lets it go on"
        blocks.append(Block((Span(f"{glyph.bullet} STOPPED", "warn"), Span("  "), Span(text)), 0))
    elif report is not None:
        if attachment.state is AttachState.ENDED and report.findings:
            blocks.append(Block((Span("at its end:", "dim"),), 2))
        blocks += _judgement(report, frame, glyph)
    if not blocks:
        text = attachment.text or "nothing is known yet"
        blocks.append(Block((Span(f"{glyph.ring} WATCHING", "info"), Span("  "), Span(text)), 0))
    return blocks


def _judgement(report: TrainingReport, frame: Frame, glyph: Glyphs) -> Blocks:
    training = frame.training
    memory = _memory_block(frame, glyph)
    is_urgent = bool(memory) and memory[0].role == "danger"
    urgent: Blocks = [Block(memory, 0, opens="memory")] if is_urgent else []
    blocks: Blocks = []
    if not report.findings:
        doubt = report.doubt or "the first verdict takes some seconds"
        text = "no finding so far" if report.settled else f"measuring: {doubt}"
        # What has ended is waited for no more.
        if frame.report.attachment.state is not AttachState.ENDED:
            blocks.append(Block((Span(f"{glyph.ring} WATCHING", "info"), Span("  "), Span(text)), 0))
    beside: Blocks = []
    later: Blocks = []
    placed: set[int] = set()
    for number, finding in enumerate(report.findings):
        is_muted = finding.id in frame.muted
        if number == 0:
            target = blocks
        elif is_muted or finding.severity is Severity.INFO:
            target = later
        elif finding.severity is Severity.CRITICAL:
            target = urgent
        else:
            target = later if beside else beside
        if not (memory and finding.id == _SAID_BY_MEMORY):
            target.append(Block(finding_row(finding, glyph, is_muted=is_muted), 0, opens=finding.id))
        # What is to be changed comes before what is to stay.
        of_it = sorted(enumerate(report.suggestions), key=lambda numbered: not is_change(numbered[1]))
        for index, suggestion in of_it:
            if suggestion.finding == finding.id and index not in placed:
                placed.add(index)
                target.append(Block(suggestion_row(suggestion, training, glyph), 2, opens=finding.id))
    if memory and not is_urgent:
        beside.append(Block(memory, 0, opens="memory"))
    rest = [each for index, each in enumerate(report.suggestions) if index not in placed]
    last: Blocks = [Block(suggestion_row(each, training, glyph), 2, opens="plan") for each in rest]
    proof = [] if report.proof is None else [Block(proof_row(report.proof, glyph), 0, is_one_line=True)]
    return [*urgent, *blocks, *beside, *proof, *later, *last]


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
    if not ascii_only:
        return row
    # What is tied together stays so: only the breaking into rows makes a blank of a no-break space.
    return tuple(
        Span(_TIE.join(ascii_words(part) for part in span.text.split(_TIE)), span.role) for span in row
    )
