"""The machine, from trees that stand for /proc and /sys, and from this machine."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gpumon.model.host import CoreReading, DiskReading, HostReading, MemoryReading
from gpumon.model.measure import Missing
from gpumon.sources.clock import SystemClock
from gpumon.sources.core_times import CoreSource, CoreTimes, parse_core_times
from gpumon.sources.disks import parse_diskstats
from gpumon.sources.host import HostSource, count_physical_cores, parse_memory
from gpumon.sources.pressure import PressureSource, parse_pressure
from tests.sources.fake_proc import at, write

TWICE = Missing("needs two readings")


def read_twice(root: Path, before: str, after: str) -> object:
    """Return the cores between two contents of /proc/stat."""
    source = CoreSource(write(root, {"stat": before}))
    assert source.read() == TWICE
    write(root, {"stat": after})
    reading = source.read()
    source.close()
    return reading


def test_guest_time_is_counted_once(tmp_path: Path) -> None:
    """Guest is part of user: 10 ticks of user, all of them guest, and 10 idle are one half."""
    before = "cpu 0 0 0 0 0 0 0 0 0 0\ncpu0 0 0 0 0 0 0 0 0 0 0\n"
    after = "cpu 10 0 0 10 0 0 0 0 10 0\ncpu0 10 0 0 10 0 0 0 0 10 0\n"
    assert read_twice(tmp_path, before, after) == (CoreReading(0, 0.5, 0.0, 0.0),)


def test_iowait_that_goes_back_counts_as_zero(tmp_path: Path) -> None:
    """proc_stat(5): iowait may decrease. No ratio leaves 0..1 for that."""
    before = "cpu0 0 0 0 0 50 0 0 0\n"
    after = "cpu0 30 0 0 10 40 0 0 0\n"
    assert read_twice(tmp_path, before, after) == (CoreReading(0, 0.75, 0.0, 0.0),)


def test_steal_and_iowait_are_not_busy(tmp_path: Path) -> None:
    """Each has its own share of the same time."""
    before = "cpu0 0 0 0 0 0 0 0 0\n"
    after = "cpu0 10 10 10 40 10 5 5 10\n"
    assert read_twice(tmp_path, before, after) == (CoreReading(0, 0.4, 0.1, 0.1),)


def test_cores_that_go_and_come(tmp_path: Path) -> None:
    """A core that is off is not listed; one that has come on needs two readings."""
    source = CoreSource(write(tmp_path, {"stat": "cpu0 0 0 0 0\ncpu1 0 0 0 0\n"}))
    source.read()
    write(tmp_path, {"stat": "cpu0 1 0 0 1\ncpu2 5 0 0 5\n"})
    assert source.read() == (CoreReading(0, 0.5, 0.0, 0.0),)
    write(tmp_path, {"stat": "cpu0 2 0 0 2\ncpu2 6 0 0 8\n"})
    assert source.read() == (CoreReading(0, 0.5, 0.0, 0.0), CoreReading(2, 0.25, 0.0, 0.0))
    assert source.online == (0, 2)
    source.close()


def test_two_readings_at_one_tick_are_missing(tmp_path: Path) -> None:
    """A core that has counted nothing has no ratio: that is not 0 %."""
    line = "cpu0 5 0 0 5\n"
    assert read_twice(tmp_path, line, line) == Missing("no core has counted any time since the last reading")


@given(st.binary(max_size=400))
def test_garbage_in_proc_stat_never_raises(data: bytes) -> None:
    """What is not a cpu line is no core."""
    assert all(isinstance(times, CoreTimes) for times in parse_core_times(b"cpu0 " + data).values())


def test_a_cut_line_is_no_core() -> None:
    """The last line of a file that was cut may have lost digits."""
    assert parse_core_times(b"cpu0 1 2 3 4\ncpu1 1 2 3 4") == {0: CoreTimes(6, 4, 0, 0)}


def test_memory_used_is_total_minus_available() -> None:
    """In bytes; swap likewise."""
    text = b"MemTotal: 100 kB\nMemFree: 1 kB\nMemAvailable: 60 kB\nSwapTotal: 10 kB\nSwapFree: 4 kB\n"
    assert parse_memory(text) == MemoryReading(102400, 61440, 40960, 10240, 6144)


def test_memory_of_an_old_kernel_is_estimated_from_its_parts() -> None:
    """Before 3.14 there is no MemAvailable."""
    text = b"MemTotal: 100 kB\nMemFree: 10 kB\nBuffers: 5 kB\nCached: 5 kB\n"
    assert parse_memory(text) == MemoryReading(102400, 20480, 81920, 0, 0)


@given(st.binary(max_size=300))
def test_garbage_in_meminfo_never_raises(data: bytes) -> None:
    """It is Missing, or a reading within its total."""
    reading = parse_memory(b"MemTotal: " + data)
    assert isinstance(reading, Missing) or reading.memory_used_bytes >= 0


def test_pressure_is_the_growth_of_the_totals(tmp_path: Path) -> None:
    """0.3 s stalled in 2 s is 15 %, whatever avg10 says."""
    line = (
        "some avg10=99.00 avg60=0.00 avg300=0.00 total={}\nfull avg10=0.00 avg60=0.00 avg300=0.00 total={}\n"
    )
    files = {f"pressure/{name}": line.format(1000, 500) for name in ("cpu", "io", "memory")}
    source = PressureSource(write(tmp_path, files))
    assert source.read(at(0)).io_some_ratio == TWICE
    write(tmp_path, {"pressure/io": line.format(301_000, 100_500)})
    reading = source.read(at(2))
    source.close()
    assert (reading.io_some_ratio, reading.io_full_ratio) == (0.15, 0.05)
    assert reading.memory_full_ratio == 0.0


def test_a_kernel_without_pressure_says_so(tmp_path: Path) -> None:
    """Old kernels and some sandboxes have no /proc/pressure."""
    reading = PressureSource(str(tmp_path)).read(at(0))
    assert reading.io_some_ratio == Missing("this kernel keeps no pressure information (no /proc/pressure)")


@given(st.binary(max_size=200))
def test_garbage_in_pressure_never_raises(data: bytes) -> None:
    """Only whole lines with a total count."""
    assert set(parse_pressure(data)) <= {"some", "full"}


DISKSTATS = """\
   7       0 loop0 9 0 9 0 0 0 0 0 0 9 9
 259       0 nvme0n1 {reads} 0 {sectors} 0 0 0 0 0 0 {busy} 0
 259       1 nvme0n1p1 5 0 5 0 0 0 0 0 0 5 5
   8       0 sda 1 0 8 0 1 0 16 0 0 1 1
   8       1 sda1 1 0 8 0 1 0 16 0 0 1 1
   8      16 sdb 0 0 0 0 0 0 0 0 0 0 0
 202       1 xvda1 1 0 8 0 0 0 0 0 0 1 1
 253       0 dm-0 5 0 5 0 0 0 0 0 0 5 5
   9       0 md127 5 0 5 0 0 0 0 0 0 5 5
 252       0 zram0 5 0 5 0 0 0 0 0 0 5 5
  43       1 nbd1 5 0 5 0 0 0 0 0 0 5 5
  43      12 nbd12 5 0 5 0 0 0 0 0 0 5 5
"""


def test_only_whole_disks_are_listed() -> None:
    """Partitions, stacked and memory devices would count I/O twice; a disk never used is left out."""
    data = DISKSTATS.format(reads=1, sectors=8, busy=1).encode()
    assert list(parse_diskstats(data)) == ["nvme0n1", "sda", "xvda1", "nbd1", "nbd12"]


def test_disk_rates_are_bytes_and_busy_time_per_second(tmp_path: Path) -> None:
    """2000 sectors of 512 bytes and 500 ms in 2 s."""
    source = HostSource(write(tmp_path, {"diskstats": DISKSTATS.format(reads=1, sectors=8, busy=1)}))
    assert source.read(at(0)).disks == TWICE
    write(tmp_path, {"diskstats": DISKSTATS.format(reads=9, sectors=2008, busy=501)})
    disks = source.read(at(2)).disks
    source.close()
    assert isinstance(disks, tuple)
    assert disks[0] == DiskReading("nvme0n1", 512_000.0, 0.0, 0.25)


@given(st.binary(max_size=300))
def test_garbage_in_diskstats_never_raises(data: bytes) -> None:
    """A line that is not understood is no disk."""
    assert isinstance(parse_diskstats(data + b"\n"), dict)


def test_hyperthreads_are_one_physical_core(tmp_path: Path) -> None:
    """Four logical cores that are siblings in pairs are two."""
    names = {0: "0,2", 1: "1,3", 2: "0,2", 3: "1,3"}
    files = {
        f"devices/system/cpu/cpu{core}/topology/thread_siblings_list": f"{siblings}\n"
        for core, siblings in names.items()
    }
    assert count_physical_cores((0, 1, 2, 3), write(tmp_path, files)) == 2


def test_a_hidden_topology_is_missing(tmp_path: Path) -> None:
    """Sandboxes may have no /sys."""
    assert count_physical_cores((0,), str(tmp_path)) == Missing("the topology of the cores is hidden")


def test_an_empty_tree_gives_reasons_only(tmp_path: Path) -> None:
    """Nothing raises where there is no /proc at all, at the first and at later readings."""
    source = HostSource(str(tmp_path), str(tmp_path))
    source.read(at(0))
    reading = source.read(at(1))
    missing = (reading.cpu_busy_ratio, reading.cores, reading.memory, reading.disks, reading.physical_cores)
    assert all(isinstance(value, Missing) for value in missing)
    assert isinstance(reading.load_1_minute, Missing)


@pytest.mark.parametrize("name", ["stat", "meminfo", "diskstats", "loadavg", "pressure/io"])
def test_a_directory_for_a_file_gives_a_reason(tmp_path: Path, name: str) -> None:
    """A broken tree gives Missing, not an exception."""
    (tmp_path / name).mkdir(parents=True)
    source = HostSource(str(tmp_path), str(tmp_path))
    source.read(at(0))
    assert isinstance(source.read(at(1)), HostReading)
    source.close()


def test_this_machine_is_readable() -> None:
    """On a real kernel the second reading has every core within its range."""
    source = HostSource()
    clock = SystemClock()
    first = source.read(clock.now())
    assert first.cpu_busy_ratio == TWICE
    reading = source.read(clock.now())
    while isinstance(reading.cores, Missing):  # until the first tick
        reading = source.read(clock.now())
    source.close()
    assert all(0.0 <= core.cpu_busy_ratio + core.cpu_iowait_ratio <= 1.0 for core in reading.cores)
    assert isinstance(reading.memory, MemoryReading)
    assert isinstance(reading.physical_cores, int)
    assert isinstance(reading.load_1_minute, float)
