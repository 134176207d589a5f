"""Watching DataLoaders: every `next()` of an iterator of torch's, with the time it takes."""

from __future__ import annotations

import functools
import threading
import weakref

from . import wire  # noqa: TID252 - inside a training this package has another name
from .watch import Watch  # noqa: TID252

TYPE_CHECKING = False  # `typing` itself takes milliseconds to import
if TYPE_CHECKING:
    from types import ModuleType
    from typing import Any

    from .report import Report  # noqa: TID252

_DEEPEST = 4
_MOST = 2**31 - 1


def watch_loaders(module: ModuleType, report: Report) -> None:
    """Put a watch around `__next__` of all DataLoader iterators; `module` is torch.utils.data.dataloader."""
    iterator_class: Any = module._BaseDataLoaderIter  # noqa: SLF001 - there is no public place
    original = iterator_class.__next__

    @functools.wraps(original)
    def __next__(self: Any) -> Any:  # noqa: N807 - it takes that method's place
        try:
            watch = self._gpumon_watch
        except AttributeError:
            watch = self._gpumon_watch = _watch_of(self, report)
        if watch is None or report.is_over:
            return original(self)
        watch.enter(self._num_yielded == 0)
        try:
            batch = original(self)
        except BaseException:
            watch.leave_without()
            raise
        watch.leave(batch, self._num_yielded)
        return batch

    def undo() -> None:
        # What others have put around this method since then stays.
        if iterator_class.__next__ is __next__:
            iterator_class.__next__ = original

    iterator_class.__next__ = __next__
    if "next" in vars(iterator_class):  # torch before 1.13 has Python 2's name too
        iterator_class.next = __next__
    report.hooked(wire.HOOK_LOADER, undo)


def _watch_of(iterator: Any, report: Report) -> Watch | None:
    """Return the watch of an iterator's loader, a new one for a loader not seen before.

    An iterator does not know its loader, but holds its sampler from pass to pass. A sampler that cannot be
    referred to weakly (a list of batches) leaves the data set to tell the loader by.
    """
    try:
        sampler = iterator._index_sampler  # noqa: SLF001 - there is no public place
        mark = _weakly(sampler) or _weakly(iterator._dataset)  # noqa: SLF001
        if mark is not None:
            reference, watch = report.watches.get(id(mark()), (None, None))
            if reference is not None and reference() is mark():
                return watch
        watch = Watch(report, _settings(iterator, sampler))
        if mark is not None:
            report.remember(mark, watch)
    except Exception as error:  # noqa: BLE001 - whatever it is, the training must not notice
        report.give_up(error)
        return None
    return watch


def _weakly(mark: Any) -> weakref.ref[Any] | None:
    try:
        return weakref.ref(mark)
    except TypeError:
        return None


def _settings(iterator: Any, sampler: Any) -> tuple[int, int, int, int, int]:
    """Return the settings of the wire format: what cannot be told is 0."""
    bits = wire.LOADER_PINS if getattr(iterator, "_pin_memory", False) else 0
    bits |= wire.LOADER_PERSISTENT if getattr(iterator, "_persistent_workers", False) else 0
    if threading.current_thread() is not threading.main_thread():
        bits |= wire.LOADER_IN_BACKGROUND
    workers, prefetch = _count(iterator, "_num_workers"), _count(iterator, "_prefetch_factor")
    try:
        length, batch_size = _sizes(sampler)
    except Exception:  # noqa: BLE001 - a sampler may be of the training's own classes
        length, batch_size = 0, 0
    return length, workers, batch_size, prefetch, bits


def _sizes(sampler: Any) -> tuple[int, int]:
    """Return the batches of a pass and the batch size."""
    # YOLOv5 wraps the batch sampler in one that repeats it for ever and has neither size nor length.
    for _ in range(_DEEPEST):
        if hasattr(sampler, "batch_size") or not hasattr(sampler, "sampler"):
            break
        sampler = sampler.sampler
    return _length(sampler), _count(sampler, "batch_size")


def _length(sampler: Any) -> int:
    """Return the batches of a pass, 0 where that cannot be asked without running code of the training.

    A sampler of the training's own may draw random numbers to tell its length.
    """
    if isinstance(sampler, (list, tuple, range)):
        return len(sampler)
    inner = getattr(sampler, "sampler", sampler)
    for asked in (sampler, inner):
        function = getattr(type(asked), "__len__", None)
        if not str(getattr(function, "__module__", "")).startswith("torch.utils.data"):
            return 0
    return min(len(sampler), _MOST)


def _count(holder: Any, name: str) -> int:
    value = getattr(holder, name, None)
    return min(value, _MOST) if isinstance(value, int) and value > 0 else 0
