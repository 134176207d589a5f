"""What SQLite says of the database of runs, in one sentence."""

from __future__ import annotations

import sqlite3

from gpumon.model.text import clean


def sqlite_sentence(place: str, error: sqlite3.DatabaseError, patience_seconds: float) -> str:
    """Return what is wrong with the file that `place` names; `patience_seconds` is how long it was tried."""
    code = getattr(error, "sqlite_errorcode", None)
    text = str(error)
    if "disk is full" in text or "disk I/O error" in text:
        return f"{place} cannot be written: the disk is full or failing"
    if "readonly" in text:
        return f"{place} cannot be written: it is read-only"
    if "locked" in text:
        return f"{place} is held by another program for more than {patience_seconds:g} s"
    if "malformed" in text or "not a database" in text or "no such" in text:
        return f"{place} is damaged or no database; move it away to begin a new one"
    if "unable to open" in text:
        return f"{place} cannot be opened"
    return f"{place} failed: {clean(text, 200)}" + ("" if code is None else f" (SQLite {code})")
