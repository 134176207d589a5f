"""The findings that the user does not want to be alerted of, kept from one start to the next."""

from __future__ import annotations

import os
import re
import tempfile
import threading
from collections.abc import Collection
from pathlib import Path

from gpumon.model.text import clean
from gpumon.sources.regular_file import open_regular

# As the ids of the design: lower case, digits and hyphens.
_ID = re.compile(r"[a-z][a-z0-9-]{0,39}")
_MOST_BYTES = 1 << 14


def muted_path() -> Path:
    """Return where they are kept: `muted` in gpumon's XDG state directory, one id a line."""
    import platformdirs

    return platformdirs.user_state_path("gpumon") / "muted"


class Muted:
    """Ids that are muted. Safe in every thread.

    `path` is where they are kept, None for nowhere; `also` are those of the settings, which are not written.
    Without `is_written` the file is only read.
    """

    def __init__(
        self, path: Path | None = None, also: Collection[str] = (), *, is_written: bool = True
    ) -> None:
        """Read what was kept. A file that cannot be read holds none."""
        self._path = path if is_written else None
        self._lock = threading.Lock()
        self._ids = frozenset(also) | (frozenset() if path is None else _read(path))
        self._not_kept = frozenset(also)

    @property
    def ids(self) -> frozenset[str]:
        """The ids that are muted now."""
        with self._lock:
            return self._ids

    def toggle(self, finding_id: str) -> str:
        """Mute an id or take that back; return in one sentence what was done."""
        with self._lock:
            is_muted = finding_id in self._ids
            self._ids = self._ids - {finding_id} if is_muted else self._ids | {finding_id}
            self._not_kept -= {finding_id}
            kept = self._ids - self._not_kept
        word = f"{finding_id} raises alerts again" if is_muted else f"{finding_id} is muted: no alert of it"
        if self._path is None:
            return f"{word}, until gpumon ends"
        try:
            _write(self._path, kept)
        except OSError as error:
            return f"{word}, until gpumon ends: {clean(str(error.strerror), 80)}"
        return word


def _read(path: Path) -> frozenset[str]:
    try:
        # Nothing but a file: a FIFO in its place would hold gpumon for good.
        with os.fdopen(open_regular(str(path)), "rb") as opened:
            text = opened.read(_MOST_BYTES).decode("ascii", "replace")
    except OSError:
        return frozenset()
    return frozenset(line for line in text.split() if _ID.fullmatch(line))


def _write(path: Path, ids: frozenset[str]) -> None:
    """Replace the file as a whole, so that another gpumon never reads half of it."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    descriptor, name = tempfile.mkstemp(prefix=".muted-", dir=path.parent)
    try:
        with os.fdopen(descriptor, "w", encoding="ascii") as opened:
            opened.writelines(f"{each}\n" for each in sorted(ids))
        Path(name).replace(path)
    except OSError:
        Path(name).unlink(missing_ok=True)
        raise
