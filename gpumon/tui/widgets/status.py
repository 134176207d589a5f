"""What could not be read, and what gpumon costs."""

from __future__ import annotations

from gpumon.model.measure import known
from gpumon.model.sample import Sample
from gpumon.paint.glyphs import Glyphs, glyphs
from gpumon.paint.numbers import NOT_KNOWN, bytes_text
from gpumon.paint.row import Row, Span, clip, row_width
from gpumon.tui.widgets.frame import Frame
from gpumon.tui.widgets.pane import Pane
from gpumon.tui.widgets.trouble import Trouble, after

_SOURCE_CELLS = 16
# Sources by the names that people know them by.
_SOURCES = {"nvml": "the GPU driver", "scan": "the search for trainings", "files": "the run directory"}


class StatusLine(Pane):
    """Errors of sources and late sources at the left, gpumon's own CPU and memory at the right."""

    DEFAULT_CSS = "StatusLine { height: 1; }"
    FRAMED = False

    def __init__(self) -> None:
        super().__init__()
        self._trouble = Trouble()

    def follow(self, sample: Sample) -> bool:
        """Take the newest sample, and tell whether the line has anything to say now."""
        self._trouble = after(self._trouble, sample)
        return self._trouble.is_told

    def draw(self, frame: Frame, width: int, height: int) -> list[Row]:
        """Return the line."""
        del height
        sample = frame.report.sample
        glyph = glyphs(frame.view.ascii)
        cost = cost_row(sample)
        room = width - row_width(cost) - 1
        if room < 0:
            return [cost]
        left = _words(self._trouble, glyph, room)
        return [(*left, Span(" " * (room + 1 - row_width(left))), *cost)]


def cost_row(sample: Sample) -> Row:
    """Return `gpumon 0.9 % CPU  55 MiB`."""
    cores = known(sample.self_reading.cpu_ratio)
    cpu = NOT_KNOWN.rjust(4) if cores is None else f"{cores * 100:4.1f}"
    memory = bytes_text(known(sample.self_reading.memory_bytes), 7)
    return (Span(f"gpumon {cpu} % CPU {memory} ", "dim"),)


def _words(trouble: Trouble, glyph: Glyphs, room: int) -> Row:
    """Return the first error in words and how many more there are; then the late sources."""
    parts: list[Span] = []
    if trouble.errors:
        first = trouble.errors[0]
        more = f" (+{len(trouble.errors) - 1})" if len(trouble.errors) > 1 else ""
        text = f"{clip(first.source, _SOURCE_CELLS, glyph.ellipsis)}: {first.text}"
        parts.append(Span(f" {glyph.up} ", "warn"))
        parts.append(Span(clip(text, room - 3 - len(more), glyph.ellipsis) + more))
    if trouble.late_sources:
        names = dict.fromkeys(_SOURCES.get(name, name) for name in trouble.late_sources)
        late = " late: " + ", ".join(names)
        left = room - row_width(parts)
        if left > len(" late: "):
            parts.append(Span(clip(late, left, glyph.ellipsis), "dim"))
    return tuple(parts) if room > 0 else ()
