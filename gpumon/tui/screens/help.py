"""The help: every key that works here, and how to read the screen."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from textual.binding import Binding
from textual.screen import Screen
from textual.widget import Widget

from gpumon.paint.glyphs import glyphs
from gpumon.paint.row import Row, Span
from gpumon.tui.keys import key_names
from gpumon.tui.list_pane import ScrollPane
from gpumon.tui.screens.view_screen import ViewScreen
from gpumon.tui.widgets.frame import Frame
from gpumon.tui.wrap import wrap

_READING = (
    (
        "the verdict",
        "what limits the training now, with numbers, and what to change. The first one matters most.",
    ),
    (
        "GPU busy",
        "share of time in which a kernel ran. The shaded part is time in which the training waited for data.",
    ),
    ("pipeline", "the way of the data: storage, DataLoader workers, batches that are ready, the GPU."),
    ("~ and ±", "~ marks an estimate, ± the standard error of a sampled share. Ranges are 90 % intervals."),
    ("cores", "a row or a cell is a core: the fuller, the busier."),
    ("run-queue wait", "share of time a process could have run but no core was free."),
    ("PSS", "memory of a process, with pages that it shares counted by its part."),
)


def bindings_of(screen: Screen[object]) -> tuple[Binding, ...]:
    """Return every binding that works on a screen, each action once, the screen's own first."""
    found: dict[str, Binding] = {}
    nodes = [*screen.query("*"), screen, screen.app]
    for node in nodes:
        for kind in type(node).__mro__:
            for binding in kind.__dict__.get("BINDINGS", ()):
                if isinstance(binding, Binding) and binding.id and binding.tooltip:
                    found.setdefault(binding.id, binding)
    return tuple(found.values())


class HelpPage(ScrollPane):
    """Keys with what they do, then how to read the screen."""

    def __init__(self, bindings: tuple[Binding, ...]) -> None:
        super().__init__()
        self._listed = bindings

    def title(self, frame: Frame) -> Row:
        """Return what this is."""
        del frame
        return (Span("help", "title"),)

    def rows(self, frame: Frame, width: int) -> Sequence[Row]:
        """Return keys and explanations."""
        rows: list[Row] = [(Span("keys", "title"),)]
        for binding in self._listed:
            rows += self._pair(key_names(binding), binding.tooltip, "key", width)
        rows += [(), (Span("reading the screen", "title"),)]
        for name, text in _READING:
            rows += self._pair(name, text, "value", width)
        heat = glyphs(frame.view.ascii).heat
        rows += [
            (),
            (
                Span("  idle ", "dim"),
                *(Span(cell, f"heat{i}") for i, cell in enumerate(heat)),
                Span(" busy", "dim"),
            ),
        ]
        return rows

    @staticmethod
    def _pair(name: str, text: str, role: str, width: int) -> list[Row]:
        margin = 18
        wrapped = wrap(text, max(16, width - margin))
        first = (Span(f"  {name:<{margin - 3}} ", role), *wrapped[0])
        return [first, *((Span(" " * margin), *row) for row in wrapped[1:])]


class HelpScreen(ViewScreen):
    """The help on top of the screen it explains."""

    def __init__(self, explained: Screen[object]) -> None:
        super().__init__()
        self._listed = bindings_of(explained)

    def body(self) -> Iterable[Widget]:
        """Return the page."""
        yield HelpPage(self._listed)
