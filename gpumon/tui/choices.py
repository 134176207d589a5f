"""Where the dashboard keeps what the user chooses in it."""

from __future__ import annotations

from typing import Protocol


class Choices(Protocol):
    """Keeps settings for the next start (gpumon.cli.config_file)."""

    def keep(self, name: str, value: str | bool) -> str:
        """Keep a setting; return in a few words why it could not be, or an empty text."""
        ...


class NoChoices:
    """Keeps nothing."""

    def keep(self, name: str, value: str | bool) -> str:
        """Return that there is nowhere to keep it."""
        del name, value
        return "there is no config file"
