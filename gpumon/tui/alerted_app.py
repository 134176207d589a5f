"""What the dashboard does with findings that begin, and with those that came and went."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from typing import TYPE_CHECKING

from textual.message import Message

from gpumon.model.clock import Instant
from gpumon.monitor.episodes import Episode, episodes_of
from gpumon.monitor.finding_watch import FindingWatch
from gpumon.monitor.notification import notification
from gpumon.monitor.onsets import Alert
from gpumon.settings import Settings
from gpumon.tui.record_switch import RecordSwitch
from gpumon.tui.recorded_app import RecordedApp

if TYPE_CHECKING:
    from gpumon.tui.replay import Replay

# Where the sentence of the finding is on the screen already.
_SHOWN_IN = frozenset({"overview", "findings"})


class AlertRaised(Message):
    """A finding has begun."""

    def __init__(self, alert: Alert) -> None:
        super().__init__()
        self.alert = alert


class AlertedApp(RecordedApp):
    """The base of the dashboard. On a recording nothing is watched: its marks tell what was found when."""

    def __init__(
        self,
        *,
        replay: Replay | None,
        switch: RecordSwitch,
        ansi: bool,
        watch: FindingWatch,
        settings: Settings,
        environ: Mapping[str, str],
    ) -> None:
        super().__init__(replay=replay, switch=switch, ansi=ansi)
        self._watch = watch
        self._alert_settings = settings
        self._environ = environ

    @property
    def muted(self) -> frozenset[str]:
        """The ids of the findings that raise no alert."""
        return self._watch.muted.ids

    def mute(self, finding_id: str) -> None:
        """Mute a finding, or take that back."""
        self.tell(self._watch.muted.toggle(finding_id))
        self.show_frame()

    def start_watch(self) -> None:
        """Hear of findings that begin, unless a recording is shown."""
        if not self.is_replay:
            self._watch.subscribe(self._alert_from_watch)
            self._watch.start()

    def episodes(self, now: Instant) -> tuple[Episode, ...]:
        """Return what was found when, up to `now`, the newest first."""
        return self._watch.episodes if self._replay is None else episodes_of(self._replay.state().marks, now)

    def on_alert_raised(self, event: AlertRaised) -> None:
        """Ring, notify, and say it where it is not on the screen."""
        alert, settings = event.alert, self._alert_settings
        if settings.bell:
            self.bell()
        self._write(notification(alert.title, alert.text, settings.notify, self._environ))
        if self.current_mode not in _SHOWN_IN:
            self.tell(alert.text)

    def tell_trouble(self) -> None:
        """Say what could not be done about an alert."""
        if word := self._watch.take_trouble():
            self.tell(word)

    def _write(self, sequence: str) -> None:
        # Textual has no public way to write; its bell and its clipboard go this way too.
        if sequence and self._driver is not None and not self.is_headless:
            self._driver.write(sequence)

    def _alert_from_watch(self, alert: Alert) -> None:
        # Called in the monitor's thread; after the end of the dashboard its event loop is closed.
        with suppress(RuntimeError):
            self.post_message(AlertRaised(alert))
