"""The dashboard on what runs now, with everything that stands beside it."""

from __future__ import annotations

import gc
from collections.abc import Callable
from pathlib import Path

from gpumon.cli.alerts import watched
from gpumon.cli.options import Chosen
from gpumon.cli.recorded import recorded
from gpumon.cli.runs_kept import kept_runs

# More than there are at the first frame, from which on garbage is looked for as Python does: one look through
# the first 50 000 objects, which all stay, took 14 ms of the way there.
_OBJECTS = 500_000


def run_live(
    chosen: Chosen,
    pid: int | None,
    record: Path | None,
    copied: Callable[[], None] | None = None,
) -> int:
    """Watch the training of a process, or the one that is found; return the dashboard's exit code.

    `copied` is called in the end where a command was copied.
    """
    gc.set_threshold(_OBJECTS)
    from gpumon.monitor.attaching import Wish
    from gpumon.monitor.build import build_monitor

    settings = chosen.settings
    monitor = build_monitor(settings, Wish(pid=pid))
    # Imports share the interpreter with the first sample: what is only for trainings comes after the first
    # frame. Attached, that frame took half as long again otherwise.
    monitor.start(machine_first=True)
    from gpumon.sources.clock import SystemClock
    from gpumon.tui.lean_import import OPENSSL, left_out

    with left_out(*OPENSSL):
        from gpumon.tui.run import run_dashboard

    try:
        with (
            kept_runs(monitor, settings),
            recorded(record, monitor, settings) as recorder,
            watched(monitor, settings) as watch,
        ):
            return run_dashboard(
                monitor,
                settings,
                SystemClock(),
                recorder=recorder,
                watch=watch,
                choices=chosen.choices(),
                first_shown=monitor.look_for_trainings,
                copied=copied,
            )
    finally:
        monitor.close()
