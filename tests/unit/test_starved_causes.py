"""The cause of a data wait is told by the one signal that separates it, whatever the number of cores."""

from __future__ import annotations

from dataclasses import replace

import pytest

from gpumon.diagnosis.diagnose import diagnose
from gpumon.diagnosis.order import WAITS
from gpumon.diagnosis.rule import NotJudged, Silent
from gpumon.diagnosis.view import View, view_of
from gpumon.model.finding import Finding
from tests.unit.starved_scene import StarvedScene
from tests.unit.synthetic_training import GIB, PID

MIB = 2**20


def view(scene: StarvedScene) -> View:
    """Return the view of a scene."""
    found = view_of(scene.window(), PID)
    assert found is not None
    return found


def fired(scene: StarvedScene) -> list[str]:
    """Return the ids of all rules about a data wait that fire."""
    seen = view(scene)
    return [rule.id for rule in WAITS if isinstance(rule.judge(seen), Finding)]


def judged(scene: StarvedScene, name: str) -> object:
    """Return what one rule says."""
    return next(rule for rule in WAITS if rule.id == name).judge(view(scene))


def finding(scene: StarvedScene, name: str) -> Finding:
    """Return the finding of one rule, which must fire."""
    found = judged(scene, name)
    assert isinstance(found, Finding), found
    return found


def scenes(cores: int) -> dict[str, StarvedScene]:
    """Return a training on so many cores for each cause."""
    many, half = float(cores), cores // 2
    few = StarvedScene(cores=cores, workers=half)
    return {
        "starved-too-few-workers": few,
        "starved-cpu-exhausted": replace(few, workers=cores, cpu=0.92, queue=0.12, main_cpu=0.6),
        "starved-too-many-workers": replace(few, workers=4 * cores, cpu=0.24, queue=0.73, main_cpu=0.3),
        "starved-cpu-quota": replace(
            few, quota=half / 2, throttled=0.9, cpu=0.45, queue=0.53, main_cpu=half / 2 - 0.45 * half
        ),
        "starved-neighbours": replace(few, cpu=0.5, queue=0.48, others_cpu=0.72 * many),
        "starved-lock": replace(few, cpu=0.2, queue=0.02, lock=0.7),
        "starved-remote-storage": replace(few, cpu=0.2, remote=0.7),
        "starved-local-disk": replace(
            few, cpu=0.4, disk=0.5, device_busy=0.7, read=9e8, characters=9e8, device="0"
        ),
        "starved-page-cache": replace(
            few,
            cpu=0.4,
            disk=0.5,
            device_busy=0.7,
            read=9e8,
            characters=9e8,
            io_stall=0.5,
            memory_stall=0.4,
            memory_limit=2 * GIB,
        ),
        "starved-slow-samples": replace(
            few, idle=0.45, cpu=0.5, waits=(0.1, 0.6, 0.2, 0.7), works=(1.3, 0.8, 1.2, 0.7)
        ),
    }


@pytest.mark.parametrize("cores", [2, 8, 64])
@pytest.mark.parametrize("name", scenes(8))
def test_a_cause_is_told_alone_on_any_number_of_cores(name: str, cores: int) -> None:
    """Each cause fires on its own training and no other rule does, on a laptop and on a server."""
    assert fired(scenes(cores)[name]) == [name]


@pytest.mark.parametrize("name", scenes(8))
def test_a_finding_says_what_is_lost_and_shows_its_numbers(name: str) -> None:
    """A wait costs its own share of the time, and two numbers stand behind a cause at least."""
    found = finding(scenes(8)[name], name)
    assert found.lost_ratio == pytest.approx(0.41, abs=0.03)
    assert len(found.evidence) >= 2
    assert all(row.text for row in found.evidence)


@pytest.mark.parametrize("name", scenes(8))
def test_without_a_wait_no_cause_is_told(name: str) -> None:
    """Busy neighbours, disks and quotas are no matter to a training that is fed."""
    fed = replace(scenes(8)[name], wait=0.01, waits=(), idle=0.6)
    assert fired(fed) == []


def test_a_quota_is_told_with_who_does_not_see_it() -> None:
    """YOLOv5 and torch take the cores of the machine for theirs: the sentence says so."""
    found = finding(scenes(8)["starved-cpu-quota"], "starved-cpu-quota")
    assert "its CPU quota of 2 cores is used up in 90 % of its periods" in found.text
    assert found.text.endswith("YOLOv5 and torch see the 8 cores of the machine and no quota")
    other = replace(scenes(8)["starved-cpu-quota"], framework="torch")
    assert finding(other, "starved-cpu-quota").text.endswith(
        "torch sees the 8 cores of the machine and no quota"
    )


def test_a_quota_that_hardly_stops_a_training_is_none() -> None:
    """Throttled in a tenth of the periods is what bursts make of any quota."""
    scene = replace(scenes(8)["starved-too-few-workers"], quota=7.0, throttled=0.1)
    assert fired(scene) == ["starved-too-few-workers"]


def test_a_quota_whose_throttling_is_not_counted_is_not_judged() -> None:
    """Old kernels count no throttled periods: the workers crowd the cores that the quota leaves."""
    scene = replace(scenes(8)["starved-cpu-quota"], throttled=None)
    assert isinstance(judged(scene, "starved-cpu-quota"), NotJudged)
    assert "4 workers share its CPU quota of 2 cores" in finding(scene, "starved-too-many-workers").text


def test_neighbours_count_only_where_the_cores_are_full() -> None:
    """Others on a half-empty machine take no core that a worker could have."""
    scene = replace(scenes(64)["starved-neighbours"], others_cpu=24.0)
    assert fired(scene) == ["starved-too-few-workers"]


def test_a_few_neighbours_leave_the_cause_with_the_training_itself() -> None:
    """One core of eight is not what eight workers lack."""
    scene = replace(scenes(8)["starved-cpu-exhausted"], others_cpu=1.0, cpu=0.8, queue=0.2)
    assert fired(scene) == ["starved-cpu-exhausted"]
    assert "other programs take 1 core" in finding(scene, "starved-cpu-exhausted").text


def test_crowded_workers_among_neighbours_are_not_told_to_be_too_many() -> None:
    """Where others take a third of the cores, fewer workers would get even less of them."""
    scene = replace(scenes(8)["starved-too-many-workers"], cpu=0.12, queue=0.85, others_cpu=4.0)
    assert fired(scene) == ["starved-neighbours"]


def test_neighbours_on_the_cores_of_an_affinity_are_known_by_what_is_missing() -> None:
    """A training bound to two cores that uses one of them and queues has neighbours there."""
    scene = StarvedScene(cores=64, affinity=2, workers=2, cpu=0.45, queue=0.5, main_cpu=0.1, others_cpu=40.0)
    assert fired(scene) == ["starved-neighbours"]
    assert (
        "other programs take 1 core of the 2 that it may run on" in finding(scene, "starved-neighbours").text
    )


def test_a_training_that_fills_its_affinity_has_no_neighbours() -> None:
    """What others do on the other cores is no matter."""
    scene = StarvedScene(cores=64, affinity=2, workers=2, cpu=0.9, queue=0.08, main_cpu=0.15, others_cpu=40.0)
    assert fired(scene) == ["starved-cpu-exhausted"]


def test_time_that_a_hypervisor_takes_counts_as_neighbours() -> None:
    """A virtual machine whose cores are given to others is told so."""
    scene = replace(scenes(8)["starved-neighbours"], others_cpu=0.0, stolen=0.72)
    assert fired(scene) == ["starved-neighbours"]
    assert "of these the hypervisor gives 5.8 cores" not in finding(scene, "starved-neighbours").text
    assert "the hypervisor gives 6 cores to other machines" in finding(scene, "starved-neighbours").text


def test_short_waits_for_a_fast_disk_count_although_no_look_finds_them() -> None:
    """Time off the CPU that nothing else explains is the disk's, if the workers fetch from one."""
    scene = replace(scenes(2)["starved-local-disk"], workers=2, disk=0.02)
    assert fired(scene) == ["starved-local-disk"]
    assert fired(replace(scene, read=0.0)) != ["starved-local-disk"]


def test_a_small_share_of_the_disk_is_the_cause_only_without_a_core_to_spare() -> None:
    """Where cores are idle a further worker computes while others wait for the disk."""
    scene = StarvedScene(
        wait=0.12,
        workers=2,
        cpu=0.75,
        queue=0.13,
        main_cpu=0.2,
        disk=0.1,
        device_busy=0.3,
        read=1e8,
        characters=4e8,
    )
    assert fired(replace(scene, cores=2)) == ["starved-local-disk"]
    assert fired(replace(scene, cores=16)) == ["starved-too-few-workers"]


def test_a_disk_with_nothing_left_is_told_apart_from_one_with_room() -> None:
    """More workers help only while the disk is not busy all the time."""
    scene = scenes(8)["starved-local-disk"]
    assert finding(scene, "starved-local-disk").text.endswith("so it has room for more workers")
    full = replace(scene, device_busy=0.98)
    assert finding(full, "starved-local-disk").text.endswith("so more workers would only queue for it")


def test_workers_in_state_d_with_idle_disks_wait_for_remote_storage() -> None:
    """A parallel file system whose functions nobody knows is told by the disks that do nothing."""
    scene = replace(scenes(8)["starved-local-disk"], device_busy=0.01, read=0.0)
    assert fired(scene) == ["starved-remote-storage"]
    assert "storage that is not on a disk here" in finding(scene, "starved-remote-storage").text


def test_without_a_look_at_the_disks_the_kind_of_storage_is_not_judged() -> None:
    """State D alone does not tell a disk here from storage elsewhere."""
    scene = replace(scenes(8)["starved-local-disk"], has_disks=False)
    assert fired(scene) == []
    assert isinstance(judged(scene, "starved-local-disk"), NotJudged)


def test_the_page_cache_is_told_by_what_it_had_thrown_out() -> None:
    """The limit of the cgroup is named with what it leaves."""
    text = finding(scenes(8)["starved-page-cache"], "starved-page-cache").text
    assert "its memory limit leaves 1.0 GiB for the page cache, and the data set is larger" in text


def test_a_data_set_larger_than_memory_is_told_without_pressure_information() -> None:
    """Kernels without pressure stall information: what an epoch reads against what the cache can take."""
    scene = replace(
        scenes(8)["starved-local-disk"],
        memory_stall=None,
        framework="torch",
        image_bytes=20 * MIB,
        batches=1000,
    )
    assert fired(scene) == ["starved-page-cache"]
    assert fired(replace(scene, image_bytes=1 * MIB)) == ["starved-local-disk"]


def test_a_lock_is_told_worker_by_worker() -> None:
    """The evidence shows each worker's share of the time in the lock."""
    scene = replace(scenes(8)["starved-lock"], workers=3)
    rows = finding(scene, "starved-lock").evidence
    assert "(worker by worker 70 %, 70 % and 70 %)" in rows[1].text
    many = finding(replace(scene, workers=6), "starved-lock").evidence
    assert "(70 % to 70 % of each of 6 workers)" in many[1].text


def test_where_system_calls_cannot_be_read_every_futex_of_a_worker_is_a_lock() -> None:
    """Without the right to trace all futexes look as if they had a timeout."""
    scene = replace(scenes(8)["starved-lock"], reads_calls=False)
    assert fired(scene) == ["starved-lock"]


def test_a_worker_that_waits_for_its_own_threads_computes() -> None:
    """OpenCV's threads decode while the worker's main thread is in a futex: no lock of others."""
    scene = replace(scenes(64)["starved-lock"], workers=4, cpu=0.3, inner_cpu=2.0)
    assert fired(scene) == ["starved-too-few-workers"]


def test_even_workers_that_idle_are_no_slow_samples() -> None:
    """Who works at the same pace while the loop waits is not held up by single images."""
    scene = replace(scenes(8)["starved-slow-samples"], works=())
    assert isinstance(judged(scene, "starved-slow-samples"), Silent)
    assert fired(scene) == []


def test_workers_that_nearly_always_idle_are_no_slow_samples() -> None:
    """What the loop waits for there is on its own side."""
    scene = replace(scenes(8)["starved-slow-samples"], idle=0.85, cpu=0.1)
    assert fired(scene) == []


def test_a_training_that_comes_to_a_halt_has_no_slow_samples() -> None:
    """One change is no fits and starts."""
    scene = replace(
        scenes(8)["starved-slow-samples"], waits=(0.1,) * 10 + (1.0,) * 10, works=(1.0,) * 10 + (0.0,) * 10
    )
    assert isinstance(judged(scene, "starved-slow-samples"), Silent)


@pytest.mark.parametrize(("main_queue", "told"), [(0.2, ["starved-slow-samples"]), (0.6, [])])
def test_a_machine_full_of_others_has_no_slow_samples(main_queue: float, told: list[str]) -> None:
    """Where the loop waits for a core longer than for data, fits and starts are those of the machine."""
    assert fired(replace(scenes(8)["starved-slow-samples"], main_queue=main_queue)) == told


def test_another_users_training_is_not_guessed_at() -> None:
    """Where nothing is known of what the workers wait for, the verdict is unclear rather than wrong."""
    scene = replace(scenes(8)["starved-lock"], has_channels=False, reads_calls=False, lock=0.0, cpu=0.2)
    assert fired(scene) == []
    assert diagnose(scene.window(), PID)[0].id == "unclear"


def test_workers_that_sleep_are_told_in_few_words() -> None:
    """The sentence has to fit beside others: what they do not wait for stands in the evidence."""
    asleep = replace(StarvedScene(cores=8, workers=4), cpu=0.1, sleeping=0.8)
    found = finding(asleep, "starved-too-few-workers")
    assert "(80 % off the CPU)" in found.text
    assert "neither a core nor a disk" not in found.text
    (busy,) = (item.text for item in found.evidence if item.metric == "worker_idle_ratio")
    assert "; 80 % of the time they sleep, and wait for neither a core nor a disk" in busy
    awake = finding(StarvedScene(cores=8, workers=4), "starved-too-few-workers")
    assert "off the CPU" not in awake.text
