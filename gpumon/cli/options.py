"""Options that all front ends share, and the settings made of them."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from gpumon.settings import Settings, SettingsError, resolve

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

# A config file is a few lines; more is a mistake.
_MAX_CONFIG_BYTES = 1 << 16


def shared_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command the shared options; they arrive as keyword arguments for `settings_from`."""
    options = [
        click.option(
            "--interval", type=float, metavar="SECONDS", help="Seconds between samples (default 1)."
        ),
        click.option("--gpu", metavar="INDEX|UUID", help="Only this GPU (NVML's index, or its UUID)."),
        click.option("--ascii", is_flag=True, default=None, help="Only ASCII characters."),
        click.option("--color/--no-color", default=None, help="Colour, or none (NO_COLOR is honoured)."),
        click.option(
            "--theme", metavar="NAME", help="A Textual theme; ansi-dark and ansi-light for 16 colours."
        ),
        click.option(
            "--thread-rate", type=float, metavar="HZ", help="Looks a second at threads (20; 0: none)."
        ),
        click.option("--readonly", is_flag=True, default=None, help="Never offer to signal a process."),
        click.option(
            "--config", type=click.Path(dir_okay=False), metavar="PATH", help="Another config file."
        ),
    ]
    for option in reversed(options):
        function = option(function)
    return function


def settings_from(flags: dict[str, Any]) -> Settings:
    """Return the settings of flags, environment and config file; usage errors exit with 2."""
    config = flags.pop("config", None)
    try:
        return resolve(flags, os.environ, _read_config(config))
    except SettingsError as error:
        raise click.UsageError(str(error)) from None


def _read_config(path: str | None) -> dict[str, Any]:
    """Return the parsed config file; an absent default one is empty."""
    if path is None:
        import platformdirs

        file = platformdirs.user_config_path("gpumon") / "config.toml"
        if not file.is_file():
            return {}
    else:
        file = Path(path)
    try:
        with file.open("rb") as opened:
            text = opened.read(_MAX_CONFIG_BYTES + 1)
    except OSError as error:
        raise SettingsError(f"the config file {file} cannot be read: {error.strerror}") from None
    if len(text) > _MAX_CONFIG_BYTES:
        raise SettingsError(f"the config file {file} is larger than {_MAX_CONFIG_BYTES} bytes")
    try:
        parsed: dict[str, Any] = tomllib.loads(text.decode())
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SettingsError(f"the config file {file} is not TOML: {error}") from None
    return parsed
