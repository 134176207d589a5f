"""Sentences that are shown for a few seconds."""

from __future__ import annotations

import pytest

from tests.tui.screen import dashboard


@pytest.mark.parametrize("width", [40, 80])
async def test_all_of_a_sentence_is_seen(width: int) -> None:
    """Also a word that is as wide as there is room, give or take a cell, and one below the other."""
    async with dashboard(size=(width, 24), seconds=3) as running:
        for cells in range(width - 6, width + 2):
            running.app.clear_notifications()
            running.app.tell(f"saved {'@' * cells}")
            running.app.tell(f"done {'@' * cells} after all")
            await running.settle()
            shown = running.text()
            assert (shown.count("@"), "after all" in shown) == (2 * cells, True)


async def test_a_short_sentence_takes_one_row() -> None:
    """Half of 80 cells would be two rows for most that is told."""
    async with dashboard(seconds=3) as running:
        running.app.tell("theme gpumon-light, also at the next start")
        await running.settle()
        assert any("theme gpumon-light, also at the next start" in line for line in running.lines())
