"""The table of the laboratory of settings: twelve trainings on grids of three workers by three batches.

An image costs a worker D seconds of a core, which is measured first; GPUs are scaled to it, so that the
limits lie where the names say on any machine. Grids of YOLOv5's kind have at most as many workers as YOLOv5
starts on a machine with two cores.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cache

from tests.lab.gpu_cost import GpuCost
from tests.lab.jpeg.spec import GpuSpec, LabSpec, LoaderSpec, LoopSpec
from tests.lab.memory_fit import tightest_bytes
from tests.lab.scenario import Machine
from tests.lab.scenarios_data import BATCH, MIB, TARGETS
from tests.lab.settings_scenario import Cell, SettingsScenario

STORAGE = "settings-storage.bin"
_STORAGE_BYTES = 384 * MIB
_LATENCY_SECONDS = 0.03
# A GPU that is full with any batch: a larger one brings next to nothing.
_FLAT = GpuCost(launch_seconds=0.002, full_batch=0.5, wave_images=1)
# One whose step hardly takes longer with twice the images.
_LAUNCH = GpuCost(image_seconds=0.001, launch_seconds=0.03, full_batch=40.0, wave_images=16)
# A slow one that a batch of 8 fills to three quarters.
_SLOW = GpuCost().taking(BATCH, TARGETS, 0.12)
# Short epochs: the peak of a training is known only after its first validation.
_VALIDATED = LoopSpec(batches=24, val_batches=2)
# Epochs of so many images that some end while gpumon watches, and that yet last some seconds, which a verdict
# needs: what their last batch tells is known after an epoch only, and none is watched here for an hour. Of
# the grids' batches only 1 divides them: 5 images are left of 8, 16 and 32, and 1 of 4.
_SMALL_SET, _LARGER_SET = LoopSpec(images=229), LoopSpec(images=485)


@dataclass(frozen=True, slots=True)
class _Grid:
    """The workers and batches that some scenarios share, and their kind."""

    workers: tuple[int, ...] = (0, 1, 2)
    batches: tuple[int, ...] = (8, 16, 32)
    plain: bool = False
    storage_bytes: int = 0

    def scenario(self, name: str, text: str, spec: LabSpec, starts: str) -> SettingsScenario:
        """Return a scenario on it; `starts` are cells as they are written: `1x8 2x8`."""
        cells = tuple(Cell(*map(int, word.split("x"))) for word in starts.split())
        return SettingsScenario(
            name, text, spec, self.workers, self.batches, cells, self.plain, self.storage_bytes
        )


def settings_scenarios(machine: Machine) -> tuple[SettingsScenario, ...]:
    """Return the scenarios for a machine, scaled to what decoding costs it."""
    return (*_loader_scenarios(1.0 / machine.decode_seconds), *_gpu_scenarios())


def _loader_scenarios(one_worker: float) -> tuple[SettingsScenario, ...]:
    """Return those that the loader limits; `one_worker` is the images a second that one can decode."""
    usual, plain = _Grid(), _Grid((1, 2, 8), plain=True)

    def fed(factor: float, sync: str = "sleep") -> LabSpec:
        """Return a training whose GPU takes so many times what a worker decodes, whatever the batch."""
        return LabSpec(gpu=GpuSpec(_flat(factor * one_worker), sync))

    slow_samples = LoaderSpec(slow_every=100, slow_factor=40)
    latency = LabSpec(LoaderSpec(open_seconds=_LATENCY_SECONDS), gpu=GpuSpec(_flat(6 / _LATENCY_SECONDS)))
    disk = LoaderSpec(read_bytes=MIB, storage=STORAGE, drop_cache=True)
    return (
        usual.scenario(
            "few-workers", "one worker is too few, two feed the GPU", fed(1.4), "1x8 0x8 1x16 2x8"
        ),
        usual.scenario("cores-exhausted", "two cores cannot feed the GPU", fed(4.0), "1x8 0x8 2x8 1x32"),
        usual.scenario(
            "spinning-main", "the main process spins while the GPU computes", fed(0.8, "spin"), "1x8 0x8 2x8"
        ),
        plain.scenario("crowded", "eight workers take turns on two cores", fed(1.6), "8x8 1x8 8x32 2x8"),
        plain.scenario(
            "slow-samples",
            "one image in a hundred takes forty times as long",
            replace(fed(1.1), loader=slow_samples),
            "2x8 1x8 8x16",
        ),
        _Grid((1, 4, 12), plain=True).scenario(
            "latency", "remote storage answers late", latency, "1x8 4x8 12x8 4x32"
        ),
        _Grid((1, 2, 4), plain=True, storage_bytes=_STORAGE_BYTES).scenario(
            "disk", "a local disk answers late", replace(fed(1.2), loader=disk), "1x8 2x8 4x16"
        ),
    )


def _gpu_scenarios() -> tuple[SettingsScenario, ...]:
    """Return those that the GPU or its memory limits at one batch or another."""
    slow, launch = LabSpec(loop=_SMALL_SET, gpu=GpuSpec(_SLOW)), LabSpec(gpu=GpuSpec(_LAUNCH))
    small = _Grid(batches=(4, 8, 16))
    return (
        _Grid().scenario(
            "launches",
            "a larger batch is as quick, and then needs more workers",
            replace(launch, loop=_LARGER_SET),
            "1x8 2x8 1x16 0x8",
        ),
        small.scenario("slow-gpu", "the GPU computes all the time", slow, "1x4 2x8 2x16 0x8"),
        _Grid(batches=(8, 16, 24)).scenario(
            "memory-of-20", "the GPU has memory for 20 images", _within(20), "1x8 2x16 2x8"
        ),
        small.scenario("memory-of-11", "the GPU has memory for 11 images", _within(11), "2x4 2x8 1x4"),
        _Grid(batches=(1, 4, 8)).scenario(
            "batch-one", "batches are very small", replace(launch, loop=_SMALL_SET), "0x1 1x4 2x4"
        ),
    )


def _flat(images_per_second: float) -> GpuCost:
    """Return a GPU that takes so many images a second with any batch."""
    return _FLAT.taking(BATCH, TARGETS, BATCH / images_per_second)


@cache
def _within(images: int) -> LabSpec:
    """Return the slow GPU with memory for that many images, and a little."""
    total = tightest_bytes(_SLOW, images, _VALIDATED, 60 * MIB)
    return LabSpec(loop=_VALIDATED, gpu=GpuSpec(_SLOW, total_bytes=total))
