"""The findings: each with its evidence, cost, remedy and page; and those that are over."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import ClassVar

from textual import on
from textual.binding import Binding, BindingType
from textual.widget import Widget

from gpumon.model.finding import Finding
from gpumon.model.suggestion import Suggestion
from gpumon.monitor.episodes import Episode
from gpumon.paint.glyphs import glyphs
from gpumon.paint.numbers import duration, percent
from gpumon.paint.row import Row, Span, clip_at_blank, fit, pad, row_width
from gpumon.tui.filter_line import FilteredScreen
from gpumon.tui.finding_rows import episode_rows, finding_rows
from gpumon.tui.key_line import Item
from gpumon.tui.list_pane import DetailPane, Entry, ListPane
from gpumon.tui.moments import clock_text
from gpumon.tui.screens.view_screen import set_height
from gpumon.tui.widgets.finding_words import finding_mark, finding_role
from gpumon.tui.widgets.frame import Frame

_FRAME_ROWS = 2
# Left and right of the details.
_MARGIN_CELLS = 2
# Of those that are over so many have room at once; the cursor reaches all.
_MOST_OVER_ROWS = 4
_TEXT_FROM_WIDTH = 72
_ID_CELLS = 24
_COST_CELLS = 11
# Rows of a picture beside its evidence, from that many rows of the pane on.
_PICTURE_ROWS = ((36, 6), (24, 4), (0, 3))


class FindingList(ListPane):
    """One row a finding, the verdict first; below them those that are over, the newest first."""

    ROW_NOUN = "finding"

    def title(self, frame: Frame) -> Row:
        """Return what the list is, and how many there are."""
        over = len(_over(frame))
        words = f" {len(_findings(frame))} now" + (f", {over} over" if over else "")
        return (Span("findings", "title"), Span(words, "dim"))

    def empty(self, frame: Frame) -> str:
        """Return why there are none."""
        report = frame.training_report
        if frame.training is None:
            return frame.report.attachment.text
        return "still looking: no verdict yet" if report is None or not report.settled else "nothing found"

    def entries(self, frame: Frame, width: int) -> Sequence[Entry]:
        """Return the findings in the order of the report, then what is over."""
        now = [
            Entry(item.id, _finding_row(item, frame, width), f"{item.id} {item.severity.value} {item.text}")
            for item in _findings(frame)
        ]
        over = [
            Entry(item.key, _episode_row(item, frame, width), f"{item.id} over {item.text}")
            for item in _over(frame)
        ]
        return [*now, *over]


class FindingDetails(DetailPane):
    """The finding under the cursor, in full."""

    def title(self, frame: Frame) -> Row:
        """Return the id of what is shown: so are its page and its alerts called."""
        del frame
        return (Span("finding" if self._key is None else _id_of(self._key), "title"),)

    def rows(self, frame: Frame, width: int) -> Sequence[Row]:
        """Return the finding, now or over, and how to learn more."""
        inner = width - _MARGIN_CELLS
        finding = next((item for item in _findings(frame) if item.id == self._key), None)
        episode = next((item for item in _over(frame) if item.key == self._key), None)
        if finding is not None:
            height = next(rows for least, rows in _PICTURE_ROWS if self.size.height >= least)
            rows = finding_rows(finding, frame, inner, picture_height=height)
        elif episode is not None:
            rows = episode_rows(episode, frame, inner)
        else:
            return [(Span(" nothing is under the cursor", "dim"),)]
        about: Row = (
            Span(frame.view.keys("enter"), "key"),
            Span(" what this means and how it is told from its look-alikes   ", "dim"),
            Span(frame.view.keys("m"), "key"),
            Span(" mute its alerts", "dim"),
        )
        return [(Span(" "), *row) for row in (*rows, (), about)]


class FindingsScreen(FilteredScreen):
    """The list and, below it, the finding under the cursor."""

    PLACE = "findings"
    KEYS = (
        Item("enter", "why", "enter"),
        Item("m", "mute", "m"),
        Item("y", "copy", "y"),
        Item("tab", "scroll", "tab"),
        Item("/", "filter", "slash"),
    )
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding(
            "m",
            "mute",
            "mute",
            id="findings.mute",
            tooltip="no alerts of the finding under the cursor, or alerts again",
        ),
    ]

    def body(self) -> Iterable[Widget]:
        """Return the two panes."""
        yield FindingList()
        yield FindingDetails()

    def show(self, frame: Frame) -> None:
        """Show a frame; details follow the cursor, which may have lost its finding."""
        listed = self.query_one(FindingList)
        listed.show(frame)
        over = _over(frame)
        keys = [*(finding.id for finding in _findings(frame)), *(item.key for item in over)]
        rows = len(keys) - max(0, len(over) - _MOST_OVER_ROWS)
        set_height(listed, max(1, rows) + _FRAME_ROWS)
        first = keys[0] if keys and not listed.wanted else None
        key = listed.key if listed.key in keys else first
        self.query_one(FindingDetails).of(key)
        super().show(frame)

    def suggestions(self) -> tuple[Suggestion, ...]:
        """Return what is suggested, that for the finding under the cursor first."""
        key = self.query_one(FindingList).key
        return tuple(sorted(super().suggestions(), key=lambda suggestion: suggestion.finding != key))

    def action_mute(self) -> None:
        """Mute the finding under the cursor, or take that back."""
        key = self.query_one(FindingList).key
        if key is not None:
            self.dashboard.mute(_id_of(key))

    @on(ListPane.Moved)
    def _show_details(self, event: ListPane.Moved) -> None:
        self.query_one(FindingDetails).of(event.key)

    @on(ListPane.Chosen)
    def _open_page(self, event: ListPane.Chosen) -> None:
        from gpumon.tui.screens.rule_page import RulePageScreen

        self.app.push_screen(RulePageScreen(_id_of(event.key)))


def _finding_row(finding: Finding, frame: Frame, width: int) -> Row:
    role = finding_role(finding)
    mark = finding_mark(finding, glyphs(frame.view.ascii))
    age = duration(max(0.0, frame.view.now_unix_seconds - finding.since_unix_seconds), 7)
    word = "muted" if finding.id in frame.muted else finding.severity.value
    lost = "" if finding.lost_ratio is None else f"costs {percent(finding.lost_ratio, 0)}"
    spans = [
        Span(f"{mark} {word:<8} ", role),
        Span(pad(finding.id, _ID_CELLS), "value"),
        Span(age, "dim"),
        Span(f" {lost:>{_COST_CELLS}}  ", "value"),
    ]
    ellipsis = glyphs(frame.view.ascii).ellipsis
    if width >= _TEXT_FROM_WIDTH:
        spans.append(Span(clip_at_blank(finding.text, width - row_width(spans), ellipsis)))
    row = fit(spans, width, ellipsis=ellipsis)
    # Muted ones stay readable, but do not call.
    return tuple(Span(text, "dim") for text, _ in row) if finding.id in frame.muted else row


def _episode_row(episode: Episode, frame: Frame, width: int) -> Row:
    lasted = duration(episode.lasted_seconds(frame.report.sample.instant), 7)
    glyph = glyphs(frame.view.ascii)
    text = f"{glyph.dot} {'over':<8} {pad(episode.id, _ID_CELLS)}{lasted}  "
    if width >= _TEXT_FROM_WIDTH:
        text += f"from {clock_text(episode.began.unix_seconds)}  {episode.text}"
    return (Span(clip_at_blank(text, width, glyph.ellipsis), "dim"),)


def _findings(frame: Frame) -> tuple[Finding, ...]:
    report = frame.training_report
    return () if report is None else report.findings


def _over(frame: Frame) -> tuple[Episode, ...]:
    """Return the episodes that are over, of what is looked at; those of a recording do not tell of whom."""
    there = {finding.id for finding in _findings(frame)}
    training = frame.training
    pids = {0} if training is None else {0, training.training.id.pid}
    return tuple(
        item
        for item in frame.episodes
        if item.pid in pids and (item.over is not None or item.id not in there)
    )


def _id_of(key: str) -> str:
    """Return the id of the finding that an entry is about."""
    return key.partition("@")[0]
