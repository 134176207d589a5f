"""The library of traces: short recordings of every scenario, each an xz file beside the index."""

from __future__ import annotations

import hashlib
import json
import lzma
import sqlite3
import tempfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gpumon.recording.reader import Recording, open_recording
from gpumon.recording.schema import unpack as unpack_row

TRACES = Path(__file__).parents[1] / "traces"
ENDING = ".gpumon.xz"
INDEX = "index.json"
# A recording in the library is a few hundred kB; what unpacks to more is none of it.
_MOST_BYTES = 64 << 20


@dataclass(frozen=True, slots=True)
class TraceEntry:
    """A line of the index: the name of a trace, its set ("tune" or "test") and where it comes from."""

    name: str
    set_name: str
    provenance: dict[str, Any]


def entries(directory: Path = TRACES) -> tuple[TraceEntry, ...]:
    """Return the index in the order of the names."""
    path = directory / INDEX
    if not path.exists():
        return ()
    found: dict[str, dict[str, Any]] = json.loads(path.read_text())["traces"]
    return tuple(TraceEntry(name, found[name]["set"], found[name]) for name in sorted(found))


@contextmanager
def opened(name: str, directory: Path = TRACES) -> Iterator[Recording]:
    """A trace, unpacked into a temporary folder while the context lasts."""
    with tempfile.TemporaryDirectory() as folder:
        path = unpack(directory / f"{name}{ENDING}", Path(folder))
        recording = open_recording(path)
        try:
            yield recording
        finally:
            recording.close()


def unpack(packed: Path, folder: Path) -> Path:
    """Unpack a recording into `folder`; return its path. Raises ValueError if it is too large."""
    with lzma.open(packed) as file:
        content = file.read(_MOST_BYTES + 1)
    if len(content) > _MOST_BYTES:
        raise ValueError(f"{packed.name} unpacks to more than {_MOST_BYTES >> 20} MiB")
    path = folder / packed.name.removesuffix(".xz")
    path.write_bytes(content)
    return path


def keep(recording: Path, name: str, provenance: dict[str, Any], directory: Path = TRACES) -> int:
    """Put a recording into the library and the index; return its packed size in bytes."""
    directory.mkdir(parents=True, exist_ok=True)
    with sqlite3.connect(recording) as database:
        database.execute("PRAGMA journal_mode=DELETE")
        _store(database)
        database.commit()
        database.execute("VACUUM")
    database.close()
    packed = lzma.compress(recording.read_bytes(), preset=9 | lzma.PRESET_EXTREME)
    (directory / f"{name}{ENDING}").write_bytes(packed)
    path = directory / INDEX
    index: dict[str, Any] = json.loads(path.read_text()) if path.exists() else {"traces": {}}
    digest = hashlib.sha256(packed).hexdigest()
    index["traces"][name] = {**provenance, "bytes": len(packed), "sha256": digest}
    index["traces"] = dict(sorted(index["traces"].items()))
    unfinished = path.with_suffix(".unfinished")
    unfinished.write_text(json.dumps(index, indent=1) + "\n")
    unfinished.replace(path)
    return len(packed)


def _store(database: sqlite3.Connection) -> None:
    """Unpack the rows of a recording to blocks of zlib that are stored and not compressed.

    xz sees then what samples have in common: a trace takes 0.6 of the room, and reads the same.
    """
    rows = database.execute("SELECT id, dictionary FROM dictionaries")
    dictionaries = {number: unpack_row(packed) for number, packed in rows}
    for number, which, packed in database.execute("SELECT id, dictionary, entry FROM entries").fetchall():
        dictionary = dictionaries.get(which, b"")
        packer = zlib.compressobj(0, zdict=dictionary) if dictionary else zlib.compressobj(0)
        stored = packer.compress(unpack_row(packed, dictionary)) + packer.flush()
        database.execute("UPDATE entries SET entry = ? WHERE id = ?", (stored, number))
