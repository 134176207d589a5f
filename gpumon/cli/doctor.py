"""`gpumon doctor`: what can be read here, what not and why, and what helps."""

from __future__ import annotations

import json
import os
import shutil
import socket
import sys
from typing import TYPE_CHECKING, Any

import click

import gpumon as package
from gpumon.cli.options import pid_argument, settings_from, shared_options
from gpumon.settings import Settings

if TYPE_CHECKING:
    from gpumon.doctor.examine import Examination
    from gpumon.paint.row import Row

_PLAIN_COLUMNS = 80
_MOST_COLUMNS = 120
_STYLES: dict[str, dict[str, Any]] = {
    "ok": {"fg": "green"},
    "note": {"dim": True},
    "limited": {"fg": "yellow", "bold": True},
    "missing": {"fg": "red", "bold": True},
    "head": {"bold": True},
    "command": {"fg": "cyan"},
}


@click.command("doctor", context_settings={"help_option_names": ["-h", "--help"]})
@pid_argument
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document (schema 1).")
@shared_options
@click.pass_context
def command(context: click.Context, /, pid: int | None, as_json: bool, **flags: Any) -> None:
    """Say what gpumon can read here (of PID, or of the trainings that run), what not, and what helps.

    It watches for some seconds. Exit code 0: all that matters can be read; 1: something falls short, and
    what helps is printed; 2: nothing can be read, or there is no process PID.
    """
    settings = settings_from(flags)
    examination = _examine(settings, pid)
    if as_json:
        _print_json(examination)
    else:
        _print_plain(examination, settings)
    context.exit(examination.exit_code)


def _examine(settings: Settings, pid: int | None) -> Examination:
    from gpumon.doctor.examine import examine, examine_foreign_system

    if not sys.platform.startswith("linux"):
        return examine_foreign_system(sys.platform)
    from gpumon.doctor.gather.facts import gather

    return examine(gather(settings, pid))


def _print_json(examination: Examination) -> None:
    from gpumon.doctor.document import document
    from gpumon.model.text import clean
    from gpumon.sources.clock import SystemClock

    found = document(
        examination,
        version=package.__version__,
        hostname=clean(socket.gethostname(), 255),
        unix_seconds=SystemClock().now().unix_seconds,
    )
    click.echo(json.dumps(found, indent=2, allow_nan=False, ensure_ascii=True))


def _print_plain(examination: Examination, settings: Settings) -> None:
    from gpumon.doctor.plain import rows

    is_terminal = sys.stdout.isatty()
    width = min(shutil.get_terminal_size().columns, _MOST_COLUMNS) if is_terminal else _PLAIN_COLUMNS
    encoding = (sys.stdout.encoding or "").lower().replace("-", "")
    is_ascii = settings.ascii or encoding != "utf8"
    has_color = is_terminal and settings.color and os.environ.get("TERM", "") not in ("", "dumb")
    for row in rows(examination, width):
        click.echo(_text(row, has_color=has_color, is_ascii=is_ascii), color=has_color)


def _text(row: Row, *, has_color: bool, is_ascii: bool) -> str:
    """Return a row as a line, with colours where there are any."""
    line = ""
    for span in row:
        text = span.text.replace("\N{NO-BREAK SPACE}", " ")
        if is_ascii:
            text = text.replace("±", "+-").encode("ascii", "replace").decode()
        is_styled = has_color and span.role in _STYLES and text.strip()
        line += click.style(text, **_STYLES[span.role]) if is_styled else text
    return line
