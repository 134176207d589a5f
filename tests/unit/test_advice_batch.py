"""A larger batch is advised with the workers that feed it, by what is known of the step's time."""

from __future__ import annotations

from dataclasses import dataclass, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gpumon.advice.advise import advise
from gpumon.advice.prior import NOTHING_KNOWN, Prior, SeenRate
from gpumon.advice.step_time import BatchGain, batch_gain
from gpumon.advice.terms import Terms
from gpumon.diagnosis.diagnose import diagnose
from gpumon.diagnosis.view import view_of
from gpumon.model.gpu import GpuReading
from gpumon.model.measure import Missing
from gpumon.model.suggestion import Bound, Change, Effect, Suggestion
from tests.lab.settings_doublings import doublings
from tests.unit.synthetic_training import GIB, HEALTHY, PID, Scene


@dataclass(frozen=True)
class CountedScene(Scene):
    """A scene whose GPU counts its active SMs."""

    active: float = 0.9

    def gpu_reading(self) -> GpuReading:
        """Return the GPU of the training."""
        return replace(super().gpu_reading(), gpu_sm_busy_ratio=self.active)


# Workers that are busy all the time, on eight cores.
BUSY = replace(HEALTHY, idle=0.02, cpu=0.9)
SMALL = Scene(
    batch_size=4,
    gpu_own=2 * GIB,
    rate=40.0,
    batch_rate=10.0,
    gpu_busy=0.9,
    workers=2,
    idle=0.02,
    cpu=0.95,
    main_cpu=0.9,
    command=("python", "train.py", "--workers", "2", "--batch-size", "4"),
)


def seen(batch: int, rate: float, wait: float | None = 0.01, workers: int = 4) -> SeenRate:
    """Return a rate of an earlier run, known to 2 %."""
    return SeenRate(workers, batch, None, rate, 0.98 * rate, 1.02 * rate, wait)


def suggestions(scene: Scene, *rates: SeenRate) -> tuple[Suggestion, ...]:
    """Return the suggestions on a scene after earlier runs."""
    window = scene.window()
    return advise(window, PID, diagnose(window, PID), Terms(Prior(rates=rates)))


def only(scene: Scene, *rates: SeenRate) -> Suggestion:
    """Return the one suggestion."""
    (found,) = suggestions(scene, *rates)
    return found


def gain_of(scene: Scene, then: int, *rates: SeenRate) -> BatchGain:
    """Return what another batch of a rank brings the GPU."""
    view = view_of(scene.window(), PID)
    assert view is not None
    return batch_gain(view, Prior(rates=rates), scene.batch_size, then)


def speedup(suggestion: Suggestion) -> Effect:
    """Return the promised factor."""
    assert isinstance(suggestion.speedup, Effect)
    return suggestion.speedup


def test_batch_and_workers_are_chosen_together() -> None:
    """A GPU that takes more from busy workers gets more of them, by one command."""
    found = only(BUSY)
    assert (found.setting, found.from_value, found.to_value) == ("batch_size", 16, 32)
    (workers,) = found.together
    assert (workers.setting, workers.from_value) == ("workers", 4)
    assert isinstance(workers.to_value, int)
    assert 4 < workers.to_value <= 8
    assert isinstance(found.command, str)
    assert f"--workers {workers.to_value} --batch-size 32" in found.command
    assert f"with {workers.to_value} workers instead of 4 to feed it" in found.text


def test_what_the_loop_will_wait_is_predicted_for_both() -> None:
    """With enough workers the larger batch waits for nothing."""
    found = only(BUSY)
    assert isinstance(found.data_wait_ratio, Effect)
    assert found.data_wait_ratio.predicted < 0.05


def test_workers_bound_what_a_larger_batch_brings() -> None:
    """Cores that allow 29 % more with half the work of a step bound the promise, whatever the GPU takes."""
    tight = replace(BUSY, cores=5, main_cpu=0.6)
    gpu = gain_of(tight, 32).factor
    (found,) = suggestions(tight)
    assert speedup(found).high < gpu.high
    # Half is left of the main process's 0.6 cores, and of 5.9 ms of a worker in each of 6 steps a second.
    assert speedup(found).high == pytest.approx(5 / (4.2 - (0.6 + 6 * 0.0059) / 2))
    assert "the workers prepare at most 1.29 times as much" in found.rests_on


def test_a_small_batch_that_nothing_could_feed_is_told_so() -> None:
    """Where the batch is called too small, and more of it would starve: to change nothing, and why."""
    full = replace(SMALL, cores=2, main_cpu=0.1, gpu_total=24 * GIB)
    (found,) = suggestions(full)
    assert found.finding == "batch-too-small"
    assert (found.from_value, found.to_value) == (4, 4)
    assert speedup(found) == Effect(1.0, 1.0, 1.0, 1.0)
    assert isinstance(found.command, Missing)
    assert "a larger batch would only wait" in found.text
    assert found.bound in {Bound.CORES, Bound.BATCH, Bound.FRAMEWORK}


def test_a_small_batch_with_cores_to_spare_grows_with_its_workers() -> None:
    """The same on eight cores: 8 images, and the workers for them."""
    (found,) = suggestions(replace(SMALL, gpu_total=24 * GIB))
    assert (found.setting, found.to_value) == ("batch_size", 8)
    assert found.together
    assert isinstance(found.together[0], Change)
    assert speedup(found).predicted >= 1.05


def test_a_small_batch_is_told_that_it_may_grow_again_where_that_fits() -> None:
    """A step doubles it at most: of 24 GiB 16 images would be safe too, of 6 GiB only the 8."""
    words = "more may fit: look again after it"
    for total, may_grow in ((24, True), (6, False)):
        (found,) = suggestions(replace(SMALL, gpu_total=total * GIB))
        assert (found.to_value, words in found.text) == (8, may_grow)


def test_two_batches_that_were_fed_give_the_time_of_a_step() -> None:
    """t(B) = 40 ms + 5 ms B through 8 and 32 images tells 16, within what the rates are known to."""
    rates = [seen(batch, batch / (0.040 + 0.005 * batch)) for batch in (8, 32)]
    scene = replace(HEALTHY, rate=8 / 0.080, batch_size=8)
    found = gain_of(scene, 16, *rates)
    assert found.factor.value == pytest.approx((16 / 0.12) / (8 / 0.08), rel=1e-6)
    assert found.factor.low < found.factor.value < found.factor.high
    assert found.basis == "the rates of this training at batches of 8 and 32, at which its GPU was fed"


def test_beyond_the_batches_that_were_seen_a_line_promises_what_published_rates_did() -> None:
    """Of ten predictions of published rates as many are too high as too low, and all lie in the interval."""
    above = 0
    for one in doublings():
        scene = replace(HEALTHY, batch_size=one.now, rate=one.now_rate)
        rates = seen(one.now // 2, one.small_rate), seen(one.now, one.now_rate)
        found = gain_of(scene, 2 * one.now, *rates).factor
        assert found.low <= one.brought <= found.high
        assert 1.0 <= found.low < found.value < found.high <= 2.0
        above += found.value > one.brought
    assert above == 5


def test_a_gain_that_two_batches_promise_is_advised_by_its_point() -> None:
    """8 images took 80 ms and 16 take 120: 32 promise 1.17 (1.06 and more) and are advised."""
    scene = replace(HEALTHY, rate=16 / 0.120)
    (found,) = suggestions(scene, seen(8, 100.0), seen(16, 16 / 0.120))
    assert found.to_value == 32
    assert speedup(found).predicted == pytest.approx(1.17, abs=0.01)


def test_rates_that_waited_tell_nothing_of_the_gpu() -> None:
    """Starved runs, and runs whose wait is not known, are no points of a step's time."""
    plain = gain_of(HEALTHY, 32)
    assert gain_of(HEALTHY, 32, seen(8, 50.0, wait=0.3), seen(4, 30.0, wait=None)) == plain


def test_rates_that_do_not_rise_with_the_batch_promise_nothing() -> None:
    """A GPU that was full at 8 images makes no more with 32."""
    found = gain_of(replace(HEALTHY, rate=100.0), 32, seen(8, 100.0), seen(16, 100.0))
    assert found.factor.value == pytest.approx(1.0, abs=0.01)
    assert suggestions(HEALTHY, seen(8, 100.0), seen(16, 100.0)) == ()


def test_active_sms_bound_the_gain() -> None:
    """Where 97 % of the SMs work, no batch brings more than 3 %; where 40 % do, published rates count."""
    full = CountedScene(active=0.97)
    assert gain_of(full, 32).factor.high == pytest.approx(1 / 0.97)
    assert suggestions(full) == ()
    half = gain_of(CountedScene(active=0.4), 32)
    assert half.factor == gain_of(HEALTHY, 32).factor
    assert "40 % of the SMs are active" in half.basis


def test_long_steps_gain_little() -> None:
    """Launches are a small part of a step of a second: no larger batch is advised for that."""
    slow = replace(HEALTHY, rate=16.0, batch_rate=1.0)
    assert gain_of(slow, 32).factor.high < 1.07
    assert suggestions(slow) == ()


@pytest.mark.parametrize(
    "rates",
    [
        {1: 24.0, 2: 53.0, 4: 104.0, 8: 200.0, 16: 347.0},
        {2: 59.0, 4: 108.0, 8: 199.0, 16: 243.0},
    ],
    ids=["YOLOv5s on an A100", "YOLOv5m at 416 px on a 3070"],
)
def test_published_doublings_brought_at_least_what_is_predicted(rates: dict[int, float]) -> None:
    """A small batch is promised clearly more than a large one, and none more than it brought elsewhere."""
    gains = {}
    for batch, rate in rates.items():
        if 2 * batch in rates:
            scene = replace(SMALL, batch_size=batch, rate=rate, batch_rate=rate / batch, gpu_busy=1.0)
            gains[batch] = gain_of(scene, 2 * batch).factor.value
            assert gains[batch] <= rates[2 * batch] / rate
    assert gains[4] > 1.6 > gains[8]


def test_a_gap_that_is_seen_is_a_part_of_every_step() -> None:
    """A GPU that idles a fifth of each step although a batch is there gains at least by sharing that out."""
    gap = replace(HEALTHY, rate=16.0, batch_rate=1.0, gpu_busy=0.8)
    assert gain_of(gap, 32).factor.low == pytest.approx(2 / (0.2 + 0.8 * 2), rel=0.02)


def test_a_smaller_batch_is_predicted_by_the_same_model() -> None:
    """Half the batch is slower, by no more than half."""
    found = gain_of(HEALTHY, 8).factor
    assert 0.5 <= found.low < found.value < found.high <= 1.0


def test_a_pair_that_was_seen_is_promised_as_it_was() -> None:
    """An earlier run with batch 32 and these workers made 125 images/s."""
    found = only(HEALTHY, seen(32, 125.0, wait=None))
    assert speedup(found).predicted == pytest.approx(1.25)
    assert "125 images/s seen" in found.rests_on


@given(
    now=st.integers(1, 256),
    ratio=st.floats(1.01, 4.0),
    rate=st.none() | st.floats(0.1, 1e4),
    busy=st.floats(0.0, 1.0),
    active=st.floats(0.01, 1.0),
)
def test_a_gain_lies_between_none_and_that_of_the_batch(
    now: int, ratio: float, rate: float | None, busy: float, active: float
) -> None:
    """Never slower, never faster than the batch is larger, and with its interval around it."""
    then = max(now + 1, int(now * ratio))
    scene = CountedScene(
        batch_size=now,
        rate=rate,
        batch_rate=None if rate is None else rate / now,
        gpu_busy=busy,
        active=active,
        seconds=8,
    )
    view = view_of(scene.window(), PID)
    assert view is not None
    found = batch_gain(view, NOTHING_KNOWN, now, then).factor
    assert 1.0 <= found.low <= found.value <= found.high <= then / now + 1e-9
    assert found == batch_gain(view, NOTHING_KNOWN, now, then).factor
