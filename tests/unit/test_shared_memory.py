"""What loaders hold in /dev/shm, and what --cache ram asks for."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gpumon.advice.host_memory import cache_ram_need_bytes
from gpumon.advice.shared_memory import shared_memory_need_bytes, workers_that_fit
from gpumon.diagnosis.rules.shm_nearly_full import RULE
from gpumon.frameworks.loader import shm_needed
from gpumon.model.measure import Certainty, Measure
from tests.unit.run_scene import finding, with_loader
from tests.unit.synthetic_training import GIB, Scene

MB = 1_000_000


def test_the_default_of_yolov5_needs_about_a_gigabyte() -> None:
    """Batch 16 at 640 pixels, squares: 1.0 GB with 8 workers and 8 of validation, 1.7 GB with 16 of those."""
    assert shared_memory_need_bytes(8, 16, 640, val_workers=8).high == pytest.approx(1.0e9, rel=0.05)
    assert shared_memory_need_bytes(8, 16, 640, val_workers=16).high == pytest.approx(1.7e9, rel=0.05)


def test_it_is_what_the_reading_of_a_training_says() -> None:
    """One formula: the loader's own reading, by settings, gives the same bytes."""
    scene = Scene(workers=4, batch_size=16, imgsz=640)
    read = shm_needed(scene.training(), 4, 8)
    assert isinstance(read, Measure)
    need = shared_memory_need_bytes(4, 16, 640, val_workers=8)
    assert (read.value, read.low, read.high) == (need.value, need.low, need.high)


def test_without_workers_nothing_goes_through_it() -> None:
    """The main process keeps its batches to itself."""
    assert shared_memory_need_bytes(0, 16, 640, val_workers=0).high == 0.0


def test_each_rank_has_queues_and_rank_0_alone_validates() -> None:
    """Two ranks: twice the training part, the validation's once."""
    training = shared_memory_need_bytes(4, 16, 640, val_workers=0).value
    one, two = (shared_memory_need_bytes(4, 16, 640, val_workers=8, ranks=ranks).value for ranks in (1, 2))
    assert two - one == training


@given(
    workers=st.integers(0, 32),
    batch=st.integers(1, 64),
    free=st.floats(-1e9, 1e11),
    factor=st.integers(0, 2),
    most_val=st.integers(0, 40),
)
def test_as_many_workers_as_fit_do_fit(
    workers: int, batch: int, free: float, factor: int, most_val: int
) -> None:
    """What they need more than now is free, and one more would not fit; the validation's may be capped."""

    def beside(count: int) -> int:
        return min(factor * count, most_val)

    most = workers_that_fit(free, workers, batch, 640, beside)

    def need(count: int) -> float:
        return shared_memory_need_bytes(count, batch, 640, val_workers=beside(count)).high

    assert most >= workers
    assert most == workers or need(most) - need(workers) <= free * (1 + 1e-9)
    assert need(most + 1) - need(workers) > free * (1 - 1e-9)


def test_the_cores_cap_what_validation_holds() -> None:
    """Batch 16 on 8 cores: 8 workers and 8 of validation fit into 1.1 GB, which 16 of those would not."""
    assert workers_that_fit(1.1e9, 0, 16, 640, lambda count: min(2 * count, 8)) >= 8
    assert workers_that_fit(1.1e9, 0, 16, 640, lambda count: 2 * count) < 8


def test_no_image_fits_into_nothing() -> None:
    """A batch or an image of no size is refused."""
    with pytest.raises(ValueError, match="positive"):
        workers_that_fit(1e9, 0, 0, 640, lambda count: count)


def test_negative_numbers_are_refused() -> None:
    """Of workers, and of pictures."""
    with pytest.raises(ValueError, match="negative"):
        shared_memory_need_bytes(-1, 16, 640, val_workers=0)
    with pytest.raises(ValueError, match="negative"):
        cache_ram_need_bytes(-1, 640)


def test_all_of_coco_needs_what_its_users_report() -> None:
    """118 287 pictures at 640 pixels: 125 to 150 GB in issues, within the interval for their shapes."""
    need = cache_ram_need_bytes(118_287, 640)
    assert need.low < 125e9
    assert need.high > 150e9
    assert need.value == pytest.approx(120e9, rel=0.01)


@pytest.mark.parametrize(
    ("low", "high", "words"),
    [
        (None, None, "free, and full queues need 1.0 GiB; a worker"),
        (GIB, 2.0 * GIB, "need 1.0 GiB to 2.0 GiB;"),
    ],
)
def test_a_full_shm_is_told_with_what_queues_need(low: float | None, high: float | None, words: str) -> None:
    """By the loader's own reading: with its interval where there is one."""
    needed = Measure(float(GIB), Certainty.ESTIMATED, "2 batches for each worker", low=low, high=high)
    samples = [
        with_loader(sample, shm_needed_bytes=needed)
        for sample in Scene(shm_total=64 << 20, shm_free=2 << 20).samples()
    ]
    assert words in finding(RULE, samples).text


def test_each_rank_caches_all_pictures() -> None:
    """As YOLOv5 v7.0 does."""
    assert cache_ram_need_bytes(1000, 640, 4).value == 4 * cache_ram_need_bytes(1000, 640).value
