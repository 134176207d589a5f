"""Where the database of runs lies, what tells the processes of this boot from others, and when one began."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from gpumon.model.measure import Missing
from gpumon.model.text import clean
from gpumon.sources.proc_fields import parse_stat
from gpumon.sources.proc_file import read_file

if TYPE_CHECKING:
    from gpumon.recording.runs_run import Run, RunEnd

_BOOT_ID = "/proc/sys/kernel/random/boot_id"
# With a line for each interrupt it is long on large machines; the boot time stands near its end.
_STAT, _STAT_BYTES = "/proc/stat", 1 << 20
_BOOT_TIME = b"btime "


def runs_path() -> Path:
    """Return where the database of this user is: `runs.sqlite` in gpumon's XDG data directory."""
    import platformdirs

    return platformdirs.user_data_path("gpumon") / "runs.sqlite"


def boot_id(hostname: str) -> str:
    """Return the kernel's id of this boot, or the name of the host where that is hidden."""
    found = read_file(_BOOT_ID, 128)
    return hostname if isinstance(found, Missing) else clean(found.decode("ascii", "replace").strip(), 64)


def started_unix_seconds(start_ticks: int) -> float | None:
    """Return when a process of this boot started, within 1 s; None where the kernel does not tell.

    Source: `btime` of /proc/stat and field 22 of /proc/PID/stat (proc(5)).
    """
    found = read_file(_STAT, _STAT_BYTES)
    if isinstance(found, Missing):
        return None
    for line in found.splitlines():
        if line.startswith(_BOOT_TIME) and line[len(_BOOT_TIME) :].isdigit():
            return int(line[len(_BOOT_TIME) :]) + start_ticks / os.sysconf("SC_CLK_TCK")
    return None


def how_it_ended(run: Run, boot: str) -> tuple[RunEnd, str]:
    """Return how a run ended; of one whose end gpumon did not see, whether its process is there still."""
    # Where the file lies is asked before the first frame, and this is not.
    from gpumon.recording.runs_run import RunEnd

    if run.end is not RunEnd.OPEN:
        return run.end, run.end_text
    if run.process.boot != boot:
        return RunEnd.UNKNOWN, "gpumon did not see its end: it ran before this boot, or on another machine"
    data = read_file(f"/proc/{run.process.pid}/stat", 4096)
    if not isinstance(data, Missing):
        found = parse_stat(data)
        if not isinstance(found, Missing) and found.start_ticks == run.process.start_ticks:
            return RunEnd.OPEN, "it is running"
    return RunEnd.UNKNOWN, "it is gone; gpumon did not see its end"
