"""What each worker did over the last seconds, as a table."""

from __future__ import annotations

from dataclasses import dataclass

from gpumon.model.measure import Missing, known
from gpumon.model.process import ProcessId, ThreadStates
from gpumon.paint.numbers import NOT_KNOWN, percent
from gpumon.paint.row import Row, Span
from gpumon.tui.widgets.frame import Frame
from gpumon.tui.widgets.recent import recent_loaders
from gpumon.tui.wrap import wrap

_COLUMNS = ("runs", "no core", "index", "disk", "remote", "lock", "sleep", "CPU")
_CELLS, _WIDE_CELLS = 8, 9
_PID_CELLS = 9


@dataclass(slots=True)
class _Sums:
    """Looks at one worker, by what they found it doing, and what the kernel's scheduler told of it."""

    looks: int = 0
    running: int = 0
    index: int = 0
    disk: int = 0
    remote: int = 0
    lock: int = 0
    sleeping: int = 0
    told: int = 0
    cpu: float = 0.0
    queued: float = 0.0

    def add(self, state: ThreadStates) -> None:
        self.looks += state.samples - state.stopped
        self.running += state.running
        self.index += state.polling
        self.disk += state.disk
        self.remote += state.remote
        self.lock += state.futex_untimed
        self.sleeping += state.sleeping + state.futex_timed
        cpu, queued = known(state.cpu_busy_ratio), known(state.run_queue_wait_ratio)
        if cpu is not None and queued is not None:
            self.told += 1
            self.cpu += cpu
            self.queued += queued

    def shares(self, *, has_wait_channels: bool) -> tuple[float | None, ...]:
        """Return the shares in the order of the columns; runnable without a core is no running."""
        cpu = self.cpu / self.told if self.told else None
        queued = self.queued / self.told if self.told else None
        if self.looks <= 0:
            return (None, queued, None, None, None, None, None, cpu)
        running = max(0.0, self.running / self.looks - (queued or 0.0))
        waits = [
            count / self.looks for count in (self.index, self.disk, self.remote, self.lock, self.sleeping)
        ]
        if not has_wait_channels:
            # All of these look like a sleep then.
            return (running, queued, None, waits[1], None, None, waits[4], cpu)
        return (running, queued, *waits, cpu)


def worker_rows(frame: Frame, width: int) -> list[Row]:
    """Return a row per train worker of any rank: what it did in the last 10 s."""
    training = frame.training
    newest = training.loader.worker_states if training is not None else ()
    if training is None or not newest:
        return wrap(_why_none(frame), width, "dim", "  ")
    sums = _sums(frame)
    has_wait_channels = not isinstance(training.loader.worker_idle_ratio, Missing)
    is_wide = width >= _PID_CELLS + len(_COLUMNS) * _WIDE_CELLS + 2
    each = _WIDE_CELLS if is_wide else _CELLS
    heading = "  " + "pid".ljust(_PID_CELLS) + "".join(name.rjust(each) for name in _COLUMNS)
    rows: list[Row] = [(Span(heading, "dim"),)]
    for state in newest:
        shares = sums[state.id].shares(has_wait_channels=has_wait_channels)
        cells = "".join(percent(share, each) for share in shares)
        rows.append((Span(f"  {state.id.pid:<{_PID_CELLS}}", "dim"), Span(cells)))
    return rows


def _why_none(frame: Frame) -> str:
    if frame.training is None:
        return "no training is attached"
    workers = frame.training.loader.workers
    if isinstance(workers, Missing):
        return f"{NOT_KNOWN} {workers.reason}"
    return "0 workers: loading happens in the main thread" if workers == 0 else "no looks at them yet"


def _sums(frame: Frame) -> dict[ProcessId, _Sums]:
    found: dict[ProcessId, _Sums] = {}
    for state in frame.training.loader.worker_states if frame.training is not None else ():
        found[state.id] = _Sums()
    for loader in recent_loaders(frame):
        for state in loader.worker_states:
            if state.id in found:
                found[state.id].add(state)
    return found
