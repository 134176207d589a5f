"""`--record FILE`: a recording beside any front end."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import click

from gpumon.settings import Settings

if TYPE_CHECKING:
    from gpumon.recording.followed import Followed
    from gpumon.recording.writer import Recorder


class CannotRecordError(click.ClickException):
    """A recording that cannot be made, in one sentence: exit code 1."""

    def show(self, file: IO[Any] | None = None) -> None:
        """Say it as all other messages are said."""
        del file
        click.echo(f"gpumon: {self.message}", err=True)


def record_option(function: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command the option --record; it arrives as `record`, None where it was not given."""
    return click.option(
        "--record",
        type=click.Path(dir_okay=False, path_type=Path),
        metavar="FILE",
        help="Record everything that is seen into this new file.",
    )(function)


@contextmanager
def recorded(path: Path | None, feed: Followed, settings: Settings) -> Iterator[Recorder | None]:
    """Record `feed` into `path` while the block runs (None: do not), and say what became of it.

    Raises CannotRecordError before the block.
    """
    if path is None:
        yield None
        return
    recorder = start(path, feed, settings)
    try:
        yield recorder
    finally:
        recorder.close()
        click.echo(f"gpumon: {recorder.state.text}", err=True)


def start(path: Path | None, feed: Followed, settings: Settings) -> Recorder:
    """Return a recorder that follows `feed`. Raises CannotRecordError."""
    from gpumon.recording.begin import begin_recording
    from gpumon.recording.schema import RecordingError
    from gpumon.sources.clock import SystemClock

    try:
        return begin_recording(path, feed, settings, SystemClock().now())
    except RecordingError as error:
        raise CannotRecordError(str(error)) from error
