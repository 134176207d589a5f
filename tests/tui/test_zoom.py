"""One pane of the overview over the whole screen."""

from __future__ import annotations

import pytest

from tests.tui.screen import SIZES, dashboard


@pytest.mark.parametrize("size", [SIZES[0], SIZES[-1]])
async def test_every_pane_can_be_zoomed(size: tuple[int, int]) -> None:
    """Z shows one pane between the top line and the keys, tab the next one, esc all of them again."""
    async with dashboard(size=size) as shown:
        before = shown.text()
        await shown.press("z")
        for word in ("GPU 0", "VRAM", "CPU 8 cores", "pipeline", "processes"):
            lines = shown.lines()

            assert word in lines[1]
            assert lines[1].startswith("┌─")
            assert lines[-2].startswith("└─")
            assert sum(line.startswith("┌─") for line in lines) == 1
            assert [size[0]] * size[1] == [len(line) for line in lines]
            await shown.press("tab")

        assert "GPU 0" in shown.lines()[1]
        await shown.press("shift+tab")
        assert "processes" in shown.lines()[1]
        await shown.press("escape")
        assert [line[:20] for line in before.splitlines()[:-1]] == [line[:20] for line in shown.lines()[:-1]]


async def test_z_zooms_what_has_the_focus_and_back() -> None:
    """A second z is as good as esc; then esc has nothing left to do."""
    async with dashboard(size=(120, 36)) as shown:
        await shown.press("tab", "tab", "z")
        assert "VRAM" in shown.lines()[1]

        await shown.press("z", "escape")
        assert "┌─ verdict" in shown.text()
        assert "┌─ pipeline" in shown.text()


async def test_a_zoomed_pane_goes_on_and_survives_resizes() -> None:
    """News arrive in it, at every size; the verdict is back when there is none."""
    async with dashboard(size=(80, 24)) as shown:
        await shown.press("z", "tab", "tab", "tab", "tab")
        for size in (*SIZES, (30, 8)):
            await shown.pilot.resize_terminal(*size)
            await shown.advance()

            assert "processes" in shown.lines()[1]
            assert [size[0]] * size[1] == [len(line) for line in shown.lines()]
        await shown.pilot.resize_terminal(200, 50)
        await shown.press("z")

        assert "┌─ verdict" in shown.text()
        assert "┌─ GPU 0" in shown.text()


async def test_the_bottom_line_says_how_to_leave() -> None:
    """At 80x24 too; with all panes back it names the places again."""
    async with dashboard() as shown:
        before = shown.lines()[-1]
        await shown.press("z")
        zoomed = shown.lines()[-1]
        await shown.press("escape")

        assert "esc all panes" in zoomed
        assert "tab next pane" in zoomed
        assert before == shown.lines()[-1]


@pytest.mark.parametrize("width", range(110, 160, 5))
async def test_what_gpumon_costs_does_not_run_into_the_keys(width: int) -> None:
    """Keys lose words before the cost comes closer than three cells."""
    async with dashboard(size=(width, 36)) as shown:
        await shown.press("z")

        assert "quit   " in shown.lines()[-1]
        assert "MiB" in shown.lines()[-1]
