"""`gpumon serve` on the command line: what it refuses, and what it hands on."""

from __future__ import annotations

import signal
import socket
import subprocess
import sys
from typing import Any

import click
import pytest
from click.testing import CliRunner

from gpumon.cli import serve
from tests.e2e.demo_runs import ROOT, environment


def _words(*arguments: str) -> list[str]:
    """Return the command behind a page of `gpumon serve ARGUMENTS`, after that of gpumon itself."""
    found: list[list[str]] = []

    @click.pass_context
    def call(context: click.Context, /, pid: int | None, port: int, host: str, **flags: Any) -> None:
        del port, host
        found.append(serve.dashboard_words(context, pid, flags))

    same = click.Command("serve", params=serve.command.params, callback=call)
    same.main(list(arguments), standalone_mode=False)
    (words,) = found
    assert words[:4] == [sys.executable, "-m", "gpumon.cli.served", "attach"]
    return words[4:]


# What each page's dashboard is told at the end.
_SHOWS = ("--on-finding", "", "--readonly")


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ((), [*_SHOWS]),
        (("41234", "--interval", "2"), ["41234", "--interval", "2", *_SHOWS]),
        (
            ("--ascii", "--no-color", "--no-interpreter"),
            ["--ascii", "--no-color", "--no-interpreter", *_SHOWS],
        ),
        (("--color", "--theme", "a b;c", "--readonly"), ["--color", "--theme", "a b;c", *_SHOWS]),
        (("--port", "0", "--gpu", "GPU-1"), ["--gpu", "GPU-1", *_SHOWS]),
    ],
)
def test_shared_options_are_handed_on_and_nothing_may_be_written(
    given: tuple[str, ...], expected: list[str]
) -> None:
    """As words, which no shell sees; --readonly always, and each finding is told by no page's own command."""
    assert expected == _words(*given)


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.7", "box", ""])  # noqa: S104 - refused
def test_other_addresses_are_refused_with_the_way_that_works(host: str) -> None:
    """There is no password, so nobody else may reach it; ssh is how to."""
    result = CliRunner().invoke(serve.command, ["--host", host, "--port", "9000"])

    assert result.exit_code == 2
    assert f"ssh -L 9000:localhost:9000 {socket.gethostname()}" in result.stderr


def test_a_theme_that_does_not_exist_is_told_at_the_start() -> None:
    """Not by each page."""
    result = CliRunner(env={"XDG_CONFIG_HOME": "/nonexistent"}).invoke(serve.command, ["--theme", "neon"])

    assert result.exit_code == 2
    assert "there is no theme 'neon'" in result.stderr


def test_a_finding_that_does_not_exist_is_told_at_the_start() -> None:
    """So is what the config file mutes: each page would end with that."""
    environment = {"XDG_CONFIG_HOME": "/nonexistent", "GPUMON_MUTE": "neon"}
    result = CliRunner(env=environment).invoke(serve.command, [])

    assert result.exit_code == 2
    assert "there is no finding 'neon'" in result.stderr


def test_without_the_extra_one_sentence_says_what_to_install() -> None:
    """What is not there is not tried."""
    assert serve.missing_extra(lambda _: None) == "serve needs its extra: pip install 'gpumon[serve]'"
    assert serve.missing_extra() == ""


def test_a_port_that_is_taken_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    """One sentence, exit code 1."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]

        assert serve.serve(["false"], "127.0.0.1", port) == 1
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err == (
        f"gpumon: port {port} cannot be listened on: Address already in use; --port takes another\n"
    )


def test_it_prints_its_address_and_ends_on_a_signal() -> None:
    """The address alone on stdout, with a token nobody can guess; the way through ssh on stderr."""
    with subprocess.Popen(
        [sys.executable, "-m", "gpumon", "serve", "--port", "0"],
        cwd=ROOT, env=environment(), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
        stderr=subprocess.PIPE, text=True,
    ) as process:  # fmt: skip
        assert process.stdout is not None
        assert process.stderr is not None
        address = process.stdout.readline().strip()
        way = process.stderr.readline()
        with socket.create_connection(("127.0.0.1", int(address.split("/")[2].split(":")[1])), 30):
            process.send_signal(signal.SIGINT)
            code = process.wait(30)
        rest = process.stdout.read()

    token = address.split("/")[3]
    assert (0, "") == (code, rest)
    assert len(token) >= 32
    assert f"then open http://localhost:{address.split(':')[2]}" in way
