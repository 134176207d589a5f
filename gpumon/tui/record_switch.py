"""The switch of the recording: starts one beside the dashboard, and stops it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gpumon.model.clock import Clock
from gpumon.monitor.feed import Feed
from gpumon.settings import Settings

if TYPE_CHECKING:
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

    @property
    def is_recording(self) -> bool:
        """Whether samples are being written."""
        return self._recorder is not None and self._recorder.state.is_recording

    def turn(self) -> str:
        """Start or stop, and return in one sentence what was done or why not."""
        from gpumon.recording.schema import RecordingError

        if self._recorder is not None and self._recorder.state.is_recording:
            self._recorder.close()
            self._told = True
            return self._recorder.state.text
        try:
            self._recorder = self._start()
        except RecordingError as error:
            return f"no recording: {error}"
        self._told, self._is_own = False, True
        return self._recorder.state.text

    def trouble(self) -> str:
        """Return once why a recording stopped by itself, else an empty text."""
        if self._recorder is None or self._told or self._recorder.state.is_recording:
            return ""
        self._told = True
        return self._recorder.state.text

    def close(self) -> str:
        """Finish what was started here, and return what became of it; empty where nothing was running."""
        if self._recorder is None or not self._is_own or not self._recorder.state.is_recording:
            return ""
        self._recorder.close()
        return self._recorder.state.text

    def _start(self) -> Recorder:
        # Loads SQLite: only where something is recorded.
        from gpumon.recording.begin import begin_recording

        return begin_recording(None, self._feed, self._settings, self._clock.now())
