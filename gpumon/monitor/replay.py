"""A recording as a feed: it plays, pauses, steps and jumps, and front ends see it as a live monitor."""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection
from dataclasses import replace

from gpumon.history.window import Window
from gpumon.model.clock import Clock
from gpumon.model.report import Report
from gpumon.model.source import Listener
from gpumon.model.text import clean
from gpumon.monitor.replay_past import Past, Recorded
from gpumon.monitor.replay_report import judged_from_seconds, report_at
from gpumon.monitor.replay_state import SPEEDS, ReplayState
from gpumon.recording.mark import MarkKind
from gpumon.recording.schema import RecordingError

# A pause between two samples (a suspended machine, a thinned part) is played as if it lasted so many
# intervals.
_LONGEST_PAUSE_INTERVALS = 2.5
# Pictures at most ten times a second; a turn of reading ahead takes no longer than this.
_TURN_SECONDS = 0.1
# What cannot be kept up with is not made up for.
_MOST_BEHIND_SECONDS = 0.5


class ReplayFeed:
    """A Feed of a recording. Controls may be called from any thread; they are obeyed in the feed's own.

    `start` gives it a thread; without one, `turn` does what is asked and due. It begins paused. Raises
    LookupError where the recording holds no sample.
    """

    def __init__(self, recorded: Recorded, clock: Clock, seconds: float | None = None) -> None:
        """Begin at the newest sample not after `seconds` of monotonic time (None: at the first one)."""
        self._recorded = recorded
        self._clock = clock
        self._past = Past(recorded, seconds, hasty=True)
        self._marks = recorded.marks()
        self._judged_from_seconds = judged_from_seconds(recorded)
        self._speed = SPEEDS.index(1.0)
        self._playing = False
        self._due_seconds = 0.0
        self._trouble = ""
        self._chosen_pid: int | None = None
        self._asked: list[Callable[[], None]] = []
        self._listeners: list[Listener] = []
        self._lock = threading.Lock()
        self._wake = threading.Event()
        self._closing = False
        self._thread: threading.Thread | None = None
        self._show()

    def start(self) -> None:
        """Begin to obey and to play in a thread of its own."""
        self._thread = threading.Thread(target=self._run, name="gpumon replay", daemon=True)
        self._thread.start()

    # What every feed has.

    def subscribe(self, listener: Listener) -> None:
        """Call `listener` whenever something else is shown, or the replay moves otherwise."""
        with self._lock:
            self._listeners.append(listener)

    def report(self) -> Report | None:
        """Return the report on the moment that is shown."""
        with self._lock:
            return self._report

    def window(self) -> Window | None:
        """Return the history up to that moment."""
        with self._lock:
            return self._window

    def prior(self) -> str:
        """Return what earlier runs taught when it was recorded."""
        return self._recorded.prior

    def choose(self, pid: int) -> None:
        """Look at another of the trainings that were recorded."""
        self._ask(lambda: self._choose(pid))

    def close(self) -> None:
        """End the thread; the recording is not closed. Closing twice is harmless."""
        self._closing = True
        self._wake.set()
        if self._thread is not None and self._thread is not threading.current_thread():
            self._thread.join(timeout=2.0)

    # What only a recording can do.

    def state(self) -> ReplayState:
        """Return where the replay stands."""
        with self._lock:
            return self._state

    def toggle(self) -> None:
        """Play or pause; at the end, play from the beginning."""
        self._ask(self._toggle)

    def change_speed(self, steps: int) -> None:
        """Play faster, or slower with a negative number."""
        self._ask(lambda: self._change_speed(steps))

    def step(self, count: int) -> None:
        """Pause, and go `count` samples forward, or back with a negative number."""
        self._ask(lambda: self._step(count))

    def move(self, seconds: float) -> None:
        """Go that many seconds forward, or back with a negative number."""
        self._ask(lambda: self._seek(self._past.seconds + seconds))

    def seek(self, seconds: float) -> None:
        """Go to the newest sample not after a monotonic moment; beyond the ends, to the end."""
        self._ask(lambda: self._seek(seconds))

    def mark(self, steps: int, kinds: Collection[MarkKind] = tuple(MarkKind)) -> None:
        """Pause, and go to the next mark of these kinds (1) or to the one before (-1)."""
        self._ask(lambda: self._go_to_mark(steps, kinds))

    # What is done in its own thread.

    def turn(self) -> float | None:
        """Do what is asked and due; return the seconds until more is due, or None while paused."""
        moved = False
        with self._lock:
            asked, self._asked = self._asked, []
        now = self._clock.now().monotonic_seconds
        try:
            for command in asked:
                command()
                moved = True
            if self._playing and now >= self._due_seconds:
                self._play(now)
                moved = True
            if not asked and not self._past.is_complete:
                moved |= self._past.complete(lambda: self._may_read_on(now))
            if moved:
                self._trouble = ""
                self._show()
        except Exception as error:  # noqa: BLE001 - shown; a file may come from anyone and hold anything
            # What is shown stays: a recording may be broken in its middle.
            self._playing = False
            is_told = isinstance(error, RecordingError | LookupError)
            self._trouble = str(error) if is_told else clean(f"{type(error).__name__}: {error}", 300)
            with self._lock:
                self._state = self._state_now()
            self._tell()
        if not self._past.is_complete and not self._trouble:
            return 0.0
        if not self._playing:
            return None
        return max(_TURN_SECONDS, self._due_seconds - self._clock.now().monotonic_seconds)

    def _run(self) -> None:
        while not self._closing:
            self._wake.wait(self.turn())
            self._wake.clear()

    def _ask(self, command: Callable[[], None]) -> None:
        with self._lock:
            self._asked.append(command)
        self._wake.set()

    def _may_read_on(self, now: float) -> bool:
        is_early = self._clock.now().monotonic_seconds <= now + _TURN_SECONDS
        return is_early and not self._asked and not self._closing

    def _play(self, now: float) -> None:
        """Go forward by all samples that are due, but not for long."""
        while self._due_seconds <= now:
            if not self._past.forward() or self._past.next_seconds() is None:
                self._playing = False
                return
            self._due_seconds += self._pause_seconds()
            if self._clock.now().monotonic_seconds > now + _TURN_SECONDS or self._asked:
                break
        self._due_seconds = max(self._due_seconds, now - _MOST_BEHIND_SECONDS)

    def _pause_seconds(self) -> float:
        """Return how long to wait for the next sample at this speed."""
        ahead = self._past.next_seconds()
        pause = 0.0 if ahead is None else ahead - self._past.seconds
        longest = self._past.window.newest.interval_seconds * _LONGEST_PAUSE_INTERVALS
        return min(pause, longest) / SPEEDS[self._speed]

    def _wait_from_now(self) -> None:
        self._due_seconds = self._clock.now().monotonic_seconds + self._pause_seconds()

    def _toggle(self) -> None:
        self._playing = not self._playing
        if self._playing and self._past.next_seconds() is None:
            self._look_up(self._recorded.first_seconds)
        self._wait_from_now()

    def _change_speed(self, steps: int) -> None:
        self._speed = max(0, min(self._speed + steps, len(SPEEDS) - 1))
        self._wait_from_now()

    def _step(self, count: int) -> None:
        self._playing = False
        for _ in range(abs(count)):
            if not (self._past.forward() if count > 0 else self._past.back()):
                return

    def _seek(self, seconds: float) -> None:
        self._look_up(seconds)
        self._wait_from_now()

    def _go_to_mark(self, steps: int, kinds: Collection[MarkKind]) -> None:
        self._playing = False
        here = self._past.seconds
        moments = sorted({mark.monotonic_seconds for mark in self._marks if mark.kind in kinds})
        if steps > 0:
            ahead = [moment for moment in moments if moment > here]
        else:
            ahead = [moment for moment in reversed(moments) if moment < here]
        for moment in ahead:
            self._look_up(moment)
            if self._past.seconds < moment:
                # Nothing is shown at that very moment: what comes of it is.
                self._past.forward()
            if self._past.seconds != here:
                return

    def _choose(self, pid: int) -> None:
        self._chosen_pid = pid

    def _look_up(self, seconds: float) -> None:
        """Go to a moment; a far one takes a while, which is told before."""
        with self._lock:
            self._state = replace(self._state, is_seeking=True)
        self._tell()
        self._past.seek(seconds)

    def _show(self) -> None:
        window = self._past.window
        report = report_at(self._recorded, window, chosen_pid=self._chosen_pid)
        with self._lock:
            self._window, self._report = window, report
            self._state = self._state_now()
        self._tell()

    def _tell(self) -> None:
        with self._lock:
            listeners = tuple(self._listeners)
        for listener in listeners:
            listener()

    def _state_now(self) -> ReplayState:
        return ReplayState(
            now=self._past.window.newest.instant,
            first_seconds=self._recorded.first_seconds,
            # A file that is still written grows after it was opened.
            last_seconds=max(self._recorded.last_seconds, self._past.seconds),
            full_from_seconds=self._judged_from_seconds,
            playing=self._playing,
            speed=SPEEDS[self._speed],
            marks=self._marks,
            is_seeking=not self._past.is_complete,
            trouble=self._trouble,
        )
