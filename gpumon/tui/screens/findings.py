"""The findings: each with its evidence, what to change, and its page."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from textual import on
from textual.widget import Widget

from gpumon.model.finding import Finding
from gpumon.model.measure import known
from gpumon.paint.glyphs import glyphs
from gpumon.paint.numbers import duration
from gpumon.paint.row import Row, Span, pad
from gpumon.tui.finding_rows import finding_rows
from gpumon.tui.key_line import Item
from gpumon.tui.list_pane import Entry, ListPane, ScrollPane
from gpumon.tui.screens.view_screen import ViewScreen, set_height
from gpumon.tui.widgets.finding_words import finding_mark, finding_role
from gpumon.tui.widgets.frame import Frame

_FRAME_ROWS = 2


class FindingList(ListPane):
    """One row a finding, the verdict first."""

    def title(self, frame: Frame) -> Row:
        """Return what the list is."""
        del frame
        return (Span("findings", "title"),)

    def empty(self, frame: Frame) -> str:
        """Return why there are none."""
        report = frame.training_report
        if frame.training is None:
            return frame.report.attachment.text
        return "still looking: no verdict yet" if report is None or not report.settled else "nothing found"

    def entries(self, frame: Frame, width: int) -> Sequence[Entry]:
        """Return the findings in the order of the report."""
        return [Entry(finding.id, self._row(finding, frame, width)) for finding in _findings(frame)]

    @staticmethod
    def _row(finding: Finding, frame: Frame, width: int) -> Row:
        role = finding_role(finding)
        mark = finding_mark(finding, glyphs(frame.view.ascii))
        age = duration(max(0.0, frame.view.now_unix_seconds - finding.since_unix_seconds), 7)
        spans = [
            Span(f"{mark} {finding.severity.value:<8} ", role),
            Span(pad(finding.id, 24), "value"),
            Span(f"{age}  ", "dim"),
        ]
        return (*spans, Span(finding.text)) if width >= 60 else tuple(spans)


class FindingDetails(ScrollPane):
    """The finding under the cursor, in full."""

    def __init__(self) -> None:
        super().__init__()
        self._finding_id: str | None = None

    def of(self, finding_id: str | None) -> None:
        """Show that finding, from its beginning."""
        if finding_id != self._finding_id:
            self._finding_id = finding_id
            self.to_top()
            self.redraw()

    def title(self, frame: Frame) -> Row:
        """Return what is shown, and how to learn more."""
        del frame
        return (Span("evidence", "title"),)

    def rows(self, frame: Frame, width: int) -> Sequence[Row]:
        """Return the finding, or all that could not be read where there is none."""
        report = frame.training_report
        finding = next((item for item in _findings(frame) if item.id == self._finding_id), None)
        if finding is None or report is None:
            return [(Span("nothing is under the cursor", "dim"),)]
        about: Row = (
            Span("enter", "key"),
            Span(" what this means and how it is told from its look-alikes", "dim"),
        )
        return [*finding_rows(finding, report, frame.view.now_unix_seconds, width), (), about]


class FindingsScreen(ViewScreen):
    """The list and, beside or below it, the finding under the cursor."""

    PLACE = "findings"
    KEYS = (Item("enter", "explain", "enter"), Item("y", "copy", "y"), Item("tab", "scroll", "tab"))

    def body(self) -> Iterable[Widget]:
        """Return the two panes."""
        yield FindingList()
        yield FindingDetails()

    def show(self, frame: Frame) -> None:
        """Show a frame; details follow the cursor, which may have lost its finding."""
        listed = self.query_one(FindingList)
        listed.show(frame)
        keys = [finding.id for finding in _findings(frame)]
        set_height(listed, max(1, len(keys)) + _FRAME_ROWS)
        key = listed.key if listed.key in keys else (keys[0] if keys else None)
        self.query_one(FindingDetails).of(key)
        super().show(frame)

    def command(self) -> str | None:
        """Return the command for the finding under the cursor, or else the first there is."""
        frame = self.dashboard.frame
        report = frame.training_report if frame is not None else None
        key = self.query_one(FindingList).key
        for suggestion in report.suggestions if report is not None else ():
            if suggestion.finding == key and (command := known(suggestion.command)) is not None:
                return command
        return super().command()

    @on(ListPane.Moved)
    def _show_details(self, event: ListPane.Moved) -> None:
        self.query_one(FindingDetails).of(event.key)

    @on(ListPane.Chosen)
    def _open_page(self, event: ListPane.Chosen) -> None:
        from gpumon.tui.screens.rule_page import RulePageScreen

        self.app.push_screen(RulePageScreen(event.key))


def _findings(frame: Frame) -> tuple[Finding, ...]:
    report = frame.training_report
    return () if report is None else report.findings
