"""The layout of the database of runs, how a block lies in it, and how an older file comes to it."""

from __future__ import annotations

import sqlite3
from dataclasses import replace
from math import isfinite

from gpumon.history.block import Block
from gpumon.recording.schema import FEW_PAGES

# Nothing in the file is run, and few of its pages are kept.
FIRST_PRAGMAS = f"PRAGMA trusted_schema = OFF; {FEW_PAGES};"
# "gpmr": what tells the file from any other SQLite file.
APPLICATION_ID = 0x67706D72
SCHEMA = 2
# The first one had neither predictions nor proofs; it can be read as it is.
OLDEST_SCHEMA = 1
# A run of any length is kept in this many blocks: when it has more, they become twice as long.
MOST_BLOCKS = 256
_RUNS_TABLE = (
    "CREATE TABLE runs (id INTEGER PRIMARY KEY AUTOINCREMENT, boot TEXT NOT NULL, pid INTEGER NOT NULL,"
    " start_ticks INTEGER NOT NULL, about TEXT NOT NULL, first_seen_unix_seconds REAL NOT NULL,"
    " last_seen_unix_seconds REAL NOT NULL, first_epoch INTEGER, last_epoch INTEGER, ending TEXT NOT NULL,"
    " ending_text TEXT NOT NULL, block_seconds REAL NOT NULL, UNIQUE (boot, pid, start_ticks))"
)
_BLOCKS_TABLE = (
    "CREATE TABLE blocks (run INTEGER NOT NULL, number INTEGER NOT NULL, seen_seconds REAL NOT NULL,"
    " steady_seconds REAL NOT NULL, rate_seconds REAL NOT NULL, images REAL NOT NULL,"
    " images_low REAL NOT NULL, images_high REAL NOT NULL, wait_seconds REAL NOT NULL,"
    " waited_seconds REAL NOT NULL, waited_low_seconds REAL NOT NULL, waited_high_seconds REAL NOT NULL,"
    " looks REAL NOT NULL, memory_peak_bytes INTEGER, has_validation INTEGER NOT NULL,"
    " PRIMARY KEY (run, number)) WITHOUT ROWID"
)
# What is kept of predictions and proofs: see runs_predictions.
_PREDICTIONS_TABLE = (
    "CREATE TABLE predictions (run INTEGER NOT NULL, settings TEXT NOT NULL, seen_unix_seconds REAL NOT NULL,"
    " prediction TEXT NOT NULL, PRIMARY KEY (run, settings)) WITHOUT ROWID"
)
_PROOFS_TABLE = (
    "CREATE TABLE proofs (run INTEGER PRIMARY KEY, earlier_run INTEGER NOT NULL, proof TEXT NOT NULL)"
)
_ADDED = (_PREDICTIONS_TABLE, _PROOFS_TABLE)
TABLES = (_RUNS_TABLE, _BLOCKS_TABLE, *_ADDED)
# What makes a file of that schema one of the next.
CHANGES = {1: _ADDED}
SELECT_RUN = (
    "SELECT id, boot, pid, start_ticks, about, first_seen_unix_seconds, last_seen_unix_seconds, first_epoch,"
    " last_epoch, ending, ending_text, block_seconds FROM runs"
)
_SELECT_BLOCKS = (
    "SELECT number, seen_seconds, steady_seconds, rate_seconds, images, images_low, images_high,"
    " wait_seconds, waited_seconds, waited_low_seconds, waited_high_seconds, looks, memory_peak_bytes,"
    " has_validation FROM blocks WHERE run = ? ORDER BY number LIMIT ?"
)


def put_block(database: sqlite3.Connection, run: int, block: Block) -> None:
    """Write a block, unless one of its number is there that saw more."""
    database.execute(
        "INSERT INTO blocks VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
        " ON CONFLICT (run, number) DO UPDATE SET seen_seconds = excluded.seen_seconds,"
        " steady_seconds = excluded.steady_seconds, rate_seconds = excluded.rate_seconds,"
        " images = excluded.images, images_low = excluded.images_low, images_high = excluded.images_high,"
        " wait_seconds = excluded.wait_seconds, waited_seconds = excluded.waited_seconds,"
        " waited_low_seconds = excluded.waited_low_seconds,"
        " waited_high_seconds = excluded.waited_high_seconds, looks = excluded.looks,"
        " memory_peak_bytes = max(coalesce(memory_peak_bytes, excluded.memory_peak_bytes),"
        " coalesce(excluded.memory_peak_bytes, memory_peak_bytes)),"
        " has_validation = max(has_validation, excluded.has_validation)"
        " WHERE excluded.seen_seconds > seen_seconds",
        (
            run,
            block.number,
            block.seen_seconds,
            block.steady_seconds,
            block.rate_seconds,
            block.images,
            block.images_low,
            block.images_high,
            block.wait_seconds,
            block.waited_seconds,
            block.waited_low_seconds,
            block.waited_high_seconds,
            block.looks,
            block.memory_peak_bytes,
            int(block.has_validation),
        ),
    )


def read_blocks(database: sqlite3.Connection, run: int) -> tuple[Block, ...]:
    """Return the blocks of a run, oldest first. Raises ValueError or TypeError for what is no number."""
    rows = database.execute(_SELECT_BLOCKS, (run, 4 * MOST_BLOCKS)).fetchall()
    found = []
    # Most are one of a few: a whole stretch, or nothing. A list of runs has 25 000 blocks.
    same: dict[float, float] = {}
    for number, *values, peak, validation in rows:
        if not all(isinstance(value, int | float) and isfinite(value) for value in values):
            raise ValueError("a block of it holds what is no number")
        sums = Block(int(number), *(same.setdefault(value, value) for value in map(float, values)))  # type: ignore[arg-type]
        held = None if peak is None else int(peak)
        found.append(replace(sums, memory_peak_bytes=held, has_validation=bool(validation)))
    return tuple(found)
