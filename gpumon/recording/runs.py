"""The database of runs: one small SQLite file that every attachment adds to."""

from __future__ import annotations

import os
import sqlite3
import stat
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from gpumon.advice.prior import SeenPrediction
from gpumon.history.block import Block
from gpumon.history.tally import BLOCK_SECONDS
from gpumon.model.proof import Proof
from gpumon.model.text import clean
from gpumon.recording.runs_about import MAX_ABOUT_CHARACTERS, AboutError, about_text, read_about
from gpumon.recording.runs_predictions import (
    put_predictions,
    put_proof,
    read_predictions,
    read_proof,
    read_proofs,
)
from gpumon.recording.runs_reach import check_readable
from gpumon.recording.runs_run import BrokenRunError, Run, RunAbout, RunEnd, RunProcess, RunsError, RunState
from gpumon.recording.runs_schema import (
    APPLICATION_ID,
    CHANGES,
    FIRST_PRAGMAS,
    MOST_BLOCKS,
    OLDEST_SCHEMA,
    SCHEMA,
    SELECT_RUN,
    TABLES,
    put_block,
    read_blocks,
)
from gpumon.recording.runs_trouble import sqlite_sentence

# About 20 kB each at most.
MOST_RUNS = 1000
_PATIENCE_SECONDS = 5.0
_TABLES_OF_RUNS = (("blocks", "run"), ("predictions", "run"), ("proofs", "run"), ("runs", "id"))
_END_CHARACTERS = 300
# The year 5138: later moments have no date.
_LATEST_SECONDS = 1e11


class RunsDatabase:
    """Runs in one file, readable by its owner only. One thread uses it; several processes may.

    A run is one process: its boot, PID and start time. What is added to it again continues it.
    """

    def __init__(
        self, path: Path, *, readonly: bool = False, patience_seconds: float = _PATIENCE_SECONDS
    ) -> None:
        """Open the file; made with its folder where it is not there. Raises RunsError.

        With `readonly` nothing is made or changed, and a file that is not there is an error. Another program
        that holds the file is waited for.
        """
        self.path = path
        self._patience_seconds = patience_seconds
        self._connection: sqlite3.Connection | None = None
        try:
            with self._sentences():
                self._connection = self._open(readonly=readonly)
                self._check(readonly=readonly)
        except RunsError:
            self.close()
            raise

    def close(self) -> None:
        """Close the file; closing twice is harmless."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def write(
        self,
        process: RunProcess,
        about: RunAbout,
        state: RunState,
        blocks: Sequence[Block],
        block_seconds: float = BLOCK_SECONDS,
        *,
        predictions: Sequence[SeenPrediction] = (),
        proof: Proof | None = None,
    ) -> float:
        """Add what was seen of a run, at once or not at all; return how long its blocks are now.

        `block_seconds` is how long the given ones are. Of two blocks of one time, as where two gpumons see
        the same run, the one that saw more stays; of predictions for the same settings, and of proofs, the
        newest, and none that could not be read back (a number that is not finite). Raises RunsError.
        """
        with self._sentences(), self._transaction() as database:
            given_seconds = block_seconds
            run, block_seconds = self._run_of(database, process, about, state)
            for block in blocks:
                number = int(block.number * given_seconds // block_seconds)
                put_block(database, run, replace(block, number=number))
            count = database.execute("SELECT count(*) FROM blocks WHERE run = ?", (run,)).fetchone()[0]
            if count > MOST_BLOCKS:
                block_seconds *= 2
                self._lengthen(database, run, block_seconds)
            if predictions:
                put_predictions(database, run, predictions, state.seen_unix_seconds)
            if proof is not None:
                put_proof(database, run, proof)
            for table, column in _TABLES_OF_RUNS:
                database.execute(
                    f"DELETE FROM {table} WHERE {column} <= (SELECT max(id) FROM runs) - ?",  # noqa: S608
                    (MOST_RUNS,),
                )
            return block_seconds

    def runs(self, limit: int = MOST_RUNS) -> Iterator[Run]:
        """Yield the newest runs, the newest first, each read when it is asked for. Raises RunsError.

        One with all its blocks takes 90 kB: who shows many keeps `summed` ones. Predictions and proofs that
        cannot be understood are left out.
        """
        with self._sentences():
            sql = "SELECT id FROM runs ORDER BY id DESC LIMIT ?"
            for (number,) in self._database.execute(sql, (limit,)).fetchall():
                if (run := self.run(number)) is not None:
                    yield run

    def run(self, number: int) -> Run | None:
        """Return the run of that number, or None. Raises RunsError, BrokenRunError where only it is bad.

        Predictions and a proof that cannot be understood are left out.
        """
        with self._sentences():
            row = self._database.execute(SELECT_RUN + " WHERE id = ?", (number,)).fetchone()
            return None if row is None else self._read(row)

    def abouts(self, limit: int = MOST_RUNS) -> Iterable[tuple[int, RunProcess, RunAbout]]:
        """Yield number, process and description of the newest runs, the newest first. Raises RunsError.

        Quick: nothing of what was measured is read. Descriptions that cannot be understood are left out.
        """
        with self._sentences():
            rows = self._database.execute(
                "SELECT id, boot, pid, start_ticks, CASE WHEN length(about) <= ? THEN about END FROM runs"
                " ORDER BY id DESC LIMIT ?",
                (MAX_ABOUT_CHARACTERS, limit),
            ).fetchall()
        for number, boot, pid, ticks, about in rows:
            try:
                process = RunProcess(str(boot), int(pid), int(ticks))
                described = read_about(str(about))
            except (ValueError, TypeError, AboutError):
                continue
            yield int(number), process, described

    def proofs(self, limit: int = MOST_RUNS) -> tuple[tuple[int, Proof], ...]:
        """Return what the settings of the newest runs brought, the newest first. Raises RunsError.

        Those that cannot be understood are left out.
        """
        with self._sentences():
            return read_proofs(self._database, limit)

    @property
    def _database(self) -> sqlite3.Connection:
        if self._connection is None:
            raise RunsError("the database of runs is closed")
        return self._connection

    def _open(self, *, readonly: bool) -> sqlite3.Connection:
        if readonly:
            check_readable(self.path)
            place = f"{self.path.absolute().as_uri()}?mode=ro"
            if not os.access(self.path.parent, os.W_OK, effective_ids=True) and not self._journal.exists():
                # Even a reader makes files beside it, unless it is told that nobody writes.
                place += "&immutable=1"
        else:
            self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            # SQLite gives its other files the rights of this one. A link in its place is not followed.
            flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
            descriptor = os.open(self.path, flags, 0o600)
            try:
                if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                    raise RunsError(f"{self._shown} is no file")
            finally:
                os.close(descriptor)
            place = f"{self.path.absolute().as_uri()}?mode=rw"
        return sqlite3.connect(
            place, uri=True, timeout=self._patience_seconds, isolation_level=None, check_same_thread=False
        )

    def _check(self, *, readonly: bool) -> None:
        """Make the tables of a new file, and refuse a file that is not of this kind and schema."""
        database = self._database
        database.executescript(FIRST_PRAGMAS)
        if not readonly:
            database.execute("PRAGMA journal_mode = WAL")
            # A loss of power may cost the newest rows, never the file (sqlite.org/pragma.html).
            database.execute("PRAGMA synchronous = NORMAL")
            if not self._schema():
                with self._transaction():
                    # Another gpumon may have made it meanwhile.
                    if not self._schema():
                        self._make()
            elif self._kind() == APPLICATION_ID and self._schema() in CHANGES:
                with self._transaction():
                    self._bring_up_to_date()
        schema = self._schema()
        if self._kind() != APPLICATION_ID:
            raise RunsError(f"{self._shown} is no database of runs")
        if not OLDEST_SCHEMA <= schema <= SCHEMA:
            raise RunsError(
                f"the database of runs {self._shown} has schema {schema}; this gpumon reads schema {SCHEMA}:"
                " use the gpumon that wrote it, or move the file away to begin a new one"
            )

    def _schema(self) -> int:
        return int(self._database.execute("PRAGMA user_version").fetchone()[0])

    def _kind(self) -> int:
        return int(self._database.execute("PRAGMA application_id").fetchone()[0])

    def _bring_up_to_date(self) -> None:
        """Make a file of an older gpumon one of this; another gpumon may have done it meanwhile."""
        database = self._database
        while (schema := self._schema()) in CHANGES:
            for statement in CHANGES[schema]:
                database.execute(statement)
            database.execute(f"PRAGMA user_version = {schema + 1}")

    def _make(self) -> None:
        database = self._database
        if database.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]:
            # Somebody else's file: the check that follows says so.
            return
        for statement in TABLES:
            database.execute(statement)
        database.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        database.execute(f"PRAGMA user_version = {SCHEMA}")

    def _run_of(
        self, database: sqlite3.Connection, process: RunProcess, about: RunAbout, state: RunState
    ) -> tuple[int, float]:
        """Make or continue the row of a run; return its number and how long its blocks are."""
        key = (process.boot, process.pid, process.start_ticks)
        found = database.execute(
            "SELECT id, block_seconds FROM runs WHERE boot = ? AND pid = ? AND start_ticks = ?", key
        ).fetchone()
        text, seen, epoch = about_text(about), state.seen_unix_seconds, state.epoch
        ending = (state.end.value, clean(state.end_text, _END_CHARACTERS))
        if found is None:
            # Not one statement with ON CONFLICT: that uses up a number for every block of every run.
            row = database.execute(
                "INSERT INTO runs (boot, pid, start_ticks, about, first_seen_unix_seconds,"
                " last_seen_unix_seconds, first_epoch, last_epoch, ending, ending_text, block_seconds)"
                " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (*key, text, seen, seen, epoch, epoch, *ending, BLOCK_SECONDS),
            )
            return int(row.lastrowid or 0), BLOCK_SECONDS
        run, block_seconds = int(found[0]), float(found[1])
        database.execute(
            "UPDATE runs SET about = ?1, last_seen_unix_seconds = max(last_seen_unix_seconds, ?2),"
            " first_epoch = coalesce(min(first_epoch, ?3), first_epoch, ?3),"
            " last_epoch = coalesce(max(last_epoch, ?3), last_epoch, ?3) WHERE id = ?4",
            (text, seen, epoch, run),
        )
        if state.end is not RunEnd.OPEN:
            database.execute("UPDATE runs SET ending = ?, ending_text = ? WHERE id = ?", (*ending, run))
        return run, block_seconds

    def _lengthen(self, database: sqlite3.Connection, run: int, block_seconds: float) -> None:
        """Join the blocks of a run two by two."""
        joined: dict[int, Block] = {}
        for block in read_blocks(database, run):
            number = block.number // 2
            other = joined.get(number)
            joined[number] = block.joined(other or Block(number), number)
        database.execute("DELETE FROM blocks WHERE run = ?", (run,))
        for block in joined.values():
            put_block(database, run, block)
        database.execute("UPDATE runs SET block_seconds = ? WHERE id = ?", (block_seconds, run))

    def _read(self, row: tuple[object, ...]) -> Run:
        number, boot, pid, ticks, about, first, last, first_epoch, last_epoch, end, end_text, length = row
        if not isinstance(about, str) or len(about) > MAX_ABOUT_CHARACTERS:
            raise BrokenRunError(f"run {number} in {self._shown} cannot be understood")
        try:
            return Run(
                id=int(str(number)),
                process=RunProcess(str(boot), int(str(pid)), int(str(ticks))),
                about=read_about(about),
                first_seen_unix_seconds=_seconds(first),
                last_seen_unix_seconds=_seconds(last),
                first_epoch=None if first_epoch is None else int(str(first_epoch)),
                last_epoch=None if last_epoch is None else int(str(last_epoch)),
                end=RunEnd(end),
                end_text=clean(str(end_text), _END_CHARACTERS),
                block_seconds=_seconds(length),
                blocks=read_blocks(self._database, int(str(number))),
                predictions=read_predictions(self._database, int(str(number))),
                proof=read_proof(self._database, int(str(number))),
            )
        except (ValueError, TypeError, AboutError) as error:
            reason = clean(str(error), 200)
            raise BrokenRunError(f"run {number} in {self._shown} cannot be understood: {reason}") from None

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        database = self._database
        database.execute("BEGIN IMMEDIATE")
        try:
            yield database
            database.execute("COMMIT")
        except BaseException:
            if database.in_transaction:
                database.execute("ROLLBACK")
            raise

    @contextmanager
    def _sentences(self) -> Iterator[None]:
        """Turn what SQLite and the system say into one sentence."""
        try:
            yield
        except sqlite3.DatabaseError as error:
            place = f"the database of runs {self._shown}"
            raise RunsError(sqlite_sentence(place, error, self._patience_seconds)) from error
        except OSError as error:
            reason = clean(error.strerror or "unknown error", 100).lower()
            raise RunsError(f"the database of runs {self._shown} cannot be opened: {reason}") from error

    @property
    def _journal(self) -> Path:
        return self.path.with_name(f"{self.path.name}-wal")

    @property
    def _shown(self) -> str:
        return clean(str(self.path), 300)


def _seconds(value: object) -> float:
    """Return a moment or a length of time. Raises ValueError for what is none."""
    seconds = float(str(value))
    if not 0 <= seconds <= _LATEST_SECONDS:
        raise ValueError(f"{seconds:g} seconds are out of range")
    return seconds
