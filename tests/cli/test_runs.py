"""`gpumon runs`: what it prints, and how it ends."""

from __future__ import annotations

import json
import os
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from gpumon.cli.app import gpumon
from gpumon.recording.runs import RunsDatabase
from gpumon.recording.runs_place import boot_id
from gpumon.recording.runs_run import RunEnd, RunProcess, RunState
from gpumon.sources.proc_fields import parse_stat
from tests.recording.runs_scene import ABOUT, PROCESS, about, block

DONE = RunState(1.7e9, 3, RunEnd.FINISHED, "finished: results.csv has all 3 epochs")


def _run(home: Path, *arguments: str) -> Result:
    return CliRunner().invoke(gpumon, ["runs", *arguments], env={"XDG_DATA_HOME": str(home)})


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """Return a data directory with two runs: one starved, one with more workers."""
    database = RunsDatabase(tmp_path / "gpumon" / "runs.sqlite")
    slow = [block(number, 90.0 + number % 2, 0.4) for number in range(6)]
    fast = [block(number, 147.0 + number % 2, 0.02) for number in range(6)]
    database.write(PROCESS, ABOUT, DONE, slow)
    database.write(replace(PROCESS, pid=4001), about(workers=6), DONE, fast)
    database.close()
    return tmp_path


def test_without_runs_it_says_so(tmp_path: Path) -> None:
    """An empty list is no error, and makes no file."""
    found = _run(tmp_path)

    assert (0, "") == (found.exit_code, found.stdout)
    assert found.stderr.startswith("gpumon: there are no runs yet")
    assert [] == list(tmp_path.iterdir())


@pytest.mark.parametrize("arguments", [(), ("--json",)])
def test_without_runs_it_says_why_there_will_be_none(tmp_path: Path, arguments: tuple[str, ...]) -> None:
    """An empty list is no error; that nothing can be added to it is told all the same."""
    (tmp_path / "gpumon").symlink_to("nowhere")
    found = _run(tmp_path, *arguments)

    assert found.exit_code == 0
    assert found.stderr.startswith("gpumon: there are no runs yet, and no run can be kept: this is no folder")
    assert [json.loads(text)["runs"] for text in (found.stdout,) if text] == [[]] * len(arguments)


@pytest.mark.parametrize("in_the_way", ["gpumon", "gpumon/runs.sqlite/"])
def test_what_is_no_database_is_no_empty_list(tmp_path: Path, in_the_way: str) -> None:
    """A file in place of the folder, a folder in place of the file: exit code 1 and one sentence."""
    if in_the_way.endswith("/"):
        (tmp_path / in_the_way).mkdir(parents=True)
    else:
        (tmp_path / in_the_way).write_text("a file")
    found = _run(tmp_path)

    assert (1, "", 1) == (found.exit_code, found.stdout, found.stderr.count("\n"))
    assert "no runs yet" not in found.stderr


def test_the_list_has_settings_speed_wait_memory_and_end(home: Path) -> None:
    """One line a run, the newest first."""
    lines = _run(home).stdout.splitlines()

    assert lines[0].split()[:3] == ["run", "seen", "training"]
    assert ["2", "1"] == [line.split()[0] for line in lines[1:]]
    for part in (
        "yolov5 train.py yolov5s.pt 640",
        "148 (147–148)",
        "2.0 % (",
        "5.0 GiB (up to ~",
        "finished",
    ):
        assert part in lines[1]


def test_the_list_can_be_short(home: Path) -> None:
    """`-n 1` is the newest run only."""
    assert ["run", "2"] == [line.split()[0] for line in _run(home, "-n", "1").stdout.splitlines()]


def test_the_list_can_be_asked_to_be_longer_than_any(home: Path) -> None:
    """A number that no database can hold is no crash."""
    assert _run(home, "-n", "9" * 30).stdout == _run(home).stdout


def test_two_runs_side_by_side(home: Path) -> None:
    """The setting that differs, the factor with its interval, and a sentence."""
    found = _run(home, "compare", "1", "2").stdout

    rows = {line.split("  ")[0]: line.split() for line in found.splitlines()}
    assert rows["workers"] == ["workers", "2", "6"]
    assert "×1.63 (1.62–1.64)" in found
    assert "run 2 is faster: it trains 1.63 times the images a second of run 1 (90 % interval" in found


def test_a_comparison_as_json(home: Path) -> None:
    """Base units, intervals as low and high, and null with its reason."""
    found = json.loads(_run(home, "compare", "1", "2", "--json").stdout)

    assert ("faster", 1) == (found["verdict"], found["schema"])
    assert found["speedup"]["low"] < found["speedup"]["value"] < found["speedup"]["high"]
    assert [{"kind": "setting", "name": "workers", "one": 2, "other": 6, "known": True}] == found[
        "differences"
    ]
    assert 5 * 1024**3 == found["one"]["gpu_memory_peak_bytes"]


def test_the_list_as_json(home: Path) -> None:
    """Every run with its settings and how it ended."""
    runs = json.loads(_run(home, "--json").stdout)["runs"]

    assert [2, 1] == [run["run"] for run in runs]
    assert {"how": "finished", "text": DONE.end_text} == runs[0]["ended"]
    assert {"value": 6, "source": "argv"} == runs[0]["settings"]["workers"]


def test_ascii_is_ascii(home: Path) -> None:
    """`--ascii` holds for the list and for a comparison, wherever it stands."""
    for arguments in (("--ascii",), ("compare", "1", "2", "--ascii"), ("--ascii", "compare", "1", "2")):
        assert _run(home, *arguments).stdout.isascii()


def test_a_run_is_not_compared_with_itself(home: Path) -> None:
    """It would be 1.00 times as fast."""
    found = _run(home, "compare", "2", "2")

    assert (2, "") == (found.exit_code, found.stdout)
    assert "2 and 2 are one and the same run: give two" in found.stderr


def test_a_run_that_is_not_there(home: Path) -> None:
    """Exit code 1, and the sentence names the number."""
    found = _run(home, "compare", "1", "77")

    assert (1, "") == (found.exit_code, found.stdout)
    assert found.stderr == "gpumon: there is no run 77: `gpumon runs` lists them\n"


def test_a_damaged_database_is_one_sentence(home: Path) -> None:
    """Exit code 1 and no traceback."""
    (home / "gpumon" / "runs.sqlite").write_bytes(b"garbage " * 500)
    found = _run(home)

    assert (1, 1) == (found.exit_code, found.stderr.count("\n"))
    assert "move it away to begin a new one" in found.stderr


def test_a_run_whose_process_is_there_is_running(tmp_path: Path) -> None:
    """The end that gpumon did not see is looked up: the process runs, or it is gone and the end unknown."""
    stat = parse_stat(Path(f"/proc/{os.getpid()}/stat").read_bytes())
    assert not hasattr(stat, "reason")
    here = RunProcess(boot_id("box"), os.getpid(), stat.start_ticks)
    database = RunsDatabase(tmp_path / "gpumon" / "runs.sqlite")
    for process in (here, replace(here, start_ticks=1), replace(here, boot="another")):
        database.write(process, ABOUT, RunState(1.7e9), [block(1)])
    database.close()

    ends = [line.split()[-1] for line in _run(tmp_path).stdout.splitlines()[1:]]
    assert ["unknown", "unknown", "running"] == ends
