"""`gpumon run` as a user meets it: the command's own exit code, signals, terminal and arguments."""

from __future__ import annotations

import contextlib
import fcntl
import os
import pty
import select
import shlex
import signal
import struct
import subprocess
import sys
import termios
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from gpumon.cli.run import INJECTED, NoPlaceError, command, reporting_environment

ROOT = Path(__file__).resolve().parents[2]
RUN = [sys.executable, "-c", "from gpumon.cli.run import command; command(prog_name='gpumon run')"]
# Says "ready", then the number of the first signal that comes.
_TELLS_SIGNALS = """
import signal, sys
def tell(number, _):
    print(number, flush=True)
    sys.exit(0)
for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGWINCH, signal.SIGTSTP, signal.SIGUSR1):
    signal.signal(number, tell)
print("ready", flush=True)
while True:
    signal.pause()
"""
# Makes the terminal on descriptor 0 the controlling one, and becomes the command.
_WITH_TERMINAL = (
    "import fcntl, os, sys, termios;fcntl.ioctl(0, termios.TIOCSCTTY, 0);os.execvp(sys.argv[1], sys.argv[1:])"
)


def _run(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*RUN, *words],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
        stdin=subprocess.DEVNULL,
    )


def _mistake(*words: str) -> Result:
    return CliRunner().invoke(command, words, prog_name="gpumon run")


@pytest.mark.parametrize("code", [0, 1, 7, 255])
def test_the_exit_code_is_the_commands(code: int) -> None:
    """What the command exits with, and nothing on stdout or stderr that is not its own."""
    end = _run("--", "sh", "-c", f"echo out; echo err >&2; exit {code}")

    assert (code, "out\n", "err\n") == (end.returncode, end.stdout, end.stderr)


@pytest.mark.parametrize("name", ["TERM", "KILL", "INT", "SEGV"])
def test_a_death_by_signal_is_the_commands(name: str) -> None:
    """A command that dies by a signal dies so for its parent, whose shell then says 128 + n."""
    end = _run("--", "sh", "-c", f"kill -{name} $$")

    assert -signal.Signals[f"SIG{name}"] == end.returncode


def test_a_shell_says_128_and_the_signal() -> None:
    """In a script the exit code is 128 + n."""
    end = subprocess.run(
        ["sh", "-c", f"{shlex.join(RUN)} -- sh -c 'kill -TERM $$'; echo $?"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )

    assert f"{128 + signal.SIGTERM}\n" == end.stdout


def test_no_process_stays_in_between() -> None:
    """The command has the PID that was started, so `$!`, `nohup`, `timeout` and Slurm act on it."""
    started = subprocess.Popen(
        [*RUN, "sh", "-c", "echo $$"], cwd=ROOT, stdout=subprocess.PIPE, text=True, stdin=subprocess.DEVNULL
    )
    out, _ = started.communicate(timeout=60)

    assert f"{started.pid}\n" == out


@pytest.mark.parametrize("name", ["INT", "TERM", "HUP", "WINCH", "TSTP", "USR1"])
def test_signals_arrive(name: str) -> None:
    """A signal sent to the PID that was started is the command's to handle."""
    number = signal.Signals[f"SIG{name}"]
    started = subprocess.Popen(
        [*RUN, sys.executable, "-c", _TELLS_SIGNALS], cwd=ROOT, stdout=subprocess.PIPE, text=True
    )
    assert started.stdout is not None
    assert started.stdout.readline() == "ready\n"
    started.send_signal(number)
    out, _ = started.communicate(timeout=60)

    assert (f"{int(number)}\n", 0) == (out, started.returncode)


def _ignored_by(*words: str) -> int:
    end = subprocess.run(
        [*words, "grep", "SigIgn", "/proc/self/status"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    return int(end.stdout.split()[1], 16)


def test_signals_are_ignored_as_without_gpumon() -> None:
    """Python's own ignoring of SIGPIPE ends with it, and what nohup ignores stays ignored."""
    nohup = ["nohup", "env"]

    assert _ignored_by("env") == _ignored_by(*RUN)
    assert _ignored_by(*nohup) == _ignored_by(*nohup, *RUN)


def test_what_follows_the_command_is_the_commands() -> None:
    """Options of the command reach it with or without `--`, also those that gpumon has too."""
    program = "import sys; print(sys.argv[1:])"
    words = ["-q", "--help", "--quiet", "--", "-x"]
    with_dashes = _run("--", sys.executable, "-c", program, *words)
    without = _run(sys.executable, "-c", program, *words)

    assert f"{words}\n" == with_dashes.stdout == without.stdout


def test_stdin_and_directory_are_the_commands() -> None:
    """What is piped in arrives, and the working directory is where gpumon was started."""
    end = subprocess.run(
        [*RUN, "sh", "-c", "cat; pwd"], cwd=ROOT, input="piped\n", capture_output=True, text=True, check=True
    )

    assert f"piped\n{ROOT}\n" == end.stdout


def test_a_command_that_is_not_there(tmp_path: Path) -> None:
    """Exit code 127 as from a shell, one sentence."""
    result = _mistake("--", str(tmp_path / "train"))

    assert (127, f"gpumon: there is no command '{tmp_path / 'train'}'\n") == (result.exit_code, result.stderr)


def test_a_command_that_cannot_be_executed(tmp_path: Path) -> None:
    """Exit code 126 as from a shell, one sentence with the reason."""
    (tmp_path / "train.py").write_text("print()\n", encoding="utf-8")
    result = _mistake("--", str(tmp_path / "train.py"))

    sentence = f"gpumon: '{tmp_path / 'train.py'}' cannot be started: Permission denied\n"
    assert (126, sentence) == (result.exit_code, result.stderr)


@pytest.mark.parametrize("words", [(), ("--",), ("-q",)], ids=" ".join)
def test_no_command_is_a_usage_error(words: tuple[str, ...]) -> None:
    """Without a command: exit code 2 and what is missing."""
    result = _mistake(*words)

    assert (2, "Error: Missing argument 'COMMAND [ARGUMENT]...'.") == (
        result.exit_code,
        result.stderr.splitlines()[-1],
    )


@contextlib.contextmanager
def _terminal_of(words: list[str], **variables: str) -> Iterator[tuple[subprocess.Popen[bytes], int]]:
    """Start the command in a terminal of its own, of 30 rows and 90 columns; yield our end of it too."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 30, 90, 0, 0))
    process = subprocess.Popen(
        [sys.executable, "-c", _WITH_TERMINAL, *words],
        cwd=ROOT,
        env={**os.environ, **variables},
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        start_new_session=True,
    )
    os.close(theirs)
    try:
        yield process, ours
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        os.close(ours)


def _until(terminal: int, text: bytes) -> bytes:
    """Return what the terminal shows from now on up to the text, and what came with it."""
    seen = b""
    while text not in seen:
        assert select.select([terminal], [], [], 30.0)[0], f"no {text!r} in {seen!r}"
        seen += os.read(terminal, 4096)
    return seen


def test_the_terminal_is_the_commands() -> None:
    """Size, foreground and Ctrl-C are the command's; gpumon says one line before it starts."""
    program = "import os; print(os.get_terminal_size(), os.tcgetpgrp(0) == os.getpgrp(), flush=True)"
    with _terminal_of([*RUN, "--", sys.executable, "-c", program + _TELLS_SIGNALS]) as (process, terminal):
        seen = _until(terminal, b"ready")
        os.write(terminal, b"\x03")
        _until(terminal, b"2\r\n")
        code = process.wait(timeout=60)

    assert seen.startswith(b"gpumon: to watch this training, run gpumon in another terminal\r\n")
    assert b"os.terminal_size(columns=90, lines=30) True\r\n" in seen
    assert code == 0


def test_a_new_size_of_the_terminal_is_told_to_the_command() -> None:
    """SIGWINCH reaches it when the window changes."""
    with _terminal_of([*RUN, "-q", "--", sys.executable, "-c", _TELLS_SIGNALS]) as (process, terminal):
        seen = _until(terminal, b"ready\r\n")
        fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 31, 91, 0, 0))
        after = _until(terminal, b"28\r\n")
        process.wait(timeout=60)

    # And --quiet says nothing of its own.
    assert (b"ready\r\n", b"28\r\n") == (seen, after)


def test_job_control_of_a_shell_works() -> None:
    """Ctrl-Z stops the command, `fg` continues it, and the shell gets its exit code."""
    program = "import sys; print('ready', flush=True); sys.exit(len(sys.stdin.readline()))"
    shell = ["bash", "--norc", "--noprofile", "--noediting", "-i"]
    with _terminal_of(shell, PS1="@ ") as (_, terminal):
        os.write(terminal, shlex.join([*RUN, "-q", "--", sys.executable, "-c", program]).encode() + b"\n")
        _until(terminal, b"ready\r\n")
        os.write(terminal, b"\x1a")
        _until(terminal, b"\n@ ")
        os.write(terminal, b"fg\n")
        _until(terminal, b"sys.stdin.readline")
        os.write(terminal, b"abcd\necho code=$?\n")
        seen = _until(terminal, b"code=5")

    assert b"command not found" not in seen


def test_the_environment_keeps_what_was_there() -> None:
    """The folder comes first on PYTHONPATH, what was on it follows, and all else is untouched."""
    environment = reporting_environment({"PYTHONPATH": "/a::/b", "HOME": "/root"})

    expected = {"PYTHONPATH": f"{INJECTED}:/a::/b", "HOME": "/root", "GPUMON_REPORTER": "1"}
    assert expected == environment


@pytest.mark.parametrize("before", [{}, {"PYTHONPATH": ""}], ids=["unset", "empty"])
def test_no_working_directory_comes_onto_the_path(before: dict[str, str]) -> None:
    """An empty PYTHONPATH is none: a separator after the folder would put the working directory there."""
    assert str(INJECTED) == reporting_environment(before)["PYTHONPATH"]


def test_twice_is_once() -> None:
    """`gpumon run gpumon run ...` injects one reporter."""
    once = reporting_environment({"PYTHONPATH": "/a"})

    assert once == reporting_environment(once)


def test_a_folder_that_cannot_be_named() -> None:
    """A separator in gpumon's own path is told instead of a training without reporter."""
    with pytest.raises(NoPlaceError, match="gpumon lies in a folder with ':' in its name: /a:b/injected"):
        reporting_environment({}, Path("/a:b/injected"))
