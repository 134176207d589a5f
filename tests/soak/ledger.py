"""What a soak has done so far: kept in a file, so that it can be taken up again, and printed as a table."""

from __future__ import annotations

import gc
import json
import os
import sys
import threading
import tracemalloc
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

from tests.soak.heap import used_bytes

MIB = 1 << 20
# Memory may differ so much from that at the end of the second day of a process.
FLAT_BYTES = 2 * MIB
FIRST_FLAT_DAY = 2
_PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")


def rss_bytes() -> int:
    """Return the memory that this process has: resident pages, proc_pid_statm(5)."""
    return int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1]) * _PAGE_BYTES


@dataclass(frozen=True, slots=True)
class DayEnd:
    """How a process stood at the end of a simulated day.

    `process` counts the starts of the soak, `day_of_process` the days in this one, from 1. `blocks` are
    those that Python's allocator has handed out, `used_bytes` all that it and the C library's have;
    `traced_bytes` is 0 where nothing was traced.
    """

    day: int
    process: int
    day_of_process: int
    wall_seconds: float
    samples: int
    recorded: int
    keys: int
    resizes: int
    draws: int
    trainings: int
    rss_bytes: int
    blocks: int
    traced_bytes: int
    descriptors: int
    threads: int
    defects: int
    used_bytes: int = 0


@dataclass(slots=True)
class Ledger:
    """The counts of a soak over all its processes. Seconds of the simulation but for `wall_seconds`."""

    seed: int
    day_seconds: float
    interval_seconds: float
    keys_each_day: float
    elapsed_seconds: float = 0.0
    wall_seconds: float = 0.0
    cpu_seconds: float = 0.0
    processes: int = 0
    samples: int = 0
    keys: int = 0
    draws: int = 0
    resizes: int = 0
    recorded: int = 0
    recordings: int = 0
    stopped_by_full_disk: int = 0
    late: int = 0
    trainings: int = 0
    would_have_left: int = 0
    screens: list[str] = field(default_factory=list)
    defects: dict[str, int] = field(default_factory=dict)
    defect_texts: list[str] = field(default_factory=list)
    days: list[dict[str, float]] = field(default_factory=list)

    def save(self, path: Path) -> None:
        """Write it; a file that is cut off never takes the place of a whole one."""
        part = path.with_suffix(".part")
        part.write_text(json.dumps(asdict(self), indent=1), encoding="utf-8")
        part.replace(path)

    @classmethod
    def load(cls, path: Path) -> Ledger:
        """Read one that was saved."""
        return cls(**json.loads(path.read_text(encoding="utf-8")))

    def end_day(self, day: int, day_of_process: int) -> DayEnd:
        """Note how this process stands now, at the end of a day (from 0)."""
        gc.collect()
        traced = tracemalloc.get_traced_memory()[0] if tracemalloc.is_tracing() else 0
        end = DayEnd(
            day=day + 1,
            process=self.processes,
            day_of_process=day_of_process,
            wall_seconds=round(self.wall_seconds, 1),
            samples=self.samples,
            recorded=self.recorded,
            keys=self.keys,
            resizes=self.resizes,
            draws=self.draws,
            trainings=self.trainings,
            rss_bytes=rss_bytes(),
            blocks=sys.getallocatedblocks(),
            traced_bytes=traced,
            descriptors=sum(1 for _ in Path("/proc/self/fd").iterdir()) - 1,
            threads=threading.active_count(),
            defects=sum(self.defects.values()),
            used_bytes=used_bytes(),
        )
        self.days.append(asdict(end))
        return end

    def day_ends(self) -> list[DayEnd]:
        """Return the ends of days, in order."""
        return [DayEnd(**day) for day in self.days]  # type: ignore[arg-type]  # from JSON, whole again

    def complaints(self) -> list[str]:
        """Return in sentences what is not as it has to be; empty where all is well."""
        told = [f"{count} x {kind}" for kind, count in self.defects.items()]
        for process in range(1, self.processes + 1):
            told += _not_flat([end for end in self.day_ends() if end.process == process])
        return told


def _not_flat(ends: Sequence[DayEnd]) -> list[str]:
    settled = [end for end in ends if end.day_of_process >= FIRST_FLAT_DAY]
    told = []
    for end in settled[1:]:
        first = settled[0]
        for name, now, before in (
            ("RSS", end.rss_bytes, first.rss_bytes),
            ("memory in use", end.used_bytes, first.used_bytes),
            ("memory of Python's objects", end.traced_bytes, first.traced_bytes),
        ):
            if now - before > FLAT_BYTES:
                grown = (now - before) / MIB
                told.append(f"day {end.day}: {name} is {grown:+.1f} MiB from that of day {first.day}")
        if (end.descriptors, end.threads) != (first.descriptors, first.threads):
            told.append(
                f"day {end.day}: {end.descriptors} descriptors and {end.threads} threads,"
                f" {first.descriptors} and {first.threads} on day {first.day}"
            )
    return told


HEAD = (
    "| day | process | wall min | samples | recorded | keys | sizes | frames | trainings | RSS MiB"
    " | in use MiB | Python blocks | traced MiB | descriptors | threads | defects |\n"
    "|---|---|---|---|---|---|---|---|---|---|---|---|---|---|---|---|"
)


def row(end: DayEnd) -> str:
    """Return one line of the table; counts are since the beginning of the soak."""
    traced = f"{end.traced_bytes / MIB:.1f}" if end.traced_bytes else "-"
    cells = (
        f"{end.day}",
        f"{end.process}",
        f"{end.wall_seconds / 60:.1f}",
        f"{end.samples}",
        f"{end.recorded}",
        f"{end.keys}",
        f"{end.resizes}",
        f"{end.draws}",
        f"{end.trainings}",
        f"{end.rss_bytes / MIB:.1f}",
        f"{end.used_bytes / MIB:.1f}" if end.used_bytes else "-",
        f"{end.blocks}",
        traced,
        f"{end.descriptors}",
        f"{end.threads}",
        f"{end.defects}",
    )
    return f"| {' | '.join(cells)} |"


def summary(ledger: Ledger) -> str:
    """Return the lines under the table."""
    days, minutes = ledger.elapsed_seconds / ledger.day_seconds, ledger.wall_seconds / 60
    cpu_minutes, complaints = ledger.cpu_seconds / 60, ledger.complaints()
    lines = (
        f"{days:.2f} days of {ledger.day_seconds:.0f} s, a sample each {ledger.interval_seconds:g} s",
        f"{minutes:.1f} minutes of wall time, {cpu_minutes:.1f} of CPU time, processes: {ledger.processes}",
        f"{ledger.samples} samples came, all seen in the history; {ledger.recorded} are in recordings",
        f"{ledger.recordings} recordings, of which a full disk stopped {ledger.stopped_by_full_disk}",
        f"{ledger.late} samples with a source that was late, for the machine was busy",
        f"{ledger.keys} keys, {ledger.resizes} sizes of the terminal, {ledger.draws} frames drawn",
        f"{ledger.would_have_left} times a key would have left the dashboard",
        f"screens: {', '.join(sorted(ledger.screens))}",
        "all is well" if not complaints else "NOT WELL: " + "; ".join(complaints),
    )
    return "\n".join(["", *(f"- {line}" for line in lines)])
