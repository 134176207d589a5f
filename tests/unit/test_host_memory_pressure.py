"""Memory that runs out on the host or in the cgroup is told before the kernel kills."""

from __future__ import annotations

from dataclasses import replace

import pytest

from gpumon.diagnosis.rule import NotJudged, Silent
from gpumon.diagnosis.rules.host_memory_pressure import RULE
from gpumon.model.host import CgroupReading, MemoryReading, PressureReading
from gpumon.model.measure import Missing
from gpumon.model.sample import Sample
from tests.unit.run_scene import changed, finding, judged, with_processes
from tests.unit.synthetic_training import GIB, HEALTHY, Scene


def _holding(sample: Sample, each: int = GIB // 2) -> Sample:
    """Return a sample whose five processes hold so much each."""
    return with_processes(sample, main={"memory_pss_bytes": each}, workers={"memory_pss_bytes": each})


def _in_cgroup(
    used: int, *, limit: int | None = 16 * GIB, kills: int = 0, each: int = 3 * GIB
) -> list[Sample]:
    return [
        changed(
            _holding(sample, each),
            cgroup=CgroupReading(2, "/box", None, 0.0, limit, used, kills if index else 0),
        )
        for index, sample in enumerate(HEALTHY.samples())
    ]


def test_a_cgroup_at_its_limit_is_told() -> None:
    """15 of 16 GiB, without what the kernel would drop first."""
    found = finding(RULE, _in_cgroup(15 * GIB))
    assert found.text.startswith(
        "host memory runs out: its cgroup holds 15.0 of 16.0 GiB (94 % of its limit)"
    )


@pytest.mark.parametrize(("used", "limit"), [(12 * GIB, 16 * GIB), (60 * GIB, None)])
def test_a_cgroup_with_room_or_without_limit_is_silent(used: int, limit: int | None) -> None:
    """Three quarters are room enough."""
    assert isinstance(judged(RULE, _in_cgroup(used, limit=limit)), Silent)


def test_killed_processes_are_told_first() -> None:
    """What was killed while gpumon looked, not what was killed before."""
    assert "the kernel has killed 2 of the processes" in finding(RULE, _in_cgroup(GIB, kills=2)).text


def test_a_host_without_memory_is_told_with_what_the_training_holds() -> None:
    """2 of 64 GiB are available; five processes hold half a GiB each."""
    samples = [_holding(sample) for sample in Scene(memory_available=2 * GIB).samples()]
    own = "the training's own processes hold 2.5 GiB"
    assert f"2.0 of 64.0 GiB are available; {own}" in finding(RULE, samples).text


def test_a_tenth_of_a_large_machine_is_no_shortage() -> None:
    """20 GiB are available: 4 % of half a TiB."""
    samples = Scene(memory_total=512 * GIB, memory_available=20 * GIB).samples()
    assert isinstance(judged(RULE, samples), Silent)


def _stalled(ratio: float, available: int = 10 * GIB) -> list[Sample]:
    pressure = PressureReading(0.0, 0.0, 0.0, ratio, ratio)
    samples = Scene(memory_available=available).samples()
    return [replace(sample, host=replace(sample.host, pressure=pressure)) for sample in samples]


def test_tasks_that_stand_still_for_memory_are_told() -> None:
    """The kernel's own account of pressure."""
    assert "stand still for memory 20 %" in finding(RULE, _stalled(0.2)).text


def test_a_page_cache_that_fills_a_cgroup_is_silent() -> None:
    """Its own processes hold 5 of 16 GiB: the rest are pages of files, which can be dropped."""
    assert isinstance(judged(RULE, _in_cgroup(15 * GIB, each=GIB)), Silent)


def test_tasks_that_wait_for_pages_of_files_are_silent() -> None:
    """With most of the memory available it is the page cache of some cgroup that is too small."""
    assert isinstance(judged(RULE, _stalled(0.3, available=48 * GIB)), Silent)


def test_a_little_pressure_is_silent() -> None:
    """Reclaim of some pages stalls now and then."""
    assert isinstance(judged(RULE, _stalled(0.02)), Silent)


def test_swap_is_told_beside_what_is_available() -> None:
    """Swapped pages alone say nothing; with no memory left they do."""
    memory = MemoryReading(16 * GIB, GIB, 15 * GIB, 8 * GIB, 3 * GIB)
    samples = [replace(sample, host=replace(sample.host, memory=memory)) for sample in HEALTHY.samples()]
    assert "3.0 GiB are swapped out" in finding(RULE, samples).text


def test_without_any_account_of_memory_it_is_not_judged() -> None:
    """Neither host nor cgroup tells."""
    hidden = Missing("not read")
    samples = [
        changed(replace(sample, host=replace(sample.host, memory=hidden)), cgroup=hidden)
        for sample in HEALTHY.samples()
    ]
    assert isinstance(judged(RULE, samples), NotJudged)
