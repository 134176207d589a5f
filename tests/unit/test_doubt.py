"""What a verdict waits for while it is not certain."""

from __future__ import annotations

from gpumon.advice.advise import report_on
from gpumon.model.training import Phase
from tests.unit.synthetic_training import PID, Scene


def _doubt(scene: Scene) -> str:
    return report_on(scene.window(), PID).doubt


def test_a_training_that_starts_needs_steady_seconds() -> None:
    """Before the first batch nothing can be said of it, nor guessed."""
    scene = Scene(seconds=5, phases=(Phase.START,) * 5)

    assert (
        _doubt(scene) == "it waits for 8 s of steady training, of which it has seen 0 s (it still starts now)"
    )


def test_a_short_look_names_the_two_likeliest() -> None:
    """As soon as a wait is seen, there are causes that are likelier than others."""
    text = _doubt(Scene(seconds=3, wait=0.4, idle=0.02, cpu=0.97))

    assert text.startswith(
        "it waits for 8 s of steady training, of which it has seen 3 s; likeliest are starved-"
    )
    assert " and " in text


def test_a_verdict_that_stands_leaves_no_doubt() -> None:
    """A long look at a training that is clearly starved."""
    report = report_on(Scene(seconds=40, wait=0.5, idle=0.01, cpu=0.97, workers=2).window(), PID)

    assert (True, "") == (report.settled, report.doubt)
