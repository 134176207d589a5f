"""Keeping the runs that a front end sees, while it is open."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import click

from gpumon.settings import Settings

if TYPE_CHECKING:
    from gpumon.monitor.feed import Feed


@contextmanager
def kept_runs(feed: Feed, settings: Settings) -> Iterator[None]:
    """Add what the live `feed` shows to the database of runs; with --readonly nothing is written.

    Why it could not be kept is said in one sentence on stderr afterwards. Never raises for it.
    """
    if settings.readonly:
        yield
        return
    import socket

    from gpumon.recording.runs_keeper import RunKeeper
    from gpumon.recording.runs_place import boot_id, runs_path

    keeper = RunKeeper(runs_path(), boot_id(socket.gethostname()))
    keeper.follow(feed)
    try:
        yield
    finally:
        keeper.close()
        if keeper.trouble:
            click.echo(f"gpumon: this run was not kept: {keeper.trouble}", err=True)
