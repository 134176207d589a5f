"""Where the interpreter's state lies in a process, and which version it is."""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from gpumon.remote_python.elf import Elf, NotElf, file_reader, parse_elf
from gpumon.remote_python.errors import Gone, NoPermission, NotPython, VersionUnknown
from gpumon.remote_python.layout import Version
from gpumon.remote_python.maps import MappedFile, mapped_files, read_maps
from gpumon.remote_python.memory import Memory, MemoryGone, TornRead

DEBUG_COOKIE = b"xdebugpy"
MOST_CANDIDATES = 16
# libpython3.11.so.1.0, libpython3.8d.so, python3.12, python3.13t
_VERSIONED_NAME = re.compile(rb"python(3)\.(\d{1,2})")
# Extension modules carry the version that loads them: _json.cpython-310-x86_64-linux-gnu.so
_EXTENSION = re.compile(rb"\.cpython-3(\d{1,2})[a-z]*-")


@dataclass(frozen=True, slots=True)
class Runtime:
    """`_PyRuntime` of a process: its address and the version of its CPython."""

    address: int
    version: Version


def find_runtime(pid: int, memory: Memory) -> Runtime:
    """Find the interpreter of a process.

    Raises NotPython, VersionUnknown, NoPermission or Gone.
    """
    try:
        files = mapped_files(read_maps(pid))
        executable = os.fsencode(os.readlink(f"/proc/{pid}/exe"))  # noqa: PTH115 - bytes as the kernel says them
    except PermissionError:
        raise NoPermission(f"the kernel refuses to show what is mapped into process {pid}") from None
    except OSError:
        raise Gone(f"process {pid} has ended") from None
    executable = executable.removesuffix(b" (deleted)")
    for file in _candidates(files, executable):
        with _opened(pid, file, executable) as descriptor:
            found = _runtime_in(file, descriptor, memory, files)
            if found is not None:
                return found
    raise NotPython(f"process {pid} runs no CPython that can be found")


def _candidates(files: list[MappedFile], executable: bytes) -> list[MappedFile]:
    """Return the files that may hold the interpreter, libpython first.

    It is the program itself in static builds, or what ld.so was told to load.
    """
    libraries = [file for file in files if file.name.startswith(b"libpython")]
    programs = [file for file in files if file.path == executable]
    others = [file for file in files if file.name.startswith(b"python") and file.path != executable]
    return (libraries + programs + others)[:MOST_CANDIDATES]


@contextmanager
def _opened(pid: int, file: MappedFile, executable: bytes) -> Iterator[int | None]:
    """Open a mapped file through the root of its process, which may be a container's. None if it cannot be.

    A file that was replaced or deleted since is reached through map_files, which needs CAP_SYS_ADMIN or
    CAP_CHECKPOINT_RESTORE, or through exe. Of a file on overlayfs the kernel may state another inode than
    stat does, so the first of a wrong inode is taken if there is no better one: whether it was the right
    file is then seen by what lies in the memory.
    """
    descriptors: list[int] = []
    try:
        for path in _paths(pid, file, executable):
            try:
                # O_NONBLOCK: whatever stands there in the meantime must not block us.
                descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
            except OSError:
                continue
            descriptors.append(descriptor)
            status = os.fstat(descriptor)
            if stat.S_ISREG(status.st_mode) and status.st_ino == file.inode:
                yield descriptor
                return
        regular = [open_one for open_one in descriptors if stat.S_ISREG(os.fstat(open_one).st_mode)]
        yield regular[0] if regular else None
    finally:
        for descriptor in descriptors:
            os.close(descriptor)


def _paths(pid: int, file: MappedFile, executable: bytes) -> list[bytes]:
    process = b"/proc/%d" % pid
    paths = [] if file.deleted else [process + b"/root" + file.path]
    if file.path == executable:
        paths.append(process + b"/exe")
    try:
        ranges = os.listdir(process + b"/map_files")  # noqa: PTH208 - names only
    except OSError:
        ranges = []
    start = b"%x-" % file.pieces[0][0]
    paths += [process + b"/map_files/" + name for name in ranges if name.startswith(start)]
    # Of a process in a chroot of ours the kernel says the path as we see it.
    return [*paths, file.path]


def _runtime_in(
    file: MappedFile, descriptor: int | None, memory: Memory, files: list[MappedFile]
) -> Runtime | None:
    if descriptor is None:
        return None
    try:
        elf = parse_elf(file_reader(descriptor))
    except NotElf:
        return None
    bias = elf.load_bias(file.pieces)
    place = elf.symbol_address(b"_PyRuntime") or elf.section_address(b".PyRuntime")
    if bias is None or place is None:
        return None
    try:
        version = _version_told(elf, place + bias, bias, memory)
    except MemoryGone:
        raise Gone("the process has ended, or runs another program now") from None
    except TornRead:
        return None
    return Runtime(place + bias, version or _version_named(file, files))


def _version_told(elf: Elf, runtime: int, bias: int, memory: Memory) -> Version | None:
    """Return the version that the running interpreter states, as it does from 3.11 on. Raises TornRead."""
    head = memory.read(runtime, 16)
    if head.startswith(DEBUG_COOKIE):
        return _of_hex(int.from_bytes(head[8:16], "little"))
    symbol = elf.symbol_address(b"Py_Version")
    return None if symbol is None else _of_hex(int.from_bytes(memory.read(symbol + bias, 8), "little"))


def _of_hex(number: int) -> Version:
    """Return the version in PY_VERSION_HEX: 0x030b07f0 is 3.11.7."""
    return number >> 24 & 0xFF, number >> 16 & 0xFF


def _version_named(file: MappedFile, files: list[MappedFile]) -> Version:
    """Return the version by the names of the interpreter's file and of its extension modules."""
    match = _VERSIONED_NAME.search(file.name)
    if match:
        return int(match[1]), int(match[2])
    for other in files:
        match = _EXTENSION.search(other.name)
        if match:
            return 3, int(match[1])
    raise VersionUnknown("the version of the interpreter cannot be told from its files")
