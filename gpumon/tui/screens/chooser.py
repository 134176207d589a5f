"""The list of trainings to attach to."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from textual import on
from textual.widget import Widget

from gpumon.model.measure import Maybe, Missing
from gpumon.model.training import Setting, Training
from gpumon.paint.row import Row, Span, clip, clip_left, pad, row_width
from gpumon.tui.filter_line import FilteredScreen
from gpumon.tui.key_line import Item
from gpumon.tui.list_pane import Entry, ListPane
from gpumon.tui.widgets.finding_words import framework_name
from gpumon.tui.widgets.frame import Frame


class TrainingList(ListPane):
    """One row a training that was found."""

    ROW_NOUN = "training"

    def title(self, frame: Frame) -> Row:
        """Return what to do."""
        del frame
        return (Span("choose a training: enter attaches, esc closes", "title"),)

    def empty(self, frame: Frame) -> str:
        """Return what is known while there are none."""
        return frame.report.attachment.text or "no training was found"

    def heading(self, frame: Frame, width: int) -> Row:
        """Return the names of the columns."""
        del frame, width
        return (Span(f"{'PID':>8}  {'framework':<12} {'batch':>6} {'workers':>7}  training", "dim"),)

    def entries(self, frame: Frame, width: int) -> Sequence[Entry]:
        """Return the attached training, then the candidates."""
        attachment = frame.report.attachment
        trainings = [*attachment.candidates]
        if attachment.training is not None and attachment.training not in trainings:
            trainings.insert(0, attachment.training)
        return [Entry(str(item.id.pid), self._row(item, width), _text_of(item)) for item in trainings]

    @staticmethod
    def _row(training: Training, width: int) -> Row:
        settings = training.settings
        batch, workers = _short(settings.batch_size), _short(settings.workers)
        room = max(0, width - 41)
        where = training.run_dir if isinstance(training.run_dir, str) else ""
        framework = pad(framework_name(training.framework), 12)
        head = f"{training.id.pid:>8}  {framework} {batch:>6} {workers:>7}  "
        # Of two of the same name one may be a demo's.
        mark = (Span("SIM", "simulated"), Span(" ")) if training.simulated else ()
        name = clip(training.name, room - row_width(mark))
        left = room - row_width(mark) - len(name) - 2
        return (
            Span(head),
            *mark,
            Span(name, "value"),
            Span("  " + clip_left(where, left) if left > 8 else "", "dim"),
        )


class ChooserScreen(FilteredScreen):
    """The list on top of what was shown."""

    KEYS = (Item("enter", "attach", "enter"), Item("/", "filter", "slash"))

    def body(self) -> Iterable[Widget]:
        """Return the list."""
        yield TrainingList()

    @on(ListPane.Chosen)
    def _choose(self, event: ListPane.Chosen) -> None:
        self.dashboard.choose(int(event.key))
        self.dismiss()


def _short(setting: Maybe[Setting]) -> str:
    return (
        "–" if isinstance(setting, Missing) else clip("-" if setting.value is None else str(setting.value), 6)
    )


def _text_of(training: Training) -> str:
    """Return what a filter looks into: all of a training that its row may have no room for."""
    where = training.run_dir if isinstance(training.run_dir, str) else ""
    made_up = "simulated" if training.simulated else ""
    words = (str(training.id.pid), training.framework, made_up, training.name, where, *training.command)
    return " ".join(words)
