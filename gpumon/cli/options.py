"""Options that all front ends share, and the settings made of them."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from gpumon.settings import Settings, SettingsError, resolve

# A config file is a few lines; more is a mistake.
_MAX_CONFIG_BYTES = 1 << 16


def pid_argument(function: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command the argument PID; it arrives as `pid`, None where it was not given."""
    return click.argument("pid", metavar="[PID]", type=_to_pid, required=False)(function)


def _to_pid(text: str) -> int:
    if not (text.isascii() and text.isdigit() and int(text) > 0):
        raise click.UsageError(f"a PID is a positive number, not {text!r}")
    return int(text)


def shared_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command the shared options; they arrive as keyword arguments for `settings_from`."""
    options = [
        # Numbers are converted by `resolve`, in the words it has for variables and the config file too.
        click.option("--interval", metavar="SECONDS", help="Seconds between samples, 0.2 to 60 (default 1)."),
        click.option("--gpu", metavar="INDEX|UUID", help="Only this GPU (NVML's index, or its UUID)."),
        click.option("--ascii", is_flag=True, default=None, help="Write ASCII characters only."),
        click.option("--color/--no-color", default=None, help="Colour, or none (NO_COLOR is honoured)."),
        click.option(
            "--theme", metavar="NAME", help="A Textual theme; ansi-dark and ansi-light for 16 colours."
        ),
        click.option("--mouse/--no-mouse", default=None, help="Let the dashboard use the mouse (default)."),
        click.option(
            "--low-bandwidth", is_flag=True, default=None, help="Redraw less: for a slow connection."
        ),
        click.option(
            "--thread-rate",
            metavar="HZ",
            help="Looks a second at the training's threads, 0 to 50 (default 20; 0: none).",
        ),
        click.option(
            "--no-interpreter",
            "interpreter",
            flag_value=False,
            default=None,
            help="Leave other processes' memory alone: look at their threads from outside only.",
        ),
        click.option("--readonly", is_flag=True, default=None, help="Write no file and signal no process."),
        click.option(
            "--config",
            type=click.Path(dir_okay=False),
            metavar="PATH",
            help="Read this config file (default ~/.config/gpumon/config.toml).",
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
        try:
            if not file.is_file():
                return {}
        except OSError:
            # A HOME of somebody else, as sudo may keep it: there is no config of ours in it.
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
    # Imported only where there is such a file.
    if sys.version_info >= (3, 11):
        import tomllib
    else:
        import tomli as tomllib
    try:
        parsed: dict[str, Any] = tomllib.loads(text.decode())
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SettingsError(f"the config file {file} is not TOML: {error}") from None
    return parsed
