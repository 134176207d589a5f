"""Follows the findings of a feed: what was found when, and what begins now."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TYPE_CHECKING

from gpumon.monitor.episodes import Episode, Episodes
from gpumon.monitor.muted import Muted
from gpumon.monitor.onsets import Alert, Onsets

if TYPE_CHECKING:
    from gpumon.monitor.feed import Feed


class FindingWatch:
    """The history of findings of a live feed, and its alerts.

    It reads each report in the feed's thread; what it tells may be asked for in every thread. `trouble` is
    what those who tell of alerts could not do.
    """

    def __init__(self, feed: Feed, muted: Muted | None = None) -> None:
        """Prepare; without `muted` what is muted is so until the end."""
        self.muted = Muted() if muted is None else muted
        self._feed = feed
        self._onsets = Onsets()
        self._made = Episodes()
        self._episodes: tuple[Episode, ...] = ()
        self._listeners: list[Callable[[Alert], None]] = []
        self._troubles: list[str] = []
        self._read_until = float("-inf")
        self._is_started = False
        self._lock = threading.Lock()

    def start(self) -> None:
        """Follow the feed from its newest report on. A second time it does nothing."""
        if not self._is_started:
            self._is_started = True
            self._feed.subscribe(self._read)
            self._read()

    @property
    def episodes(self) -> tuple[Episode, ...]:
        """What was found, the newest first."""
        return self._episodes

    def subscribe(self, listener: Callable[[Alert], None]) -> None:
        """Call `listener` with each alert, in the feed's thread; it must return at once."""
        with self._lock:
            self._listeners.append(listener)

    def tell_trouble(self, sentence: str) -> None:
        """Keep what could not be done, for whoever shows it."""
        with self._lock:
            self._troubles.append(sentence)

    def take_trouble(self) -> str:
        """Return once what could not be done, or an empty text."""
        with self._lock:
            return self._troubles.pop(0) if self._troubles else ""

    def _read(self) -> None:
        report = self._feed.report()
        if report is None:
            return
        with self._lock:
            if report.sample.instant.monotonic_seconds <= self._read_until:
                return
            self._read_until = report.sample.instant.monotonic_seconds
            self._made.read(report)
            self._episodes = self._made.all()
            alerts = self._onsets.read(report, self.muted.ids)
            listeners = tuple(self._listeners)
        for alert in alerts:
            for listener in listeners:
                listener(alert)
