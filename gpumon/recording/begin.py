"""Begins a recording of a feed: the one door for every front end."""

from __future__ import annotations

import socket
from datetime import datetime
from pathlib import Path

import gpumon
from gpumon.model.clock import Instant
from gpumon.model.text import clean
from gpumon.recording.about import About
from gpumon.recording.backlog import Backlog
from gpumon.recording.followed import Followed
from gpumon.recording.schema import RecordingError
from gpumon.recording.writer import Recorder
from gpumon.settings import Settings

SUFFIX = ".gpumon"


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
    recorder = Recorder(default_path(now) if path is None else path, about_of(settings, hostname, now))
    recorder.follow(feed, backlog)
    return recorder


def about_of(settings: Settings, hostname: str, now: Instant) -> About:
    """Return the metadata as far as it is known before the first sample."""
    options = (
        ("thread_rate_hertz", str(settings.thread_rate_hertz)),
        ("interpreter", str(settings.interpreter)),
        ("gpu", settings.gpu),
    )
    return About(now, hostname, settings.interval_seconds, gpumon.__version__, options=options)


def default_path(now: Instant) -> Path:
    """Return the name of a recording that was given none: the local time, in the working directory."""
    local = datetime.fromtimestamp(now.unix_seconds).astimezone()
    return Path(f"gpumon-{local:%Y%m%d-%H%M%S}{SUFFIX}")
