"""Frames of the other interpreter: which function runs where, and its local variables."""

from __future__ import annotations

from gpumon.remote_python.code_object import Code, identity_span, read_code
from gpumon.remote_python.mapping import Slot, value_slot
from gpumon.remote_python.memory import TornRead
from gpumon.remote_python.object import Object, read_object, read_slot
from gpumon.remote_python.reader import Reader

# The innermost frames; whatever recurses deeper is cut.
MOST_FRAMES = 200
# Entry points of the C code lie between frames of Python, one per call from C at most.
MOST_STEPS = 2 * MOST_FRAMES + 2
# One read of a page costs no more than one of a word, and neighbouring frames share pages.
_PAGE = 4096
_PAGE_MASK = _PAGE - 1


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

    def global_variable(self, name: str) -> Object | None:
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


def walk(  # noqa: PLR0912 - one loop: a call per frame would double its time
    reader: Reader, innermost: int
) -> list[tuple[int, Code, int]]:
    """Return (address, code, instruction) of each frame, the innermost first, at most MOST_FRAMES.

    Every code object is compared with the one known at its address, so names are right even if the
    address is used again. Raises TornRead.
    """
    record, layout, codes = reader.records.frame, reader.layout.frame, reader.codes
    first, size, unpack, read = record.first, record.size, record.unpack_by_offset, reader.memory.read
    previous_field, code_field, instruction_field, *owner = record.places
    # Only from 3.11 on has a frame an owner.
    owner_field = owner[0] if owner else None
    identity, identity_size = identity_span(reader)
    shim, mask = layout.shim_owner, ~reader.layout.pointer_tag_mask
    # By page number. A page is read once for a stack: this is faster, and more of one moment.
    pages: dict[int, bytes] = {}
    found: list[tuple[int, Code, int]] = []
    address, steps = innermost, 0
    while address and steps < MOST_STEPS:
        steps += 1
        place = address + first
        offset = place & _PAGE_MASK
        if offset + size > _PAGE:
            fields = unpack(read(place, size), 0)
        else:
            data = pages.get(place - offset)
            if data is None:
                data = pages[place - offset] = read(place - offset, _PAGE)
            fields = unpack(data, offset)
        if owner_field is None or fields[owner_field] < shim:
            code_at = fields[code_field] & mask
            code = codes.get(code_at)
            if code is None:
                code = read_code(reader, code_at)
            else:
                place = code_at + identity
                offset = place & _PAGE_MASK
                if offset + identity_size > _PAGE:
                    data, offset = read(place, identity_size), 0
                else:
                    data = pages.get(place - offset)
                    if data is None:
                        data = pages[place - offset] = read(place - offset, _PAGE)
                if not data.startswith(code.fields, offset):
                    code = read_code(reader, code_at)
            found.append((address, code, fields[instruction_field]))
            if len(found) == MOST_FRAMES:
                break
        address = fields[previous_field]
    else:
        if address:
            raise TornRead
    return found


def frames_of(reader: Reader, stack: list[tuple[int, Code, int]]) -> tuple[Frame, ...]:
    """Return the frames of a stack, linked to their callers, the innermost first."""
    frames: list[Frame] = []
    caller: Frame | None = None
    for address, code, instruction in reversed(stack):
        caller = Frame(reader, address, code, instruction, caller)
        frames.append(caller)
    frames.reverse()
    return tuple(frames)
