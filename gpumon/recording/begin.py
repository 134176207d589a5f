"""Begins a recording of a feed: the one door for every front end."""

from __future__ import annotations

import socket
from contextlib import suppress
from datetime import datetime
from pathlib import Path

import gpumon
from gpumon.model.clock import Instant
from gpumon.model.text import clean
from gpumon.recording.about import About
from gpumon.recording.backlog import Backlog
from gpumon.recording.followed import Followed
from gpumon.recording.schema import NameTakenError, RecordingError
from gpumon.recording.writer import Recorder
from gpumon.settings import Settings

SUFFIX = ".gpumon"
_MOST_OF_A_SECOND = 100


def begin_recording(
    path: Path | None, feed: Followed, settings: Settings, now: Instant, backlog: Backlog | None = None
) -> Recorder:
    """Record `feed` from now on into `path` (None: a new name in the working directory).

    `backlog` is what was seen of it before; without one the samples that it still has are written first.

    Raises RecordingError where nothing may be written, or the file cannot be made.
    """
    if settings.readonly:
        raise RecordingError("--readonly writes no file")
    hostname = clean(socket.gethostname(), 255)
    about = about_of(settings, hostname, now)
    recorder = _of_new_name(about, now) if path is None else Recorder(path, about)
    recorder.follow(feed, backlog)
    return recorder


def _of_new_name(about: About, now: Instant) -> Recorder:
    """Record into a file of a name of the moment; several may begin in one second, as from a loop."""
    for number in range(1, _MOST_OF_A_SECOND):
        with suppress(NameTakenError):
            return Recorder(default_path(now, number), about)
    return Recorder(default_path(now, _MOST_OF_A_SECOND), about)


def about_of(settings: Settings, hostname: str, now: Instant) -> About:
    """Return the metadata as far as it is known before the first sample."""
    options = (
        ("thread_rate_hertz", str(settings.thread_rate_hertz)),
        ("interpreter", str(settings.interpreter)),
        ("gpu", settings.gpu),
    )
    return About(now, hostname, settings.interval_seconds, gpumon.__version__, options=options)


def default_path(now: Instant, number: int = 1) -> Path:
    """Return the name of a recording that was given none: the local time, in the working directory.

    From the second of one moment on with its number.
    """
    local = datetime.fromtimestamp(now.unix_seconds).astimezone()
    more = f"-{number}" if number > 1 else ""
    return Path(f"gpumon-{local:%Y%m%d-%H%M%S}{more}{SUFFIX}")
