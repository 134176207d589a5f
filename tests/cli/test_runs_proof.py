"""`gpumon runs` on a run that is a change of another: what was predicted, and what it brought."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner

from gpumon.cli.app import gpumon
from gpumon.model.suggestion import Effect
from gpumon.recording.runs import RunsDatabase
from gpumon.recording.runs_proof import proof_between
from gpumon.recording.runs_run import RunEnd, RunState
from tests.recording.prior_scene import MORE_WORKERS
from tests.recording.runs_scene import ABOUT, PROCESS, about, block

DONE = RunState(1.7e9, 3, RunEnd.KILLED, "it was killed")


def _stdout(home: Path, *arguments: str) -> str:
    found = CliRunner().invoke(gpumon, ["runs", *arguments], env={"XDG_DATA_HOME": str(home)})
    assert 0 == found.exit_code
    return found.stdout


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """Return a data directory with a starved run in which more workers were advised, and one with them."""
    database = RunsDatabase(tmp_path / "gpumon" / "runs.sqlite")
    memory = replace(MORE_WORKERS, gpu_memory_bytes=Effect(5.0e9, 5.0e9, 4.9e9, 5.6e9))
    database.write(
        PROCESS,
        ABOUT,
        DONE,
        [block(number, 90.0 + number % 2, 0.4) for number in range(8)],
        predictions=[memory],
    )
    changed = replace(PROCESS, pid=4001)
    fast = [block(number, 147.0 + number % 2, 0.02) for number in range(8)]
    database.write(changed, about(workers=6), DONE, fast)
    newer, older = database.runs()
    database.write(changed, about(workers=6), DONE, [], proof=proof_between(older, newer))
    database.close()
    return tmp_path


def test_the_list_says_what_a_change_brought(home: Path) -> None:
    """A column more, where a run is a change of another."""
    head, changed, first = _stdout(home).splitlines()

    assert head.endswith("brought")
    assert changed.endswith("×1.63 of run 1, predicted ×1.59")
    assert "×" not in first


def test_the_comparison_has_what_was_predicted(home: Path) -> None:
    """Below each number that was measured, and in a sentence."""
    lines = _stdout(home, "compare", "1", "2").splitlines()

    predicted = [line.split(maxsplit=1)[1] for line in lines if line.startswith("  predicted")]
    assert predicted == ["144 (126–153)", "2.0 % (0.0–6.0)", "4.7 GiB (4.6 GiB–5.2 GiB)"]
    assert "workers 2 -> 6: predicted 144 (126-153), achieved 148 images/s (147-148): as predicted" in lines


def test_a_comparison_without_a_prediction_says_nothing_of_one(home: Path) -> None:
    """The other way round nobody had predicted anything."""
    assert "predicted" not in _stdout(home, "compare", "2", "1")


def test_the_documents_have_predictions_and_proofs(home: Path) -> None:
    """Of a run what was predicted in it and what it brought; of a comparison the proof."""
    newer, older = json.loads(_stdout(home, "--json"))["runs"]
    comparison = json.loads(_stdout(home, "compare", "1", "2", "--json"))

    assert [{"setting": "workers", "from": 2, "to": 6}] == older["predictions"][0]["changes"]
    assert older["predictions"][0]["images_per_second"]["predicted"] == 144.0
    assert {"value": 3, "speedup": {"now": 1.0, "predicted": 1.3, "low": 1.2, "high": 1.4}} in older[
        "predictions"
    ][0]["curve"]
    assert (None, [], 1) == (older["proof"], newer["predictions"], newer["proof"]["earlier_run"])
    assert comparison["proof"]["images_per_second"]["is_as_predicted"] is True
    assert comparison["proof"]["images_per_second"]["predicted"] == 144.0


def test_ascii_is_ascii(home: Path) -> None:
    """With --ascii nothing else is written."""
    assert (_stdout(home, "--ascii") + _stdout(home, "compare", "1", "2", "--ascii")).isascii()
