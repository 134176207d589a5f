"""Lines that remember nothing about themselves."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from rich.segment import Segment
from textual.cache import FIFOCache
from textual.strip import Strip


class _KeepsNothing(FIFOCache[Any, Any]):
    """A cache that never has anything, and so serves all lines."""

    def __setitem__(self, key: Any, value: Any) -> None:
        """Let go of it."""


_NONE = _KeepsNothing(0)


class LeanStrip(Strip):
    """A line of a pane, without the seven caches of Textual's own: fourteen small objects, 1 KB.

    What they are for comes up once in the life of such a line: the pane makes it anew when it changes. With
    what was cut from it a large screen would have some thousand of them, for as long as it is the same.
    """

    __slots__ = ()

    def __init__(self, segments: Iterable[Segment], cell_length: int | None = None) -> None:
        # Textual's own would make the caches first.
        self._segments = list(segments)
        self._cell_length = cell_length
        self._divide_cache = _NONE
        self._crop_cache = _NONE
        self._style_cache = _NONE
        self._filter_cache = _NONE
        self._line_length_cache = _NONE
        self._crop_extend_cache = _NONE
        self._offsets_cache = _NONE
        self._render_cache = None
        self._link_ids = None
        self._cell_count = None
