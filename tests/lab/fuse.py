"""A slow remote storage: a FUSE file system that shows one folder and lets every opened file wait.

usage: python -m tests.lab.fuse FOLDER MOUNT_POINT SECONDS

It speaks the kernel's protocol itself (linux/fuse.h) and needs /dev/fuse and the right to mount. Files and
directories are those of FOLDER, read-only; reading the first byte of a file takes SECONDS. It ends with the
process that started it, and the mount point then answers "not connected".
"""

from __future__ import annotations

import ctypes
import errno
import os
import signal
import stat
import struct
import sys
import threading
import time
from pathlib import Path

_IN = struct.Struct("<IIQQIIII")
_OUT = struct.Struct("<IiQ")
_ATTR = struct.Struct("<QQQQQQIIIIIIIIII")
_ENTRY = struct.Struct("<QQQQII")
_INIT_OUT = struct.Struct("<IIIIHHIIHHI28x")
_READ_IN = struct.Struct("<QQIIQII")
_MOST_BYTES = 1 << 17
_ROOT = 1
_FOREVER_SECONDS = 3600
_LOOKUP, _FORGET, _GETATTR, _OPEN, _READ, _STATFS, _RELEASE = 1, 2, 3, 14, 15, 17, 18
_FLUSH, _INIT, _OPENDIR, _READDIR, _RELEASEDIR, _INTERRUPT, _BATCH_FORGET = 25, 26, 27, 28, 29, 36, 42
_SILENT = frozenset({_FORGET, _INTERRUPT, _BATCH_FORGET})
_DIRECT_IO = 1  # no page cache: every epoch is as slow as the first
_THREADS = 8


class FuseMount:
    """The file system; `serve` answers the kernel until it is unmounted."""

    def __init__(self, folder: Path, point: Path, seconds: float) -> None:
        """Mount it. Raises OSError where that is not permitted."""
        self._seconds = seconds
        self._paths = {_ROOT: folder}
        self._numbers = {folder: _ROOT}
        self._lock = threading.Lock()
        self._device = os.open("/dev/fuse", os.O_RDWR | os.O_CLOEXEC)
        libc = ctypes.CDLL(None, use_errno=True)
        options = f"fd={self._device},rootmode=40000,user_id={os.getuid()},group_id={os.getgid()},allow_other"
        if libc.mount(b"laboratory", bytes(point), b"fuse", 0, options.encode()) != 0:
            number = ctypes.get_errno()
            raise OSError(number, f"cannot mount a FUSE file system: {os.strerror(number)}")

    def serve(self) -> None:
        """Answer with several threads: while one file waits, others are opened."""
        threads = [threading.Thread(target=self._answer_all, daemon=True) for _ in range(_THREADS)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    def _answer_all(self) -> None:
        while True:
            try:
                request = os.read(self._device, _MOST_BYTES + 4096)
            except OSError as error:
                if error.errno in {errno.EINTR, errno.ENOENT, errno.EAGAIN}:
                    continue
                return
            _, code, unique, node, *_ = _IN.unpack_from(request)
            if code in _SILENT:
                continue
            number, answer = 0, b""
            try:
                answer = self._answer(code, node, request[_IN.size :])
            except OSError as error:
                number = -(error.errno or errno.EIO)
            os.write(self._device, _OUT.pack(_OUT.size + len(answer), number, unique) + answer)

    def _answer(self, code: int, node: int, body: bytes) -> bytes:  # noqa: PLR0911 - one for each request
        if code == _INIT:
            major, minor, ahead, _ = struct.unpack_from("<IIII", body)
            return _INIT_OUT.pack(major, min(minor, 31), ahead, 0, 16, 12, _MOST_BYTES, 1, 0, 0, 0)
        if code == _LOOKUP:
            return self._entry(self._paths[node] / body.rstrip(b"\0").decode())
        if code == _GETATTR:
            return struct.pack("<QII", _FOREVER_SECONDS, 0, 0) + _attributes(self._paths[node], node)
        if code == _OPEN:
            return struct.pack("<QII", 0, _DIRECT_IO, 0)
        if code == _OPENDIR:
            return struct.pack("<QII", 0, 0, 0)
        if code == _READ:
            return self._read(node, body)
        if code == _READDIR:
            return self._names(node, body)
        if code in {_RELEASE, _RELEASEDIR, _FLUSH}:
            return b""
        if code == _STATFS:
            return struct.pack("<QQQQQIIII24x", 1, 0, 0, 1, 0, 4096, 255, 4096, 0)
        raise OSError(errno.ENOSYS, "not answered")

    def _entry(self, path: Path) -> bytes:
        with self._lock:
            found = self._numbers.setdefault(path, len(self._numbers) + 1)
            self._paths[found] = path
        attributes = _attributes(path, found)
        return _ENTRY.pack(found, 0, _FOREVER_SECONDS, _FOREVER_SECONDS, 0, 0) + attributes

    def _read(self, node: int, body: bytes) -> bytes:
        _, offset, size, *_ = _READ_IN.unpack_from(body)
        if offset == 0:
            time.sleep(self._seconds)
        with self._paths[node].open("rb") as file:
            file.seek(offset)
            return file.read(size)

    def _names(self, node: int, body: bytes) -> bytes:
        _, offset, size, *_ = _READ_IN.unpack_from(body)
        answer = b""
        for place, path in enumerate(sorted(self._paths[node].iterdir()), 1):
            if place <= offset:
                continue
            name = path.name.encode()
            kind = stat.S_IFMT(path.stat().st_mode) >> 12
            line = struct.pack("<QQII", place + 1, place, len(name), kind) + name
            line += bytes(-len(line) % 8)
            if len(answer) + len(line) > size:
                break
            answer += line
        return answer


def _attributes(path: Path, number: int) -> bytes:
    found = path.stat()
    mode = stat.S_IFDIR | 0o555 if path.is_dir() else stat.S_IFREG | 0o444
    blocks = -(-found.st_size // 512)
    return _ATTR.pack(number, found.st_size, blocks, 0, 0, 0, 0, 0, 0, mode, 1, 0, 0, 0, 4096, 0)


def main(folder: Path, point: Path, seconds: float) -> None:
    """Mount and serve until killed or unmounted."""
    ctypes.CDLL(None).prctl(1, signal.SIGKILL)
    mounted = FuseMount(folder, point, seconds)
    print("mounted", flush=True)
    mounted.serve()


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), float(sys.argv[3]))
