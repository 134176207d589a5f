"""The runs that gpumon saw: their list, and two of them side by side."""

from __future__ import annotations

import socket
from collections.abc import Iterable, Sequence
from contextlib import suppress
from pathlib import Path
from threading import Thread

from textual import on
from textual.message import Message
from textual.widget import Widget

from gpumon.paint.row import Row, Span, row_text
from gpumon.recording.runs_compare import Comparison, compare
from gpumon.recording.runs_place import boot_id, runs_path
from gpumon.tui.comparison_rows import comparison_rows
from gpumon.tui.filter_line import FilteredScreen
from gpumon.tui.key_line import Item
from gpumon.tui.list_pane import Entry, ListPane, ScrollPane
from gpumon.tui.run_rows import SeenRun, run_details, run_heading, run_row
from gpumon.tui.runs_reading import FoundRuns, read_runs
from gpumon.tui.screens.view_screen import ViewScreen, set_height
from gpumon.tui.widgets.frame import Frame
from gpumon.tui.wrap import wrap

_TITLE = "runs: mark two to compare"
# So long that no word of a text that is filtered is broken.
_MOST_TEXT_CELLS = 4096
# As many as can be compared.
_TWO = 2
# Of a pane; above a list; the top line, the key line and, while it is there, the filter.
_EDGES, _HEADING_ROWS, _OTHER_ROWS = 2, 1, 3
# As app.tcss has it.
_LEAST_DETAIL_ROWS = 10


class RunsRead(Message):
    """The database has been read, in a thread of its own."""

    def __init__(self, found: FoundRuns) -> None:
        super().__init__()
        self.found = found


class RunList(ListPane):
    """One row a run, the newest first; `marked` are those to be compared."""

    ROW_NOUN = "run"

    def __init__(self) -> None:
        super().__init__()
        self.found = FoundRuns(trouble="the list of runs is being read ...")
        self.marked: tuple[int, ...] = ()
        self._texts: dict[int, tuple[SeenRun, str]] = {}

    def on_unmount(self) -> None:
        """Let go of the runs: a closed screen is found as garbage much later."""
        self.found, self._texts = FoundRuns(), {}

    @property
    def run_here(self) -> SeenRun | None:
        """The run under the cursor."""
        found = next((seen for seen in self.found.runs if str(seen.run.id) == self.key), None)
        # Before the list is drawn the cursor is on no key, and where the filter leaves none there is none.
        is_undrawn = found is None and bool(self.found.runs) and not self.wanted
        return self.found.runs[0] if is_undrawn else found

    def title(self, frame: Frame) -> Row:
        """Return what to do."""
        del frame
        if self.marked:
            return (Span(f"run {self.marked[0]} is marked: mark another to compare", "title"),)
        closed = self.found.trouble if self.found.runs else ""
        return (Span(_TITLE, "title"), *((Span(f", {closed}", "warn"),) if closed else ()))

    def heading(self, frame: Frame, width: int) -> Row:
        """Return the names of the columns."""
        del frame
        return run_heading(width) if self.found.runs else ()

    def entries(self, frame: Frame, width: int) -> Sequence[Entry]:
        """Return the runs."""
        now, is_ascii = frame.view.now_unix_seconds, frame.view.ascii
        return [
            Entry(
                str(seen.run.id),
                run_row(seen, width, now, is_marked=seen.run.id in self.marked, is_ascii=is_ascii),
                self._text_of(seen) if self.wanted else "",
            )
            for seen in self.found.runs
        ]

    def draw(self, frame: Frame, width: int, height: int) -> list[Row]:
        """Return the list, or why there is none."""
        drawn = super().draw(frame, width, height)
        return drawn if self.found.runs else wrap(self.found.trouble, width)

    def _text_of(self, seen: SeenRun) -> str:
        """Return all that is known of a run, of which its row has the half; made once for each."""
        known = self._texts.get(seen.run.id)
        if known is None or known[0] is not seen:
            rows = run_details(seen, _MOST_TEXT_CELLS, is_ascii=False)
            known = (seen, f"{seen.run.id} {' '.join(map(row_text, rows))}")
            self._texts[seen.run.id] = known
        return known[1]


class RunDetails(ScrollPane):
    """The run under the cursor, in full."""

    def __init__(self) -> None:
        super().__init__()
        self._seen: SeenRun | None = None

    def of(self, seen: SeenRun | None) -> None:
        """Show that run, from its beginning."""
        if seen != self._seen:
            self._seen = seen
            self.to_top()
            self.redraw()

    def title(self, frame: Frame) -> Row:
        """Return which run it is."""
        del frame
        return () if self._seen is None else (Span(f"run {self._seen.run.id}", "title"),)

    def rows(self, frame: Frame, width: int) -> Sequence[Row]:
        """Return what is known of it."""
        return () if self._seen is None else run_details(self._seen, width, is_ascii=frame.view.ascii)


class RunsScreen(FilteredScreen):
    """The list above the run under the cursor. `path` is the database: None is that of this user."""

    KEYS = (Item("enter", "mark", "enter"), Item("/", "filter", "slash"))

    def __init__(self, path: Path | None = None) -> None:
        super().__init__()
        self._path = path
        self._boot = ""
        self._is_reading = False

    def body(self) -> Iterable[Widget]:
        """Return the two panes."""
        yield RunList()
        yield RunDetails()

    def show(self, frame: Frame) -> None:
        """Show a frame; the details follow the cursor, from which a filter may have taken its run."""
        super().show(frame)
        if not self._is_reading:
            self._give_details()

    def _give_details(self) -> None:
        """Show the run under the cursor in full, as high as it is where the list leaves the room."""
        listed, details = self.query_one(RunList), self.query_one(RunDetails)
        seen = listed.run_here
        details.of(seen)
        if seen is None:
            return
        needed = len(run_details(seen, max(1, self.size.width - _EDGES), is_ascii=False)) + _EDGES
        left = self.size.height - _OTHER_ROWS - (len(listed.found.runs) + _HEADING_ROWS + _EDGES)
        set_height(details, max(_LEAST_DETAIL_ROWS, min(needed, left)))

    def on_screen_resume(self) -> None:
        """Read the list, whenever it comes to the top."""
        if not self._is_reading:
            self._is_reading = True
            # A disk that hangs, or another program that holds the file, delays nobody.
            Thread(target=self._read, name="gpumon runs", daemon=True).start()

    def on_runs_read(self, message: RunsRead) -> None:
        """Show what was read."""
        self._is_reading = False
        listed = self.query_one(RunList)
        listed.found = message.found
        there = {seen.run.id for seen in message.found.runs}
        listed.marked = tuple(number for number in listed.marked if number in there)
        listed.redraw()
        self._give_details()

    @on(ListPane.Moved)
    def _show_details(self) -> None:
        self._give_details()

    @on(ListPane.Chosen)
    def _mark(self, event: ListPane.Chosen) -> None:
        listed = self.query_one(RunList)
        number = int(event.key)
        if number in listed.marked:
            listed.marked = tuple(one for one in listed.marked if one != number)
        else:
            listed.marked = (*listed.marked, number)
        if len(listed.marked) == _TWO:
            # The older one first: what the change brought.
            runs = {seen.run.id: seen.run for seen in listed.found.runs}
            one, other = (runs[number] for number in sorted(listed.marked))
            listed.marked = ()
            self.app.push_screen(ComparisonScreen(compare(one, other), self._boot))
        listed.redraw()

    def _read(self) -> None:
        self._boot = boot_id(socket.gethostname())
        found = read_runs(runs_path() if self._path is None else self._path, self._boot)
        # After the end of the dashboard its event loop is closed.
        with suppress(RuntimeError):
            self.post_message(RunsRead(found))


class ComparisonPage(ScrollPane):
    """What differs between two runs, and what can be said of it."""

    def __init__(self, comparison: Comparison, boot: str) -> None:
        super().__init__()
        self._comparison = comparison
        self._boot = boot

    def title(self, frame: Frame) -> Row:
        """Return which runs they are."""
        del frame
        return (Span(f"run {self._comparison.other.id} beside run {self._comparison.one.id}", "title"),)

    def rows(self, frame: Frame, width: int) -> Sequence[Row]:
        """Return the table and the sentences."""
        return comparison_rows(self._comparison, self._boot, width, is_ascii=frame.view.ascii)


class ComparisonScreen(ViewScreen):
    """The comparison on top of the list."""

    def __init__(self, comparison: Comparison, boot: str) -> None:
        super().__init__()
        self._comparison = comparison
        self._boot = boot

    def body(self) -> Iterable[Widget]:
        """Return the page."""
        yield ComparisonPage(self._comparison, self._boot)
