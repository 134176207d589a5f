"""The page about one finding: what it means, its signals, its look-alikes, what to do."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from textual.widget import Widget

from gpumon.paint.row import Row, Span
from gpumon.tui.list_pane import ScrollPane
from gpumon.tui.page import page_rows, rule_page
from gpumon.tui.screens.view_screen import ViewScreen
from gpumon.tui.widgets.frame import Frame

_MOST_CELLS = 100
_SECTION = "## "
_REMEDY = "What to do"


class RulePage(ScrollPane):
    """The page, which is part of the package."""

    def __init__(self, finding_id: str) -> None:
        super().__init__()
        self._finding_id = finding_id
        text = rule_page(finding_id) or f"There is no page about {finding_id}."
        # Its heading is the title of the box.
        self._text = _remedy_second(text.removeprefix(f"# {finding_id}\n").lstrip("\n"))

    def title(self, frame: Frame) -> Row:
        """Return the finding's id."""
        del frame
        return (Span(self._finding_id, "title"),)

    def rows(self, frame: Frame, width: int) -> Sequence[Row]:
        """Return the page."""
        del frame
        return [(Span(" "), *row) for row in page_rows(self._text, min(width - 2, _MOST_CELLS))]


class RulePageScreen(ViewScreen):
    """The page on top of the findings."""

    def __init__(self, finding_id: str) -> None:
        super().__init__()
        self._finding_id = finding_id

    def body(self) -> Iterable[Widget]:
        """Return the page."""
        yield RulePage(self._finding_id)


def _remedy_second(text: str) -> str:
    """Return a page with what to do right after what it means: most are here for that."""
    before, *sections = text.split(_SECTION)
    first, others = sections[:1], sections[1:]
    others.sort(key=lambda section: not section.startswith(_REMEDY))
    return _SECTION.join((before, *(section.rstrip("\n") + "\n\n" for section in (*first, *others))))
