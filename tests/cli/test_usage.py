"""The command line as a user meets it: help, versions, and one clear sentence for every mistake."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner, Result

import gpumon as package
from gpumon.cli.app import COMMANDS, gpumon

# No process can have this PID: PID_MAX_LIMIT is 2**22 (linux/threads.h).
NO_PID = str(2**22 + 1)


def _run(*arguments: str, **environment: str) -> Result:
    runner = CliRunner(env={"XDG_CONFIG_HOME": "/nonexistent", "GPUMON_INTERVAL": "0.2", **environment})
    return runner.invoke(gpumon, arguments, prog_name="gpumon")


def _mistake(result: Result) -> str:
    """Return what the last line of a usage error says."""
    return result.stderr.splitlines()[-1].removeprefix("Error: ")


def test_the_help_names_all_commands() -> None:
    """Everything there is can be found from `gpumon --help`."""
    result = _run("--help")

    assert result.exit_code == 0
    assert [] == [command for command in COMMANDS if f"\n  {command} " not in result.stdout]


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help(command: str) -> None:
    """Each command says what it does, and every option of it what it means."""
    result = _run(command, "--help")
    described = result.stdout.partition("Options:\n")[2].splitlines()

    assert result.exit_code == 0
    assert [] == [line for line in described if line.strip().startswith("-") and len(line.split("  ")) < 3]


@pytest.mark.parametrize("flag", ["-V", "--version"])
def test_the_version(flag: str) -> None:
    """Name and version, for reports and scripts."""
    result = _run(flag)

    assert (0, f"gpumon {package.__version__}\n") == (result.exit_code, result.stdout)


@pytest.mark.parametrize("command", ["snapshot", "advise", "attach", "record", "watch"])
def test_a_process_that_does_not_exist(command: str) -> None:
    """One sentence on stderr, nothing on stdout, exit code 1."""
    result = _run(command, NO_PID)

    expected = (1, "", f"gpumon: there is no process {NO_PID}\n")
    assert expected == (result.exit_code, result.stdout, result.stderr)


def test_a_bare_pid_is_attached() -> None:
    """`gpumon PID` needs no command."""
    assert _run(NO_PID).stderr == f"gpumon: there is no process {NO_PID}\n"


MISTAKES = [
    (
        ["frobnicate"],
        f"there is no command 'frobnicate': give the PID of a training, or one of {', '.join(COMMANDS)}",
    ),
    (["--frobnicate"], "No such option"),
    (["0"], "a PID is a positive number, not '0'"),
    (["snapshot", "9" * 5000], "a PID is a positive number, not '99999999999999999999...'"),
    (["snapshto"], "there is no command 'snapshto': did you mean 'snapshot'? gpumon --help lists all"),
    (["help", "repaly"], "there is no command 'repaly': did you mean 'replay'? gpumon --help lists all"),
    (["x" * 500], f"there is no command '{'x' * 40}...': give the PID of a training, or one of attach, "),
    (["runs", "compare", "one", "2"], "a run is a number of `gpumon runs`, not 'one'"),
    (["runs", "compare", "1", "9" * 19], "a run is a number of `gpumon runs`, not '9999999999999999999'"),
    (["runs", "3"], "gpumon runs lists them, gpumon runs compare A B compares two; not '3'"),
    (["snapshot", "train.py"], "a PID is a positive number, not 'train.py'"),
    (["snapshot", "-1"], "No such option"),
    (["12", "34"], "Got unexpected extra argument (34)"),
    (["--gpu", "0", "snapshot"], "options stand after the command: gpumon snapshot --gpu ..."),
    (["--interval", "fast"], "--interval must be a number, not 'fast'"),
    (["--interval", "0.01"], "--interval must be between 0.2 and 60 seconds, not 0.01"),
    (["snapshot", "--interval", "nan"], "--interval must be between 0.2 and 60 seconds, not nan"),
    (["--thread-rate", "1000"], "--thread-rate must be between 0 and 50 a second, not 1000"),
    (["advise", "--timeout", "0"], "Invalid value for '--timeout': "),
    (["advise", "--timeout", "nan"], "Invalid value for '--timeout': nan is no time."),
    (["watch", "--every", "nan"], "Invalid value for '--every': nan is no time."),
    (["watch", "--for", "inf"], "Invalid value for '--for': inf is no time."),
    (["record", "--for", "nan"], "Invalid value for '--for': nan is no time."),
    (["--on-finding", "true"], "--on-finding needs a dashboard; without a terminal use gpumon record"),
    (
        ["record", "--on-finding", "no-such-program x"],
        "the setting on_finding: there is no program 'no-such-program'",
    ),
    (["record", "--notify", "loud"], "--notify must be one of auto, osc9, osc777, off, not 'loud'"),
    (["record", "--mute", "hang"], "the setting mute: there is no finding 'hang'"),
    (
        ["demo", "broken"],
        "there is no scenario 'broken': choose one of healthy, starved, oversubscribed, slow-disk, ",
    ),
    (
        ["--config", "/nonexistent/x.toml"],
        "the config file /nonexistent/x.toml cannot be read: No such file or directory",
    ),
]


@pytest.mark.parametrize("command", [[], ["advise"], ["runs", "compare"]], ids=" ".join)
def test_help_is_a_command_too(command: list[str]) -> None:
    """As other programs have it; it prints what --help prints."""
    asked, usual = _run("help", *command), _run(*command, "--help")

    assert (0, usual.stdout) == (asked.exit_code, asked.stdout)


@pytest.mark.parametrize(("arguments", "sentence"), MISTAKES, ids=[" ".join(m[0])[:40] for m in MISTAKES])
def test_a_mistake_is_told_in_one_sentence(arguments: list[str], sentence: str) -> None:
    """Exit code 2, nothing on stdout, and a last line that says what is wrong and what would be right."""
    result = _run(*arguments)

    # The rest of some sentences is click's, and differs between its versions.
    assert (2, "", sentence) == (result.exit_code, result.stdout, _mistake(result)[: len(sentence)])


def test_a_bad_variable_is_named() -> None:
    """The environment is checked as the flags are."""
    result = _run("snapshot", GPUMON_INTERVAL="soon")

    assert (2, "GPUMON_INTERVAL must be a number, not 'soon'") == (result.exit_code, _mistake(result))


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"interval = [", "is not TOML: "),
        (b"\xff\xfe", "is not TOML: "),
        (b"gpu = " + b"[" * 20_000, "is not TOML: its arrays are nested too deep"),
        (b"#" * 70_000, "is larger than 65536 bytes"),
        (b"colour = true\n", "the config file has no setting named 'colour'"),
        (b"[tui]\nascii = true\n", "the config file has no setting named 'tui'"),
        (b"interval = 0\n", "interval in the config file must be between 0.2 and 60 seconds, not 0"),
    ],
    ids=["broken", "no-text", "deep", "huge", "unknown", "table", "range"],
)
def test_a_bad_config_file_is_told(tmp_path: Path, content: bytes, sentence: str) -> None:
    """A config file that cannot be used ends gpumon with the reason, not with a traceback."""
    path = tmp_path / "config.toml"
    path.write_bytes(content)
    result = CliRunner(env={}).invoke(gpumon, ["snapshot", "--config", str(path)], prog_name="gpumon")

    assert result.exit_code == 2
    assert sentence in _mistake(result)


def test_the_default_config_file_is_read(tmp_path: Path) -> None:
    """Without --config the file is where XDG says."""
    (tmp_path / "gpumon").mkdir()
    (tmp_path / "gpumon/config.toml").write_text("interval = 0\n", encoding="utf-8")
    runner = CliRunner(env={"XDG_CONFIG_HOME": str(tmp_path)})

    result = runner.invoke(gpumon, ["snapshot"], prog_name="gpumon")

    assert _mistake(result).startswith("interval in the config file must be")


def test_a_config_file_that_is_a_directory(tmp_path: Path) -> None:
    """A directory is named as one."""
    result = _run("--config", str(tmp_path))

    assert (2, f"Invalid value for '--config': File '{tmp_path}' is a directory.") == (
        result.exit_code,
        _mistake(result),
    )


def test_the_scenarios_are_listed() -> None:
    """Each scenario has a line with its name and what is the matter."""
    result = _run("demo", "--list")
    names = [line.split()[0] for line in result.stdout.splitlines()]

    assert (0, ["healthy", "starved", "oversubscribed", "slow-disk", "memory-creep"]) == (
        result.exit_code,
        names,
    )


def test_the_help_of_the_demo_names_every_scenario() -> None:
    """What may be given stands in the help."""
    text = " ".join(_run("demo", "--help").stdout.split())

    assert [] == [
        line.split()[0] for line in _run("demo", "--list").stdout.splitlines() if line.split()[0] not in text
    ]
