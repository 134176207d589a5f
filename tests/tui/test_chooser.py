"""The list of trainings to attach to."""

from __future__ import annotations

from dataclasses import replace

import pytest

from gpumon.paint.row import row_text, row_width
from gpumon.tui.screens.chooser import TrainingList
from tests.tui.fakes import fake_frame


@pytest.mark.parametrize("width", [40, 78, 200])
def test_a_demo_is_told_from_a_training_of_the_same_name(width: int) -> None:
    """Of two with the same name the simulated one is marked, and found by that word; no row is too wide."""
    frame = fake_frame("choosing")
    attachment = frame.report.attachment
    demo, other = attachment.candidates
    candidates = (replace(demo, simulated=True), replace(other, name=demo.name, simulated=False))
    report = replace(frame.report, attachment=replace(attachment, candidates=candidates))

    entries = TrainingList().entries(replace(frame, report=report), width)

    assert [True, False] == ["SIM" in row_text(entry.row) for entry in entries]
    assert [True, False] == ["simulated" in entry.text for entry in entries]
    assert all(row_width(entry.row) <= max(width, 48) for entry in entries)
