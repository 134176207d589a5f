"""What a shell completes, and the scripts that ask for it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import click
import pytest
from click.shell_completion import ShellComplete
from click.testing import CliRunner

from gpumon.cli import candidates
from gpumon.cli.app import COMMANDS, gpumon
from gpumon.cli.completion import SHELLS, VARIABLE
from tests.e2e.demo_runs import ROOT
from tests.unit.trainings import training


def _completed(*words: str) -> list[str]:
    """Return what may stand for the last of `words` after `gpumon`."""
    *before, incomplete = words
    made = ShellComplete(gpumon, {}, "gpumon", VARIABLE)
    return [item.value for item in made.get_completions(before, incomplete)]


def test_first_comes_a_command_or_what_attach_takes() -> None:
    """`gpumon` alone attaches, so its options stand there too."""
    assert ["snapshot"] == _completed("sn")
    assert set(COMMANDS) <= set(_completed(""))
    options = _completed("--")
    assert {"--theme", "--help"} <= set(options)
    assert len(options) == len(set(options))


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (("watch", "--fin"), ["--findings-only"]),
        (("demo", "slow"), ["slow-disk"]),
        (("--theme", "gpumon-d"), ["gpumon-dark"]),
        (("attach", "--theme", "gpumon-li"), ["gpumon-light"]),
        (("completion", ""), list(SHELLS)),
    ],
)
def test_options_and_their_values(words: tuple[str, ...], expected: list[str]) -> None:
    """Of the command that stands before."""
    assert expected == _completed(*words)


def test_help_is_followed_by_a_command() -> None:
    """`gpumon help advise` is `gpumon advise --help`."""
    assert ["advise"] == _completed("help", "adv")


@pytest.mark.parametrize("words", [("nonsense", ""), ("runs", "nonsense", ""), ("help", "nonsense", "x")])
def test_a_mistyped_command_is_no_traceback(words: tuple[str, ...]) -> None:
    """A shell would write it into the middle of the line that is typed."""
    assert _completed(*words) == [name for name in _completed(*words) if name.startswith(words[-1])]


def test_files_are_left_to_the_shell() -> None:
    """A recording to replay, and one to look at."""
    made = ShellComplete(gpumon, {}, "gpumon", VARIABLE)
    kinds = [made.get_completions(words, "") for words in (["replay"], ["advise", "--replay"])]

    assert [["file"], ["file"]] == [[item.type for item in found] for found in kinds]


def test_pids_are_those_of_trainings_with_what_they_are() -> None:
    """A shell that shows help shows which training it is; hostile names are cleaned."""
    trainings = [training(41234), training(41999, framework="torch"), training(500)]
    found = candidates.pids_of(trainings, "41")

    assert [("41234", "yolov5 train.py"), ("41999", "torch train.py")] == [
        (item.value, item.help) for item in found
    ]


def test_looking_for_trainings_on_this_machine_gives_numbers_of_processes() -> None:
    """Whatever runs here."""
    context = click.Context(gpumon)
    found = candidates.pids(context, gpumon.params[0], "")

    assert all(item.value.isdigit() for item in found)


@pytest.mark.parametrize("shell", SHELLS)
def test_a_script_asks_gpumon(shell: str) -> None:
    """It names gpumon and the variable that gpumon answers to."""
    result = CliRunner().invoke(gpumon, ["completion", shell], prog_name="gpumon")

    assert result.exit_code == 0
    assert f"{VARIABLE}={shell}_complete" in result.stdout


def test_an_unknown_shell_is_told() -> None:
    """With those there are."""
    result = CliRunner().invoke(gpumon, ["completion", "tcsh"], prog_name="gpumon")

    assert result.exit_code == 2
    assert "'bash', 'zsh', 'fish'" in result.stderr


def test_bash_completes_with_the_script(tmp_path: Path) -> None:
    """In a real bash: the script is read, a word is asked for, and the answer is there."""
    program = tmp_path / "gpumon"
    program.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m gpumon "$@"\n', encoding="utf-8")
    program.chmod(0o700)
    typed = """
        eval "$(gpumon completion bash)"
        COMP_WORDS=(gpumon demo slow); COMP_CWORD=2
        _gpumon_completion gpumon
        echo "${COMPREPLY[@]}"
    """
    finished = subprocess.run(
        ["bash", "--norc", "-c", typed],
        cwd=ROOT,
        env={**os.environ, "PATH": f"{tmp_path}:{os.environ['PATH']}", "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert ("slow-disk\n", "") == (finished.stdout, finished.stderr)
