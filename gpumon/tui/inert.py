"""The last guard before the terminal: no control character of any text gets through."""

from __future__ import annotations

from rich.segment import Segment
from textual.color import Color
from textual.filter import LineFilter

from gpumon.model.text import clean


class Inert(LineFilter):
    """Takes control characters out of every line. Sources clean their text; this holds if one forgets."""

    def apply(self, segments: list[Segment], background: Color) -> list[Segment]:
        """Return the segments, those with control characters made harmless."""
        del background
        if all(segment.text.isprintable() for segment in segments):
            return segments
        return [
            segment
            if segment.text.isprintable()
            else Segment(clean(segment.text), segment.style, segment.control)
            for segment in segments
        ]
