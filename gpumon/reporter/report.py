"""The report of one process: its file, and who has which place in it."""

from __future__ import annotations

import mmap
import os
from time import monotonic_ns

from . import wire  # noqa: TID252 - inside a training this package has another name

TYPE_CHECKING = False  # `typing` itself takes milliseconds to import
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any
    from weakref import ref

    from .watch import Watch  # noqa: TID252

# tmpfs first: no disk is written to. The file is gone from the directory before anyone sees it there.
_DIRECTORIES = ("/dev/shm", "/tmp")  # noqa: S108 - made with O_EXCL, and unlinked at once
_MOST_REMEMBERED = 64
_BEAT_NS = 1_000_000_000


def _make_file() -> int:
    """Return a descriptor of a new file without a name, all of its bytes allocated.

    Allocated: to write to a page that a full tmpfs cannot give would kill the training (SIGBUS).
    """
    refusal: OSError | None = None
    for directory in _DIRECTORIES:
        path = f"{directory}/{wire.FILE_PREFIX}{os.getpid()}-{monotonic_ns()}"
        try:
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        except OSError as error:
            refusal = error
            continue
        try:
            os.unlink(path)  # noqa: PTH108 - pathlib takes milliseconds to import
            os.posix_fallocate(descriptor, 0, wire.FILE_BYTES)
        except OSError as error:
            refusal = error
            os.close(descriptor)
            continue
        return descriptor
    raise refusal or OSError("no directory for the report")


def _map_file() -> tuple[mmap.mmap, int, tuple[int, int]]:
    """Return a map of a new file, the one descriptor of it, which the map owns, and its device and inode."""
    descriptor = _make_file()
    found = os.fstat(descriptor)
    # A map duplicates the descriptor to the lowest free number, as this does, and does not tell it.
    owned = os.dup(descriptor)
    os.close(owned)
    try:
        mapped = mmap.mmap(descriptor, wire.FILE_BYTES)
    finally:
        os.close(descriptor)
    return mapped, owned, (found.st_dev, found.st_ino)


def _start_ticks() -> int:
    descriptor = os.open("/proc/self/stat", os.O_RDONLY | os.O_CLOEXEC)
    try:
        return int(os.read(descriptor, 4096).rpartition(b")")[2].split()[19])
    finally:
        os.close(descriptor)


class Report:
    """What one process tells. After a fork the child forgets it, and makes its own when it has news.

    Nothing raises into the training: the first error of the reporter's own is written down, and everything
    it has hooked is given back (`give_up`).
    """

    def __init__(self) -> None:
        self.map: mmap.mmap | None = None
        self.due_ns = 0
        """When slow things are looked at next."""
        self.last: Watch | None = None
        """The loader whose batch the training has."""
        self.optimizer_steps = 0
        self.scaler_steps = 0
        self.scaler_skips = 0
        self.fused_scaler_steps = 0
        self.hooks = 0
        self.is_over = False
        """Whether the reporter has given up."""
        self.cuda_turn = 0
        self.undo: list[Callable[[], None]] = []
        self.on_beat: list[Callable[[int], None]] = []
        self.watches: dict[int, tuple[ref[Any], Watch]] = {}
        """Loaders by the id of what they are told by, which dies with them."""
        self._places: list[Watch | None] = [None] * wire.LOADERS
        self._serial = 0
        self._descriptor = -1
        self._inode = (0, 0)
        self._kept: list[mmap.mmap] = []
        os.register_at_fork(after_in_child=self._forget)

    def open(self) -> mmap.mmap:
        """Return the map of the file, which is made now if there is none."""
        if self.map is None:
            mapped, self._descriptor, self._inode = _map_file()
            header = (wire.VERSION, wire.LOADERS, os.getpid(), 0, _start_ticks(), monotonic_ns())
            wire.HEADER.pack_into(mapped, 0, wire.MAGIC, *header)
            wire.WORD.pack_into(mapped, wire.HOOKS, self.hooks)
            self.map = mapped
        return self.map

    def hooked(self, hook: int, undo: Callable[[], None]) -> None:
        """Take note that something is being watched, and of how to give it back."""
        self.hooks |= hook
        self.undo.append(undo)
        self.put(wire.HOOKS, self.hooks)

    def put(self, offset: int, value: int) -> None:
        """Store a word of the header."""
        if self.map is not None:
            wire.WORD.pack_into(self.map, offset, value)

    def beat(self, now_ns: int) -> None:
        """Look at what is looked at once a second."""
        self.due_ns = now_ns + _BEAT_NS
        self.put(wire.HEARTBEAT, now_ns)
        for look in list(self.on_beat):
            look(now_ns)

    def place(self, watch: Watch) -> None:
        """Give a loader a place in the file: an empty one, a dead loader's, or the longest unused one."""
        mapped = self.open()
        alive = {id(known) for reference, known in self.watches.values() if reference() is not None}
        number = min(range(wire.LOADERS), key=lambda number: self._age(self._places[number], alive))
        before = self._places[number]
        if before is not None:
            before.offset = -1
        self._places[number] = watch
        self._serial += 1
        offset = wire.HEADER_BYTES + number * wire.LOADER_BYTES
        wire.WORD.pack_into(mapped, offset + wire.SERIAL, 0)
        wire.SETTINGS.pack_into(mapped, offset + wire.SETTINGS_AT, *watch.settings)
        wire.WORD.pack_into(mapped, offset + wire.ENTERED, 0)
        wire.WORD.pack_into(mapped, offset + wire.LOADER_OPTIMIZER_STEPS, watch.optimizer_steps)
        wire.WORD.pack_into(mapped, offset + wire.TURN, 0)
        watch.map, watch.offset, watch.turn = mapped, offset, 0
        watch.put_last_steps()
        watch.publish()
        wire.WORD.pack_into(mapped, offset + wire.SERIAL, self._serial)

    def remember(self, mark: ref[Any], watch: Watch) -> None:
        """Keep the watch of a loader that is told by `mark`, for as long as that lives."""
        if len(self.watches) >= _MOST_REMEMBERED:
            for key in [key for key, (dead, _) in self.watches.items() if dead() is None]:
                del self.watches[key]
        self.watches[id(mark())] = (mark, watch)

    @staticmethod
    def _age(watch: Watch | None, alive: set[int]) -> tuple[int, int]:
        if watch is None:
            return 0, 0
        return (2 if id(watch) in alive else 1), watch.left_ns

    def give_up(self, error: Exception) -> None:
        """Write down an error of the reporter's own and take every hook away: the training goes on alone."""
        self.is_over = True
        self.on_beat.clear()
        undone, self.undo = self.undo, []
        try:
            text = f"{type(error).__name__}: {error}".encode("utf-8", "replace")[: wire.ERROR_BYTES - 1]
            if self.map is not None:
                self.map[wire.ERROR : wire.ERROR + wire.ERROR_BYTES] = text.ljust(wire.ERROR_BYTES, b"\0")
            for undo in undone:
                undo()
        except Exception:  # noqa: BLE001 - there is nobody left to tell
            self.map = None

    def _forget(self) -> None:
        """In a forked child: let go of the parent's file. The child's own counts begin at zero."""
        mapped, self.map = self.map, None
        descriptor, self._descriptor = self._descriptor, -1
        self.optimizer_steps = self.scaler_steps = self.scaler_skips = self.fused_scaler_steps = 0
        self.last, self.due_ns, self.cuda_turn, self._serial = None, 0, 0, 0
        self._places = [None] * wire.LOADERS
        for _, watch in self.watches.values():
            watch.reset()
        if mapped is None:
            return
        # The training may have closed all descriptors, and this number may be another file's by now: then
        # the map stays, unused, for its end would close that file.
        try:
            found = os.fstat(descriptor)
            is_ours = (found.st_dev, found.st_ino) == self._inode
        except OSError:
            is_ours = False
        if is_ours:
            mapped.close()
        else:
            self._kept.append(mapped)
