"""gpumon's own sources on one training, drained once a second, beside the training's own truth."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from gpumon.frameworks.inside import finished_batches
from gpumon.frameworks.loader_wait import wait_by_frames, wait_by_state
from gpumon.model.clock import Instant
from gpumon.model.measure import Measure, Missing
from gpumon.model.process import ProcessId
from gpumon.monitor.looks import Looks
from gpumon.sources.clock import SystemClock
from gpumon.sources.interpreter import InterpreterSource
from gpumon.sources.interpreter_marks import FrameMarks
from gpumon.sources.interpreter_reading import InterpreterReading
from gpumon.sources.proc_fields import parse_stat
from gpumon.sources.threads import ThreadSampler, ThreadTarget, find_threads

STATE_HERTZ = 20.0
FRAME_HERTZ = 40.0
_ATTACH_SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class Second:
    """One drain: when it was, what the frames and the states of threads showed since the one before.

    `by_state` is None where threads cannot tell. `delivered` is the loader's counter at `counted_seconds`.
    """

    seconds: float
    by_frames: Measure | None
    unread: int
    by_state: Measure | None
    counted_seconds: float
    delivered: int | None
    address: int
    epoch: int | None
    batch: int | None


class Probe:
    """The sources of one training, looked at as the monitor does."""

    def __init__(self, pid: int, marks: FrameMarks, workers: Sequence[int]) -> None:
        self._clock = SystemClock()
        self._process = identity(pid)
        self.interpreter = InterpreterSource(self._process, marks)
        self.threads = ThreadSampler()
        self._workers = len(workers)
        processes = (self._process, *(identity(worker) for worker in workers))
        self.threads.watch([ThreadTarget(process, process.pid) for process in processes])
        self._pins = any(name.startswith("pt_data_pin") for _, name in find_threads(pid))

    def drain(self) -> Second | None:
        """Return the second that ends now, None before the interpreter has been attached to."""
        now = self._clock.now()
        states = self.threads.drain(now)
        looks = self.interpreter.drain(now)
        if isinstance(looks, Missing):
            return None
        wait = wait_by_state(
            next(iter(states), None),
            states[1:],
            self._workers,
            pin_thread=self._pins,
            has_wait_channels=True,
        ).ratio
        return _second(now, looks, wait if isinstance(wait, Measure) else None, has_workers=self._workers > 0)

    def close(self) -> None:
        """Let go of the training."""
        self.interpreter.close()
        self.threads.close()


def _second(
    now: Instant, looks: InterpreterReading, by_state: Measure | None, *, has_workers: bool
) -> Second:
    seen = wait_by_frames(looks, has_workers=has_workers)
    train = looks.train
    return Second(
        seconds=now.monotonic_seconds,
        by_frames=seen.ratio if isinstance(seen.ratio, Measure) else None,
        unread=looks.unread,
        by_state=by_state,
        counted_seconds=train.monotonic_seconds if train else 0.0,
        delivered=train.delivered if train else None,
        address=train.address if train else 0,
        epoch=looks.loop.epoch if looks.loop else None,
        batch=finished_batches(looks.loop, train) if looks.loop else None,
    )


def identity(pid: int) -> ProcessId:
    """Return a process by PID and start time."""
    stat = parse_stat(Path(f"/proc/{pid}/stat").read_bytes())
    assert not isinstance(stat, Missing), stat.reason
    return ProcessId(pid, stat.start_ticks)


@contextmanager
def looking(probe: Probe, frame_hertz: float) -> Iterator[None]:
    """Look at the training as the monitor does."""
    looks = Looks(STATE_HERTZ, frame_hertz, 1)
    looks.watch([probe.threads], [probe.interpreter])
    try:
        yield
    finally:
        looks.stop()


def watch(
    probe: Probe, seconds: int, *, frame_hertz: float = FRAME_HERTZ, settle_seconds: int = 0
) -> tuple[list[Second], float]:
    """Return so many seconds as the sources saw them, and the CPU that looking took, in cores.

    In the `settle_seconds` before them the pace of looks finds what it can afford, as it has in a monitor.
    """
    found: list[Second] = []
    with looking(probe, frame_hertz):
        deadline = time.monotonic() + _ATTACH_SECONDS
        while probe.drain() is None:
            assert time.monotonic() < deadline, probe.interpreter.drain(SystemClock().now())
            time.sleep(0.1)
        for _ in range(settle_seconds):
            time.sleep(1.0)
            probe.drain()
        due, cpu, start = time.monotonic(), time.process_time(), time.monotonic()
        while len(found) < seconds + 1:
            due += 1.0
            time.sleep(max(0.0, due - time.monotonic()))
            second = probe.drain()
            if second is None:
                break
            found.append(second)
        return found, (time.process_time() - cpu) / (time.monotonic() - start)
