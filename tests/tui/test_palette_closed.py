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
