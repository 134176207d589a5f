"""Threads of the other interpreter."""

from __future__ import annotations

from collections.abc import Mapping
from operator import itemgetter

from gpumon.remote_python.code_object import Code
from gpumon.remote_python.frame import Calls, Frame
from gpumon.remote_python.memory import TornRead
from gpumon.remote_python.reader import Reader
from gpumon.remote_python.stack import MOST_FRAMES, lives, reaches, walk

MOST_THREADS = 4096
MOST_INTERPRETERS = 64
# To 3.10 a thread state has no native id, but glibc keeps it in the structure that pthread_t points to: at
# 0x2d0 on x86-64, 0xd0 on aarch64. The place is looked for in the main thread, whose id is known.
_LONGEST_PTHREAD_BYTES = 0x900
_USUAL_TID_PLACES = (0x2D0, 0xD0)


class Thread:
    """A thread that runs, or may run, Python code.

    `native_id` is the kernel's id of it, as this process sees it (the PID for the main thread); None if it
    cannot be told.
    """

    __slots__ = (
        "_address",
        "_identity",
        "_pick_identity",
        "_reader",
        "_root",
        "is_main",
        "native_id",
    )

    def __init__(
        self, reader: Reader, address: int, identity: tuple[int, ...], native_id: int | None, *, is_main: bool
    ) -> None:
        self._reader = reader
        self._address = address
        self._identity = identity
        # As identity_of(), from fields in the order of their offsets.
        places = reader.records.thread.places
        self._pick_identity = itemgetter(*identity_of(places))
        self._root = 0
        self.native_id = native_id
        self.is_main = is_main

    def __repr__(self) -> str:
        return f"<remote thread {self.native_id}>"

    def frames(self) -> tuple[Frame, ...] | None:
        """Return its stack, the innermost frame first, at most 200.

        Empty if it runs no Python code; None if the thread is gone or the stack could not be read.
        """
        calls = self.calls()
        return None if calls is None else calls.frames()

    def calls(self) -> Calls | None:
        """Return its stack as `frames` does, for who mostly needs to know which functions are on it."""
        chain = self._reader.attempt(self._stack)
        return None if chain is None else Calls(self._reader, self, chain)

    def confirm_frame(self, address: int) -> None:
        """Raise TornRead unless a frame is on the stack now."""
        alive = lives(self._reader, self._address, address)
        if alive is None:
            alive = reaches(self._reader, self._innermost(), address)
        if not alive:
            raise TornRead

    def _innermost(self) -> int:
        """Return the address of the innermost frame. Raises TornRead if this thread is gone."""
        reader = self._reader
        record = reader.records.thread
        fields = record.unpack_by_offset(reader.memory.read(self._address + record.first, record.size), 0)
        if self._pick_identity(fields) != self._identity:
            raise TornRead
        cframe = reader.layout.thread.cframe_frame
        frame: int = fields[record.places[3]]
        return frame if cframe is None else reader.word(frame + cframe)

    def _stack(self) -> list[tuple[int, Code, int]]:
        on_data_stack = self._reader.layout.thread.datastack is not None
        stack = walk(self._reader, self._innermost(), self._root if on_data_stack else 0)
        self._check_root(stack)
        return stack

    def _check_root(self, stack: list[tuple[int, Code, int]]) -> None:
        """Raise TornRead if the stack does not reach the outermost frame of before, though it still lives.

        A frame that returns, or a generator that yields, cuts itself off from its caller while it may still
        count as the innermost one: then the chain ends too early.
        """
        if len(stack) >= MOST_FRAMES:
            return
        root, known = stack[-1][0] if stack else 0, self._root
        self._root = root
        if known not in (0, root) and lives(self._reader, self._address, known):
            self._root = known
            raise TornRead

    @property
    def identity(self) -> tuple[int, ...]:
        """What tells this thread from all others of the interpreter: address and ids."""
        # To 3.10 nothing in the state of a thread is its own if another one is made at the same place.
        return (self._address, *self._identity, self.native_id or 0)


def identity_of(fields: tuple[int, ...]) -> tuple[int, ...]:
    """Return what stays the same while a thread lives: interpreter, pthread, native id."""
    return (fields[1], fields[2], *fields[4:])


def find_threads(reader: Reader, runtime: int, own_pid: int, ids: Mapping[int, int]) -> tuple[Thread, ...]:
    """Return the threads of the main interpreter, the oldest first.

    `own_pid` is the PID that the process itself sees, `ids` its threads' ids as it sees them and as we
    do. Raises TornRead.
    """
    interpreter = _main_interpreter(reader, runtime)
    if not interpreter:
        return ()
    record = reader.records.thread
    address = reader.word(interpreter + reader.layout.interpreter.threads_head)
    states: list[tuple[int, tuple[int, ...]]] = []
    while address:
        fields = record.unpack(reader.memory.read(address + record.first, record.size))
        if fields[1] != interpreter or len(states) >= MOST_THREADS:
            raise TornRead
        states.append((address, fields))
        address = fields[0]
    natives = _native_ids(reader, runtime, own_pid, [fields for _, fields in states])
    threads = [
        Thread(
            reader,
            place,
            identity_of(fields),
            None if native is None else ids.get(native),
            is_main=native == own_pid,
        )
        for (place, fields), native in zip(states, natives, strict=True)
    ]
    return tuple(reversed(threads))


def _main_interpreter(reader: Reader, runtime: int) -> int:
    """Return the oldest interpreter: the list begins with the newest."""
    address = reader.word(runtime + reader.layout.runtime.interpreters_head)
    for _ in range(MOST_INTERPRETERS):
        following = reader.word(address + reader.layout.interpreter.next) if address else 0
        if not following:
            return address
        address = following
    raise TornRead


def _native_ids(
    reader: Reader, runtime: int, own_pid: int, states: list[tuple[int, ...]]
) -> list[int | None]:
    if reader.layout.thread.native_id is not None:
        return [fields[4] for fields in states]
    main_at = reader.layout.runtime.main_thread
    main = reader.word(runtime + main_at) if main_at is not None else 0
    place = _tid_place(reader, main, own_pid) if main else None
    natives: list[int | None] = []
    for fields in states:
        pthread = fields[2]
        if pthread == main:
            natives.append(own_pid)
        elif place is None:
            natives.append(None)
        else:
            natives.append(int.from_bytes(reader.memory.read(pthread + place, 4), "little"))
    return natives


def _tid_place(reader: Reader, pthread: int, own_pid: int) -> int | None:
    data = reader.memory.read_up_to(pthread, _LONGEST_PTHREAD_BYTES)
    places = [
        at for at in range(0, len(data) - 3, 4) if int.from_bytes(data[at : at + 4], "little") == own_pid
    ]
    usual = [at for at in _USUAL_TID_PLACES if at in places]
    return next(iter([*usual, *places]), None)
