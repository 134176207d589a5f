"""Host memory that grows by copies of pages: when it is full, and that it comes to rest."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from gpumon.diagnosis.host_growth import HostGrowth, host_growth_of
from gpumon.diagnosis.rule import Silent
from gpumon.diagnosis.rules.host_memory_pressure import RULE
from gpumon.model.host import CgroupReading, MemoryReading
from gpumon.model.measure import Missing
from gpumon.model.sample import Sample
from gpumon.model.training import Phase, Setting
from tests.unit.run_scene import changed, finding, judged, view, with_processes, with_progress
from tests.unit.synthetic_training import GIB, HEALTHY

_MIB = 1 << 20
_SECONDS = 120


def samples(
    worker_mib: Callable[[int], float], *, available: int = 12 * GIB, epoch: int = 0, eta: float = 36000.0
) -> list[Sample]:
    """Return samples of a machine of 64 GiB in which each of four workers holds so much in a second."""
    scene = replace(HEALTHY, seconds=_SECONDS, memory_available=available, epoch=epoch)
    return [
        with_progress(
            with_processes(
                sample,
                main={"memory_pss_bytes": GIB},
                workers={"memory_pss_bytes": int(worker_mib(second) * _MIB)},
            ),
            eta_seconds=eta,
            batch=20 * second,
            batches=20_000,
        )
        for second, sample in enumerate(scene.samples())
    ]


def growth(found: list[Sample]) -> HostGrowth:
    """Return the growth that must be seen."""
    seen = host_growth_of(view(found))
    assert seen is not None
    return seen


def test_growth_is_the_sum_over_all_processes() -> None:
    """Four workers by 8 MiB a second each: 32, and 12 GiB last 384 s."""
    seen = growth(samples(lambda second: 500 + 8 * second))
    assert seen.bytes_per_second == pytest.approx(32 * _MIB, rel=0.01)
    assert seen.full_in_seconds == pytest.approx(384, rel=0.01)
    assert not seen.is_flattening


def test_the_first_epoch_ends_growth_by_copies() -> None:
    """Until then 17 620 batches at 6 a second: longer than the memory lasts."""
    seen = growth(samples(lambda second: 500 + 8 * second))
    assert seen.is_first_epoch
    assert seen.left_seconds == pytest.approx(17_620 / 6)
    assert seen.fills


def test_the_rule_foresees_that_it_is_full() -> None:
    """With the pace, what is left, and when."""
    found = finding(RULE, samples(lambda second: 500 + 8 * second))
    assert "grow by 1.9 GiB a minute" in found.text
    assert "full in about 6 min, before the first epoch ends in 49 min" in found.text


def test_growth_that_flattens_fills_nothing() -> None:
    """Pages are copied once."""
    seen = growth(samples(lambda second: 500 + 1000 * (1 - 0.96**second)))
    assert seen.is_flattening
    assert not seen.fills
    assert isinstance(judged(RULE, samples(lambda second: 500 + 1000 * (1 - 0.96**second))), Silent)


@pytest.mark.parametrize(
    "worker_mib", [lambda _: 500.0, lambda second: 500 + 0.5 * second, lambda second: 1500 - 8 * second]
)
def test_rest_is_no_growth(worker_mib: Callable[[int], float]) -> None:
    """Nor less than 1 % of the machine, nor less than before."""
    assert host_growth_of(view(samples(worker_mib))) is None


def test_later_epochs_are_judged_by_the_end_of_the_run() -> None:
    """Copies are over then: what grows goes on growing, and the run ends first here."""
    seen = growth(samples(lambda second: 500 + 8 * second, epoch=3, eta=100.0))
    assert (seen.is_first_epoch, seen.left_seconds) == (False, 100.0)
    assert not seen.fills


def test_the_cgroup_may_be_full_first() -> None:
    """4 of 8 GiB are left there."""
    cgroup = CgroupReading(2, "/box", memory_limit_bytes=8 * GIB, memory_used_bytes=4 * GIB)
    found = [changed(sample, cgroup=cgroup) for sample in samples(lambda second: 500 + 8 * second)]
    assert growth(found).free_bytes == 4 * GIB


def test_another_worker_is_no_growth() -> None:
    """Only moments with as many processes as now are compared."""
    found = samples(lambda _: 500.0)
    fewer = [changed(sample, processes=sample.trainings[0].processes[:-2]) for sample in found[:60]]
    assert host_growth_of(view([*fewer, *found[60:]])) is None


def test_the_start_is_no_part_of_it() -> None:
    """A cache that is filled before the first batch."""
    found = samples(lambda second: 500 + 8 * second)
    start = [changed(sample, phase=Phase.START) for sample in found[:100]]
    assert host_growth_of(view([*start, *found[100:]])) is None


def test_without_the_memory_of_processes_nothing_is_told() -> None:
    """PSS of another user's process cannot be read."""
    hidden = [
        with_processes(sample, main={"memory_pss_bytes": Missing("another user's")}, workers={})
        for sample in samples(lambda second: 500 + 8 * second)
    ]
    assert host_growth_of(view(hidden)) is None


def test_growth_far_from_full_is_silent() -> None:
    """More than half an hour is left: then it may come to rest."""
    roomy = samples(lambda second: 500 + 8 * second, available=63 * GIB)
    assert growth(roomy).full_in_seconds > 1800
    assert isinstance(judged(RULE, roomy), Silent)


def test_a_machine_without_memory_left_has_its_pace_as_evidence() -> None:
    """Both signs stand in the finding, the present lack first."""
    memory = MemoryReading(64 * GIB, 2 * GIB, 62 * GIB, 0, 0)
    scarce = [
        replace(sample, host=replace(sample.host, memory=memory))
        for sample in samples(lambda second: 500 + 8 * second)
    ]
    found = finding(RULE, scarce)
    assert "2.0 of 64.0 GiB are available" in found.text
    assert "1.9 GiB a minute" in found.evidence[-1].text


def _resumed(sample: Sample) -> Sample:
    training = sample.trainings[0].training
    settings = replace(training.settings, resume=Setting("last.pt", "argv"))
    return changed(sample, training=replace(training, settings=settings))


def test_a_resumed_run_has_a_first_epoch_again() -> None:
    """Its workers copy pages anew: by the end of that epoch, not of the run."""
    found = samples(lambda second: 500 + 8 * second, epoch=20)
    seen = growth([_resumed(sample) for sample in found])
    assert seen.is_first_epoch
    assert seen.left_seconds == pytest.approx(17_620 / 6)
    assert growth(found).left_seconds == 36000.0


def _caching(
    *,
    cache: str | None = "ram",
    limit: int | None = 16 * GIB,
    version: str = "v7.0",
    available: int = 48 * GIB,
) -> list[Sample]:
    """Return samples of a start in which 64 MiB a second are kept, up to 12.6 GiB."""
    found = []
    for sample in samples(lambda second: 1000 + 16 * second, available=available):
        training = sample.trainings[0].training
        settings = replace(training.settings, cache=Setting(cache, "argv"))
        cgroup = CgroupReading(2, "/box", memory_limit_bytes=limit, memory_used_bytes=int(13.5 * GIB))
        found.append(
            changed(
                sample,
                phase=Phase.START,
                training=replace(training, settings=settings, framework_version=version),
                cgroup=cgroup if limit else Missing("none"),
            )
        )
    return found


def test_a_cache_that_fills_a_container_is_foreseen() -> None:
    """2.5 GiB are left at 64 MiB a second; YOLOv5 looks at the machine only."""
    seen = growth(_caching())
    assert seen.is_caching
    assert seen.full_in_seconds == pytest.approx(40, rel=0.02)
    found = finding(RULE, _caching())
    assert "2.5 GiB are left: full in about 40 s, unless --cache ram has all images by then" in found.text


@pytest.mark.parametrize("cache", [None, "disk"])
def test_a_start_without_a_cache_in_memory_is_not_foreseen(cache: str | None) -> None:
    """What grows then is not known to go on."""
    assert host_growth_of(view(_caching(cache=cache))) is None


def test_a_cache_with_room_left_is_silent() -> None:
    """A quarter of the container is free: many a cache takes half of it and comes to rest."""
    assert isinstance(judged(RULE, _caching(limit=19 * GIB)), Silent)


@pytest.mark.parametrize(("version", "is_told"), [("v7.0", False), ("v6.2", True)])
def test_the_machine_is_looked_at_by_newer_versions_themselves(version: str, *, is_told: bool) -> None:
    """6.5 of 64 GiB are available, and no container: v7.0 would not cache what does not fit."""
    found = _caching(limit=None, version=version, available=int(6.5 * GIB))
    assert (host_growth_of(view(found)) is not None) is is_told
    assert isinstance(judged(RULE, found), Silent) is not is_told
