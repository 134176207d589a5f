"""What is found out about a moment is kept as long as its sample, and no longer."""

from __future__ import annotations

from dataclasses import replace

from gpumon.history.history import History
from gpumon.history.moments import Moments
from tests.unit.synthetic_training import HEALTHY


def test_an_answer_is_computed_once_for_each_question() -> None:
    """The second time the first answer comes back."""
    moments, sample = Moments(), HEALTHY.sample(0)
    assert moments.answers("a", [sample, sample], lambda _: "first") == ["first", "first"]
    assert moments.answers("b", [sample], lambda _: "other") == ["other"]
    assert moments.answers("a", [sample], lambda _: "second") == ["first"]


def test_of_the_newest_answer_one_is_kept() -> None:
    """It is computed once for a sample, and anew when a later one was asked for meanwhile."""
    moments, samples = Moments(), [HEALTHY.sample(index) for index in range(2)]
    assert moments.newest("a", samples[0], lambda _: "first") == "first"
    assert moments.newest("a", samples[0], lambda _: "again") == "first"
    assert moments.newest("b", samples[0], lambda _: "other") == "other"
    assert moments.newest("a", samples[1], lambda _: "later") == "later"
    assert moments.newest("a", samples[0], lambda _: "computed") == "computed"


def test_the_newest_answer_goes_with_its_sample() -> None:
    """What has left the history is not held by what was found out about it."""
    moments, sample = Moments(), HEALTHY.sample(0)
    moments.newest("a", sample, lambda _: 1)
    moments.forget(sample)
    assert moments.newest("a", sample, lambda _: 2) == 2


def test_equal_samples_are_different_moments() -> None:
    """A sample made anew may stand in another past."""
    moments, sample = Moments(), HEALTHY.sample(0)
    assert moments.answers("a", [sample], lambda _: 1) == [1]
    assert moments.answers("a", [replace(sample)], lambda _: 2) == [2]


def test_a_history_forgets_moments_with_their_samples() -> None:
    """What has left the window is computed again when asked."""
    history = History(recent_samples=2)
    samples = [HEALTHY.sample(index) for index in range(3)]
    history.append(samples[0])
    moments = history.window().moments
    assert moments.answers("a", samples[:1], lambda _: 1) == [1]
    for sample in samples[1:]:
        history.append(sample)
    assert moments.answers("a", samples[:1], lambda _: 2) == [2]


def test_old_windows_do_not_make_it_grow_without_end() -> None:
    """Of moments that were forgotten and asked for again only some hundreds are kept."""
    moments = Moments()
    samples = [HEALTHY.sample(index) for index in range(700)]
    moments.answers("a", samples, lambda sample: sample.sequence)
    assert moments.answers("a", samples[:1], lambda _: -1) == [-1]
    assert moments.answers("a", samples[-1:], lambda _: -1) == [699]


def test_a_window_until_a_moment_is_the_window_of_that_moment() -> None:
    """Samples and series end there."""
    history = History()
    windows = []
    for index in range(30):
        history.append(HEALTHY.sample(index))
        windows.append(history.window())
    then = windows[-1].until(9, 5)
    assert then.samples == windows[9].samples[-5:]
    assert then.series("gpu_busy_ratio", "GPU-0", columns=30, span_seconds=30) == windows[9].series(
        "gpu_busy_ratio", "GPU-0", columns=30, span_seconds=30
    )
    assert windows[-1].until(29, 180).samples == windows[-1].samples
