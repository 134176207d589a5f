"""Feeds the database of runs from a live monitor, off the path of its samples."""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from queue import Full, Queue
from typing import TYPE_CHECKING, Protocol

from gpumon.model.measure import known
from gpumon.model.text import clean

if TYPE_CHECKING:
    from gpumon.advice.prior import SeenPrediction
    from gpumon.history.block import Block
    from gpumon.history.tally import Tally
    from gpumon.model.process import ProcessId
    from gpumon.model.proof import Proof
    from gpumon.model.reading import TrainingReading
    from gpumon.model.report import Report, TrainingReport
    from gpumon.model.sample import Sample
    from gpumon.model.source import Listener
    from gpumon.recording.runs import RunsDatabase
    from gpumon.recording.runs_predictions import ChangedTo
    from gpumon.recording.runs_run import RunProcess, RunState

# A shorter look (a snapshot, a mistyped PID) says nothing of a run.
_LEAST_SECONDS = 5.0
# Reports that may wait while the disk is slow; more are dropped, which only shortens what was seen.
_MOST_WAITING = 120
# Trainings whose end is remembered: more do not end within the seconds in which one of them is still told of.
_MOST_OVER = 256
# Blocks that are kept while the file cannot be written.
_MOST_UNWRITTEN = 64
_CLOSE_SECONDS = 3.0
# A log can hold any number.
_MOST_EPOCHS = 1 << 40


class Followed(Protocol):
    """What a keeper needs of a feed (gpumon.monitor.feed lies above this package)."""

    def subscribe(self, listener: Listener) -> None:
        """Call `listener` whenever there is news."""
        ...

    def report(self) -> Report | None:
        """Return the newest report."""
        ...


def _open(path: Path) -> RunsDatabase:
    # SQLite is loaded in the keeper's own thread: the first frame does not wait for it.
    from gpumon.recording.runs import RunsDatabase

    return RunsDatabase(path)


@dataclass
class _Kept:
    """One training that is followed, and what is not in the file yet."""

    process: RunProcess
    tally: Tally
    newest: tuple[Sample, TrainingReading]
    state: RunState
    unwritten: list[Block] = field(default_factory=list)
    predictions: dict[ChangedTo, SeenPrediction] = field(default_factory=dict)
    proof: Proof | None = None


class RunKeeper:
    """Keeps the runs that a monitor sees in the database at `path`.

    `follow` starts a thread of its own: nothing that the disk does delays or breaks the monitor. What went
    wrong stands in `trouble`, one sentence; it is tried again with each block, and empty once it works.
    """

    def __init__(
        self,
        path: Path,
        boot: str,
        open_database: Callable[[Path], RunsDatabase] | None = None,
    ) -> None:
        """Prepare; nothing is opened before there is a run to keep. `boot` tells this boot from others."""
        self._path = path
        self._boot = boot
        self._open_database = open_database or _open
        self._database: RunsDatabase | None = None
        self._kept: dict[ProcessId, _Kept] = {}
        # The newest trainings that have ended (a set in order): what was kept of them is in the file.
        self._over: dict[ProcessId, None] = {}
        self._waiting: Queue[Report | None] = Queue(_MOST_WAITING)
        self._thread: threading.Thread | None = None
        self._closing = threading.Event()
        self._trouble = ""
        self._has_waited = False

    @property
    def trouble(self) -> str:
        """Why runs are not kept at the moment, in one sentence; empty where they are."""
        thread = self._thread
        if self._trouble or not self._has_waited or thread is None or not thread.is_alive():
            return self._trouble
        return f"the database of runs {clean(str(self._path), 300)} is too slow: it may lack what came last"

    def follow(self, feed: Followed) -> None:
        """Keep every run that the feed shows from now on, until `close`."""

        def take_news() -> None:
            report = feed.report()
            if report is None or not report.sample.trainings or self._closing.is_set():
                return
            with suppress(Full):
                self._waiting.put_nowait(report)

        self._thread = threading.Thread(target=self._run, name="gpumon runs", daemon=True)
        self._thread.start()
        feed.subscribe(take_news)

    def close(self, timeout_seconds: float = _CLOSE_SECONDS) -> None:
        """Write what is left and close the file, but wait no longer than that; closing twice is harmless."""
        self._closing.set()
        with suppress(Full):
            self._waiting.put_nowait(None)
        if self._thread is not None:
            self._thread.join(timeout=timeout_seconds)
            self._has_waited = True

    def take(self, report: Report) -> None:
        """Count one report, and write what is complete. Only for the thread that owns the keeper."""
        for reading in report.sample.trainings:
            self._take(report.sample, reading, report.of(reading.training.id.pid))
        self._let_go({reading.training.id for reading in report.sample.trainings})

    def flush(self) -> None:
        """Write the open blocks, and close the file. Only for the thread that owns the keeper."""
        for kept in self._kept.values():
            self._write(kept, with_open=True)
        if self._database is not None:
            self._database.close()
            self._database = None

    def _run(self) -> None:
        try:
            while (report := self._waiting.get()) is not None:
                self.take(report)
                if self._closing.is_set() and self._waiting.empty():
                    break
            self.flush()
        except Exception as failure:  # noqa: BLE001 - a defect here must not end the monitor; it is told
            self._closing.set()
            self._trouble = clean(f"runs are no longer kept: {type(failure).__name__}: {failure}", 300)

    def _take(self, sample: Sample, reading: TrainingReading, told: TrainingReport | None) -> None:
        # What describes a run is loaded in the keeper's own thread too, with the first one.
        from gpumon.recording.runs_run import RunState, end_of

        identity = reading.training.id
        kept = self._kept.get(identity)
        if kept is None:
            if reading.ended is not None or identity in self._over:
                return
            kept = self._kept[identity] = self._begin(sample, reading)
        ended = reading.ended
        if ended is not None:
            kept.state = RunState(ended.unix_seconds, kept.state.epoch, end_of(ended), clean(ended.text, 300))
            self._write(kept, with_open=True)
            del self._kept[identity]
            self._over[identity] = None
            for oldest in tuple(self._over)[:-_MOST_OVER]:
                del self._over[oldest]
            return
        block = kept.tally.add(sample, reading)
        kept.newest = (sample, reading)
        epoch = known(reading.progress.epoch)
        if epoch is None or not 0 <= epoch <= _MOST_EPOCHS:
            epoch = kept.state.epoch
        kept.state = RunState(sample.instant.unix_seconds, epoch)
        if told is not None:
            self._take_words(kept, told)
        if block is not None:
            kept.unwritten.append(block)
            del kept.unwritten[:-_MOST_UNWRITTEN]
            self._write(kept, with_open=False)

    def _let_go(self, there: Collection[ProcessId]) -> None:
        """Write what is followed no longer, as where another training was chosen, and keep it no longer.

        Followed again it is another stay of the same run. What cannot be written now is lost.
        """
        for gone in self._kept.keys() - there:
            self._write(self._kept.pop(gone), with_open=True)

    def _take_words(self, kept: _Kept, told: TrainingReport) -> None:
        """Keep what is predicted, and what the settings brought once that is settled."""
        # Loads what SQLite needs: only where something is told.
        from gpumon.recording.runs_predictions import MOST_PREDICTIONS, predictions_of

        for key, prediction in predictions_of(told).items():
            # The newest last.
            kept.predictions.pop(key, None)
            kept.predictions[key] = prediction
        for oldest in tuple(kept.predictions)[:-MOST_PREDICTIONS]:
            del kept.predictions[oldest]
        if told.proof is not None and told.proof.settled:
            kept.proof = told.proof

    def _begin(self, sample: Sample, reading: TrainingReading) -> _Kept:
        from gpumon.history.tally import Tally
        from gpumon.recording.runs_run import RunProcess, RunState

        identity = reading.training.id
        return _Kept(
            RunProcess(self._boot, identity.pid, identity.start_ticks),
            Tally(),
            (sample, reading),
            RunState(sample.instant.unix_seconds),
        )

    def _write(self, kept: _Kept, *, with_open: bool) -> None:
        """Write what is not in the file yet; what cannot be written stays for the next time."""
        from gpumon.recording.runs_about import about_run
        from gpumon.recording.runs_run import RunEnd, RunsError

        if kept.tally.seen_seconds < _LEAST_SECONDS and kept.state.end is RunEnd.OPEN:
            return
        opened = kept.tally.open() if with_open else None
        blocks = [*kept.unwritten, *(() if opened is None else (opened,))]
        try:
            if self._database is None:
                self._database = self._open_database(self._path)
            about = about_run(*kept.newest, kept.tally.rate_source, kept.tally.wait_source)
            block_seconds = self._database.write(
                kept.process,
                about,
                kept.state,
                blocks,
                kept.tally.block_seconds,
                predictions=tuple(kept.predictions.values()),
                proof=kept.proof,
            )
        except RunsError as error:
            self._trouble = str(error)
            return
        self._trouble = ""
        kept.unwritten.clear()
        kept.predictions.clear()
        kept.proof = None
        if block_seconds != kept.tally.block_seconds:
            kept.tally.lengthen(block_seconds)
