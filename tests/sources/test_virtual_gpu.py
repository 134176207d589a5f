"""The virtual GPU as a source: busy ratios from intervals, the rest as the timeline says."""

from __future__ import annotations

import os
from dataclasses import fields
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gpumon.model.clock import Instant
from gpumon.model.gpu import DriverState, GpuProcess, GpuReading
from gpumon.model.measure import Missing
from gpumon.sources.timeline import TimelineWriter
from gpumon.sources.virtual_gpu import VirtualGpuSource

START = 1_790_000_000.0


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Return where the timeline lies."""
    return tmp_path / "gpu.timeline"


@pytest.fixture
def writer(path: Path) -> TimelineWriter:
    """Return the training's side of the virtual GPU."""
    return TimelineWriter(path, name="Virtual GPU", uuid="GPU-v", memory_total_bytes=1000)


def _at(seconds: float) -> Instant:
    return Instant(START + seconds, 50.0 + seconds)


def _gpu(source: VirtualGpuSource, seconds: float) -> GpuReading:
    (gpu,) = source.read(_at(seconds)).gpus
    return gpu


def _work(writer: TimelineWriter, *intervals: tuple[float, float]) -> None:
    for start, end in intervals:
        writer.end(START + start, START + end)


def test_the_first_reading_has_no_ratio(path: Path, writer: TimelineWriter) -> None:
    """A share of time needs a beginning and an end."""
    _work(writer, (0.0, 1.0))

    assert Missing("needs two readings") == _gpu(VirtualGpuSource(str(path)), 1.0).gpu_busy_ratio


def test_the_ratio_is_the_covered_share_of_the_time_between(path: Path, writer: TimelineWriter) -> None:
    """Three tenths of work in a second are 30 %."""
    source = VirtualGpuSource(str(path))
    _gpu(source, 0.0)
    _work(writer, (0.1, 0.2), (0.5, 0.7))

    assert _gpu(source, 1.0).gpu_busy_ratio == pytest.approx(0.3)


def test_work_under_way_counts_up_to_now(path: Path, writer: TimelineWriter) -> None:
    """A kernel that has not ended yet is busy time all the same."""
    source = VirtualGpuSource(str(path))
    _gpu(source, 0.0)
    writer.begin(START + 0.6)

    assert _gpu(source, 1.0).gpu_busy_ratio == pytest.approx(0.4)


def test_work_across_two_readings_is_split_between_them(path: Path, writer: TimelineWriter) -> None:
    """No second is counted twice and none is lost."""
    source = VirtualGpuSource(str(path))
    _gpu(source, 0.0)
    writer.begin(START + 0.5)
    first = _gpu(source, 1.0).gpu_busy_ratio
    _work(writer, (0.5, 1.25))
    second = _gpu(source, 2.0).gpu_busy_ratio

    assert pytest.approx([0.5, 0.25]) == [first, second]


def test_work_that_ended_after_the_reading_counts_in_the_next_too(path: Path, writer: TimelineWriter) -> None:
    """The clock of the reading may lie a little before the newest interval's end."""
    source = VirtualGpuSource(str(path))
    _gpu(source, 0.0)
    _work(writer, (0.5, 1.5))
    first = _gpu(source, 1.0).gpu_busy_ratio
    second = _gpu(source, 2.0).gpu_busy_ratio

    assert pytest.approx([0.5, 0.5]) == [first, second]


@given(st.lists(st.floats(0.0, 0.1), min_size=2, max_size=40))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_the_ratios_add_up_to_the_work(path: Path, steps: list[float]) -> None:
    """Over many readings the busy time is the time that was worked, whatever the pattern."""
    writer = TimelineWriter(path, name="V", uuid="v", memory_total_bytes=1)
    source = VirtualGpuSource(str(path))
    _gpu(source, 0.0)
    now, worked, busy = 0.0, 0.0, 0.0
    for idle, work in zip(steps[::2], steps[1::2], strict=False):
        before = now
        _work(writer, (now + idle, now + idle + work))
        now += idle + work + 0.01
        worked += work
        ratio = _gpu(source, now).gpu_busy_ratio
        assert isinstance(ratio, float)
        busy += ratio * (now - before)

    source.close()
    # Doubles of today's Unix time are good to 0.2 microseconds.
    assert worked == pytest.approx(busy, abs=len(steps) * 1e-5)


def test_the_finer_samples_have_the_same_mean(path: Path, writer: TimelineWriter) -> None:
    """A second has six samples, each the share of its own sixth."""
    source = VirtualGpuSource(str(path))
    _gpu(source, 0.0)
    _work(writer, (0.0, 0.5))
    gpu = _gpu(source, 1.0)

    ratios = [sample.gpu_busy_ratio for sample in gpu.busy_samples]
    assert [pytest.approx(share, abs=1e-5) for share in (1, 1, 1, 0, 0, 0)] == ratios
    assert START + 1.0 == gpu.busy_samples[-1].unix_seconds


def test_the_end_of_a_killed_training_is_not_busy_for_ever(path: Path, writer: TimelineWriter) -> None:
    """A writer that died in the middle of its work leaves no GPU at 100 %."""
    source = VirtualGpuSource(str(path))
    _gpu(source, 0.0)
    writer.begin(START)
    _forget_writer(path)

    assert _gpu(source, 1.0).gpu_busy_ratio == 0.0


def test_a_killed_training_holds_nothing(path: Path, writer: TimelineWriter) -> None:
    """Memory and process of a training that died are gone, as a driver gives them back."""
    writer.memory(600, 100, 500)
    _forget_writer(path)
    gpu = _gpu(VirtualGpuSource(str(path)), 0.0)

    assert (0, ()) == (gpu.gpu_memory_used_bytes, gpu.processes)


def test_a_training_that_was_started_again_is_seen(path: Path, writer: TimelineWriter) -> None:
    """It writes another file at the same path, which is read once the writer of the first one is gone."""
    writer.memory(600, 100, 500)
    source = VirtualGpuSource(str(path))
    _gpu(source, 0.0)
    _forget_writer(path)
    again = TimelineWriter(path, name="Virtual GPU", uuid="GPU-v", memory_total_bytes=1000)
    again.memory(700, 100, 650)

    assert (GpuProcess(os.getpid(), 650),) == _gpu(source, 1.0).processes


def _forget_writer(path: Path) -> None:
    """Put a PID into the header that no process can have."""
    content = bytearray(path.read_bytes())
    content[48:52] = (0x7FFFFFFF).to_bytes(4, "little")
    with path.open("r+b") as file:
        file.write(content)


def test_memory_sensors_and_process_are_the_writers(path: Path, writer: TimelineWriter) -> None:
    """The readings are those that the training set."""
    writer.memory(600, 100, 500)
    writer.sensors(61.0, 141.0, 1.8e9)
    gpu = _gpu(VirtualGpuSource(str(path), index=3), 0.0)

    assert (3, 600, 100, 1000) == (
        gpu.index,
        gpu.gpu_memory_used_bytes,
        gpu.gpu_memory_reserved_bytes,
        gpu.gpu_memory_total_bytes,
    )
    assert (61.0, 141.0, 1.8e9) == (gpu.gpu_temperature_celsius, gpu.gpu_power_watts, gpu.gpu_sm_clock_hertz)
    assert (GpuProcess(os.getpid(), 500),) == gpu.processes


def test_everything_is_labelled_simulated(path: Path, writer: TimelineWriter) -> None:
    """No reading of a virtual GPU can be taken for a real one."""
    del writer
    reading = VirtualGpuSource(str(path)).read(_at(0.0))

    assert (True, True, "virtual GPU, simulated") == (
        reading.driver.simulated,
        reading.gpus[0].simulated,
        reading.driver.text,
    )


def test_what_is_not_simulated_is_missing_with_that_reason(path: Path, writer: TimelineWriter) -> None:
    """Nothing is made up that the timeline does not hold."""
    writer.sensors(61.0, 141.0, 1.8e9)
    gpu = _gpu(VirtualGpuSource(str(path)), 0.0)
    missing = {field.name: getattr(gpu, field.name) for field in fields(gpu)}
    reasons = {value.reason for value in missing.values() if isinstance(value, Missing)}

    assert {"needs two readings", "not simulated"} == reasons


def test_an_absent_timeline_is_a_driver_that_failed(path: Path) -> None:
    """Before the training has written its file there is no GPU, and the sentence says why."""
    reading = VirtualGpuSource(str(path)).read(_at(0.0))

    assert (DriverState.FAILED, ()) == (reading.driver.state, reading.gpus)
    assert reading.driver.text.startswith("the virtual GPU's timeline cannot be opened")


def test_a_timeline_that_appears_later_is_read(path: Path) -> None:
    """The source may be there before the training."""
    source = VirtualGpuSource(str(path))
    source.read(_at(0.0))
    TimelineWriter(path, name="V", uuid="v", memory_total_bytes=1)

    assert _gpu(source, 1.0).name == "V"


def test_names_of_a_hostile_timeline_are_cleaned(path: Path) -> None:
    """The file is somebody else's: its names cannot move the cursor."""
    TimelineWriter(path, name="\x1b[2JGPU\n", uuid="\x9d0;x\x07v", memory_total_bytes=1)
    gpu = _gpu(VirtualGpuSource(str(path)), 0.0)

    assert ("GPU ", "v") == (gpu.name, gpu.uuid)


@pytest.mark.parametrize("bad", [float("nan"), float("inf"), -1.0])
def test_broken_intervals_do_not_spoil_the_ratio(path: Path, writer: TimelineWriter, bad: float) -> None:
    """A ratio lies between 0 and 1 whatever stands in the file."""
    source = VirtualGpuSource(str(path))
    _gpu(source, 0.0)
    writer.end(bad, START + 0.5)
    writer.end(START + 0.25, bad)
    _work(writer, (0.5, 1.0))
    ratio = _gpu(source, 1.0).gpu_busy_ratio

    assert isinstance(ratio, float)
    assert 0.5 <= ratio <= 1.0


def test_a_clock_that_steps_back_gives_no_ratio(path: Path, writer: TimelineWriter) -> None:
    """Between two equal moments there is no share."""
    del writer
    source = VirtualGpuSource(str(path))
    _gpu(source, 5.0)

    assert Missing("needs two readings") == _gpu(source, 4.0).gpu_busy_ratio


def test_closing_twice_is_harmless(path: Path, writer: TimelineWriter) -> None:
    """A closed source can be closed again, and be read again."""
    del writer
    source = VirtualGpuSource(str(path))
    _gpu(source, 0.0)
    source.close()
    source.close()

    assert _gpu(source, 1.0).uuid == "GPU-v"
