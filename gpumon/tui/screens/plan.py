"""The plan: the steps of tuning in their order, each ticked with the evidence of this run."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from textual import on
from textual.widget import Widget

from gpumon.advice.changing import is_change
from gpumon.model.plan import PlanStep, StepState
from gpumon.model.suggestion import Suggestion
from gpumon.paint.row import Row, Span
from gpumon.tui.key_line import Item
from gpumon.tui.list_pane import DetailPane, Entry, ListPane
from gpumon.tui.plan_rows import done_words, step_row, step_rows, suggestion_of
from gpumon.tui.screens.view_screen import ViewScreen, set_height
from gpumon.tui.widgets.frame import Frame
from gpumon.tui.widgets.suggestion_words import flag_text

_FRAME_ROWS = 2
# Left and right of the step in full.
_MARGIN_CELLS = 2


class PlanList(ListPane):
    """One row a step, in the order in which they are taken."""

    DEFAULT_CSS = "PlanList { height: 5; max-height: 50%; }"

    def title(self, frame: Frame) -> Row:
        """Return what the list is, and how much of it is done."""
        plan = _plan(frame)
        return (Span("plan", "title"), Span(f" {done_words(plan)}" if plan else "", "dim"))

    def empty(self, frame: Frame) -> str:
        """Return why there is none."""
        if frame.training is None:
            return frame.report.attachment.text
        return "no plan yet: gpumon has not seen enough of the training"

    def start(self, frame: Frame) -> str | None:
        """Return the first step that is to do, else the first of all."""
        plan = _plan(frame)
        return next(
            (step.name for step in plan if step.state is StepState.TO_DO), plan[0].name if plan else None
        )

    def entries(self, frame: Frame, width: int) -> Sequence[Entry]:
        """Return the steps."""
        entries: list[Entry] = []
        # The step that each suggestion was told at.
        told: dict[int, int] = {}
        for number, step in enumerate(_plan(frame), 1):
            flags = _flags(step, frame)
            at = told.get(step.suggestion, 0) if flags and step.suggestion is not None else 0
            if step.suggestion is not None:
                told.setdefault(step.suggestion, number)
            row = step_row(number, step, width, ascii_only=frame.view.ascii, flags=flags, done_with=at)
            entries.append(Entry(step.name, row))
        return entries


class PlanDetails(DetailPane):
    """The step under the cursor, in full."""

    def title(self, frame: Frame) -> Row:
        """Return what is shown."""
        del frame
        return (Span("step", "title"),)

    def rows(self, frame: Frame, width: int) -> Sequence[Row]:
        """Return the step with its evidence and what does it."""
        step = _step(frame, self._key)
        if step is None:
            return [(Span(" nothing is under the cursor", "dim"),)]
        rows = step_rows(step, frame, width - _MARGIN_CELLS)
        return [(Span(" "), *row) for row in rows]


class PlanScreen(ViewScreen):
    """The list and, below it, the step under the cursor."""

    PLACE = "plan"
    KEYS = (Item("enter", "explain", "enter"), Item("y", "copy", "y"), Item("tab", "scroll", "tab"))

    def body(self) -> Iterable[Widget]:
        """Return the two panes."""
        yield PlanList()
        yield PlanDetails()

    def show(self, frame: Frame) -> None:
        """Show a frame; details follow the cursor."""
        listed, plan = self.query_one(PlanList), _plan(frame)
        set_height(listed, max(1, len(plan)) + _FRAME_ROWS)
        listed.show(frame)
        names = [step.name for step in plan]
        key = listed.key if listed.key in names else (names[0] if names else None)
        self.query_one(PlanDetails).of(key)
        super().show(frame)

    def suggestions(self) -> tuple[Suggestion, ...]:
        """Return the suggestion that does the step under the cursor; none where it has none."""
        here = self._suggestion()
        return () if here is None else (here,)

    def _suggestion(self) -> Suggestion | None:
        frame = self.dashboard.frame
        report = None if frame is None else frame.training_report
        if frame is None or report is None:
            return None
        step = _step(frame, self.query_one(PlanList).key)
        return None if step is None else suggestion_of(step, report)

    @on(ListPane.Moved)
    def _show_details(self, event: ListPane.Moved) -> None:
        self.query_one(PlanDetails).of(event.key)

    @on(ListPane.Chosen)
    def _open_page(self) -> None:
        """Open the page about the finding behind the step."""
        from gpumon.tui.screens.rule_page import RulePageScreen

        suggestion = self._suggestion()
        if suggestion is None:
            self.dashboard.tell("no finding stands behind this step")
        else:
            self.app.push_screen(RulePageScreen(suggestion.finding))


def _plan(frame: Frame) -> tuple[PlanStep, ...]:
    report = frame.training_report
    return () if report is None else report.plan


def _step(frame: Frame, name: str | None) -> PlanStep | None:
    return next((step for step in _plan(frame) if step.name == name), None)


def _flags(step: PlanStep, frame: Frame) -> str:
    """Return what to set for a step that is to do, as the command line spells it; empty: nothing."""
    report, training = frame.training_report, frame.training
    suggestion = None if report is None else suggestion_of(step, report)
    if step.state is not StepState.TO_DO or suggestion is None or not is_change(suggestion):
        return ""
    flags = flag_text(suggestion, "" if training is None else training.training.framework)
    return "" if flags == suggestion.text else flags.replace("\N{NO-BREAK SPACE}", " ")
