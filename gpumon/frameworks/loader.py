"""The DataLoader of a training, from the states of its threads, its frames and its own word."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from gpumon.advice.shared_memory import shared_memory_need_bytes
from gpumon.frameworks.loader_bytes import batch_bytes, setting_of
from gpumon.frameworks.loader_last import last_steps
from gpumon.frameworks.loader_wait import (
    NO_LOOKS,
    NOT_ASKED,
    NOT_OURS,
    Wait,
    alive,
    best_wait,
    mean,
    sees_waits,
    slowest,
    wait_by_state,
)
from gpumon.model.host import SharedMemoryReading
from gpumon.model.measure import Certainty, Maybe, Measure, Missing, known
from gpumon.model.process import ProcessReading, Role, ThreadStates
from gpumon.model.reading import LoaderReading
from gpumon.model.training import Member, Training
from gpumon.sources.interpreter_reading import InterpreterReading, IteratorReading
from gpumon.sources.reporter_reading import ReporterReading

_NOT_REPORTED = Missing("it was not started by `gpumon run`")
_NO_ITERATOR = Missing("no DataLoader of torch was seen in its frames yet")


@dataclass(frozen=True, slots=True)
class LoaderSources:
    """What there is above the states of threads, by rank: looks at frames, and what the training told.

    Each may be missing, and then says why.
    """

    looks: Mapping[int, Maybe[InterpreterReading]]
    reports: Mapping[int, Maybe[ReporterReading]]

    def of(self, rank: int) -> tuple[Maybe[InterpreterReading], Maybe[ReporterReading]]:
        """Return both for one rank."""
        return self.looks.get(rank, NOT_ASKED), self.reports.get(rank, _NOT_REPORTED)


NO_SOURCES = LoaderSources({}, {})


def read_loader(
    training: Training,
    thread_states: Sequence[ThreadStates],
    processes: Sequence[ProcessReading],
    shm: Maybe[SharedMemoryReading],
    *,
    pin_thread: bool | None = None,
    has_wait_channels: bool | None = None,
    sources: LoaderSources = NO_SOURCES,
    segment_bytes: int | None = None,
) -> LoaderReading:
    """Return what the loader did since the last reading, as rank 0's main process and workers show it.

    `pin_thread` tells whether the main process has a thread named pt_data_pin (None: not known): with
    it the main thread waits for a batch in a futex with a timeout, without it in poll. `has_wait_channels`
    tells whether the kernel lets us see what threads wait for; None: judged by whether any does.
    `segment_bytes` is the largest tensor that a worker holds in shared memory.
    """
    own = [member for member in training.members if member.rank in (None, 0)]
    worker_pids = {member.id.pid for member in own if member.role is Role.TRAIN_WORKER}
    val_pids = {member.id.pid for member in own if member.role is Role.VAL_WORKER}
    every_worker = {m.id.pid for m in training.members if m.role is Role.TRAIN_WORKER}
    all_states = tuple(s for s in thread_states if s.id.pid in every_worker and s.thread_id == s.id.pid)
    states = tuple(s for s in all_states if s.id.pid in worker_pids)
    main = _main_thread(training, thread_states)
    if has_wait_channels is None:
        has_wait_channels = sees_waits([main, *states] if main else states)
    looks, report = sources.of(0)
    iterator: Maybe[IteratorReading] = _NO_ITERATOR
    if isinstance(looks, Missing):
        iterator = looks
    elif looks.train is not None:
        iterator = looks.train
    workers = _worker_count(training, len(worker_pids), iterator)

    def by_state(member: Member) -> Wait:
        rank_main = next((s for s in thread_states if s.id == member.id and s.thread_id == s.id.pid), None)
        pids = {m.id.pid for m in training.members if m.role is Role.TRAIN_WORKER and m.rank == member.rank}
        rank_workers = [state for state in all_states if state.id.pid in pids]
        return wait_by_state(
            rank_main, rank_workers, workers, pin_thread=pin_thread, has_wait_channels=has_wait_channels
        )

    mains = [member for member in training.members if member.role in (Role.MAIN, Role.RANK)]
    by_rank = {member.rank or 0: by_state(member) for member in mains}
    state_wait = by_rank.get(0, Wait(NO_LOOKS))
    fed = {member.rank or 0 for member in training.members if member.role is Role.TRAIN_WORKER}
    waits = {
        rank: best_wait(wait, *sources.of(rank), has_workers=rank in fed) for rank, wait in by_rank.items()
    }
    best = waits.get(0, state_wait)
    slowest_rank, slowest_wait, spread = slowest(waits)
    steps = last_steps(training, looks, iterator, report)
    rows = [row for row in processes if row.id.pid in worker_pids]
    val_rows = [row for row in processes if row.id.pid in val_pids]

    def share(count: Callable[[ThreadStates], int], *, needs_channels: bool = True) -> Maybe[float]:
        if not states:
            return Missing("0 workers") if workers == 0 else NO_LOOKS
        if needs_channels and not has_wait_channels:
            return Missing(NOT_OURS)
        return mean(count(state) / alive(state) for state in states if alive(state))

    return LoaderReading(
        data_wait_ratio=best.ratio,
        data_wait_ratio_by_state=state_wait.ratio,
        main_samples=best.samples,
        main_waiting_samples=best.waiting,
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
        val_worker_cpu_ratio=mean(known(row.cpu_busy_ratio) for row in val_rows),
        batch_size=_batch_size(report, iterator),
        batch_bytes=batch_bytes(training, iterator, report, segment_bytes),
        prefetch_factor=_told(iterator, "prefetch_factor", "0 workers prefetch nothing"),
        pin_memory=_told(iterator, "pin_memory"),
        persistent_workers=_told(iterator, "persistent_workers"),
        drop_last=_told(iterator, "drop_last"),
        batches_ready=_told(
            iterator,
            "batches_ready",
            "0 workers load nothing ahead" if workers == 0 else "its queue of batches cannot be read",
        ),
        tasks_outstanding=_told(iterator, "tasks_outstanding", "0 workers are asked for nothing"),
        read_bytes_per_second=_sum(known(row.read_bytes_per_second) for row in rows),
        shm=shm,
        shm_needed_bytes=shm_needed(training, workers, len(val_pids)),
        slowest_rank=slowest_rank,
        slowest_rank_data_wait_ratio=slowest_wait,
        rank_data_wait_spread_ratio=spread,
        last_batch_size=steps.images,
        step_seconds=steps.full_seconds,
        last_step_seconds=steps.last_seconds,
        notes=(best.note,) if best.note else (),
    )


def shm_needed(training: Training, workers: Maybe[int], val_workers: int) -> Maybe[Measure]:
    """Return what the loaders of all ranks hold in /dev/shm when their queues are full, in bytes.

    2 batches for each worker, each 3 bytes a pixel, the validation's at twice the batch and in
    rectangles, and about 2 training batches in flight; predicted 32.0 MB where 32.2 MB were measured.
    `val_workers` are those that were seen: without any there is no validation loader, or not yet.
    """
    if training.framework not in ("yolov5", "ultralytics"):
        return Missing("known for YOLOv5 and ultralytics only")
    total, imgsz = setting_of(training, "batch_size"), setting_of(training, "imgsz")
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
    need = shared_memory_need_bytes(
        workers, max(total // ranks, 1), imgsz, ranks=ranks, val_workers=val_workers
    )
    return Measure(need.value, Certainty.ESTIMATED, "2 batches for each worker", low=need.low, high=need.high)


def _main_thread(training: Training, thread_states: Sequence[ThreadStates]) -> ThreadStates | None:
    for state in thread_states:
        if state.id == training.id and state.thread_id == training.id.pid:
            return state
    return None


def _worker_count(training: Training, seen: int, iterator: Maybe[IteratorReading]) -> Maybe[int]:
    # The loader itself knows; which workers are its own is a guess where validation's are there, too.
    if isinstance(iterator, IteratorReading) and iterator.workers is not None:
        return iterator.workers
    if seen:
        return seen
    setting = training.settings.workers
    if not isinstance(setting, Missing) and setting.value == 0:
        return 0
    return Missing("no DataLoader workers seen yet")


def _told(iterator: Maybe[IteratorReading], name: str, why_not: str = "its loader does not tell") -> Any:
    """Return what the loader itself holds under that name."""
    if isinstance(iterator, Missing):
        return iterator
    value = getattr(iterator, name)
    return Missing(why_not) if value is None else value


def _batch_size(report: Maybe[ReporterReading], iterator: Maybe[IteratorReading]) -> Maybe[int]:
    loader = None if isinstance(report, Missing) else report.training
    if loader is not None and isinstance(loader.batch_size, int):
        return loader.batch_size
    found: Maybe[int] = _told(iterator, "batch_size")
    return found


def _cores(states: Sequence[ThreadStates], rows: Sequence[ProcessReading]) -> Maybe[float]:
    by_thread = mean(known(state.cpu_busy_ratio) for state in states)
    return mean(known(row.cpu_busy_ratio) for row in rows) if isinstance(by_thread, Missing) else by_thread


def _queued(states: Sequence[ThreadStates], rows: Sequence[ProcessReading]) -> Maybe[float]:
    by_thread = mean(known(state.run_queue_wait_ratio) for state in states)
    if isinstance(by_thread, Missing):
        return mean(known(row.run_queue_wait_ratio) for row in rows)
    return by_thread


def _sum(values: Iterable[float | None]) -> Maybe[float]:
    found = [value for value in values if value is not None]
    return sum(found) if found else Missing("not read")
