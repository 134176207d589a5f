"""What the last batch of each epoch tells of a larger one, as far as it is known to."""

from __future__ import annotations

from dataclasses import dataclass, replace
from random import Random
from statistics import median

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gpumon.advice.advise import advise
from gpumon.advice.last_batch import SeenShare, joined
from gpumon.advice.prior import NOTHING_KNOWN, Prior
from gpumon.advice.step_time import BatchGain, batch_gain
from gpumon.advice.terms import Terms
from gpumon.diagnosis.diagnose import diagnose
from gpumon.diagnosis.view import view_of
from gpumon.history.stats import Z_90, Interval
from gpumon.model.measure import Certainty, Measure, Missing
from gpumon.model.reading import LoaderReading
from tests.lab.settings_doublings import LEAST_PART, lines
from tests.unit.synthetic_training import HEALTHY, PID, Scene
from tests.unit.test_advice_batch import seen


@dataclass(frozen=True)
class Ends(Scene):
    """A scene in which epochs end with `images`: a full step takes `full` seconds, the last one `last`."""

    images: int = 5
    full: float = 0.16
    last: float = 0.155
    error: float = 0.008

    def loader(self, index: int) -> LoaderReading:
        """Return the loader in one second; in the newest one nothing was read of the epochs."""
        found = super().loader(index)
        if index == self.seconds - 1:
            return found
        return replace(
            found,
            batch_size=self.batch_size,
            last_batch_size=self.images,
            step_seconds=Measure(self.full, Certainty.SAMPLED, "looks", 0.002),
            last_step_seconds=Measure(self.last, Certainty.SAMPLED, "looks", self.error),
        )


SEEN = Ends(rate=100.0, batch_rate=6.25)


def gain_of(scene: Scene, then: int = 32, prior: Prior = NOTHING_KNOWN) -> BatchGain:
    """Return what another batch of a rank brings the GPU."""
    view = view_of(scene.window(), PID)
    assert view is not None
    return batch_gain(view, prior, scene.batch_size, then)


PLAIN = gain_of(HEALTHY).factor


def test_images_that_are_free_promise_much_of_the_batch() -> None:
    """Where 5 of 16 images take as long as all, twice the batch is promised more than published rates do."""
    found = gain_of(SEEN).factor
    assert found.value > 1.5 > PLAIN.value
    assert found.low > PLAIN.low + 0.1
    assert found.high <= 2.0


def test_a_gpu_that_is_full_is_promised_next_to_nothing() -> None:
    """Where 5 of 16 images take five sixteenths of the time."""
    found = gain_of(replace(SEEN, last=0.16 * 5 / 16)).factor
    assert found.value < 1.05 < PLAIN.value
    assert found.high < PLAIN.high - 0.1


def test_it_says_what_it_rests_on() -> None:
    """In numbers, with the error, and that published rates are in it."""
    basis = gain_of(SEEN).basis
    assert basis.startswith(
        "the last batch of each epoch, which has 5 images and takes 97 % (give or take 8.5 %) of a full step,"
    )
    assert "published rates of other models" in basis
    assert "which has 1 image and takes" in gain_of(replace(SEEN, images=1)).basis


def test_a_suggestion_rests_on_it() -> None:
    """The larger batch is advised with its words."""
    window = SEEN.window()
    (found,) = advise(window, PID, diagnose(window, PID), Terms())
    assert found.setting == "batch_size"
    assert "the last batch of each epoch" in found.rests_on


@pytest.mark.parametrize(
    "unusable",
    [
        replace(SEEN, images=16),
        replace(SEEN, last=0.25),
        replace(SEEN, last=0.01),
        replace(SEEN, full=0.0),
        replace(SEEN, seconds=1),
    ],
    ids=["no smaller batch", "longer than a full step", "shorter than its images", "no time", "not read"],
)
def test_what_cannot_be_is_not_used(unusable: Ends) -> None:
    """Then published rates alone count."""
    plain = replace(HEALTHY, seconds=unusable.seconds, batch_rate=6.25)
    assert gain_of(unusable) == gain_of(plain)


def test_a_far_smaller_batch_says_less_of_what_is_beyond() -> None:
    """Published lines from less than a quarter of the batch promised more that did not come."""
    far, near = (gain_of(replace(SEEN, images=images, last=0.159)).factor for images in (3, 4))
    assert far.value < near.value - 0.1
    assert far.low < near.low


def test_published_doublings_came_to_that_part_of_a_line() -> None:
    """By a quarter of the batch or more, and by less: the medians and ends that are used."""
    shares = [
        [one.share for one in lines() if (one.small >= LEAST_PART * one.now) is is_near]
        for is_near in (True, False)
    ]
    found = [round(value, 2) for part in shares for value in (median(part), min(part), max(part))]
    assert found == [0.84, 0.30, 1.38, 0.42, 0.22, 0.80]


def test_a_weak_observation_changes_little() -> None:
    """Known to half of a step, 15 of 16 images tell next to nothing."""
    weak = gain_of(replace(SEEN, images=15, error=0.08)).factor
    plain = gain_of(replace(HEALTHY, batch_rate=6.25)).factor
    assert weak.value == pytest.approx(plain.value, abs=0.01)
    assert weak.low == pytest.approx(plain.low, abs=0.02)
    assert weak.high == pytest.approx(plain.high, abs=0.02)


def test_two_batches_of_earlier_runs_come_first() -> None:
    """They were seen where it matters."""
    prior = Prior(rates=(seen(8, 80.0), seen(16, 100.0)))
    assert gain_of(SEEN, 32, prior).basis.startswith("the rates of this training at batches of 8 and 16")


def test_a_smaller_batch_lies_between_both_points() -> None:
    """8 images between 5 and 16 of the same time: half the rate."""
    found = gain_of(SEEN, 8).factor
    assert 0.5 <= found.low <= found.value < 0.6 < gain_of(HEALTHY, 8).factor.value


@given(
    now=st.integers(2, 128),
    images=st.integers(1, 127),
    ratios=st.tuples(st.floats(0.0, 1.0), st.floats(0.0, 1.0)),
    error=st.floats(0.001, 0.2),
    times=st.floats(1.01, 4.0),
)
def test_a_longer_last_step_promises_more(
    now: int, images: int, ratios: tuple[float, float], error: float, times: float
) -> None:
    """The point rises with it, and never beyond what the batch is larger; the interval lies around it."""
    images = min(images, now - 1)
    part, then = images / now, max(now + 1, int(now * times))
    found = []
    for ratio in sorted(ratios):
        last = 0.1 * (part + (1.0 - part) * ratio)
        scene = Ends(
            seconds=6, batch_size=now, rate=now / 0.1, batch_rate=10.0, images=images, full=0.1, last=last,
            error=0.1 * error,
        )  # fmt: skip
        found.append(gain_of(scene, then).factor)
    for one in found:
        assert 1.0 <= one.low <= one.value <= one.high <= then / now + 1e-9
    assert found[0].value <= found[1].value + 1e-9


@pytest.mark.parametrize(("now", "images"), [(8, 5), (16, 5), (16, 1), (32, 20)])
def test_the_interval_holds_the_truth(now: int, images: int) -> None:
    """Of made-up GPUs, t(B) = t0 + t1 B with any share of t0, nine of ten gains lie within it, or more."""
    random, held, runs = Random(5), 0, 200  # noqa: S311 - noise, not keys
    for _ in range(runs):
        share, error = random.uniform(0.05, 1.0), random.choice([0.03, 0.1, 0.2])
        full = 0.08
        truth = 2.0 / (share + (1.0 - share) * 2.0)
        true_last = full * (share + (1.0 - share) * images / now)
        last = max(1e-3, random.gauss(true_last, error * full))
        scene = Ends(
            seconds=5, batch_size=now, rate=now / full, batch_rate=1 / full, images=images, full=full,
            last=last, error=error * full, gpu_busy=1.0,
        )  # fmt: skip
        found = gain_of(scene, 2 * now).factor
        held += found.low <= truth <= found.high
    assert held >= 0.9 * runs


@given(
    ends=st.tuples(st.floats(0.0, 1.0), st.floats(0.0, 1.0), st.floats(0.0, 1.0)),
    value=st.floats(0.0, 1.0),
    error=st.floats(1e-6, 10.0),
)
def test_both_are_joined_by_their_precision(
    ends: tuple[float, float, float], value: float, error: float
) -> None:
    """The point lies between both, the interval is no wider than that of the published rates."""
    low, middle, high = sorted(ends)
    found, weight = joined(Interval(middle, low, high), SeenShare(value, error, 0.5, "seen"))
    assert 0.0 <= weight <= 1.0
    assert min(middle, value) - 1e-9 <= found.value <= max(middle, value) + 1e-9
    assert found.high - found.low <= high - low + 1e-9


def test_an_exact_observation_is_the_answer() -> None:
    """And one of the same error as the published rates counts half."""
    published = Interval(0.3, 0.3 - 0.1 * Z_90, 0.3 + 0.2 * Z_90)
    assert joined(published, SeenShare(0.7, 1e-9, 0.5, ""))[0].value == pytest.approx(0.7)
    assert joined(published, SeenShare(0.7, 0.2, 0.5, ""))[0].value == pytest.approx(0.5)
    assert joined(published, SeenShare(0.1, 0.1, 0.5, ""))[0].value == pytest.approx(0.2)


def test_a_reading_without_times_is_no_observation() -> None:
    """An old recording has none."""
    assert isinstance(LoaderReading().last_step_seconds, Missing)
    assert gain_of(HEALTHY).basis.startswith("published rates")
