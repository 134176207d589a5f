"""Partial updates that send only the cells that changed.

Textual 8.2 sends each line of a dirty region from the left edge of its widget on, whatever the region's
own left edge is (`ChopsUpdate.render_segments` crops the right side only). At 120x40 that is two thirds
of all bytes of a chart that changes at its right end.
"""

from __future__ import annotations

from rich.console import Console
from textual._compositor import ChopsUpdate, Compositor


class CellUpdate(ChopsUpdate):
    """A partial update whose lines are cut at both ends of each dirty stretch."""

    def render_segments(self, console: Console) -> str:
        """Return the update as it goes to the terminal."""
        sequences: list[str] = []
        for y, left, right in self.spans:
            for end, (x, strip) in zip(self.chop_ends[y], self.chops[y].items(), strict=False):
                if strip is None or x >= right or end <= left:
                    continue
                start = max(x, left)
                cells = strip.crop(start - x, min(end, right) - x)
                sequences.append(f"\x1b[{y + 1};{start + 1}H")  # rich's Control builds objects for it
                sequences.append(cells.render(console))
        return "".join(sequences)


class CellCompositor(Compositor):
    """The compositor of a screen whose panes know which of their cells changed."""

    def render_partial_update(self) -> ChopsUpdate | None:
        """Return the update of what is dirty, or None where nothing is."""
        update = super().render_partial_update()
        return None if update is None else CellUpdate(update.chops, update.spans, update.chop_ends)
