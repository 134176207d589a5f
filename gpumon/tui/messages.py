"""What the dashboard is told from outside its own thread."""

from __future__ import annotations

from textual.message import Message


class NewsArrived(Message, bubble=False):
    """There is a newer report. Dropping one loses nothing: the receiver asks the feed for the newest."""

    def can_replace(self, message: Message) -> bool:
        """Tell Textual that a queued one stands for this one too."""
        return isinstance(message, NewsArrived)
