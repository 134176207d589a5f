"""The virtual GPU: what a step costs in time and memory, and what it tells."""

from __future__ import annotations

import itertools
import random
from dataclasses import dataclass, field

import pytest

from tests.lab.allocator import OutOfMemoryError
from tests.lab.gpu_cost import GpuCost
from tests.lab.jpeg.spec import LoopSpec
from tests.lab.memory_fit import lives, tightest_bytes
from tests.lab.virtual_gpu import VirtualGpu

GIB = 1 << 30
MIB = 1 << 20


@dataclass
class Told:
    """The books of a test."""

    used: list[int] = field(default_factory=list)
    intervals: list[tuple[float, float]] = field(default_factory=list)

    def begin(self, unix_seconds: float) -> None: ...

    def end(self, start_unix_seconds: float, end_unix_seconds: float) -> None:
        self.intervals.append((start_unix_seconds, end_unix_seconds))

    def memory(self, used_bytes: int, reserved_bytes: int, process_bytes: int) -> None:
        assert used_bytes >= process_bytes
        assert reserved_bytes > 0
        self.used.append(process_bytes)

    def sensors(self, temperature_celsius: float, power_watts: float, sm_clock_hertz: float) -> None: ...


def a_gpu(total_bytes: int = 12 * GIB, **values: object) -> VirtualGpu:
    """A GPU on which computing takes no real time."""
    return VirtualGpu(
        GpuCost(**values),  # type: ignore[arg-type]
        Told(),
        lambda seconds: (0.0, seconds),
        total_bytes=total_bytes,
    )


def trained(batch_size: int, steps: int = 4, **values: object) -> int:
    """Return what is reserved after some steps."""
    gpu = a_gpu(24 * GIB, **values)
    for _ in range(steps):
        gpu.train(batch_size, 7 * batch_size)
    return gpu.allocator.reserved_bytes


def test_throughput_saturates() -> None:
    """Doubling the batch brings much at first and hardly anything at last."""
    cost = GpuCost()
    rates = [size / cost.mean_seconds(size, 0) for size in (1, 2, 4, 8, 16, 32, 64)]
    gains = [after / before for before, after in itertools.pairwise(rates)]
    assert rates == sorted(rates)
    assert gains[0] > 1.5
    assert gains[-1] < 1.1


def test_time_is_not_linear_in_the_batch() -> None:
    """Work comes in waves: the fifth image costs more than the fourth."""
    times = [GpuCost().mean_seconds(size, 0) for size in range(1, 9)]
    steps = [after - before for before, after in itertools.pairwise(times)]
    assert max(steps) > 1.5 * min(steps)


def test_targets_cost_time() -> None:
    """A crowded batch takes longer than an empty one."""
    assert GpuCost().mean_seconds(8, 500) > GpuCost().mean_seconds(8, 0)


def test_a_step_is_noisy_around_its_mean() -> None:
    """No two steps take the same, and on average they take what they should."""
    cost, noise = GpuCost(), random.Random(5)  # noqa: S311 - noise, not keys
    times = [cost.seconds(8, 50, 1.0, noise) for _ in range(2000)]
    assert len(set(times)) == len(times)
    assert sum(times) / len(times) == pytest.approx(cost.mean_seconds(8, 50), rel=0.02)


def test_a_gpu_can_be_made_for_a_batch_time() -> None:
    """The laboratory chooses how long a batch takes."""
    assert GpuCost().taking(8, 56, 0.05).mean_seconds(8, 56) == pytest.approx(0.05)


def test_memory_grows_by_about_a_fifth_of_a_gigabyte_an_image() -> None:
    """As public logs of AutoBatch say of such a model (0.13 to 0.24 GB an image)."""
    slope = (trained(16) - trained(8)) / 8 / 1e9
    assert 0.13 < slope < 0.24


def test_full_precision_needs_more_but_not_twice_as_much() -> None:
    """AMP is another set of sizes, not a factor."""
    assert 1.2 < trained(16, amp=False) / trained(16) < 1.9


def test_adam_keeps_one_more_copy_of_the_weights() -> None:
    """Its second moment is the size of the weights."""
    more = trained(4, adam=True) - trained(4)
    assert more == pytest.approx(4 * 7_200_000, rel=0.5)


def test_validation_at_twice_the_batch_is_a_step_up() -> None:
    """The first validation reserves more than training did, and the next ones nothing more."""
    gpu = a_gpu()
    for _ in range(4):
        gpu.train(8, 56)
    reserved = [gpu.allocator.reserved_bytes]
    for _ in range(3):
        gpu.validate(16)
        reserved.append(gpu.allocator.reserved_bytes)
    assert reserved[1] > reserved[0]
    assert reserved[1] == reserved[2] == reserved[3]


def test_all_memory_of_a_step_but_the_models_is_free_after_it() -> None:
    """What is in use between two steps does not grow."""
    gpu = a_gpu()
    gpu.train(8, 56)
    between = gpu.allocator.allocated_bytes
    gpu.train(8, 900)
    gpu.validate(16)
    assert between == gpu.allocator.allocated_bytes


def test_a_leak_fills_the_gpu() -> None:
    """Memory kept each step ends in the error that PyTorch's users know."""
    gpu = a_gpu(3 * GIB)

    def train_until_full() -> None:
        for _ in range(200):
            gpu.train(4, 28)
            gpu.leak(50 * MIB)

    with pytest.raises(OutOfMemoryError, match="CUDA out of memory"):
        train_until_full()


def test_the_driver_is_told_what_the_process_holds() -> None:
    """Context and reserved memory, never what is cached less."""
    told = Told()
    gpu = VirtualGpu(GpuCost(), told, lambda seconds: (100.0, 100.0 + seconds))
    seconds = gpu.train(8, 56)
    assert told.used[-1] == GpuCost().context_bytes + gpu.allocator.reserved_bytes
    assert told.intervals == [(100.0, 100.0 + seconds)]


def test_another_process_takes_its_share_of_the_time() -> None:
    """With half of the GPU a step takes twice as long."""
    shared = VirtualGpu(GpuCost(), Told(), lambda seconds: (0.0, seconds), neighbour_ratio=0.5)
    assert shared.train(8, 56) == pytest.approx(2 * a_gpu().train(8, 56))


def test_the_tightest_gpu_makes_the_allocator_retry() -> None:
    """A training with crowded batches lives there, with retries, and on a smaller one it does not."""
    cost, loop = GpuCost(), LoopSpec(dense_every=25)
    tight = tightest_bytes(cost, 8, loop, 0)
    assert (lives(cost, 8, loop, tight) or 0) > 0
    assert lives(cost, 8, loop, tight - 64 * MIB) is None
    assert lives(cost, 8, loop, tight + 4 * GIB) == 0
