"""Alerts of the command line: options, lines on stderr, and the command that is run."""

from __future__ import annotations

import io
import json
import sys
from dataclasses import replace
from pathlib import Path

import click
import pytest

from gpumon.cli.alerts import AlertLines, check_alerts, watched
from gpumon.settings import Settings
from tests.tui.fake_feed import FakeFeed

_TERM = {"TERM": "xterm-256color"}
_LINE = (
    "gpumon: 2026-11-18T11:07:40.000Z warning starved-too-few-workers: the GPU waits 41 % ±3 of each step"
    " for data: 2 of 2 workers are busy 98 %, 5 cores idle\n"
)


class _Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def _written(stream: io.StringIO, settings: Settings) -> str:
    feed = FakeFeed("starved", seconds=60)
    with watched(feed, settings) as watch:
        lines = AlertLines(watch, settings, stream, _TERM)
        feed.advance()
        lines.write()
        lines.write()
    return stream.getvalue()


def test_an_alert_is_a_line() -> None:
    """With the time, the severity and the sentence; a file gets nothing but text."""
    assert _LINE == _written(io.StringIO(), Settings())


def test_a_terminal_is_rung_and_asked_to_notify() -> None:
    """Bell and OSC 9, each where it is wanted."""
    loud = _written(_Terminal(), Settings())
    quiet = _written(_Terminal(), Settings(bell=False, notify="off"))

    assert loud.startswith(_LINE)
    assert "\x1b]9;gpumon on trainbox: starved-too-few-workers: the GPU waits" in loud
    assert loud.endswith("\a")
    assert _LINE == quiet


def test_a_muted_finding_is_no_line() -> None:
    """Those of --mute are told by nothing."""
    assert _written(_Terminal(), Settings(mute="starved-too-few-workers")) == ""


def test_the_command_is_run_and_its_failure_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """It gets the finding; why it failed is a line of its own, at the latest at the end."""
    script = tmp_path / "tell"
    script.write_text('#!/bin/sh\ncat > "$1"\necho no network >&2\nexit 7\n', encoding="ascii")
    script.chmod(0o700)
    settings = Settings(on_finding=f"{script} '{tmp_path}/found finding'")
    lines = _written(io.StringIO(), settings) + capsys.readouterr().err
    found = json.loads((tmp_path / "found finding").read_text(encoding="ascii"))

    assert found["finding"]["id"] == "starved-too-few-workers"
    assert lines == _LINE + "gpumon: --on-finding: the command ended with 7: no network\n"


def test_a_command_that_is_not_there_is_refused_at_once() -> None:
    """A mistake that would show only when something is found shows at the start."""
    check_alerts(Settings(on_finding=sys.executable, mute="starved-too-few-workers,unclear"))
    with pytest.raises(click.UsageError, match="there is no program 'tell-nobody'"):
        check_alerts(Settings(on_finding="tell-nobody --now"))
    with pytest.raises(click.UsageError, match="there is no finding 'starvd'"):
        check_alerts(replace(Settings(), mute="starvd"))


def test_a_stream_that_is_gone_ends_nothing() -> None:
    """A recording goes on when its terminal is lost."""
    gone = io.StringIO()
    gone.close()
    feed = FakeFeed("starved", seconds=60)
    with watched(feed, Settings()) as watch:
        lines = AlertLines(watch, Settings(), gone, _TERM)
        lines.write()

    assert gone.closed
