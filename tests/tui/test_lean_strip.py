"""Lines of panes are Textual's, but for what they remember."""

from __future__ import annotations

import gc
from typing import Any

from rich.segment import Segment
from rich.style import Style
from textual.cache import FIFOCache
from textual.strip import Strip

from gpumon.tui.widgets.lean_strip import LeanStrip

_SEGMENTS = (Segment("GPU 58 % ", Style(bold=True)), Segment("世 waits"))


def _cut(strip: Strip) -> list[Any]:
    """Return what Textual makes of a line to compose a screen."""
    return [
        list(strip),
        strip.cell_length,
        [list(part) for part in strip.divide([4, 10, 17])],
        list(strip.crop(2, 12)),
        list(strip.crop_extend(2, 30, None)),
        list(strip.adjust_cell_length(40)),
        list(strip.apply_style(Style(dim=True))),
        list(strip.apply_offsets(1, 2)),
    ]


def test_all_of_a_line_is_there() -> None:
    """Whatever field Textual gives its lines has a value here too."""
    strip = LeanStrip(_SEGMENTS, 16)

    assert [] == [name for name in Strip.__slots__ if not hasattr(strip, name)]


def test_it_is_cut_as_another_line_each_time() -> None:
    """Twice, for the second time Textual takes what it remembers."""
    lean, other = LeanStrip(_SEGMENTS, 17), Strip(_SEGMENTS, 17)

    assert _cut(other) == _cut(lean)
    assert _cut(other) == _cut(lean)


def test_no_line_has_caches_of_its_own() -> None:
    """A screen of 300x80 with something opened on top had 21 000 of them."""
    gc.collect()
    before = sum(isinstance(each, FIFOCache) for each in gc.get_objects())
    strips = [LeanStrip(_SEGMENTS, 17) for _ in range(20)]
    for strip in strips:
        _cut(strip)

    assert before == sum(isinstance(each, FIFOCache) for each in gc.get_objects())
