"""Options that all front ends share, and the settings made of them."""

from __future__ import annotations

import math
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import click

from gpumon.cli.candidates import pids, themes
from gpumon.cli.config_file import ConfigFile, config_path, read_config
from gpumon.settings import Resolved, Settings, SettingsError, resolved

_MOST_DIGITS = 20


def pid_argument(function: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command the argument PID; it arrives as `pid`, None where it was not given."""
    return click.argument("pid", metavar="[PID]", type=_to_pid, required=False, shell_complete=pids)(function)


def _to_pid(text: str) -> int:
    # What is longer is no PID (PID_MAX_LIMIT is 2**22, linux/threads.h), and from 4300 digits no int either.
    if not (text.isascii() and text.isdigit() and len(text) <= _MOST_DIGITS and int(text) > 0):
        shown = text if len(text) <= _MOST_DIGITS else f"{text[:_MOST_DIGITS]}..."
        raise click.UsageError(f"a PID is a positive number, not {shown!r}")
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
            "--theme",
            metavar="NAME",
            shell_complete=themes,
            help="gpumon-dark, -light, -contrast, -contrast-light, -colour-blind, -colour-blind-light;"
            " ansi-dark, ansi-light (16 colours); or another theme of Textual.",
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


class Seconds(click.FloatRange):
    """A time in seconds: of all that is a float, neither nan nor infinite."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Return the number, or fail as the range does."""
        number = super().convert(value, param, ctx)
        if not math.isfinite(number):
            self.fail(f"{value} is no time.", param, ctx)
        return number


class Chosen(NamedTuple):
    """What was chosen for this start: the settings with their origins, and the config file."""

    resolved: Resolved
    path: Path

    @property
    def settings(self) -> Settings:
        """The settings."""
        return self.resolved.settings

    def choices(self) -> ConfigFile:
        """Return where the dashboard keeps what is chosen in it."""
        return ConfigFile(self.path, self.resolved)


def settings_from(flags: dict[str, Any]) -> Settings:
    """Return the settings of flags, environment and config file; usage errors exit with 2."""
    return chosen_from(flags).settings


def chosen_from(flags: dict[str, Any]) -> Chosen:
    """Return the same settings with where each comes from, and the file; usage errors exit with 2."""
    config = flags.pop("config", None)
    try:
        return Chosen(resolved(flags, os.environ, read_config(config)), config_path(config))
    except SettingsError as error:
        raise click.UsageError(str(error)) from None
