"""`gpumon runs`: the trainings that gpumon saw, and two of them side by side."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterable
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

import click

if TYPE_CHECKING:
    from gpumon.recording.runs import RunsDatabase
    from gpumon.recording.runs_run import Run

T = TypeVar("T")

# SQLite numbers rows up to 2**63 - 1, which has 19 digits.
_MOST_DIGITS = 19
_HELP = {"help_option_names": ["-h", "--help"]}


class RunNumber(click.IntRange):
    """The number of a run, as `gpumon runs` lists it."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """Return the number, or fail with what is one."""
        del param
        text = str(value)
        if not (text.isascii() and text.isdigit() and len(text) < _MOST_DIGITS and int(text) > 0):
            raise click.UsageError(f"a run is a number of `gpumon runs`, not {text[:_MOST_DIGITS]!r}", ctx)
        return int(text)


class RunsGroup(click.Group):
    """A group that says what it can do instead of what it cannot."""

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command, or say which there is."""
        if args[0] not in self.commands and not ctx.resilient_parsing:
            text = f"gpumon runs lists them, gpumon runs compare A B compares two; not {args[0][:40]!r}"
            raise click.UsageError(text, ctx)
        return super().resolve_command(ctx, args)


@click.group("runs", cls=RunsGroup, context_settings=_HELP, invoke_without_command=True)
@click.option("--json", "as_json", is_flag=True, help="Print the JSON document (schema 1).")
@click.option(
    "-n",
    "--limit",
    type=click.IntRange(min=1),
    default=20,
    show_default=True,
    metavar="COUNT",
    help="List the newest COUNT runs.",
)
@click.option("--ascii", "is_ascii", is_flag=True, help="Write ASCII characters only.")
@click.pass_context
def command(context: click.Context, /, *, as_json: bool, limit: int, is_ascii: bool) -> None:
    """List the trainings that gpumon was attached to: settings, speed, wait, peak memory, how they ended.

    Intervals are 90 %. `gpumon runs compare A B` sets two of them side by side.
    """
    if context.invoked_subcommand is not None:
        context.obj = (as_json, is_ascii)
        return
    from gpumon.cli.runs_document import runs_document
    from gpumon.cli.runs_lines import run_lines
    from gpumon.recording.runs import MOST_RUNS
    from gpumon.recording.runs_place import runs_path
    from gpumon.recording.runs_reach import is_there, why_not_kept
    from gpumon.recording.runs_statistics import summed

    path = runs_path()
    has_any = is_there(path)
    if not has_any and (reason := why_not_kept(path)):
        click.echo(f"gpumon: there are no runs yet, and {reason}", err=True)
    elif not has_any and not as_json:
        click.echo(
            "gpumon: there are no runs yet: gpumon keeps one whenever it is attached to a training", err=True
        )
    if not has_any and not as_json:
        return
    runs: tuple[Run, ...] = ()
    if has_any:
        database = _open(context)
        try:
            runs = _read(context, lambda: tuple(map(summed, database.runs(min(limit, MOST_RUNS)))))
        finally:
            database.close()
    if as_json:
        _print_json(runs_document(runs, _boot(), _version()))
    else:
        _print_lines(run_lines(runs, _boot()), is_ascii=is_ascii)


@command.command("compare", context_settings=_HELP)
@click.argument("one", metavar="A", type=RunNumber())
@click.argument("other", metavar="B", type=RunNumber())
@click.option("--json", "as_json", is_flag=True, help="Print the JSON document (schema 1).")
@click.option("--ascii", "is_ascii", is_flag=True, help="Write ASCII characters only.")
@click.pass_context
def compare_runs(context: click.Context, /, one: int, other: int, *, as_json: bool, is_ascii: bool) -> None:
    """Set run B beside run A: which settings differ, and what B's speed, wait and memory are against A's.

    A and B are numbers of `gpumon runs`. Exit code 1: there is no such run.
    """
    from gpumon.cli.runs_document import comparison_document
    from gpumon.cli.runs_lines import comparison_lines
    from gpumon.recording.runs_compare import compare

    if one == other:
        raise click.UsageError(f"{one} and {other} are one and the same run: give two", context)
    # Options may stand before `compare` too.
    before_json, before_ascii = context.obj
    as_json, is_ascii = as_json or before_json, is_ascii or before_ascii
    database = _open(context)
    try:
        runs = []
        for number in (one, other):
            found = _read(context, partial(database.run, number))
            if found is None:
                click.echo(f"gpumon: there is no run {number}: `gpumon runs` lists them", err=True)
                context.exit(1)
            runs.append(found)
    finally:
        database.close()
    comparison = compare(*runs)
    if as_json:
        _print_json(comparison_document(comparison, _boot(), _version()))
    else:
        _print_lines(comparison_lines(comparison, _boot()), is_ascii=is_ascii)


def _open(context: click.Context) -> RunsDatabase:
    from gpumon.recording.runs import RunsDatabase
    from gpumon.recording.runs_place import runs_path

    return _read(context, lambda: RunsDatabase(runs_path(), readonly=True))


def _read(context: click.Context, read: Callable[[], T]) -> T:
    """Return what `read` returns; what is wrong with the database ends with 1 and its sentence."""
    from gpumon.recording.runs_run import RunsError

    try:
        return read()
    except RunsError as error:
        click.echo(f"gpumon: {error}", err=True)
        context.exit(1)


def _boot() -> str:
    import socket

    from gpumon.recording.runs_place import boot_id

    return boot_id(socket.gethostname())


def _version() -> str:
    import gpumon as package

    return package.__version__


def _print_json(found: dict[str, Any]) -> None:
    click.echo(json.dumps(found, indent=2, allow_nan=False, ensure_ascii=True))


def _print_lines(lines: Iterable[str], *, is_ascii: bool) -> None:
    encoding = (sys.stdout.encoding or "").lower().replace("-", "")
    for line in lines:
        click.echo(_ascii(line) if is_ascii or encoding != "utf8" else line)


def _ascii(text: str) -> str:
    for mark, plain in (("–", "-"), ("×", "x"), ("≥", ">="), ("…", "...")):
        text = text.replace(mark, plain)
    return text.encode("ascii", "replace").decode()
