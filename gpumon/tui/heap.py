"""What Textual and Rich remember of what they drew, let go: the dashboard stays open for weeks."""

from __future__ import annotations

import sys

from textual.dom import DOMNode
from textual.widget import Widget

# Each remembers 1000 to 16 000 answers about regions, styles and pieces of text, which take microseconds to
# be found again: 6 MB after some days of other screens and sizes, and it goes on. A picture needs some
# hundred of them. By name: what is not loaded, or has another name in another version, is left as it is.
_KEPT_BY = (
    ("rich.cells", ""),
    ("rich.color", "Color"),
    ("rich.segment", "Segment"),
    ("rich.style", "Style"),
    ("textual._segment_tools", ""),
    ("textual._styles_cache", "StylesCache"),
    ("textual.color", "Color"),
    ("textual.css.scalar", "Scalar"),
    ("textual.filter", ""),
    ("textual.filter", "ANSIToTruecolor"),
    ("textual.geometry", "Region"),
    ("textual.strip", "Strip"),
    ("textual.style", "Style"),
)


def forget_drawn() -> None:
    """Let go of what is remembered of any picture; the next one finds again what it needs.

    The `lru_cache` of a method also holds the widgets that asked, and with a StylesCache every line that
    they drew.
    """
    for module, name in _KEPT_BY:
        there = sys.modules.get(module)
        for each in vars(getattr(there, name, there) if name else there).values() if there else ():
            # A class method holds its function, a property its getter.
            function = getattr(each, "__func__", None) or getattr(each, "fget", None) or each
            info = getattr(function, "cache_info", None)
            # What has no bound is a table that is loaded once.
            if info is not None and info().maxsize is not None:
                function.cache_clear()


def forget_laid_out(root: DOMNode) -> None:
    """Let go of where the widgets of a screen were at other sizes, and of which were found in it."""
    for node in root.walk_children(with_self=True):
        node._query_one_cache.clear()  # noqa: SLF001 - Textual has no other way
        if isinstance(node, Widget):
            node._box_model_cache.clear()  # noqa: SLF001 - as above
