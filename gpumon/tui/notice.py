"""What the dashboard says for some seconds: a notification that may also be shown late."""

from __future__ import annotations

from textual.notifications import Notification

# What is to be shown when it has expired is shown for so long.
_LEAST_SECONDS = 0.05
# As many as a small terminal has room for; the oldest make room.
MOST_NOTICES = 4


class Notice(Notification):
    """A notification whose time left is never negative.

    It may expire, or the clock be set forward, between the moment at which Textual looks whether it has
    expired and that at which it makes its widget. The widget starts a timer of the time that is left, and
    with a negative time that timer counts for ever, and the dashboard stands still (Textual 8.2.8,
    `Timer._run`).
    """

    @property
    def time_left(self) -> float:
        """The seconds left, at least a moment."""
        return max(_LEAST_SECONDS, super().time_left)

    @property
    def has_expired(self) -> bool:
        """Whether its time is over."""
        return super().time_left <= 0
