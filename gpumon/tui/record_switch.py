"""The switch of the recording: starts one beside the dashboard, and stops it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from gpumon.model.clock import Clock
from gpumon.paint.numbers import duration
from gpumon.settings import Settings

if TYPE_CHECKING:
    from gpumon.monitor.feed import Feed
    from gpumon.recording.backlog import Backlog, BacklogKeeper
    from gpumon.recording.writer import Recorder


class RecordSwitch:
    """What `r` turns on and off. `recorder` is one that records already, as with --record."""

    def __init__(
        self, feed: Feed, settings: Settings, clock: Clock, recorder: Recorder | None = None
    ) -> None:
        """Take what is recorded from; no file is made yet."""
        self._feed = feed
        self._settings = settings
        self._clock = clock
        self._recorder = recorder
        self._told = False
        self._is_own = False
        self._listener: Callable[[], None] | None = None
        self._keeper: BacklogKeeper | None = None

    def remember(self) -> None:
        """Keep what is seen from now on, so that a recording begins with the hour before it."""
        from gpumon.recording.backlog import BacklogKeeper

        if self._keeper is None and not self._settings.readonly:
            self._keeper = BacklogKeeper(self._feed)

    def listen(self, listener: Callable[[], None]) -> None:
        """Call `listener` whenever a recording is over, in whatever thread that is known."""
        self._listener = listener
        if self._recorder is not None:
            self._recorder.when_over(listener)

    @property
    def is_recording(self) -> bool:
        """Whether samples are being written."""
        return self._recorder is not None and self._recorder.state.is_recording

    @property
    def is_ending(self) -> bool:
        """Whether a recording has stopped and what became of it is not told yet."""
        return self._recorder is not None and not self._told and not self._recorder.state.is_recording

    def turn(self) -> str:
        """Start or stop, and return in one sentence what was done or why not.

        Empty where one stops: the disk is not waited for, and `last_word` tells what became of it.
        """
        from gpumon.recording.schema import RecordingError

        if self._recorder is not None and self._recorder.state.is_recording:
            self._recorder.end()
            return ""
        if self._recorder is not None and self.is_ending:
            return self._recorder.state.text
        backlog = None if self._keeper is None else self._keeper.backlog()
        try:
            self._recorder = self._start(backlog)
        except RecordingError as error:
            return f"no recording: {error}"
        self._told, self._is_own = False, True
        if self._listener is not None:
            self._recorder.when_over(self._listener)
        before = "" if backlog is None else f", with the {duration(backlog.seconds)} before"
        return self._recorder.state.text + before

    def last_word(self) -> str:
        """Return once what became of a recording that is over, stopped or by itself, else an empty text."""
        state = None if self._recorder is None else self._recorder.state
        if state is None or self._told or state.is_recording or state.is_ending:
            return ""
        self._told = True
        return state.text

    def close(self) -> str:
        """Finish what was started here, and return what became of it; empty where that was told."""
        if self._recorder is None or not self._is_own or self._told:
            return ""
        self._recorder.close()
        self._told = True
        return self._recorder.state.text

    def abandon(self, timeout_seconds: float) -> None:
        """Close what records, whoever began it, because the process ends now; wait no longer than that."""
        if self._recorder is not None:
            self._recorder.close(timeout_seconds)

    def _start(self, backlog: Backlog | None) -> Recorder:
        # Loads SQLite: only where something is recorded.
        from gpumon.recording.begin import begin_recording

        return begin_recording(None, self._feed, self._settings, self._clock.now(), backlog)
