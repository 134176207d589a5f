"""Keeping the runs that a front end sees, while it is open."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING

import click

from gpumon.settings import Settings

if TYPE_CHECKING:
    from gpumon.advice.prior import Prior
    from gpumon.model.reading import TrainingReading
    from gpumon.model.sample import Sample
    from gpumon.monitor.feed import LiveFeed


_SHUT_OUT = "sudo left HOME as it was, and a database of root there would be closed to you (sudo -H)"


@contextmanager
def kept_runs(
    feed: LiveFeed, settings: Settings, environ: Mapping[str, str] = os.environ, *, user_id: int | None = None
) -> Iterator[None]:
    """Add what the live `feed` shows to the database of runs, and let it learn from what is in there.

    With --readonly neither: who only reads a database of SQLite makes files beside it too. Nor does root make
    a database in the HOME of whoever called sudo, as it would be closed to them (to the files beside one that
    is there SQLite gives its owner). `environ` and `user_id` (None: the effective user) tell of that.

    Why it could not be kept is said in one sentence on stderr afterwards. Never raises for it.
    """
    if settings.readonly:
        yield
        return
    import socket

    from gpumon.cli.kept_home import shuts_out_caller
    from gpumon.recording.runs_keeper import RunKeeper
    from gpumon.recording.runs_place import boot_id, runs_path
    from gpumon.recording.runs_reach import is_there

    path, boot = runs_path(), boot_id(socket.gethostname())
    if not is_there(path) and shuts_out_caller(path, environ, user_id=user_id):
        try:
            yield
        finally:
            click.echo(f"gpumon: this run was not kept: {_SHUT_OUT}", err=True)
        return

    def load(sample: Sample, reading: TrainingReading) -> Prior:
        # In the thread that reads the database, with the first training: no first frame waits for it.
        from gpumon.recording.runs_prior import load_prior

        return load_prior(path, boot, sample, reading)

    feed.learn_from(load)
    keeper = RunKeeper(path, boot)
    keeper.follow(feed)
    try:
        yield
    finally:
        keeper.close()
        if keeper.trouble:
            click.echo(f"gpumon: this run was not kept: {keeper.trouble}", err=True)
