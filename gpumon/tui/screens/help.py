"""The help: every key that works here, and how to read the screen."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import zip_longest
from typing import TYPE_CHECKING, cast

from textual.binding import Binding
from textual.dom import DOMNode
from textual.screen import Screen
from textual.widget import Widget

from gpumon.paint.glyphs import glyphs
from gpumon.paint.row import Row, Span, fit
from gpumon.tui.fact_rows import ONE_COLUMN_CELLS
from gpumon.tui.key_map import KeyMap
from gpumon.tui.key_names import key_names
from gpumon.tui.list_pane import ScrollPane
from gpumon.tui.replay import REPLAY_BINDINGS
from gpumon.tui.screens.view_screen import ViewScreen
from gpumon.tui.widgets.frame import Frame
from gpumon.tui.wrap import wrap

if TYPE_CHECKING:
    from gpumon.tui.app import GpumonApp

_GAP_CELLS = 3
_NAME_CELLS = 15
# One thing in two directions: both stand in one row where it has room for the names of their keys.
_PAIRS = {
    "list.up": "list.down",
    "list.page_up": "list.page_down",
    "list.first": "list.last",
    "chart.previous": "chart.next",
    "chart.left": "chart.right",
    "chart.first": "chart.last",
    "chart.page_back": "chart.page_on",
    "processes.order": "processes.reverse",
    "processes.fold": "processes.unfold",
    "focus.next": "focus.previous",
    "span.longer": "span.shorter",
    "gpu.next": "gpu.previous",
    "theme.next": "theme.previous",
    "replay.forward": "replay.back",
    "replay.faster": "replay.slower",
    "replay.minute": "replay.minute_back",
    "replay.finding": "replay.finding_before",
    "replay.event": "replay.event_before",
    "replay.start": "replay.end",
}
_REPLAY_IDS = frozenset({"play", *(binding.id for binding in REPLAY_BINDINGS)})
_READING = (
    (
        "the verdict",
        "what limits the training now, with numbers, and what to change. The first one matters most.",
    ),
    (
        "GPU busy",
        "share of time in which a kernel ran. The shaded part is time in which the training waited for data.",
    ),
    (
        "VRAM",
        (
            "filled: what the training holds, then what others do, then the driver's own. Dashed: the "
            "training's peak; the line: what there is."
        ),
    ),
    ("GPUs", "each with its number and busy share. Dim: the training does not use it. g shows the next one."),
    ("pipeline", "the way of the data: storage, DataLoader workers, batches that are ready, the GPU."),
    (
        "busy workers",
        "share of time in which they do not wait for work: a worker that waits for a disk or a core is busy.",
    ),
    ("queue full", "share of time in which workers wait because enough batches are ready: the rest of busy."),
    (
        "marks",
        (
            "on the time axis: │ an epoch begins (its number beside it), ◊ validation, ■ checkpoint, "
            "▲ finding, ▼ a finding is over, ○ the training ended."
        ),
    ),
    ("bound", "what keeps the suggested number from being larger."),
    ("OOM risk", "how likely GPU memory runs out before the run ends: low below 5 %, elevated below 30 %."),
    ("~ and ±", "~ marks an estimate, ± the standard error of a sampled share. Ranges are 90 % intervals."),
    ("ready 3/8", "batches the loop could take at once, of those the workers load ahead."),
    ("sources", "each number with its certainty and its source, and where sources disagree."),
    (
        "plan",
        "steps of tuning in order: done, to do, later (another comes first), or not known, with the reason.",
    ),
    ("cores", "a row or a cell is a core: the fuller, the busier."),
    ("no core", "share of time a process could have run but no core was free (run-queue wait)."),
    ("stalled", "share of time in which some task waited for CPU, I/O or memory (Linux pressure, PSI)."),
    ("PSS", "memory of a process, with pages that it shares counted by its part."),
    (
        "other keys",
        "`gpumon config --keys` lists what can be moved by the config file, and how it is named there.",
    ),
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
    """Keys with what they do, the most used ones first, then how to read the screen."""

    def __init__(self, keys: KeyMap, sections: Sequence[tuple[str, Sequence[Binding]]]) -> None:
        """Show the bindings of `sections`, each below its heading."""
        super().__init__()
        self._key_map = keys
        self._sections = tuple(sections)

    def title(self, frame: Frame) -> Row:
        """Return what this is."""
        del frame
        return (Span("help", "title"),)

    def rows(self, frame: Frame, width: int) -> Sequence[Row]:
        """Return keys and explanations, beside each other where there is room."""
        two = width > ONE_COLUMN_CELLS
        cells = (width - _GAP_CELLS) // 2 if two else width
        rows = [row for section in self._sections for row in self._keys(*section, cells)]
        if not two:
            return [*rows, *self._reading(frame, cells)]
        # The headings of the keys stand over one column, that of how to read the screen over the other.
        half = len(rows)
        rows += self._reading(frame, cells)
        gap = Span(" " * _GAP_CELLS)
        columns = zip_longest(rows[:half], rows[half:], fillvalue=())
        return [(*fit(row, cells), gap, *other) for row, other in columns]

    def _keys(self, heading: str, bindings: Sequence[Binding], width: int) -> list[Row]:
        rows: list[Row] = [(Span(heading, "title"),)] if bindings else []
        left = {binding.id: binding for binding in bindings}
        while left:
            binding = left.pop(next(iter(left)))
            name, text = self._names(binding), binding.tooltip
            other = left.get(_PAIRS.get(binding.id or ""))
            if other is not None and len(both := f"{name}; {self._names(other)}") <= _NAME_CELLS:
                del left[other.id]
                name, text = both, f"{text}; {other.tooltip}"
            rows += self._pair(name, text, "key", width)
        return [*rows, ()] if rows else rows

    def _names(self, binding: Binding) -> str:
        return key_names(self._key_map.keys(binding))

    def _reading(self, frame: Frame, width: int) -> list[Row]:
        rows: list[Row] = [(Span("reading the screen", "title"),)]
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
        margin = _NAME_CELLS + 3
        wrapped = wrap(text, max(16, width - margin - 1))
        first = (Span(f"  {name:<{_NAME_CELLS}} ", role), *wrapped[0])
        return [first, *((Span(" " * margin), *row) for row in wrapped[1:])]


class HelpScreen(ViewScreen):
    """The help on top of the screen it explains."""

    def __init__(self, explained: Screen[object]) -> None:
        super().__init__()
        shown = [widget for widget in explained.query("*") if widget.size.area]
        app = cast("GpumonApp", explained.app)
        self._key_map = app.key_map
        everywhere = bindings_of(app, app)
        # On a replay its keys are what a hand looks for first; in the live dashboard there are none.
        replay = [binding for binding in everywhere if binding.id in _REPLAY_IDS]
        others = [binding for binding in everywhere if binding.id not in _REPLAY_IDS]
        self._sections = (
            ("keys of the replay", replay),
            ("keys of this screen", bindings_of(app, explained, *shown)),
            ("keys everywhere", others),
        )

    def body(self) -> Iterable[Widget]:
        """Return the page."""
        yield HelpPage(self._key_map, self._sections)
