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

_MOST_REMEMBERED = 64
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
        if watch is None:
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
        iterator_class.__next__ = original

    iterator_class.__next__ = __next__
    if "next" in vars(iterator_class):  # torch before 1.13 has Python 2's name too
        iterator_class.next = __next__
    report.hooked(wire.HOOK_LOADER, undo)


def _watch_of(iterator: Any, report: Report) -> Watch | None:
    """Return the watch of an iterator's loader, a new one for a loader not seen before.

    A loader is told by its sampler, which its iterators hold from pass to pass.
    """
    try:
        sampler = iterator._index_sampler  # noqa: SLF001 - the iterator holds no reference to the loader
        reference, watch = report.watches.get(id(sampler), (None, None))
        if reference is not None and reference() is sampler:
            return watch
        if len(report.watches) >= _MOST_REMEMBERED:
            for key in [key for key, (dead, _) in report.watches.items() if dead() is None]:
                del report.watches[key]
        watch = Watch(report, _settings(iterator, sampler))
        report.watches[id(sampler)] = (weakref.ref(sampler), watch)
    except Exception as error:  # noqa: BLE001 - whatever it is, the training must not notice
        report.give_up(error)
        return None
    return watch


def _settings(iterator: Any, sampler: Any) -> tuple[int, int, int, int, int]:
    """Return the settings of the wire format."""
    # YOLOv5 wraps the batch sampler in one that repeats it for ever and has neither size nor length.
    while not hasattr(sampler, "batch_size") and hasattr(sampler, "sampler"):
        sampler = sampler.sampler
    bits = wire.LOADER_PINS if getattr(iterator, "_pin_memory", False) else 0
    bits |= wire.LOADER_PERSISTENT if getattr(iterator, "_persistent_workers", False) else 0
    if threading.current_thread() is not threading.main_thread():
        bits |= wire.LOADER_IN_BACKGROUND
    return (
        _length(sampler),
        _count(iterator, "_num_workers"),
        _count(sampler, "batch_size"),
        _count(iterator, "_prefetch_factor"),
        bits,
    )


def _length(sampler: Any) -> int:
    """Return the batches of a pass, 0 where that cannot be asked without running code of the training.

    A sampler of the training's own may draw random numbers to tell its length.
    """
    inner = getattr(sampler, "sampler", sampler)
    for asked in (sampler, inner):
        function = getattr(type(asked), "__len__", None)
        if not str(getattr(function, "__module__", "")).startswith("torch.utils.data"):
            return 0
    return min(len(sampler), _MOST)


def _count(holder: Any, name: str) -> int:
    value = getattr(holder, name, None)
    return min(value, _MOST) if isinstance(value, int) and value > 0 else 0
