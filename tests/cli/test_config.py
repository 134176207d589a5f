"""The config file: what is kept in it, what stays in it, and `gpumon config`."""

from __future__ import annotations

import json
import os
import stat
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from hypothesis import given
from hypothesis import strategies as st
from tomlkit import dumps

from gpumon.cli.app import gpumon
from gpumon.cli.config_file import ConfigFile, _CannotKeepError, _changed, _parsed, read_config
from gpumon.settings import NAMES, SettingsError, resolved

WRITTEN = """\
# mine
interval = 2.0   # a second is too often

theme = "nord"
[keys]           # as in my editor
findings.mute = "M"
"""


def _kept(path: Path, **flags: Any) -> ConfigFile:
    return ConfigFile(path, resolved(flags, {}, read_config(str(path)) if path.exists() else {}))


def _mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_a_choice_is_kept_and_everything_else_stays(tmp_path: Path) -> None:
    """One value changes; comments, order, blanks and the file's mode stay as they were."""
    path = tmp_path / "config.toml"
    path.write_text(WRITTEN, encoding="utf-8")
    path.chmod(0o640)

    assert _kept(path).keep("theme", "gpumon-contrast") == ""
    assert WRITTEN.replace("nord", "gpumon-contrast") == path.read_text(encoding="utf-8")
    assert _mode(path) == 0o640
    assert [path] == list(tmp_path.iterdir())


def test_a_new_setting_stands_before_the_tables(tmp_path: Path) -> None:
    """After a table it would be a key of the table."""
    path = tmp_path / "config.toml"
    path.write_text(WRITTEN, encoding="utf-8")

    assert _kept(path).keep("ascii", value=True) == ""
    assert {**_parsed(WRITTEN.encode()), "ascii": True} == read_config(str(path))
    assert "# a second is too often" in path.read_text(encoding="utf-8")


def test_a_new_file_is_its_owners_alone(tmp_path: Path) -> None:
    """It is made with its directory, readable by nobody else."""
    path = tmp_path / "gpumon/config.toml"

    assert _kept(path).keep("theme", "nord") == ""
    assert path.read_text(encoding="utf-8") == 'theme = "nord"\n'
    assert (0o600, 0o700) == (_mode(path), _mode(path.parent))


def test_a_link_stays_a_link(tmp_path: Path) -> None:
    """As of those who keep all such files in one place."""
    target = tmp_path / "kept-elsewhere.toml"
    target.write_text(WRITTEN, encoding="utf-8")
    path = tmp_path / "config.toml"
    path.symlink_to(target)

    assert _kept(path).keep("theme", "nord-2") == ""
    assert path.is_symlink()
    assert "nord-2" in target.read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("flags", "reason"),
    [
        ({"readonly": True}, "gpumon was started with --readonly"),
        ({"theme": "nord"}, "--theme was given"),
    ],
)
def test_what_a_flag_says_is_not_written(tmp_path: Path, flags: dict[str, Any], reason: str) -> None:
    """With --readonly nothing is; what a flag gave would win at the next start too."""
    path = tmp_path / "config.toml"

    assert reason == _kept(path, **flags).keep("theme", "gpumon-dark")
    assert list(tmp_path.iterdir()) == []


def test_what_a_variable_says_is_not_written(tmp_path: Path) -> None:
    """As with a flag."""
    kept = ConfigFile(tmp_path / "config.toml", resolved({}, {"GPUMON_THEME": "nord"}, {}))

    assert kept.keep("theme", "gpumon-dark") == "GPUMON_THEME was given"
    assert kept.keep("ascii", value=True) == ""


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"theme = [", "config.toml is not TOML any more"),
        (b"\xff", "config.toml is not TOML any more"),
        (b"gpu = " + b"[" * 20_000, "config.toml is not TOML any more"),
        (b"#" * 70_000, "config.toml is larger than 65536 bytes"),
    ],
    ids=["broken", "no-text", "deep", "huge"],
)
def test_a_file_that_was_broken_meanwhile_is_left_alone(tmp_path: Path, content: bytes, reason: str) -> None:
    """One reason, and not a byte of it changes."""
    path = tmp_path / "config.toml"
    kept = _kept(path)
    path.write_bytes(content)

    assert reason == kept.keep("theme", "nord")
    assert content == path.read_bytes()
    assert [path] == list(tmp_path.iterdir())


def test_a_file_nobody_may_write_is_left_alone(tmp_path: Path) -> None:
    """Its owner took that right away on purpose, though its directory would allow to replace it."""
    path = tmp_path / "config.toml"
    path.write_text(WRITTEN, encoding="utf-8")
    path.chmod(0o400)

    assert _kept(path).keep("theme", "nord-2") == "config.toml is read-only"
    assert WRITTEN == path.read_text(encoding="utf-8")


def test_a_place_where_no_file_can_be_is_told(tmp_path: Path) -> None:
    """The reason is the system's."""
    (tmp_path / "file").touch()

    assert _kept(tmp_path / "file/config.toml").keep("theme", "nord") == "config.toml: Not a directory"
    (tmp_path / "config.toml").mkdir()
    kept = ConfigFile(tmp_path / "config.toml", resolved({}, {}, {}))
    assert kept.keep("theme", "nord") == "config.toml is no file"


VALUES = st.booleans() | st.integers(-1000, 1000) | st.text(max_size=8) | st.lists(st.integers(0, 9))
TABLES = st.dictionaries(st.text(max_size=6), VALUES | st.dictionaries(st.text(max_size=6), VALUES))


@given(TABLES, st.text(max_size=12))
def test_whatever_a_file_holds_it_loses_nothing(table: dict[str, Any], theme: str) -> None:
    """Any TOML, with one setting changed, is the same TOML with that setting; or it is left alone."""
    text = dumps(table).encode()
    try:
        changed = _changed(text, "theme", theme)
    except _CannotKeepError:
        return

    assert {**_parsed(text), "theme": theme} == _parsed(changed)


def _run(*arguments: str, **environment: str) -> Result:
    runner = CliRunner(env={"XDG_CONFIG_HOME": "/nonexistent", **environment})
    return runner.invoke(gpumon, ["config", *arguments], prog_name="gpumon")


def test_the_settings_in_force_are_printed_with_their_origins(tmp_path: Path) -> None:
    """Flag, variable, file or default; and what is printed is a config file that means the same."""
    path = tmp_path / "config.toml"
    path.write_text(WRITTEN, encoding="utf-8")
    result = _run("--config", str(path), "--no-mouse", GPUMON_GPU="1")
    lines = {line.split(" = ")[0]: line for line in result.stdout.splitlines()}
    (tmp_path / "again.toml").write_text(result.stdout, encoding="utf-8")
    again = _run("--config", str(tmp_path / "again.toml"), "--json")

    assert f"# {path}" == result.stdout.splitlines()[0]
    assert lines["interval"].endswith("# interval in the config file")
    assert lines["mouse"].startswith("mouse = false ")
    assert lines["mouse"].endswith("# --no-mouse")
    assert lines["gpu"].endswith("# GPUMON_GPU")
    assert lines["notify"].endswith("# default")
    assert lines['"findings.mute"'] == '"findings.mute" = "M"'
    settings = {name: each["value"] for name, each in json.loads(again.stdout)["settings"].items()}
    assert ("nord", False, "1", 2.0) == tuple(
        settings[name] for name in ("theme", "mouse", "gpu", "interval")
    )


def test_the_settings_as_json() -> None:
    """Every setting with its value and origin; the path of a file that is not there."""
    found = json.loads(_run("--json", "--ascii").stdout)

    assert set(NAMES.values()) == set(found["settings"])
    assert found["settings"]["ascii"] == {"value": True, "origin": "flag", "given_as": "--ascii"}
    assert found["settings"]["theme"] == {"value": "", "origin": "default", "given_as": None}
    assert (1, "/nonexistent/gpumon/config.toml", False, {}) == (
        found["schema"],
        found["path"],
        found["exists"],
        found["keys"],
    )


def test_the_keys_are_listed_with_their_ids(tmp_path: Path) -> None:
    """Where a key was moved, its new one."""
    path = tmp_path / "config.toml"
    path.write_text(WRITTEN, encoding="utf-8")
    listed = _run("--keys", "--config", str(path)).stdout
    found = json.loads(_run("--keys", "--json").stdout)["keys"]

    row = next(line for line in listed.splitlines() if line.startswith("findings.mute "))
    assert ["findings.mute", "M", "findings"] == row.split()[:3]
    assert (found["findings.mute"]["keys"], found["quit"]["where"]) == ("m", "everywhere")
    assert all(each["does"] for each in found.values())


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        ('theme = "nrod"', "there is no theme 'nrod'; there are gpumon-dark"),
        ('[keys]\nquit = "hyperspace"', "keys in the config file: there is no key 'hyperspace' for 'quit'"),
        (
            '[keys]\nfindings.mute = "q"',
            "keys in the config file: 'quit' and 'findings.mute' would both be on q",
        ),
        ('keys = "q"', "keys in the config file must be a table of ids and keys, not 'q'"),
        ('mute = "hang"', "the setting mute: there is no finding 'hang'"),
    ],
)
def test_what_cannot_be_used_is_told(tmp_path: Path, content: str, sentence: str) -> None:
    """Exit code 2 and one sentence, as the dashboard would tell it."""
    path = tmp_path / "config.toml"
    path.write_text(content, encoding="utf-8")
    result = _run("--config", str(path))

    assert (2, "") == (result.exit_code, result.stdout)
    assert result.stderr.splitlines()[-1].startswith(f"Error: {sentence}")


def test_nothing_of_another_user_is_touched(tmp_path: Path) -> None:
    """Written by root, as under sudo, a file would be root's: its owner could not change it any more."""
    path = tmp_path / "config.toml"
    other = ConfigFile(path, resolved({}, {}, {}), user_id=os.geteuid() + 1)

    assert other.keep("theme", "nord") == "config.toml would be in the directory of another user"
    deep = ConfigFile(tmp_path / "gpumon" / "config.toml", resolved({}, {}, {}), user_id=os.geteuid() + 1)
    assert deep.keep("theme", "nord") == "config.toml would be in the directory of another user"
    assert list(tmp_path.iterdir()) == []
    path.write_text(WRITTEN, encoding="utf-8")
    assert other.keep("theme", "nord-2") == "config.toml belongs to another user"
    assert WRITTEN == path.read_text(encoding="utf-8")


def test_a_pipe_into_which_nobody_writes_is_not_waited_for(tmp_path: Path) -> None:
    """It would be for ever, whether anybody has opened it or not."""
    os.mkfifo(tmp_path / "config.toml")
    for holds in (False, True):
        held = os.open(tmp_path / "config.toml", os.O_RDWR) if holds else None
        with pytest.raises(SettingsError, match=r"config\.toml cannot be read: nothing comes out of it"):
            read_config(str(tmp_path / "config.toml"), patience_seconds=0.01)
        if held is not None:
            os.close(held)


def test_what_a_shell_writes_into_a_pipe_is_read() -> None:
    """As `--config <(...)` does."""
    reading, writing = os.pipe()
    os.write(writing, b"interval = 2.0\n")
    os.close(writing)

    assert {"interval": 2.0} == read_config(f"/dev/fd/{reading}")
    os.close(reading)


def test_a_folder_in_the_place_of_the_usual_file_is_told(tmp_path: Path) -> None:
    """What stands there is not taken for nothing; a link to nowhere is."""
    (tmp_path / "gpumon").mkdir()
    place = tmp_path / "gpumon" / "config.toml"
    place.symlink_to("nowhere")
    absent = CliRunner().invoke(gpumon, ["config"], env={"XDG_CONFIG_HOME": str(tmp_path)})
    place.unlink()
    place.mkdir()
    folder = CliRunner().invoke(gpumon, ["config"], env={"XDG_CONFIG_HOME": str(tmp_path)})

    assert (0, 2) == (absent.exit_code, folder.exit_code)
    assert folder.stderr.endswith(f"the config file {place} cannot be read: Is a directory\n")
