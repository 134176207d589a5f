"""The score of a library: recordings in, tables out, and nothing of single test traces unless asked for."""

from __future__ import annotations

import json
import lzma
from pathlib import Path

import pytest

from gpumon.model.clock import Instant
from gpumon.model.report import Attachment, AttachState, Report
from gpumon.recording.about import About
from gpumon.recording.writer import Recorder
from tests.lab.library import ENDING, keep
from tests.lab.score import main, score
from tests.lab.score_gpumon import Gpumon
from tests.lab.score_outcome import judge
from tests.lab.score_scene import MadeUpTrace, healthy, starved
from tests.recording.scene import PATIENCE_SECONDS


def record(trace: MadeUpTrace, name: str, folder: Path, truth: str | None = None) -> None:
    """Put a made-up trace into a library."""
    about = About(
        Instant(1.7e9, 1000.0), "box", 1.0, "0", truth=trace.about.truth if truth is None else truth
    )
    path = folder / f"{name}.gpumon"
    recorder = Recorder(path, about)
    for sample in trace.samples():
        recorder.write(Report(sample, Attachment(AttachState.ATTACHED, "")))
    recorder.close(PATIENCE_SECONDS)
    keep(path, name, {"set": trace.truth.get("set", "tune")}, folder)


@pytest.fixture(scope="module")
def traces(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two traces to tune on, one scripted, and one of the test set."""
    folder = tmp_path_factory.mktemp("traces")
    record(starved(14), "few-high", folder)
    record(healthy(14), "healthy-short", folder)
    record(starved(14, proof="scripted"), "few-scripted", folder)
    record(starved(14, set="test", scenario="secret"), "secret-low", folder)
    return folder


def test_a_recorded_trace_scores_like_its_samples(traces: Path) -> None:
    """The way through the file changes no judgement."""
    parts = score(traces, ("tune",), {"gpumon": Gpumon})

    assert judge(starved(14), Gpumon).verdicts == parts["tune"]["gpumon"][0].verdicts


def test_the_tables_name_every_diagnoser_and_trace(traces: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """By default the traces to tune on, scripted ones apart."""
    assert 0 == main(["--traces", str(traces)])

    text = capsys.readouterr().out
    assert "# tune: 2 traces of 2 scenarios, 1 of them negative controls" in text
    assert "# tune scripted: 1 traces" in text
    assert "| sagemaker, no patience |" in text
    assert "| few-high | starved-too-few-workers | starved-too-few-workers | yes |" in text
    assert "test" not in [
        line.split(":")[0].lstrip("# ") for line in text.splitlines() if line.startswith("#")
    ]


def test_single_test_traces_are_not_shown_among_all(traces: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Their sums are; no rule can be tuned on what is not seen."""
    main(["--traces", str(traces), "--set", "all"])
    text = capsys.readouterr().out
    main(["--traces", str(traces), "--set", "all", "--json"])
    parts = json.loads(capsys.readouterr().out)["parts"]

    assert "# test: 1 traces" in text
    assert "secret" not in text
    assert {"figures"} == set(parts["test"]["gpumon"])
    assert {"figures", "confusion", "traces"} == set(parts["tune"]["gpumon"])


def test_single_test_traces_are_shown_when_asked_for(
    traces: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """`--set test` is the question for them."""
    main(["--traces", str(traces), "--set", "test"])

    assert "secret-low" in capsys.readouterr().out


def test_an_empty_library_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """There is nothing to score, and that is no success."""
    assert 1 == main(["--traces", str(tmp_path)])
    assert "there is no trace" in capsys.readouterr().err


def test_a_recording_without_truth_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Its name is said."""
    record(healthy(seconds=2), "bare", tmp_path, truth="")

    assert 2 == main(["--traces", str(tmp_path)])
    assert "bare" in capsys.readouterr().err


@pytest.mark.parametrize(
    "content", [lzma.compress(b"SQLite format 3\0" + bytes(100)), b"no xz", b"\xfd7zXZ\0"]
)
def test_a_broken_recording_is_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], content: bytes
) -> None:
    """No figure is printed over the rest."""
    record(healthy(seconds=2), "torn", tmp_path)
    (tmp_path / f"torn{ENDING}").write_bytes(content)

    assert 2 == main(["--traces", str(tmp_path)])
    assert "cannot score" in capsys.readouterr().err
