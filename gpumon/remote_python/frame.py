"""Frames of the other interpreter: which function runs where, and its local variables."""

from __future__ import annotations

from gpumon.remote_python.code_object import Code, identity_span, read_code
from gpumon.remote_python.mapping import Slot, value_slot
from gpumon.remote_python.memory import TornRead
from gpumon.remote_python.object import Object, read_object, read_slot
from gpumon.remote_python.reader import Reader

# The innermost frames; whatever recurses deeper is cut.
MOST_FRAMES = 200
# One read of a page costs no more than one of a word, and neighbouring frames share pages.
_PAGE = 4096


class Frame:
    """One call of a Python function at the moment the stack was read.

    `name` and `file` are of its code object (co_name, co_filename) and may hold any character.
    `caller` is the frame that called it, None for the outermost.
    """

    __slots__ = ("_address", "_code", "_instruction", "_reader", "caller", "file", "name")

    def __init__(
        self, reader: Reader, address: int, code: Code, instruction: int, caller: Frame | None
    ) -> None:
        self._reader = reader
        self._address = address
        self._code = code
        self._instruction = instruction
        self.name = code.name
        self.file = code.file
        self.caller = caller

    def __repr__(self) -> str:
        return f"<remote frame {self.name} in {self.file}>"

    @property
    def line(self) -> int | None:
        """The line that was running, or waiting for a call to return; None if it cannot be told."""
        return self._reader.attempt(lambda: self._code.line(self._reader, self._instruction))

    def local(self, name: str) -> Object | None:
        """Return the local variable as it is now (of a module: the global one).

        None if there is none, it is not bound, or the frame is gone. Variables of outer functions
        that this one uses are found too.
        """
        return self._reader.attempt(lambda: self._local(name))

    def _local(self, name: str) -> Object | None:
        reader, layout = self._reader, self._reader.layout.frame
        code_at = self._address + layout.code
        guard = (code_at, reader.word(code_at))
        if _untagged(reader, guard[1]) != self._code.address:
            raise TornRead
        if not self._code.optimized:
            mapping = reader.word(self._address + layout.locals)
            slot = value_slot(reader, mapping, name) if mapping else None
            return read_slot(reader, Slot(slot.address, (*slot.guards, guard)) if slot else None)
        place = self._code.local(reader, name)
        if place is None:
            return None
        index, in_cell = place
        found = _read_local(reader, self._address + layout.localsplus + 8 * index, in_cell=in_cell)
        if reader.word(code_at) != guard[1]:
            raise TornRead
        return found

    def global_(self, name: str) -> Object | None:
        """Return a global variable of the module that the function is from, as it is now."""

        def read() -> Object | None:
            return read_slot(
                self._reader,
                value_slot(
                    self._reader, self._reader.word(self._address + self._reader.layout.frame.globals), name
                ),
            )

        return self._reader.attempt(read)


def _untagged(reader: Reader, word: int) -> int:
    """Return a pointer of a frame without its tag; 0 for a number in the place of a pointer (from 3.14)."""
    mask = reader.layout.pointer_tag_mask
    return 0 if mask and word & mask == mask else word & ~mask


def _read_local(reader: Reader, slot: int, *, in_cell: bool) -> Object | None:
    word = reader.word(slot)
    address = _untagged(reader, word)
    found = read_object(reader, address) if address else None
    # Before the function has made its cells, an argument itself stands there.
    if found is not None and in_cell and found.type_name == "cell":
        found = read_slot(reader, Slot(address + reader.layout.object.cell_content, ()))
    if reader.word(slot) != word:
        raise TornRead
    return found


def walk(reader: Reader, innermost: int) -> list[tuple[int, Code, int]]:
    """Return (address, code, instruction) of each frame, the innermost first, at most MOST_FRAMES.

    Every code object is compared with the one known at its address, so names are right even if the
    address is used again. Raises TornRead.
    """
    record, layout, codes = reader.records.frame, reader.layout.frame, reader.codes
    identity, identity_size = identity_span(reader)
    shim, mask = layout.shim_owner, reader.layout.pointer_tag_mask
    pages: dict[int, bytes] = {}
    found: list[tuple[int, Code, int]] = []
    address, steps = innermost, 0
    while address and len(found) < MOST_FRAMES:
        steps += 1
        if steps > 2 * MOST_FRAMES:
            raise TornRead
        previous, code_at, instruction, *owner = record.unpack(
            *_piece(reader, pages, address + record.first, record.size)
        )
        if not owner or owner[0] < shim:
            code_at &= ~mask
            code = codes.get(code_at)
            data, at = _piece(reader, pages, code_at + identity, identity_size)
            if code is None or data[at : at + identity_size] != code.fields:
                code = read_code(reader, code_at)
            found.append((address, code, instruction))
        address = previous
    return found


def _piece(reader: Reader, pages: dict[int, bytes], address: int, size: int) -> tuple[bytes, int]:
    """Return bytes that hold `size` bytes from `address` on, and where in them these begin."""
    offset = address % _PAGE
    if offset + size > _PAGE:
        return reader.memory.read(address, size), 0
    page = pages.get(address - offset)
    if page is None:
        page = pages[address - offset] = reader.memory.read(address - offset, _PAGE)
    return page, offset


def frames_of(reader: Reader, stack: list[tuple[int, Code, int]]) -> tuple[Frame, ...]:
    """Return the frames of a stack, linked to their callers, the innermost first."""
    frames: list[Frame] = []
    caller: Frame | None = None
    for address, code, instruction in reversed(stack):
        caller = Frame(reader, address, code, instruction, caller)
        frames.append(caller)
    frames.reverse()
    return tuple(frames)
