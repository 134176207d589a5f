"""A DataLoader's iterator in the memory of a training: its counters, its queues and its settings."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from gpumon.remote_python import Frame, Object
from gpumon.sources.interpreter_reading import IteratorReading

# torch/utils/data/dataloader.py since 1.2; what wraps a loader is not one of them.
_ITERATORS = frozenset({"_MultiProcessingDataLoaderIter", "_SingleProcessDataLoaderIter"})
# YOLOv5's and ultralytics' InfiniteDataLoader keeps one in `iterator`, torch's own with persistent workers
# in `_iterator`.
_HOLDERS = ("iterator", "_iterator")
_DELIVERED = "_num_yielded"
_COUNTERS = (
    _DELIVERED,
    "_rcvd_idx",
    "_send_idx",
    "_tasks_outstanding",
    "_data_queue",
    "_task_info",
    "_dataset_kind",
    "_in_order",
)
_SETTINGS = (
    "_index_sampler",
    "_num_workers",
    "_prefetch_factor",
    "_pin_memory",
    "_persistent_workers",
    "_drop_last",
)
_SAMPLER = ("batch_size", "sampler", "batch_sampler", "drop_last")
# What tells how many images an epoch has: samplers of torch, then data sets (YOLOv5's and ultralytics',
# YOLOv5's before v6.1, torchvision's, torch's Subset).
_LENGTHS = ("num_samples", "_num_samples", "data_source")
_LISTS = ("im_files", "img_files", "samples", "indices")
# _DatasetKind of torch/utils/data/dataloader.py: 1 is iterable.
_MAP_DATASET = 0
_MOST_BATCHES = 1_000_000_000
_MOST_TASKS = 256
_MOST_WAITING = 100_000


def as_iterator(found: Object | None) -> Object | None:
    """Return the DataLoader iterator that an object is or holds, or None."""
    if found is None or found.type_name in _ITERATORS:
        return found
    held = found.attrs(_HOLDERS) or {}
    return next((one for name in _HOLDERS if (one := held.get(name)) and one.type_name in _ITERATORS), None)


def iterator_of(frame: Frame) -> Object | None:
    """Return the iterator whose `__next__` a frame is, or None."""
    found = frame.local("self")
    return found if found is not None and found.type_name in _ITERATORS else None


def held_iterators(frame: Frame) -> tuple[Object, ...]:
    """Return the iterators that a frame's `for` loops go through, or that are variables of it, each once."""
    found = [held.enumerated or held for held in reversed(frame.held())]
    return tuple({one.address: one for one in found if one.type_name in _ITERATORS}.values())


def delivered_number(iterator: Object) -> Object | None:
    """Return the number of batches that it handed to the loop so far, None where it is gone.

    As an object, to be asked whether it is another one by now.
    """
    return iterator.attr(_DELIVERED)


def read_iterator(
    iterator: Object, now_seconds: float, before: IteratorReading | None = None, *, in_full: bool = True
) -> tuple[IteratorReading, Object] | None:
    """Return what an iterator tells at `now_seconds`, and the number of delivered batches as an object.

    None where it is no iterator any more. Its settings never change: they are taken from the reading `before`
    where that is of the same one. Its counters are of one moment; where that was not found in many tries, and
    without `in_full`, only the delivered batches are counted.
    """
    found = (iterator.attrs(_COUNTERS) if in_full else None) or iterator.attrs((_DELIVERED,)) or {}
    number = found.get(_DELIVERED)
    count = count_of(number)
    if number is None or count is None:
        return None
    is_same = before is not None and before.address == iterator.address and before.delivered <= count
    # Settings that could not be read are asked for again: every iterator has a number of workers.
    is_known = is_same and before is not None and before.workers is not None
    settings = before if before is not None and is_known else _settings(iterator)
    received, sent = count_of(found.get("_rcvd_idx")), count_of(found.get("_send_idx"))
    outstanding = count_of(found.get("_tasks_outstanding"))
    not_outstanding = 0
    if received is not None and sent is not None and outstanding is not None:
        not_outstanding = sent - received - outstanding
    reading = replace(
        settings,
        monotonic_seconds=now_seconds,
        delivered=count,
        marks=(),
        received_index=received,
        send_index=sent,
        tasks_outstanding=outstanding,
        batches_ready=_batches_ready(found, not_outstanding),
    )
    return reading, number


def _settings(iterator: Object) -> IteratorReading:
    found = iterator.attrs(_SETTINGS) or {}
    batches = _batch_sampler(found.get("_index_sampler"))
    drops = _flag(batches.get("drop_last"))
    return IteratorReading(
        address=iterator.address,
        monotonic_seconds=0.0,
        delivered=0,
        batch_size=count_of(batches.get("batch_size")),
        images=_images(batches.get("sampler")),
        workers=count_of(found.get("_num_workers")),
        prefetch_factor=count_of(found.get("_prefetch_factor")),
        pin_memory=_flag(found.get("_pin_memory")),
        persistent_workers=_flag(found.get("_persistent_workers")),
        # A loader that was given a batch sampler does not know what that does.
        drop_last=_flag(found.get("_drop_last")) if drops is None else drops,
    )


def _batches_ready(found: Mapping[str, Object], not_outstanding: int) -> int | None:
    """Return how many batches wait for the loop: in the queue, and those that came out of turn besides.

    A pinning thread's queue has a deque. Without one it is a pipe that the workers write to: it has no
    length, but a semaphore that counts what was put and not yet got.
    """
    queue = found.get("_data_queue")
    if queue is None:
        return None
    parts = queue.attrs(("queue", "_sem")) or {}
    waiting = parts.get("queue")
    if waiting is not None:
        ready = waiting.len if waiting.type_name.endswith("deque") else None
    else:
        ready = _in_pipe(parts.get("_sem"))
    return None if ready is None else ready + _held(found, not_outstanding)


def _in_pipe(semaphore: Object | None) -> int | None:
    """Return what was put into a multiprocessing.Queue and not yet got, as its `qsize` does.

    It is put when the worker is done with it; its pickling and way through the pipe come after that.
    """
    part = None if semaphore is None else semaphore.attr("_semlock")
    taken = None if part is None else part.taken
    return taken if taken is not None and taken <= _MOST_WAITING else None


def _held(found: Mapping[str, Object], not_outstanding: int) -> int:
    """Return how many batches have been received out of turn: their entry in `_task_info` holds the data.

    `_task_info` has the tasks from `_rcvd_idx` to `_send_idx`, and those without data are outstanding
    (torch/utils/data/dataloader.py since 1.2). Two kinds of loaders have tasks that are neither, so that the
    entries are counted: those of a dataset without a length, after a worker has come to its end, and those
    that hand batches over in any order (`in_order=False`, since 2.6).
    """
    if not_outstanding <= 0:
        return 0
    in_order = _flag(found.get("_in_order")) is not False
    if in_order and count_of(found.get("_dataset_kind")) == _MAP_DATASET:
        return not_outstanding
    tasks = found.get("_task_info")
    count = None if tasks is None else tasks.len
    # The queue is served in turn, so with tasks for each worker there are a few; hostile ones are not read.
    if tasks is None or not count or count > _MOST_TASKS:
        return 0
    return sum(1 for _, task in tasks.entries or () if task.len == 2)


def _batch_sampler(sampler: Object | None) -> Mapping[str, Object]:
    """Return what a batch sampler holds, also one that is wrapped to be repeated; nothing without a size."""
    for _ in range(3):
        if sampler is None:
            break
        found = sampler.attrs(_SAMPLER) or {}
        if count_of(found.get("batch_size")):
            return found
        sampler = found.get("sampler") or found.get("batch_sampler")
    return {}


def _images(sampler: Object | None) -> int | None:
    """Return how many images a sampler draws in an epoch, by its own number or the lists of its data set."""
    if sampler is None:
        return None
    if sampler.type_name in ("list", "tuple"):
        return sampler.len
    found = sampler.attrs(_LENGTHS) or {}
    number = count_of(found.get("num_samples")) or count_of(found.get("_num_samples"))
    data = found.get("data_source")
    if number or data is None:
        return number
    if data.type_name in ("list", "tuple"):
        return data.len
    lists = data.attrs(_LISTS) or {}
    lengths = [one.len for name in _LISTS if (one := lists.get(name)) is not None]
    return next((length for length in lengths if length), None)


def count_of(found: Object | None) -> int | None:
    """Return a number that can be a count of batches, None for any other object."""
    value = None if found is None else found.int
    return value if value is not None and 0 <= value < _MOST_BATCHES else None


def _flag(found: Object | None) -> bool | None:
    return None if found is None else found.bool
