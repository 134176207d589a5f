"""The help: every key that works here, and how to read the screen."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, cast

from textual.binding import Binding
from textual.dom import DOMNode
from textual.screen import Screen
from textual.widget import Widget

from gpumon.paint.glyphs import glyphs
from gpumon.paint.row import Row, Span
from gpumon.tui.keys import key_names
from gpumon.tui.list_pane import ScrollPane
from gpumon.tui.screens.view_screen import ViewScreen
from gpumon.tui.widgets.frame import Frame
from gpumon.tui.wrap import wrap

if TYPE_CHECKING:
    from gpumon.tui.app import GpumonApp

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
    (
        "busy workers",
        "share of time in which they do not wait for work: a worker that waits for a disk or a core is busy.",
    ),
    ("queue full", "share of time in which workers wait because enough batches are ready: the rest of busy."),
    ("bound", "what keeps the suggested number from being larger."),
    ("OOM risk", "how likely GPU memory runs out before the run ends: low below 5 %, elevated below 30 %."),
    ("~ and ±", "~ marks an estimate, ± the standard error of a sampled share. Ranges are 90 % intervals."),
    ("ready 3/8", "batches the loop could take at once, of those the workers load ahead."),
    ("sources", "i lists each number with its certainty and its source, and where sources disagree."),
    ("cores", "a row or a cell is a core: the fuller, the busier."),
    ("no core", "share of time a process could have run but no core was free (run-queue wait)."),
    ("stalled", "share of time in which some task waited for CPU, I/O or memory (Linux pressure, PSI)."),
    ("PSS", "memory of a process, with pages that it shares counted by its part."),
)


def bindings_of(app: GpumonApp, *nodes: DOMNode) -> tuple[Binding, ...]:
    """Return the bindings of nodes that have words and work here, each action once, in the order of nodes."""
    found: dict[str, Binding] = {}
    for node in nodes:
        for kind in type(node).__mro__:
            for binding in kind.__dict__.get("BINDINGS", ()):
                if isinstance(binding, Binding) and binding.id and binding.tooltip and app.has(binding):
                    found.setdefault(binding.id, binding)
    return tuple(found.values())


class HelpPage(ScrollPane):
    """Keys with what they do, then how to read the screen."""

    def __init__(self, here: tuple[Binding, ...], everywhere: tuple[Binding, ...]) -> None:
        super().__init__()
        self._sections = (("keys of this screen", here), ("keys everywhere", everywhere))

    def title(self, frame: Frame) -> Row:
        """Return what this is."""
        del frame
        return (Span("help", "title"),)

    def rows(self, frame: Frame, width: int) -> Sequence[Row]:
        """Return keys and explanations."""
        rows: list[Row] = []
        for heading, bindings in self._sections:
            if bindings:
                rows.append((Span(heading, "title"),))
            for binding in bindings:
                rows += self._pair(key_names(binding), binding.tooltip, "key", width)
            rows.append(())
        rows.append((Span("reading the screen", "title"),))
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
        shown = [widget for widget in explained.query("*") if widget.size.area]
        app = cast("GpumonApp", explained.app)
        self._here = bindings_of(app, explained, *shown)
        self._everywhere = bindings_of(app, app)

    def body(self) -> Iterable[Widget]:
        """Return the page."""
        yield HelpPage(self._here, self._everywhere)
