"""More cores than rows: which of them stand together."""

from __future__ import annotations

from dataclasses import replace

from gpumon.model.host import CoreDomain
from gpumon.tui.widgets.cores import CorePane
from gpumon.tui.widgets.frame import Frame
from tests.tui.fakes import fake_frame
from tests.tui.pane_app import pane_app


async def test_many_cores_are_folded() -> None:
    """Where nothing is known of their caches, in groups of 2, 4, 8 ... that leave none out."""
    lines = await shown(())
    assert "CPU 128 cores" in lines[0]
    assert "  0-15" in lines[1]
    assert "112-127" in lines[8]


async def test_cores_of_one_cache_share_a_row() -> None:
    """With their second threads, which are numbered apart, marked `+`; below stands what a row is."""
    lines = await shown(
        tuple(CoreDomain(f"{at}-{at + 7},{at + 64}-{at + 71}", at // 32) for at in range(0, 64, 8))
    )
    assert [line[1:].split()[0] for line in lines[1:9]] == [f"{at}-{at + 7}+" for at in range(0, 64, 8)]
    assert lines[9][1:].split()[0] == "L3"


async def shown(domains: tuple[CoreDomain, ...]) -> list[str]:
    """Return the lines of a pane with 128 cores in those domains."""
    frame = fake_frame("many_cores")
    host = replace(frame.report.sample.host, core_domains=domains)
    report = replace(frame.report, sample=replace(frame.report.sample, host=host))
    pane = CorePane()
    async with pane_app(pane, size=(100, 12)) as (app, pilot):
        app.show(Frame(report, frame.window, frame.view))
        await pilot.pause()
        return pane.text.splitlines()
