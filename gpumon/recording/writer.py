"""Records what a monitor sees, in a thread of its own."""

from __future__ import annotations

import sqlite3
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from gpumon.model.report import Report
from gpumon.model.text import clean
from gpumon.recording.about import About
from gpumon.recording.backlog import Backlog
from gpumon.recording.codec import CodecError
from gpumon.recording.followed import Followed
from gpumon.recording.mark import Mark, MarkKind
from gpumon.recording.schema import Entry, RecordingError
from gpumon.recording.store import RecordingFile

# One transaction a second at most.
_COMMIT_SECONDS = 1.0
# What waits while the disk is slow: five minutes at 1 Hz, some MB.
_MOST_WAITING = 300
# The rest after a portion of a backlog, at least, and in times of what it took: a tenth of a core at most.
_LEAST_REST_SECONDS = 0.2
_REST = 9.0
# A disk that hangs does not keep gpumon from ending.
_CLOSE_SECONDS = 10.0
_EXPECTED = (sqlite3.Error, CodecError, RecordingError)


@dataclass(frozen=True, slots=True)
class RecorderState:
    """Whether it records, in one sentence; `samples` is how many are safe in the file.

    `has_failed` tells that it stopped before it was asked to, or could not be written to its end;
    `is_ending` that it was asked to end and still writes what waits.
    """

    is_recording: bool
    text: str
    samples: int = 0
    has_failed: bool = False
    is_ending: bool = False


class Recorder:
    """Writes every report into a new recording. All methods may be called from any thread."""

    def __init__(self, path: Path, about: About) -> None:
        """Make the file and start the thread. Raises RecordingError where it cannot be made."""
        self.path = path
        self._shown = clean(str(path), 300)
        self._file = RecordingFile(path, about)
        self._backlog: Backlog | None = None
        self._waiting: deque[Entry] = deque()
        self._amended: dict[str, str] = {}
        self._lost = 0
        self._prior = ""
        self._newest_sequence = -1
        self._closing = False
        self._listeners: list[Callable[[], None]] = []
        self._is_over = False
        self._news = threading.Condition()
        self._state = RecorderState(is_recording=True, text=f"recording to {self._shown}")
        self._thread = threading.Thread(target=self._run, name="gpumon recorder", daemon=True)
        self._thread.start()

    @property
    def state(self) -> RecorderState:
        """How it goes."""
        return self._state

    def write(self, report: Report) -> None:
        """Take a report to be written; never waits for the disk. After the end it does nothing."""
        self._take(Entry(report.sample, report.attachment, report.trainings))

    def follow(self, feed: Followed, backlog: Backlog | None = None) -> None:
        """Write what was seen before, then every report from now on.

        Before means the backlog, in portions, so that nobody is held up by it; without one it is the samples
        that the feed still has.
        """
        window = feed.window()
        if backlog is not None:
            with self._news:
                self._backlog, self._newest_sequence = backlog, backlog.newest_sequence
                self._news.notify()
        elif window is not None:
            # The newest one comes with its report.
            for sample in window.samples[:-1]:
                self._take(Entry(sample))
        self.write_newest(feed)
        ear = _Ear(self, feed)
        feed.subscribe(ear.hear)
        self.when_over(ear.forget)
        # What came between the two.
        self.write_newest(feed)

    def amend(self, *, truth: str | None = None, prior: str | None = None) -> None:
        """Set the truth or the prior (JSON text) in the metadata; what is not given stays."""
        given = {"truth": truth, "prior": prior}
        with self._news:
            self._amended.update((name, text) for name, text in given.items() if text is not None)
            self._news.notify()

    def end(self) -> None:
        """Take no more, and write what waits in the thread of the recorder; never waits for the disk."""
        with self._news:
            if self._state.is_recording:
                text = f"the recording to {self._shown} is being closed"
                self._state = replace(self._state, is_recording=False, is_ending=True, text=text)
            self._closing = True
            self._news.notify()

    def when_over(self, listener: Callable[[], None]) -> None:
        """Call `listener` once the file is closed, in the recorder's thread; at once where it is already."""
        with self._news:
            if not self._is_over:
                self._listeners.append(listener)
                return
        listener()

    def close(self, timeout_seconds: float = _CLOSE_SECONDS) -> None:
        """Write what waits and close the file, but wait no longer than that; closing twice is harmless."""
        self.end()
        if self._thread is threading.current_thread():
            return
        self._thread.join(timeout=timeout_seconds)
        with self._news:
            if self._state.is_ending:
                text = f"the disk hangs: {self._shown} may lack what came last"
                self._state = replace(self._state, text=text, has_failed=True)

    def write_newest(self, feed: Followed) -> None:
        """Take the newest report of a feed, and what it has learnt."""
        report = feed.report()
        prior = feed.prior()
        if prior != self._prior:
            self._prior = prior
            self.amend(prior=prior)
        if report is not None:
            self.write(report)

    def _take(self, entry: Entry) -> None:
        with self._news:
            # A feed may call for the same report twice.
            is_new = entry.sample.sequence > self._newest_sequence
            if self._closing or not self._state.is_recording or not is_new:
                return
            if len(self._waiting) >= _MOST_WAITING:
                self._lost += 1
                return
            self._newest_sequence = entry.sample.sequence
            self._waiting.append(entry)
            self._news.notify()

    def _run(self) -> None:
        try:
            while not self._closing:
                with self._news:
                    self._news.wait_for(self._has_work)
                self._write_backlog()
                self._write_waiting()
                with self._news:
                    self._news.wait_for(lambda: self._closing, _COMMIT_SECONDS)
            self._write_backlog()
            self._write_waiting()
            self._file.end()
            samples = self._file.samples
            text = f"recorded {samples} samples to {self._shown}"
            with self._news:
                self._state = RecorderState(is_recording=False, text=text, samples=samples)
        except Exception as error:  # noqa: BLE001 - told by `state`; the monitor goes on
            text = (
                f"the recording stopped: {_words(error)}; {self._state.samples} samples are in {self._shown}"
            )
            with self._news:
                self._state = replace(
                    self._state, is_recording=False, is_ending=False, text=text, has_failed=True
                )
        finally:
            with self._news:
                self._waiting.clear()
            self._file.close()
            with self._news:
                self._is_over, listeners = True, tuple(self._listeners)
            for listener in listeners:
                listener()

    def _has_work(self) -> bool:
        return bool(self._backlog or self._waiting or self._amended or self._closing)

    def _write_backlog(self) -> None:
        with self._news:
            backlog, self._backlog = self._backlog, None
        if backlog is None:
            return
        self._file.take_over(backlog.marks, backlog.marking)
        for portion in backlog.portions():
            started = time.thread_time()
            for numbers in portion.numbers:
                self._file.append_numbers(numbers)
            for entry in portion.entries:
                self._file.append(entry, is_marked=True)
            self._file.commit()
            seconds = time.thread_time() - started
            rest = 0.0 if backlog.is_urgent else max(_LEAST_REST_SECONDS, _REST * seconds)
            with self._news:
                self._state = replace(self._state, samples=self._file.samples)
                self._news.wait_for(lambda: self._closing, rest)

    def _write_waiting(self) -> None:
        with self._news:
            entries, amended, lost = tuple(self._waiting), dict(self._amended), self._lost
            self._waiting.clear()
            self._amended.clear()
            self._lost = 0
        for entry in entries:
            self._file.append(entry)
        if lost and entries:
            instant = entries[-1].sample.instant
            text = f"{lost} samples were not written: the disk was too slow"
            self._file.mark(Mark(instant.unix_seconds, instant.monotonic_seconds, MarkKind.GAP, text))
        if amended:
            about = self._file.about
            truth, prior = amended.get("truth", about.truth), amended.get("prior", about.prior)
            self._file.tell(replace(about, truth=truth, prior=prior))
        self._file.commit()
        with self._news:
            self._state = replace(self._state, samples=self._file.samples)


class _Ear:
    """Hears of a feed for one recorder. Nobody can stop to listen to a feed: it stays, and forgets."""

    def __init__(self, recorder: Recorder, feed: Followed) -> None:
        self._recorder: Recorder | None = recorder
        self._feed = feed

    def hear(self) -> None:
        recorder = self._recorder
        if recorder is not None:
            recorder.write_newest(self._feed)

    def forget(self) -> None:
        self._recorder = None


def _words(error: Exception) -> str:
    """Return why nothing more can be written."""
    text = str(error)
    if "full" in text:
        return "the disk is full"
    if "disk I/O error" in text:
        return "the disk failed, or a limit on the size of files was reached"
    return clean(text, 200) if isinstance(error, _EXPECTED) else f"{type(error).__name__}: {clean(text, 200)}"
