"""A DataLoader's iterator in the memory of a training: its counters, its queues and its settings."""

from __future__ import annotations

from dataclasses import replace

from gpumon.remote_python import Frame, Object
from gpumon.sources.interpreter_reading import IteratorReading

# torch/utils/data/dataloader.py since 1.2; what wraps a loader is not one of them.
_ITERATORS = frozenset({"_MultiProcessingDataLoaderIter", "_SingleProcessDataLoaderIter"})
# YOLOv5's and ultralytics' InfiniteDataLoader keeps one in `iterator`, torch's own with persistent workers
# in `_iterator`.
_HOLDERS = ("iterator", "_iterator")
_MOST_BATCHES = 1_000_000_000
_MOST_TASKS = 256
_MOST_WAITING = 100_000


def as_iterator(found: Object | None) -> Object | None:
    """Return the DataLoader iterator that an object is or holds, or None."""
    if found is None or found.type_name in _ITERATORS:
        return found
    for name in _HOLDERS:
        held = found.attr(name)
        if held is not None and held.type_name in _ITERATORS:
            return held
    return None


def iterator_of(frame: Frame) -> Object | None:
    """Return the iterator whose `__next__` a frame is, or None."""
    found = frame.local("self")
    return found if found is not None and found.type_name in _ITERATORS else None


def held_iterator(frame: Frame) -> Object | None:
    """Return the iterator that a frame's innermost `for` loop goes through, or that is a variable of it."""
    for held in reversed(frame.held()):
        found = held.enumerated or held
        if found.type_name in _ITERATORS:
            return found
    return None


def delivered(iterator: Object) -> int | None:
    """Return how many batches it handed to the loop so far, None where it is gone."""
    return count_of(delivered_number(iterator))


def delivered_number(iterator: Object) -> Object | None:
    """Return the number of these batches as an object, to be asked whether it is another one by now."""
    return iterator.attr("_num_yielded")


def read_iterator(
    iterator: Object, now_seconds: float, before: IteratorReading | None = None
) -> IteratorReading | None:
    """Return what an iterator tells at `now_seconds`, or None where it is no iterator any more.

    Its settings never change: they are taken from the reading `before` where that is of the same one.
    """
    count = delivered(iterator)
    if count is None:
        return None
    is_same = before is not None and before.address == iterator.address and before.delivered <= count
    settings = before if before is not None and is_same else _settings(iterator)
    return replace(
        settings,
        monotonic_seconds=now_seconds,
        delivered=count,
        marks=(),
        received_index=count_of(iterator.attr("_rcvd_idx")),
        send_index=count_of(iterator.attr("_send_idx")),
        tasks_outstanding=count_of(iterator.attr("_tasks_outstanding")),
        batches_ready=_batches_ready(iterator),
    )


def _settings(iterator: Object) -> IteratorReading:
    return IteratorReading(
        address=iterator.address,
        monotonic_seconds=0.0,
        delivered=0,
        batch_size=_batch_size(iterator),
        workers=count_of(iterator.attr("_num_workers")),
        prefetch_factor=count_of(iterator.attr("_prefetch_factor")),
        pin_memory=_flag(iterator.attr("_pin_memory")),
        persistent_workers=_flag(iterator.attr("_persistent_workers")),
        drop_last=_flag(iterator.attr("_drop_last")),
    )


def _batches_ready(iterator: Object) -> int | None:
    """Return how many batches wait for the loop: in the queue, and those that came out of turn besides.

    A pinning thread's queue has a deque. Without one it is a pipe that the workers write to: it has no
    length, but a semaphore that counts what was put and not yet got.
    """
    queue = iterator.attr("_data_queue")
    if queue is None:
        return None
    waiting = queue.attr("queue")
    if waiting is not None:
        ready = waiting.len if waiting.type_name.endswith("deque") else None
    else:
        ready = _in_pipe(queue)
    return None if ready is None else ready + _held(iterator)


def _in_pipe(queue: Object) -> int | None:
    """Return what was put into a multiprocessing.Queue and not yet got, as its `qsize` does.

    It is put when the worker is done with it; its pickling and way through the pipe come after that.
    """
    semaphore = queue.attr("_sem")
    part = None if semaphore is None else semaphore.attr("_semlock")
    taken = None if part is None else part.taken
    return taken if taken is not None and taken <= _MOST_WAITING else None


def _held(iterator: Object) -> int:
    """Return how many batches have been received out of turn: their entry holds the data, too."""
    tasks = iterator.attr("_task_info")
    count = None if tasks is None else tasks.len
    # The queue is served in turn, so with tasks for each worker there are a few; hostile ones are not read.
    if tasks is None or not count or count > _MOST_TASKS:
        return 0
    return sum(1 for _, task in tasks.entries or () if task.len == 2)


def _batch_size(iterator: Object) -> int | None:
    """Return the batch size of its batch sampler, also of one that is wrapped to be repeated."""
    sampler = iterator.attr("_index_sampler")
    for _ in range(3):
        if sampler is None:
            return None
        size = count_of(sampler.attr("batch_size"))
        if size:
            return size
        sampler = sampler.attr("sampler") or sampler.attr("batch_sampler")
    return None


def count_of(found: Object | None) -> int | None:
    """Return a number that can be a count of batches, None for any other object."""
    value = None if found is None else found.int
    return value if value is not None and 0 <= value < _MOST_BATCHES else None


def _flag(found: Object | None) -> bool | None:
    return None if found is None else found.bool
