"""The DataLoader of a training, from the states of its threads."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence

from gpumon.model.host import SharedMemoryReading
from gpumon.model.measure import Certainty, Maybe, Measure, Missing, known
from gpumon.model.process import ProcessReading, Role, ThreadStates
from gpumon.model.reading import LoaderReading
from gpumon.model.training import Training

NO_WORKERS = "0 workers: loading happens in the main thread, which /proc cannot tell from computing"
_NOT_OURS = "another user's process: run gpumon as that user or root to see what it waits for"
_NO_LOOKS = Missing("no looks at its threads yet")
# Without wait channels a sleep is only a sleep: the largest error of such estimates was 0.18 to 0.20.
_STATE_ONLY_ERROR = 0.2
_PREFETCH = 2  # torch's default; YOLOv5 and ultralytics never set it
# Validation batches are rectangles: their height by width in COCO-like data, and its bounds.
_ASPECT_LOW, _ASPECT, _ASPECT_HIGH = 0.5625, 0.75, 1.0


def read_loader(
    training: Training,
    thread_states: Sequence[ThreadStates],
    processes: Sequence[ProcessReading],
    shm: Maybe[SharedMemoryReading],
    *,
    pin_thread: bool | None = None,
    has_wait_channels: bool | None = None,
) -> LoaderReading:
    """Return what the loader did since the last reading, as rank 0's main process and workers show it.

    `pin_thread` tells whether the main process has a thread named pt_data_pin (None: not known): with
    it the main thread waits for a batch in a futex with a timeout, without it in poll. `has_wait_channels`
    tells whether the kernel lets us see what threads wait for; None: judged by whether any does.
    """
    own = [member for member in training.members if member.rank in (None, 0)]
    worker_pids = {member.id.pid for member in own if member.role is Role.TRAIN_WORKER}
    val_pids = {member.id.pid for member in own if member.role is Role.VAL_WORKER}
    main = _main_thread(training, thread_states)
    every_worker = {m.id.pid for m in training.members if m.role is Role.TRAIN_WORKER}
    all_states = tuple(s for s in thread_states if s.id.pid in every_worker and s.thread_id == s.id.pid)
    states = tuple(s for s in all_states if s.id.pid in worker_pids)
    if has_wait_channels is None:
        has_wait_channels = _sees_waits([main, *states] if main else states)
    workers = _worker_count(training, len(worker_pids))
    waiting = 0 if main is None or workers == 0 else _waiting(main, pin_thread)
    rows = [row for row in processes if row.id.pid in worker_pids]
    val_rows = [row for row in processes if row.id.pid in val_pids]

    def share(count: Callable[[ThreadStates], int], *, needs_channels: bool = True) -> Maybe[float]:
        if not states:
            return Missing("0 workers") if workers == 0 else _NO_LOOKS
        if needs_channels and not has_wait_channels:
            return Missing(_NOT_OURS)
        return _mean(count(state) / _alive(state) for state in states if _alive(state))

    return LoaderReading(
        data_wait_ratio=_data_wait(main, states, workers, waiting, has_wait_channels=has_wait_channels),
        main_samples=main.samples if main else 0,
        main_waiting_samples=waiting,
        main_running_samples=main.running if main else 0,
        workers=workers,
        worker_idle_ratio=share(lambda state: state.polling),
        worker_cpu_ratio=_cores(states, rows),
        worker_run_queue_wait_ratio=_queued(states, rows),
        worker_disk_ratio=share(lambda state: state.disk, needs_channels=False),
        worker_remote_ratio=share(lambda state: state.remote),
        worker_lock_ratio=share(lambda state: state.futex_untimed),
        worker_sleeping_ratio=share(lambda state: state.sleeping),
        worker_states=all_states,
        val_worker_cpu_ratio=_mean(known(row.cpu_busy_ratio) for row in val_rows),
        read_bytes_per_second=_sum(known(row.read_bytes_per_second) for row in rows),
        shm=shm,
        shm_needed_bytes=shm_needed(training, workers, len(val_pids)),
    )


def shm_needed(training: Training, workers: Maybe[int], val_workers: int) -> Maybe[Measure]:
    """Return what the loaders of all ranks hold in /dev/shm when their queues are full, in bytes.

    2 batches for each worker, each 3 bytes a pixel, the validation's at twice the batch and in
    rectangles, and about 2 training batches in flight; predicted 32.0 MB where 32.2 MB were measured.
    """
    if training.framework not in ("yolov5", "ultralytics"):
        return Missing("known for YOLOv5 and ultralytics only")
    total, imgsz = _setting(training, "batch_size"), _setting(training, "imgsz")
    for value in (workers, total, imgsz):
        if isinstance(value, Missing):
            return value
    return _shm_bytes(training, known(workers) or 0, val_workers, known(total) or 0, known(imgsz) or 0)


def _shm_bytes(training: Training, workers: int, val_workers: int, total: int, imgsz: int) -> Maybe[Measure]:
    if workers == 0:
        return Measure(0.0, Certainty.ESTIMATED, "0 workers", low=0.0, high=0.0)
    if total <= 0 or imgsz <= 0:
        return Missing("the real batch size is not known")
    ranks = max(training.world_size, 1)
    batch = max(total // ranks, 1)
    train = ranks * (_PREFETCH * workers + 2) * batch * 3 * imgsz**2
    val_batches = _PREFETCH * (val_workers or 2 * workers)

    def bytes_at(aspect: float) -> float:
        width = math.ceil(imgsz / 32 + 0.5) * 32
        height = math.ceil(imgsz * aspect / 32 + 0.5) * 32
        return float(train + val_batches * 2 * batch * 3 * height * width)

    return Measure(
        bytes_at(_ASPECT),
        Certainty.ESTIMATED,
        "2 batches for each worker",
        low=bytes_at(_ASPECT_LOW),
        high=bytes_at(_ASPECT_HIGH),
    )


def proportion(count: int, of: int) -> tuple[float, float]:
    """Return the share and its standard error, which is never 0 (Jeffreys' interval: half a count)."""
    yes, no = count + 0.5, of - count + 0.5
    return count / of, math.sqrt(yes * no / ((of + 1) ** 2 * (of + 2)))


def _main_thread(training: Training, thread_states: Sequence[ThreadStates]) -> ThreadStates | None:
    for state in thread_states:
        if state.id == training.id and state.thread_id == training.id.pid:
            return state
    return None


def _worker_count(training: Training, seen: int) -> Maybe[int]:
    if seen:
        return seen
    setting = training.settings.workers
    if not isinstance(setting, Missing) and setting.value == 0:
        return 0
    return Missing("no DataLoader workers seen yet")


def _waiting(main: ThreadStates, pin_thread: bool | None) -> int:
    if pin_thread is None:
        return main.polling + main.futex_timed
    return main.futex_timed if pin_thread else main.polling


def _alive(state: ThreadStates) -> int:
    return state.samples - state.stopped


def _sees_waits(states: Iterable[ThreadStates]) -> bool:
    return any(s.polling or s.futex_timed or s.futex_untimed or s.remote for s in states) or all(
        not s.sleeping for s in states
    )


def _data_wait(
    main: ThreadStates | None,
    workers: Sequence[ThreadStates],
    worker_count: Maybe[int],
    waiting: int,
    *,
    has_wait_channels: bool,
) -> Maybe[Measure]:
    if worker_count == 0:
        return Missing(NO_WORKERS)
    if isinstance(worker_count, Missing):
        return worker_count
    if main is None or main.samples == 0:
        return _NO_LOOKS
    looks = _alive(main)
    if looks < main.samples / 2:
        return Missing("paused: its main thread is stopped")
    if not has_wait_channels:
        return _wait_by_state(main, workers)
    ratio, error = proportion(waiting, looks)
    return Measure(ratio, Certainty.SAMPLED, "state of the main thread", error)


def _wait_by_state(main: ThreadStates, workers: Sequence[ThreadStates]) -> Maybe[Measure]:
    ratio, error = proportion(main.sleeping, _alive(main))
    busy = _mean((s.running + s.disk) / _alive(s) for s in workers if _alive(s))
    if ratio > 0.1 and (isinstance(busy, Missing) or busy < 0.5):
        # The main thread sleeps and so do the workers: a slow dataset, a pause, or a hang.
        return Missing(_NOT_OURS)
    return Measure(
        ratio,
        Certainty.ESTIMATED,
        "sleep of the main thread while workers are busy (another user's process)",
        low=max(ratio - _STATE_ONLY_ERROR, 0.0),
        high=min(ratio + max(_STATE_ONLY_ERROR, 1.645 * error), 1.0),
    )


def _cores(states: Sequence[ThreadStates], rows: Sequence[ProcessReading]) -> Maybe[float]:
    by_thread = _mean(known(state.cpu_busy_ratio) for state in states)
    return _mean(known(row.cpu_busy_ratio) for row in rows) if isinstance(by_thread, Missing) else by_thread


def _queued(states: Sequence[ThreadStates], rows: Sequence[ProcessReading]) -> Maybe[float]:
    by_thread = _mean(known(state.run_queue_wait_ratio) for state in states)
    if isinstance(by_thread, Missing):
        return _mean(known(row.run_queue_wait_ratio) for row in rows)
    return by_thread


def _mean(values: Iterable[float | None]) -> Maybe[float]:
    found = [value for value in values if value is not None]
    return sum(found) / len(found) if found else Missing("not read")


def _sum(values: Iterable[float | None]) -> Maybe[float]:
    found = [value for value in values if value is not None]
    return sum(found) if found else Missing("not read")


def _setting(training: Training, name: str) -> Maybe[int]:
    setting = getattr(training.settings, name)
    if isinstance(setting, Missing):
        return setting
    value = setting.value
    if isinstance(value, bool) or not isinstance(value, int):
        return Missing(f"the {name.replace('_', ' ')} is not a number")
    return value
