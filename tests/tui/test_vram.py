"""GPU memory as a gauge: its bar and its number say the same."""

from __future__ import annotations

from dataclasses import replace

import pytest

from gpumon.tui.widgets.vram import VramGauge
from tests.tui.fakes import fake_frame
from tests.tui.pane_app import pane_app


@pytest.mark.parametrize(("variant", "is_empty"), [("ended", True), ("starved", False)])
async def test_what_an_ended_training_held_is_in_no_bar(variant: str, is_empty: bool) -> None:
    """The GPU is empty then; while it runs, a driver that lists no process leaves its own figure."""
    frame = fake_frame(variant)
    used = 0 if variant == "ended" else 6_200_000_000
    gpu = replace(
        frame.report.sample.gpus[0],
        gpu_memory_used_bytes=used,
        gpu_memory_reserved_bytes=0,
        processes=(),
    )
    sample = replace(frame.report.sample, gpus=(gpu,))
    gauge = VramGauge()
    async with pane_app(gauge, size=(80, 1)) as (app, _):
        app.show(replace(frame, report=replace(frame.report, sample=sample)))

        assert ("0.0 of 12.0 GiB" in gauge.text) is is_empty
        assert ("█" not in gauge.text) is is_empty
