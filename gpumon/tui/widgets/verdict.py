"""The verdict: what is the matter, what to change, what it brings."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, TypeAlias

from textual import events
from textual.message import Message

from gpumon.advice.changing import is_change
from gpumon.model.kinds import Severity
from gpumon.model.measure import Maybe, Missing, known
from gpumon.model.report import AttachState, TrainingReport
from gpumon.paint.glyphs import Glyphs, glyphs
from gpumon.paint.row import Row, Span, clip, row_width, spread, text_width
from gpumon.tui.widgets.blocks import Block, broken, cut, rows_given
from gpumon.tui.widgets.finding_words import finding_row, framework_name, memory_row
from gpumon.tui.widgets.frame import Frame
from gpumon.tui.widgets.pane import Pane
from gpumon.tui.widgets.suggestion_words import proof_row, short_proof_rows, suggestion_row

if TYPE_CHECKING:
    from gpumon.model.reading import TrainingReading
    from gpumon.model.suggestion import Suggestion
    from gpumon.model.training import Setting, Training


Blocks: TypeAlias = list[Block]

# The finding that the row about memory tells already; but not where it is critical: memory has run out then,
# which is no risk any more.
_SAID_BY_MEMORY = "vram-at-limit"
# The finding that is the cause of a high memory risk.
_CAUSE_OF_RISK = "vram-growth"
# What has to be told, in this order where there is hardly any room.
_MEMORY, _CRITICAL, _VERDICT, _CHANGE, _PROOF = range(1, 6)
# A terminal with fewer lines has few rows for the verdict: what is to stay as it is takes one.
FEW_ROWS_BELOW = 32
# Keys that go with a suggestion, and what they do: as many as have room.
_HINT = (("enter", "why"), ("y", "copy the command"))
_HINT_GO_ON = (*_HINT, ("Y", "to go on"))
_HINTS = (_HINT, _HINT[1:], (("y", "copy"),))


class VerdictPane(Pane):
    """Findings, suggestions and the memory risk; the search while nothing is attached.

    Order by what must not be missed: a run that is about to die comes before one that is slow. So a high
    memory risk and critical findings, then the verdict with its suggestion, the memory risk, what changed
    settings brought, the rest; with the most urgent warning beside the verdict right after it. All but the
    rest and that warning are told in however little room.
    """

    class Opened(Message):
        """A click on something that is said: `what` is the id of a finding, or a place."""

        def __init__(self, what: str) -> None:
            super().__init__()
            self.what = what

    def __init__(self) -> None:
        super().__init__()
        self._said_of: Frame | None = None
        self._has_few_rows = False
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
        arrow = Span(f"{glyph.arrow} ", "suggestion")
        hinted = next((block for block in blocks if block.row[0] == arrow), None)
        rows: list[Row] = []
        self._opens = []
        hint_at = -1
        wrapped = self._wrapped(blocks, width, frame.view.ascii)
        given = rows_given(blocks, [len(each) for each in wrapped], height)
        for block, whole, count in zip(blocks, wrapped, given, strict=True):
            indent = Span(" " * (block.indent + 1))
            rows += [(indent, *part) for part in cut(whole, count, width - 2 - block.indent, glyph.ellipsis)]
            self._opens += [block.opens] * count
            if block is hinted and count == len(whole):
                hint_at = len(rows) - 1
        hidden = sum(bool(whole) and not count for whole, count in zip(wrapped, given, strict=True))
        if hidden > 0 and len(rows) < height:
            rows.append((Span(f" {glyph.ellipsis} {hidden} more", "dim"),))
            self._opens.append("findings")
        elif hidden > 0:
            count_row: Row = (Span(f"+{hidden} ", "dim"),)
            room = width - row_width(count_row) - 1
            # Beside the last row that has room for it: what has none is never left out without a word.
            at = max((at for at, row in enumerate(rows) if row_width(row) <= room), default=-1)
            if at >= 0:
                rows[at] = spread(rows[at], count_row, width)
                hint_at = -1 if at == hint_at else hint_at
        if hint_at >= 0:
            rows[hint_at] = spread(rows[hint_at], _hint(frame, rows[hint_at], width - 1), width - 1)
        return rows

    def on_click(self, event: events.Click) -> None:
        """Open what is said where the click was."""
        row = event.y - 1
        if 0 <= row < len(self._opens) and self._opens[row]:
            self.post_message(self.Opened(self._opens[row]))

    def _said(self, frame: Frame, glyph: Glyphs) -> Blocks:
        """Return the blocks of a frame, made once: the height is asked for before the rows."""
        has_few_rows = self.app.size.height < FEW_ROWS_BELOW
        if self._said_of is not frame or has_few_rows is not self._has_few_rows:
            self._said_of, self._has_few_rows = frame, has_few_rows
            self._blocks = _blocks(frame, glyph, has_few_rows=has_few_rows)
        return self._blocks

    def _wrapped(self, blocks: Blocks, width: int, ascii_only: bool) -> list[list[Row]]:
        """Return the blocks broken to the width; sentences change less often than numbers elsewhere."""
        key = (blocks, width)
        if key != self._broken_for:
            inner = max(0, width - 2)
            self._broken = [broken(block, inner, ascii_only=ascii_only) for block in blocks]
            self._broken_for = key
        return self._broken


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


def _blocks(frame: Frame, glyph: Glyphs, *, has_few_rows: bool) -> Blocks:
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
        blocks += _judgement(report, frame, glyph, has_few_rows=has_few_rows)
    if not blocks:
        text = attachment.text or "nothing is known yet"
        blocks.append(Block((Span(f"{glyph.ring} WATCHING", "info"), Span("  "), Span(text)), 0))
    return blocks


def _judgement(report: TrainingReport, frame: Frame, glyph: Glyphs, *, has_few_rows: bool) -> Blocks:
    training = frame.training
    memory = _memory_block(frame, glyph)
    is_urgent = bool(memory) and memory[0].role == "danger"
    urgent: Blocks = [Block(memory, 0, opens="memory", need=_MEMORY)] if is_urgent else []
    blocks: Blocks = []
    if not report.findings:
        doubt = report.doubt or "the first verdict takes some seconds"
        text = "no finding so far" if report.settled else f"measuring: {doubt}"
        # What has ended is waited for no more.
        if frame.report.attachment.state is not AttachState.ENDED:
            blocks.append(Block((Span(f"{glyph.ring} WATCHING", "info"), Span("  "), Span(text)), 0))
    beside: Blocks = []
    later: Blocks = []
    more: Blocks = []
    placed: set[int] = set()
    has_change = has_verdict = False
    for number, finding in enumerate(report.findings):
        is_muted = finding.id in frame.muted
        is_cause = is_urgent and finding.id == _CAUSE_OF_RISK
        is_critical = finding.severity is Severity.CRITICAL
        need = 0
        if number == 0:
            target, need = blocks, _VERDICT
        elif is_muted or (finding.severity is Severity.INFO and not is_cause):
            target = later
        elif is_cause or is_critical:
            target, need = urgent, _CRITICAL
        else:
            target = later if beside else beside
            # Memory that ends the run comes before the verdict on its speed, which is told all the same.
            need = 0 if has_verdict else _VERDICT
        is_ending = is_critical and finding.id in {_CAUSE_OF_RISK, _SAID_BY_MEMORY}
        has_verdict = has_verdict or not is_ending
        if not memory or finding.id != _SAID_BY_MEMORY or is_critical:
            row = finding_row(finding, glyph, is_muted=is_muted)
            target.append(Block(row, 0, opens=finding.id, need=need))
        # What is to be changed comes before what is to stay.
        of_it = sorted(enumerate(report.suggestions), key=lambda numbered: not is_change(numbered[1]))
        for index, suggestion in of_it:
            if suggestion.finding == finding.id and index not in placed:
                is_first = need > 0 and not has_change and is_change(suggestion)
                has_change = has_change or is_first
                placed.add(index)
                block = _suggestion_block(suggestion, training, glyph, has_few_rows=has_few_rows)
                block = block._replace(opens=finding.id, need=_CHANGE if is_first else 0)
                (more if number == 0 and not is_first else target).append(block)
    if memory and not is_urgent:
        beside.append(Block(memory, 0, opens="memory", need=_MEMORY))
    rest = [each for index, each in enumerate(report.suggestions) if index not in placed]
    last = [_suggestion_block(each, training, glyph, has_few_rows=has_few_rows) for each in rest]
    if report.proof is None:
        return [*urgent, *blocks, *more, *beside, *later, *last]
    shorter = short_proof_rows(report.proof, glyph)
    proof = Block(proof_row(report.proof, glyph), 0, is_one_line=True, need=_PROOF, shorter=shorter)
    # What a change brought says more than what else could be changed, or is to stay.
    return [*urgent, *blocks, *beside, proof, *more, *later, *last]


def _suggestion_block(
    suggestion: Suggestion, training: TrainingReading | None, glyph: Glyphs, *, has_few_rows: bool
) -> Block:
    """Return a suggestion; where there are few rows, one that changes nothing has one row at most."""
    is_one_line = has_few_rows and not is_change(suggestion)
    return Block(suggestion_row(suggestion, training, glyph), 2, is_one_line=is_one_line, opens="plan")


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
