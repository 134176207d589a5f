"""Caching and resizing images are advised where preparing them is the limit, and nowhere else."""

from __future__ import annotations

from dataclasses import dataclass, replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gpumon.advice.cache import cache_suggestions
from gpumon.advice.lighter import images_of
from gpumon.advice.terms import ORDINARY_TERMS
from gpumon.diagnosis.diagnose import diagnose
from gpumon.diagnosis.view import view_of
from gpumon.model.measure import Maybe, Missing
from gpumon.model.suggestion import Bound, Effect, Suggestion
from gpumon.model.training import Setting, Training
from tests.unit.starved_scene import StarvedScene
from tests.unit.synthetic_training import GIB, PID


@dataclass(frozen=True)
class CacheScene(StarvedScene):
    """A starved scene that knows its cache: None is off, "" not known. 16 000 images an epoch."""

    cache: str | None = None
    version: str = "v7.0"

    def training(self) -> Training:
        """Return who it is."""
        training = super().training()
        cache: Maybe[Setting] = Missing("not read") if self.cache == "" else Setting(self.cache, "argv")
        return replace(
            training, framework_version=self.version, settings=replace(training.settings, cache=cache)
        )


EXHAUSTED = CacheScene(
    wait=0.5,
    workers=8,
    idle=0.01,
    cpu=0.92,
    queue=0.3,
    main_cpu=0.5,
    batch_size=16,
    memory_available=40 * GIB,
)
REMOTE = CacheScene(workers=2, cpu=0.2, remote=0.7, cores=16)
FED = replace(EXHAUSTED, wait=0.0, idle=0.9, cpu=0.1, queue=0.0, gpu_busy=0.97)


def suggestions(scene: CacheScene) -> tuple[Suggestion, ...]:
    """Return what is said about the images of a scene."""
    window = scene.window()
    view = view_of(window, PID)
    assert view is not None
    return cache_suggestions(view, diagnose(window, PID), ORDINARY_TERMS)


def only(scene: CacheScene) -> Suggestion:
    """Return the one thing that is said."""
    (found,) = suggestions(scene)
    return found


def gain(suggestion: Suggestion) -> Effect:
    """Return the promised factor."""
    assert isinstance(suggestion.speedup, Effect)
    return suggestion.speedup


def test_full_cores_are_spared_the_decoding() -> None:
    """Half of the CPU time is decoding: without it full cores prepare nearly twice as much, at most."""
    found = only(EXHAUSTED)
    assert (found.setting, found.from_value, found.to_value) == ("cache", None, "ram")
    assert found.finding == "starved-cpu-exhausted"
    assert 1.05 <= gain(found).low < gain(found).predicted < gain(found).high
    assert gain(found).predicted == pytest.approx((0.92 * 8 + 0.5) / (0.46 * 8 + 0.5), rel=0.01)
    assert found.command == ("cd /data/yolov5 && python train.py --workers 4 --batch-size 16 --cache ram")


def test_what_is_saved_of_the_wait_is_predicted_too() -> None:
    """The wait that is left follows from the rate."""
    found = only(EXHAUSTED)
    assert isinstance(found.data_wait_ratio, Effect)
    assert found.data_wait_ratio.now == pytest.approx(0.5)
    assert found.data_wait_ratio.predicted == pytest.approx(1 - gain(found).predicted * 0.5)
    assert found.data_wait_ratio.low <= found.data_wait_ratio.predicted <= found.data_wait_ratio.high


def test_images_of_a_remote_storage_are_read_once() -> None:
    """Neither reading nor half of the computing is left: the GPU is fed."""
    found = only(REMOTE)
    assert (found.to_value, found.finding) == ("ram", "starved-remote-storage")
    assert gain(found).predicted == pytest.approx(1 / 0.59, rel=0.01)


def test_a_training_whose_gpu_is_the_limit_is_never_told_to_cache() -> None:
    """The negative control: caching would bring it nothing."""
    assert suggestions(FED) == ()


@pytest.mark.parametrize("cache", ["ram", ""])
def test_who_caches_already_or_may_do_is_not_told_to(cache: str) -> None:
    """A cache that is there cannot be added; one that is not known may be there."""
    assert suggestions(replace(EXHAUSTED, cache=cache)) == ()


def test_more_workers_come_first_where_they_can_feed_the_gpu() -> None:
    """With cores to spare the number of workers is the simpler cure."""
    assert suggestions(CacheScene()) == ()


def test_a_trainer_without_the_flag_is_not_told_to_use_it() -> None:
    """A training of plain PyTorch has no --cache."""
    assert suggestions(replace(EXHAUSTED, framework="torch")) == ()


def test_images_that_do_not_fit_are_not_cached() -> None:
    """What it would bring is said, what it would take, and nothing is to be run."""
    found = only(replace(EXHAUSTED, memory_available=4 * GIB))
    assert found.from_value == found.to_value is None
    assert gain(found) == Effect(1.0, 1.0, 1.0, 1.0)
    assert isinstance(found.command, Missing)
    assert "the decoded images take 11.3 GiB to 20.1 GiB, and this machine has 4.0 GiB" in found.text


def test_each_rank_keeps_all_images() -> None:
    """Two ranks of 8 images take as much as two trainings; later versions share them out."""
    ranks = replace(EXHAUSTED, ranks=2, workers=4, memory_available=30 * GIB)
    assert "to 40.3 GiB" in only(ranks).text
    assert only(replace(ranks, version="master")).to_value == "ram"


def test_the_limit_of_a_container_counts_and_yolov5_does_not_see_it() -> None:
    """What the cgroup leaves is less than what the machine has."""
    limited = replace(EXHAUSTED, memory_limit=30 * GIB, memory_used=4 * GIB)
    found = only(limited)
    assert found.to_value == "ram"
    assert "its memory limit leaves 26.0 GiB" in found.text
    assert any("not at the limit of the container" in words for words in found.warnings)
    assert only(replace(limited, memory_used=25 * GIB)).to_value is None


def test_versions_that_do_not_look_are_warned_of() -> None:
    """Before v7.0 YOLOv5 caches whatever fits or not."""
    found = only(replace(EXHAUSTED, version="v6.2"))
    assert any("YOLOv5 v6.2 does not look whether they fit" in words for words in found.warnings)


def test_what_a_cache_on_disk_would_write_is_told() -> None:
    """Files of 100 kB become 1 to 2 MB each: 16 000 of them 15 to 30 GiB."""
    found = only(replace(EXHAUSTED, memory_available=4 * GIB, image_bytes=4e5))
    assert "--cache disk would write 14.9 GiB to 29.8 GiB beside the images and read them" in found.text
    assert found.bound == Bound.MEMORY


def test_large_images_are_to_be_resized() -> None:
    """Files of 2 MB hold many more pixels than 640 x 640."""
    large = replace(EXHAUSTED, memory_available=4 * GIB, image_bytes=8e6)
    cache, images = suggestions(large)
    assert (cache.setting, images.setting, images.to_value) == ("cache", "images", "640 px")
    assert gain(images).low >= 1.05
    assert gain(images).high <= 1 / (1 - 0.6)
    assert "about 4.0 to 5.7 times the sides of 640 px" in images.text
    assert isinstance(images.command, Missing)


def test_images_of_about_the_right_size_are_left_alone() -> None:
    """Files of 100 kB may well be 640 pixels wide."""
    (cache,) = suggestions(replace(EXHAUSTED, memory_available=4 * GIB, image_bytes=4e5))
    assert cache.setting == "cache"


def test_images_are_counted_by_the_batches_of_an_epoch() -> None:
    """1000 batches of 16 are at most 16 000 images; without batches nothing is promised."""
    view = view_of(EXHAUSTED.window(), PID)
    assert view is not None
    assert images_of(view) == 16_000
    assert suggestions(replace(EXHAUSTED, batches=0)) == ()


@settings(deadline=None, max_examples=80)
@given(
    wait=st.floats(0.0, 1.0),
    idle=st.floats(0.0, 1.0),
    cpu=st.floats(0.0, 1.0),
    queue=st.floats(0.0, 1.0),
    disk=st.floats(0.0, 1.0),
    remote=st.floats(0.0, 1.0),
    workers=st.integers(0, 12),
    cores=st.integers(1, 16),
    image=st.none() | st.floats(0.0, 1e8),
    memory=st.integers(0, 64 * GIB),
    cache=st.sampled_from([None, "", "ram", "disk", "odd"]),
)
def test_no_promise_is_below_five_per_cent_or_beyond_the_wait(  # noqa: PLR0917 - a scene
    wait: float,
    idle: float,
    cpu: float,
    queue: float,
    disk: float,
    remote: float,
    workers: int,
    cores: int,
    image: float | None,
    memory: int,
    cache: str | None,
) -> None:
    """Whatever is read: intervals in order, gains worth a restart, the same twice."""
    scene = CacheScene(
        wait=wait, idle=idle, cpu=cpu, queue=queue, disk=disk, remote=remote, workers=workers, cores=cores,
        image_bytes=image, memory_available=memory, cache=cache,
    )  # fmt: skip
    found = suggestions(scene)
    assert found == suggestions(scene)
    for suggestion in found:
        effect = gain(suggestion)
        assert effect.low <= effect.predicted <= effect.high
        if suggestion.to_value != suggestion.from_value:
            assert effect.low >= 1.05
            assert effect.predicted <= max(1.0, 1 / (1 - min(wait, 0.98))) * 1.2
