"""The processes on a GPU, and the traps of drivers and PID namespaces."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from gpumon.model.gpu import GpuProcess
from gpumon.model.measure import Missing
from gpumon.sources.nvml import NvmlSource
from tests.nvml_stand_in.stage import UNIX_START, FixedClock, Stage, at
from tests.nvml_stand_in.stand_in import Script

pytest_plugins = ("tests.nvml_stand_in.fixtures",)

GIB = 1 << 30
NOW_US = int(UNIX_START * 1e6)
V3 = "nvmlDeviceGetComputeRunningProcesses_v3"


def same(pid: int) -> int | None:
    return pid


def source_with(translate_pid: Callable[[int], int | None] = same) -> NvmlSource:
    return NvmlSource(FixedClock(), translate_pid=translate_pid, detect_wsl=lambda: False)


@pytest.fixture
def source() -> NvmlSource:
    """A source for which every PID is one of ours."""
    return source_with()


def processes(source: NvmlSource, seconds: float = 0) -> tuple[GpuProcess, ...]:
    (gpu,) = source.read(at(seconds)).gpus
    assert not isinstance(gpu.processes, Missing), gpu.processes
    return gpu.processes


def test_compute_and_graphics_processes_are_listed(nvml: Stage, source: NvmlSource) -> None:
    """By PID, with what each holds; one that does both is there once."""
    script = Script().process(0, 30, 3 * GIB).process(0, 20, GIB, kind="graphics")
    nvml.play(script.process(0, 10, 2 * GIB).process(0, 10, 2 * GIB, kind="graphics"), 0)
    listed = [(each.pid, each.kind, each.gpu_memory_used_bytes) for each in processes(source)]
    assert listed == [(10, "compute+graphics", 2 * GIB), (20, "graphics", GIB), (30, "compute", 3 * GIB)]


def test_no_process_is_an_empty_list(nvml: Stage, source: NvmlSource) -> None:
    """It is known that there is none: nothing is missing."""
    nvml.play(Script(), 0)
    assert processes(source) == ()


def test_more_processes_than_the_buffer_holds_are_all_there(nvml: Stage, source: NvmlSource) -> None:
    """The buffer grows when the driver says it is too small."""
    nvml.play(Script().processes(0, range(1000, 1200), 1 << 20), 0)
    assert [each.pid for each in processes(source)] == list(range(1000, 1200))


def test_the_list_is_asked_for_once_a_read(nvml: Stage, source: NvmlSource) -> None:
    """The kept buffer spares the question for the size."""
    nvml.play(Script().process(0, 10, GIB), 0)
    for seconds in range(3):
        processes(source, seconds)
    assert nvml.calls(V3) == 3


@pytest.mark.parametrize(
    ("used", "text"),
    [
        (None, "the driver does not tell which process holds how much"),
        (0, "the driver reports 0 bytes, as some do in containers"),
    ],
)
def test_memory_that_is_not_told_is_missing(
    nvml: Stage, source: NvmlSource, used: int | None, text: str
) -> None:
    """Not available and zero are no amounts: a context alone holds hundreds of megabytes."""
    nvml.play(Script().process(0, 10, used), 0)
    assert processes(source)[0].gpu_memory_used_bytes == Missing(text)


def test_more_memory_than_the_gpu_has_is_missing(nvml: Stage, source: NvmlSource) -> None:
    """The process is kept; the amount is not believed."""
    nvml.play(Script().process(0, 10, 99 * GIB), 0)
    assert processes(source)[0].gpu_memory_used_bytes == Missing("the driver reports more than the GPU has")


def test_an_older_driver_lists_by_version_two(nvml: Stage, source: NvmlSource) -> None:
    """535.98 has no version three; it is asked once."""
    nvml.play(Script().process(0, 10, GIB).fail(V3, "FUNCTION_NOT_FOUND"), 0)
    listed = [processes(source, seconds)[0].gpu_memory_used_bytes for seconds in range(3)]
    assert (listed, nvml.calls(V3)) == ([GIB] * 3, 1)


def test_the_struct_of_driver_535_is_seen_through(nvml: Stage, source: NvmlSource) -> None:
    """A longer struct under the same version: from the second process on all is shifted."""
    script = Script().set(0, process_v3_of_535=1)
    nvml.play(script.process(0, 10, GIB).process(0, 20, 2 * GIB).process(0, 30, 3 * GIB), 0)
    listed = [(each.pid, each.gpu_memory_used_bytes) for each in processes(source)]
    assert listed == [(10, GIB), (20, 2 * GIB), (30, 3 * GIB)]


def test_a_scrambled_list_without_a_second_version_is_missing(nvml: Stage, source: NvmlSource) -> None:
    """Better no list than a wrong one."""
    script = Script().set(0, process_v3_of_535=1).process(0, 10, GIB).process(0, 20, GIB)
    nvml.play(script.fail("nvmlDeviceGetComputeRunningProcesses_v2", "FUNCTION_NOT_FOUND"), 0)
    (gpu,) = source.read(at(0)).gpus
    assert isinstance(gpu.processes, Missing)
    assert "scrambled" in gpu.processes.reason


def test_a_list_that_is_refused_is_missing(nvml: Stage, source: NvmlSource) -> None:
    """The reason is the driver's."""
    script = Script().fail(V3, "NO_PERMISSION")
    nvml.play(script.fail("nvmlDeviceGetComputeRunningProcesses_v2", "NO_PERMISSION"), 0)
    (gpu,) = source.read(at(0)).gpus
    assert gpu.processes == Missing("no permission")


def test_utilisation_is_given_to_its_process(nvml: Stage, source: NvmlSource) -> None:
    """A process without a record did nothing."""
    script = Script().process(0, 10, GIB).process(0, 20, GIB)
    nvml.play(script.record(0, 10, NOW_US, 83), 0)
    assert [each.gpu_busy_ratio for each in processes(source)] == [0.83, 0.0]


def test_garbage_records_are_dropped(nvml: Stage, source: NvmlSource) -> None:
    """More than 100 %, older than asked for, PID 0, from the future."""
    script = Script().process(0, 10, GIB).record(0, 10, NOW_US, 40).record(0, 10, NOW_US + 60_000_000, 90)
    script.record(0, 10, NOW_US - 500, 4_000_000).record(0, 0, NOW_US, 50).record(
        0, 10, NOW_US - 5_000_000, 99
    )
    nvml.play(script, 0)
    assert processes(source)[0].gpu_busy_ratio == 0.4


def test_a_record_stands_until_a_newer_one_is_due(nvml: Stage, source: NvmlSource) -> None:
    """For ticks finer than the driver's period; a second later the process is idle."""
    nvml.play(Script().process(0, 10, GIB).record(0, 10, NOW_US, 40), 0)
    assert [processes(source, seconds)[0].gpu_busy_ratio for seconds in (0, 0.5, 1.5)] == [0.4, 0.4, 0.0]


def test_utilisation_that_is_not_supported_is_missing(nvml: Stage, source: NvmlSource) -> None:
    """Neither by the old nor by the new function, each asked once."""
    script = Script().process(0, 10, GIB).fail("nvmlDeviceGetProcessUtilization", "NOT_SUPPORTED")
    nvml.play(script.fail("nvmlDeviceGetProcessesUtilizationInfo", "NOT_SUPPORTED"), 0)
    ratios = [processes(source, seconds)[0].gpu_busy_ratio for seconds in range(2)]
    assert ratios == [Missing("not supported by this GPU")] * 2
    assert nvml.calls("nvmlDeviceGetProcessUtilization") == 1


def test_the_newer_function_is_asked_where_the_older_is_unknown(nvml: Stage, source: NvmlSource) -> None:
    """It has the same records."""
    script = Script().process(0, 10, GIB).record(0, 10, NOW_US, 40)
    nvml.play(script.fail("nvmlDeviceGetProcessUtilization", "NOT_SUPPORTED"), 0)
    assert processes(source)[0].gpu_busy_ratio == 0.4


def test_a_pid_of_an_inner_namespace_becomes_ours(nvml: Stage) -> None:
    """Memory and utilisation under the PID by which we know the process."""
    source = source_with({7: 4242}.get)
    nvml.play(Script().process(0, 7, GIB).record(0, 7, NOW_US, 40), 0)
    (process,) = processes(source)
    assert (process.pid, process.gpu_busy_ratio, process.note) == (4242, 0.4, "")


def test_a_pid_that_cannot_be_mapped_is_kept_with_a_note(nvml: Stage) -> None:
    """Its memory counts, whoever it is."""
    source = source_with(lambda _: None)
    nvml.play(Script().process(0, 645400, GIB), 0)
    (process,) = processes(source)
    assert (process.pid, process.gpu_memory_used_bytes) == (645400, GIB)
    assert process.note == "PID of another namespace: not visible from here"


def test_two_questions_may_use_two_namespaces(nvml: Stage) -> None:
    """Driver 560 in a container: one process, PID 324 in the list and 645400 in the utilisation."""
    source = source_with({324: 324}.get)
    nvml.play(Script().process(0, 324, GIB).record(0, 645400, NOW_US, 40), 0)
    (process,) = processes(source)
    assert (process.pid, process.gpu_busy_ratio) == (324, 0.4)
    assert "matched by elimination" in process.note


def test_two_namespaces_and_two_processes_cannot_be_matched(nvml: Stage) -> None:
    """Then the utilisation is missing: a guess would be wrong half of the time."""
    source = source_with({324: 324, 325: 325}.get)
    script = Script().process(0, 324, GIB).process(0, 325, GIB)
    nvml.play(script.record(0, 645400, NOW_US, 40).record(0, 645401, NOW_US, 20), 0)
    reason = Missing("the driver names other PIDs for utilisation than for memory")
    assert [each.gpu_busy_ratio for each in processes(source)] == [reason, reason]


def test_a_pid_is_looked_up_every_five_seconds(nvml: Stage) -> None:
    """A lookup reads /proc; PIDs are used again."""
    asked: list[int] = []

    def translate(pid: int) -> int | None:
        asked.append(pid)
        return pid

    nvml.play(Script().process(0, 10, GIB), 0)
    source = source_with(translate)
    for seconds in range(7):
        processes(source, seconds)
    assert asked == [10, 10]


def test_mig_processes_are_listed_with_the_rights_to_do_so(nvml: Stage, source: NvmlSource) -> None:
    """The GPU lists the processes of all its instances; utilisation is missing."""
    script = Script().mig(0, (1, 0), 5 * GIB, GIB, "MIG-1").mig(0, (2, 0), 5 * GIB, GIB, "MIG-2")
    nvml.play(script.process(0, 10, GIB, instance=(1, 0)).process(0, 20, GIB, instance=(2, 0)), 0)
    listed = processes(source)
    assert [each.pid for each in listed] == [10, 20]
    assert listed[0].gpu_busy_ratio == Missing("not measured while MIG is on")


def test_mig_processes_are_listed_by_instance_without_them(nvml: Stage, source: NvmlSource) -> None:
    """A user who may not ask the GPU asks its instances; one process may be in two."""
    script = Script().mig(0, (1, 0), 5 * GIB, GIB, "MIG-1").mig(0, (2, 0), 5 * GIB, GIB, "MIG-2")
    script.process(0, 10, GIB, instance=(1, 0)).process(0, 10, 2 * GIB, instance=(2, 0))
    script.set(0, mig_refuses_gpu=1)
    nvml.play(script, 0)
    assert processes(source)[0].gpu_memory_used_bytes == 3 * GIB
