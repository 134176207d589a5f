"""A palette that is closed twice takes nothing else with it."""

from __future__ import annotations

from gpumon.tui.palette import Palette
from tests.tui.screen import dashboard


async def test_a_second_enter_does_not_end_the_dashboard() -> None:
    """Typed ahead, it comes when the palette is closed already."""
    async with dashboard("starved") as shown:
        await shown.press("ctrl+p")
        palette = shown.app.screen
        assert isinstance(palette, Palette)
        palette.dismiss()
        palette.dismiss()
        await shown.press("?")

        assert "HelpScreen" == type(shown.app.screen).__name__


async def test_a_search_that_ends_after_the_palette_does_not_end_the_dashboard() -> None:
    """What it found cannot be shown any more."""
    async with dashboard("starved") as shown:
        await shown.press("ctrl+p")
        palette = shown.app.screen
        assert isinstance(palette, Palette)
        await shown.press("escape")
        palette._list_visible = not palette._list_visible
        await shown.press("?")

        assert "HelpScreen" == type(shown.app.screen).__name__
