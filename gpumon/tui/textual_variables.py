"""Textual's own variables: what it would end with in a traceback is refused before, in one sentence."""

from __future__ import annotations

import importlib
import os
from collections.abc import Callable, Mapping
from inspect import isclass
from pathlib import Path

from rich.console import COLOR_SYSTEMS
from textual.driver import Driver

from gpumon.settings import SettingsError

_MOST_FRAMES = 1000
_SHOWN_CHARACTERS = 80


def check_variables(environ: Mapping[str, str]) -> None:
    """Raise SettingsError for a variable of Textual that cannot be used.

    Values that Textual itself passes over for its defaults, as numbers that are none, are no matter.
    """
    for name, reason_of in _REASONS.items():
        value = environ.get(name)
        if value is not None and (reason := reason_of(value, environ)):
            shown = value if len(value) <= _SHOWN_CHARACTERS else f"{value[:_SHOWN_CHARACTERS]}..."
            raise SettingsError(f"the variable {name} cannot be {shown!r}: {reason}")


def _driver(value: str, _environ: Mapping[str, str]) -> str:
    module, _, name = value.partition(":")
    try:
        found = getattr(importlib.import_module(module), name)
    except Exception:  # noqa: BLE001 - a module of anybody's: whatever it ends with, it is no driver
        found = None
    return "" if isclass(found) and issubclass(found, Driver) else "no driver is there (MODULE:CLASS)"


def _color_system(value: str, _environ: Mapping[str, str]) -> str:
    known = ("auto", *COLOR_SYSTEMS)
    return "" if value in known else f"there are {', '.join(known)}"


def _frames(value: str, _environ: Mapping[str, str]) -> str:
    frames = _number(value)
    return "" if frames is None or frames <= _MOST_FRAMES else f"it is at most {_MOST_FRAMES}"


def _log(value: str, _environ: Mapping[str, str]) -> str:
    try:
        # A pipe without a reader would be waited for.
        os.close(os.open(value, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NONBLOCK | os.O_CLOEXEC, 0o600))
    except (OSError, ValueError) as error:
        return f"it cannot be written: {getattr(error, 'strerror', error)}"
    return ""


def _screenshot(value: str, environ: Mapping[str, str]) -> str:
    seconds = _number(value)
    if seconds is None or seconds < 0:
        return ""
    folder = Path(environ.get("TEXTUAL_SCREENSHOT_LOCATION", ""))
    folder = (folder / environ.get("TEXTUAL_SCREENSHOT_FILENAME", "picture")).parent
    return "" if os.access(folder, os.W_OK | os.X_OK) else f"no picture can be written to {str(folder)!r}"


def _number(text: str) -> int | None:
    try:
        return int(text)
    except ValueError:
        return None


_REASONS: Mapping[str, Callable[[str, Mapping[str, str]], str]] = {
    "TEXTUAL_DRIVER": _driver,
    "TEXTUAL_COLOR_SYSTEM": _color_system,
    "TEXTUAL_FPS": _frames,
    "TEXTUAL_LOG": _log,
    "TEXTUAL_SCREENSHOT": _screenshot,
}
