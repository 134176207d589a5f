"""Where the database of runs lies, and what tells the processes of this boot from all others."""

from __future__ import annotations

from pathlib import Path

from gpumon.model.measure import Missing
from gpumon.model.text import clean
from gpumon.recording.runs_run import Run, RunEnd
from gpumon.sources.proc_fields import parse_stat
from gpumon.sources.proc_file import read_file

_BOOT_ID = "/proc/sys/kernel/random/boot_id"


def runs_path() -> Path:
    """Return where the database of this user is: `runs.sqlite` in gpumon's XDG data directory."""
    import platformdirs

    return platformdirs.user_data_path("gpumon") / "runs.sqlite"


def boot_id(hostname: str) -> str:
    """Return the kernel's id of this boot, or the name of the host where that is hidden."""
    found = read_file(_BOOT_ID, 128)
    return hostname if isinstance(found, Missing) else clean(found.decode("ascii", "replace").strip(), 64)


def how_it_ended(run: Run, boot: str) -> tuple[RunEnd, str]:
    """Return how a run ended; of one whose end gpumon did not see, whether its process is there still."""
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
