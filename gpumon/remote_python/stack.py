"""The stack of a thread of the other interpreter: its chain of frames."""

from __future__ import annotations

from gpumon.remote_python.code_object import SECONDS_TRUSTED, Code, identity_span, read_code
from gpumon.remote_python.memory import MemoryGone, TornRead
from gpumon.remote_python.reader import Reader
from gpumon.remote_python.type_object import type_address

# The innermost frames; whatever recurses deeper is cut.
MOST_FRAMES = 200
# Entry points of the C code lie between frames of Python, one per call from C at most.
MOST_STEPS = 2 * MOST_FRAMES + 2
# One read of a page costs no more than one of a word, and neighbouring frames share pages.
_PAGE = 4096
_PAGE_MASK = _PAGE - 1
# _PyStackChunk of pycore_frame.h: previous, size in bytes, words that are used; then the frames. A chunk has
# 16 KiB or more, so that these hold more frames than are looked at.
MOST_CHUNKS = 64
_CHUNK_HEADER_WORDS = 3
# Frames on a data stack lie one behind the other: a usual stack of 15 has 3 KiB.
_LONGEST_SPAN_BYTES = 16384


def walk(  # noqa: PLR0912 - one loop: a call per frame would double its time
    reader: Reader, innermost: int, outermost: int = 0
) -> list[tuple[int, Code, int]]:
    """Return (address, code, instruction) of each frame, the innermost first, at most MOST_FRAMES.

    Code objects are compared with those known at their addresses, since these may be used again: see Code
    for when. `outermost` is the address that the outermost frame probably has, 0 where there is no telling:
    what lies between is then read at once. Raises TornRead.
    """
    record, layout, codes = reader.records.frame, reader.layout.frame, reader.codes
    first, size, unpack, read = record.first, record.size, record.unpack_by_offset, reader.memory.read
    previous_field, code_field, instruction_field, *owner = record.places
    # Only from 3.11 on has a frame an owner.
    owner_field = owner[0] if owner else None
    shim, mask = layout.shim_owner, ~reader.layout.pointer_tag_mask
    now = reader.seconds()
    start, span = _read_span(reader, outermost, innermost)
    last = start + len(span) - size
    # By page number. A page is read once for a stack: this is faster, and more of one moment.
    pages: dict[int, bytes] = {}
    found: list[tuple[int, Code, int]] = []
    address, steps = innermost, 0
    while address and steps < MOST_STEPS:
        steps += 1
        place = address + first
        if start <= place <= last:
            fields = unpack(span, place - start)
        else:
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
            elif code.trusted_until <= now:
                code = _compared(reader, code, pages, now)
            found.append((address, code, fields[instruction_field]))
            if len(found) == MOST_FRAMES:
                # Frames that are used again while they are read may seem to call each other in a circle.
                if len({frame for frame, _code, _instruction in found}) < MOST_FRAMES:
                    raise TornRead
                break
        address = fields[previous_field]
    else:
        if address:
            raise TornRead
    return found


def _compared(reader: Reader, code: Code, pages: dict[int, bytes], now: float) -> Code:
    """Return the code object that is now at the address of a known one. Raises TornRead."""
    identity, size = identity_span(reader)
    place = code.address + identity
    offset = place & _PAGE_MASK
    if offset + size > _PAGE:
        data, offset = reader.memory.read(place, size), 0
    else:
        known = pages.get(place - offset)
        if known is None:
            known = pages[place - offset] = reader.memory.read(place - offset, _PAGE)
        data = known
    if not data.startswith(code.fields, offset):
        return read_code(reader, code.address)
    if code.settled_at <= now:
        code.trusted_until = now + SECONDS_TRUSTED
    return code


def _read_span(reader: Reader, outermost: int, innermost: int) -> tuple[int, bytes]:
    """Return the memory of all frames from the outermost to the innermost, and the address where it begins.

    Nothing where they are not on one data stack. Raises MemoryGone.
    """
    record = reader.records.frame
    start = outermost + record.first
    if not outermost or not 0 <= innermost - outermost <= _LONGEST_SPAN_BYTES:
        return start, b""
    try:
        return start, reader.memory.read(start, innermost - outermost + record.size)
    except MemoryGone:
        raise
    except TornRead:
        # The outermost frame of before has returned, and its memory has been given back.
        return start, b""


def reaches(reader: Reader, innermost: int, wanted: int) -> bool:
    """Tell whether a frame is in the chain that begins with the innermost one. Raises TornRead."""
    previous_at = reader.layout.frame.previous
    pages: dict[int, bytes] = {}
    address = innermost
    for _ in range(MOST_STEPS):
        if address in (0, wanted):
            break
        place = address + previous_at
        offset = place & _PAGE_MASK
        data = pages.get(place - offset)
        if data is None:
            data = pages[place - offset] = reader.memory.read(place - offset, _PAGE)
        # Frames are aligned, so the pointer lies within the page.
        address = int.from_bytes(data[offset : offset + 8], "little")
    return address == wanted


def lives(reader: Reader, thread: int, frame: int) -> bool | None:
    """Tell whether a frame has not returned yet: of the thread state at `thread`, if it is on its data stack.

    To 3.10 frames are objects with a reference count. None for frames of generators from 3.11 on, which lie
    elsewhere. Raises TornRead.
    """
    datastack = reader.layout.thread.datastack
    if datastack is None:
        head = reader.memory.read(frame, reader.layout.object.type + 8)
        return type_address(reader, head) is not None
    chunk, top, limit = reader.words(thread + datastack, 3)
    if chunk <= frame < limit:
        return frame < top
    for _ in range(MOST_CHUNKS):
        # What stands in the header of a chunk is true for those before the newest.
        chunk = reader.word(chunk) if chunk else 0
        if not chunk:
            break
        _previous, size, used = reader.words(chunk, _CHUNK_HEADER_WORDS)
        if chunk <= frame < chunk + size:
            return frame < chunk + 8 * (_CHUNK_HEADER_WORDS + used)
    return None
