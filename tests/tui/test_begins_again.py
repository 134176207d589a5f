"""An edit that begins again (a hyperparameter's) is never called going on from a checkpoint."""

from __future__ import annotations

from dataclasses import replace

import pytest

from gpumon.model.measure import Missing
from gpumon.model.report import TrainingReport
from gpumon.model.suggestion import GoOn, Suggestion
from gpumon.paint.row import row_text
from gpumon.tui.suggestion_rows import go_on_rows
from tests.tui.screen import Dashboard, dashboard
from tests.tui.test_findings_suggestions import FULL, GO_ON

HYP = GoOn(
    command="cp hyp.yaml hyp-lr0.yaml && python train.py --hyp hyp-lr0.yaml",
    lost="the command begins again at the first epoch",
    path="hyp-lr0.yaml",
    edit="--- hyp.yaml\n+++ hyp-lr0.yaml\n@@ -1 +1 @@\n-lr0: 0.01\n+lr0: 0.005\n",
    begins_again=True,
)
LEARNING_RATE = replace(
    FULL, setting="lr0", from_value=0.01, to_value=0.005, command=Missing("no flag"), go_on=HYP
)


async def _suggest(shown: Dashboard, suggestion: Suggestion) -> None:
    """Let the feed suggest something, and wait until it is drawn."""
    report, window = shown.feed.report(), shown.feed.window()
    assert report is not None
    assert window is not None
    training: TrainingReport = replace(report.trainings[0], suggestions=(suggestion,))
    shown.feed._made = (replace(report, trainings=(training,)), window)
    for listener in shown.feed._listeners:
        listener()
    await shown.settle()


@pytest.mark.parametrize(
    ("way", "head"),
    [
        (GO_ON, "  to go on from the last checkpoint  Y copies it"),
        (HYP, "  to begin again with it  Y copies it"),
    ],
)
def test_the_heading_says_whether_epochs_are_lost(way: GoOn, head: str) -> None:
    """Whoever copies the command of a hyperparameter loses all epochs, and is told."""
    rows = [row_text(row) for row in go_on_rows(replace(FULL, go_on=way), 100)]

    assert head == rows[0]
    assert way.lost in " ".join(" ".join(rows).split())


async def test_the_overview_offers_to_go_on_only_where_that_is_so() -> None:
    """With an edit that begins again `y` and the findings screen are all that is offered."""
    async with dashboard(size=(200, 50)) as shown:
        await _suggest(shown, LEARNING_RATE)
        begins = shown.text()
        await _suggest(shown, replace(LEARNING_RATE, go_on=GO_ON))

        assert "Y: to go on" not in begins
        assert "Y: to go on" in shown.text()
