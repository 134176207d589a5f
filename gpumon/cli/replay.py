"""`gpumon replay`, and `--replay FILE` of the commands that print."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import click

from gpumon.cli.headless import has_screen
from gpumon.cli.options import Chosen, chosen_from, shared_options
from gpumon.model.text import clean

if TYPE_CHECKING:
    from gpumon.model.report import Report
    from gpumon.recording.reader import Recording

_AT = click.option(
    "--at",
    metavar="TIME",
    help="The moment: 14:03:20, 2026-11-25T14:03:20, +12m30s after the beginning, -5m before the end.",
)


class CannotReplayError(click.ClickException):
    """A recording that cannot be read, in one sentence: exit code 1."""

    def show(self, file: IO[Any] | None = None) -> None:
        """Say it as all other messages are said."""
        del file
        # Somebody else may have named the file.
        click.echo(f"gpumon: {clean(self.message)}", err=True)


@click.command("replay", context_settings={"help_option_names": ["-h", "--help"]})
@click.argument("file", type=click.Path(path_type=Path), metavar="FILE")
@_AT
@shared_options
@click.pass_context
def command(context: click.Context, /, file: Path, at: str | None, **flags: Any) -> None:
    """Open the dashboard on a recording: play it, go through it, jump from finding to finding.

    space plays and pauses, . and , step, > and < change the speed, n goes to the next finding; ? lists
    all keys. Without --at it begins at the first sample. Where there is no terminal it prints what
    `gpumon snapshot --replay` prints.
    """
    chosen = chosen_from(flags)
    if not has_screen():
        from gpumon.cli.snapshot import write

        context.exit(write(report_from(file, at), chosen.settings, as_json=False))
    with opened(file) as recording:
        context.exit(_dashboard(recording, at, chosen))


def replay_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command --replay and --at; they arrive as `replay` and `at`, None where not given."""
    file = click.option(
        "--replay",
        type=click.Path(path_type=Path),
        metavar="FILE",
        help="Look at this recording instead of the machine.",
    )
    return file(_AT(function))


def report_from(file: Path, at: str | None, pid: int | None = None) -> Report:
    """Return the report on a moment of a recording: the last one without `at`.

    With `pid` it is that of the training whose main PID it is. Raises CannotReplayError, and UsageError
    for a time that cannot be read.
    """
    from gpumon.monitor.replay_past import Past
    from gpumon.monitor.replay_report import report_at

    with opened(file) as recording, _numbers_of(file):
        seconds = recording.last_seconds if at is None else _moment(at, recording)
        report = report_at(recording, Past(recording, seconds).window, chosen_pid=pid)
    if pid is not None and report.sample.training(pid) is None:
        raise CannotReplayError(f"{file} holds no training with PID {pid} at that moment")
    return report


def check_replay(replay: Path | None, at: str | None, record: Path | None = None) -> None:
    """Refuse --at without --replay, and --record with it."""
    if at is not None and replay is None:
        raise click.UsageError("--at is a moment of a recording: it needs --replay FILE")
    if record is not None and replay is not None:
        raise click.UsageError("--record and --replay exclude each other: a recording is there already")


@contextmanager
def opened(file: Path) -> Iterator[Recording]:
    """Open a recording that holds a sample, and close it afterwards. Raises CannotReplayError."""
    from gpumon.recording.reader import open_recording
    from gpumon.recording.schema import RecordingError

    try:
        with open_recording(file) as recording:
            if recording.is_empty:
                raise CannotReplayError(f"{file} holds no sample")
            yield recording
    except (RecordingError, LookupError) as error:
        # Deep in a file nothing knows its name any more.
        text = str(error)
        anonymous = "the recording "
        shown = f"{file} {text.removeprefix(anonymous)}" if text.startswith(anonymous) else text
        raise CannotReplayError(shown) from error


@contextmanager
def _numbers_of(file: Path) -> Iterator[None]:
    """A file may come from anyone, and hold any number: say so where one cannot be worked with."""
    try:
        yield
    except (ArithmeticError, ValueError) as error:
        raise CannotReplayError(f"{file} cannot be judged: {clean(str(error), 200)}") from error


def _moment(at: str, recording: Recording) -> float:
    from gpumon.monitor.replay_time import ReplayTimeError, moment_of

    try:
        return moment_of(at, recording)
    except ReplayTimeError as error:
        raise click.UsageError(f"--at: {error}") from error


def _dashboard(recording: Recording, at: str | None, chosen: Chosen) -> int:
    from gpumon.monitor.replay import ReplayFeed
    from gpumon.sources.clock import SystemClock
    from gpumon.tui.lean_import import OPENSSL, left_out

    clock = SystemClock()
    with _numbers_of(recording.path):
        feed = ReplayFeed(recording, clock, None if at is None else _moment(at, recording))
    feed.start()
    with left_out(*OPENSSL):
        from gpumon.tui.run import run_dashboard
    from gpumon.monitor.finding_watch import FindingWatch
    from gpumon.monitor.muted import Muted, muted_path

    # Nothing begins in a recording: the watch only knows what is muted.
    settings = chosen.settings
    muted = Muted(muted_path(), settings.muted_ids, is_written=not settings.readonly)
    try:
        watch = FindingWatch(feed, muted)
        return run_dashboard(feed, settings, clock, replay=feed, watch=watch, choices=chosen.choices())
    finally:
        feed.close()
