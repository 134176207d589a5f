"""The score of a library: recordings in, tables out, and nothing of single test traces unless asked for."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from gpumon.model.clock import Instant
from gpumon.model.report import Attachment, AttachState, Report
from gpumon.recording.about import About
from gpumon.recording.writer import Recorder
from tests.lab.score import main, score
from tests.lab.score_gpumon import Gpumon
from tests.lab.score_library import recordings
from tests.lab.score_outcome import judge
from tests.lab.score_scene import MadeUpTrace, healthy, starved


def record(trace: MadeUpTrace, path: Path, truth: str | None = None) -> None:
    """Write a made-up trace as a recording."""
    about = About(
        Instant(1.7e9, 1000.0), "box", 1.0, "0", truth=trace.about.truth if truth is None else truth
    )
    recorder = Recorder(path, about)
    for sample in trace.samples():
        recorder.write(Report(sample, Attachment(AttachState.ATTACHED, "")))
    recorder.close()


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two traces to tune on, one scripted, and one of the test set."""
    folder = tmp_path_factory.mktemp("traces")
    record(starved(14), folder / "few-high.gpumon")
    record(healthy(14), folder / "healthy-short.gpumon")
    record(starved(14, proof="scripted"), folder / "few-scripted.gpumon")
    record(starved(14, set="test", scenario="secret"), folder / "secret-low.gpumon")
    (folder / "README.md").write_text("Recordings of the laboratory.\n")
    return folder


def test_only_recordings_are_taken_for_traces(library: Path) -> None:
    """A page among them is none."""
    names = [path.stem for path in recordings(library)]

    assert ["few-high", "few-scripted", "healthy-short", "secret-low"] == names


def test_a_recorded_trace_scores_like_its_samples(library: Path) -> None:
    """The way through the file changes no judgement."""
    parts = score(library, ("tune",), {"gpumon": Gpumon})

    assert judge(starved(14), Gpumon).verdicts == parts["tune"]["gpumon"][0].verdicts


def test_the_tables_name_every_diagnoser_and_trace(library: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """By default the traces to tune on, scripted ones apart."""
    assert 0 == main(["--traces", str(library)])

    text = capsys.readouterr().out
    assert "# tune: 2 traces of 2 scenarios, 1 of them negative controls" in text
    assert "# tune scripted: 1 traces" in text
    assert "| sagemaker, no patience |" in text
    assert "| few-high | starved-too-few-workers | starved-too-few-workers | yes |" in text
    assert "test" not in [
        line.split(":")[0].lstrip("# ") for line in text.splitlines() if line.startswith("#")
    ]


def test_single_test_traces_are_not_shown_among_all(
    library: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Their sums are; no rule can be tuned on what is not seen."""
    main(["--traces", str(library), "--set", "all"])
    text = capsys.readouterr().out
    main(["--traces", str(library), "--set", "all", "--json"])
    parts = json.loads(capsys.readouterr().out)["parts"]

    assert "# test: 1 traces" in text
    assert "secret" not in text
    assert {"figures"} == set(parts["test"]["gpumon"])
    assert {"figures", "confusion", "traces"} == set(parts["tune"]["gpumon"])


def test_single_test_traces_are_shown_when_asked_for(
    library: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """`--set test` is the question for them."""
    main(["--traces", str(library), "--set", "test"])

    assert "secret-low" in capsys.readouterr().out


def test_an_empty_library_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """There is nothing to score, and that is no success."""
    assert 1 == main(["--traces", str(tmp_path)])
    assert "there is no trace" in capsys.readouterr().err


def test_a_recording_without_truth_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Its name is said."""
    record(healthy(seconds=2), tmp_path / "bare.gpumon", truth="")

    assert 2 == main(["--traces", str(tmp_path)])
    assert "bare.gpumon" in capsys.readouterr().err


def test_a_broken_recording_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """No figure is printed over the rest."""
    (tmp_path / "torn.gpumon").write_bytes(b"SQLite format 3\0" + bytes(100))

    assert 2 == main(["--traces", str(tmp_path)])
    assert "cannot score" in capsys.readouterr().err
