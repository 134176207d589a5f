"""The files that are mapped into a process: /proc/PID/maps."""

from __future__ import annotations

import os
from dataclasses import dataclass

# A training with every CUDA library has some 5,000 mappings, 600 kB.
LONGEST_MAPS_BYTES = 16 << 20
_DELETED = b" (deleted)"


@dataclass(frozen=True, slots=True)
class MappedFile:
    """A file and where pieces of it lie: (address, offset in the file) each."""

    path: bytes
    inode: int
    pieces: tuple[tuple[int, int], ...]
    deleted: bool = False

    @property
    def name(self) -> bytes:
        """The last part of the path."""
        return self.path.rpartition(b"/")[2]


def read_maps(pid: int) -> bytes:
    """Return /proc/PID/maps, at most LONGEST_MAPS_BYTES of it. Raises OSError."""
    pieces: list[bytes] = []
    size = 0
    with open(f"/proc/{pid}/maps", "rb", buffering=0) as file:  # noqa: PTH123 - raw reads, as the kernel gives them
        while size < LONGEST_MAPS_BYTES and (piece := file.read(1 << 16)):
            pieces.append(piece)
            size += len(piece)
    return b"".join(pieces)


def mapped_files(maps: bytes) -> list[MappedFile]:
    """Return the files in the text of /proc/PID/maps, in the order of their first mapping.

    Lines that look different are passed over. A newline in a path is escaped by the kernel.
    """
    found: dict[tuple[bytes, bytes, bytes], list[tuple[int, int]]] = {}
    for line in maps.split(b"\n"):
        fields = line.split(None, 5)
        if len(fields) < 6 or not fields[5].startswith(b"/"):
            continue
        try:
            address, offset = int(fields[0].partition(b"-")[0], 16), int(fields[2], 16)
        except ValueError:
            continue
        found.setdefault((fields[5], fields[3], fields[4]), []).append((address, offset))
    files = []
    for (path, _device, inode), pieces in found.items():
        whole = path.removesuffix(_DELETED)
        number = int(inode) if inode.isdigit() else 0
        files.append(MappedFile(os.fsencode(whole), number, tuple(pieces), deleted=whole != path))
    return files
