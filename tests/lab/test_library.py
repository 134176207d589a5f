"""The library of traces: kept, found again, and replayable without torch, GPU or root."""

from __future__ import annotations

import hashlib
import lzma
from pathlib import Path

import pytest

from gpumon.model.clock import Instant
from gpumon.recording.about import About
from gpumon.recording.writer import Recorder
from tests.lab.library import ENDING, TRACES, entries, keep, opened, unpack
from tests.lab.score_truth import truth_of

ENTRIES = entries()


def a_recording(path: Path, truth: str = "") -> Path:
    """An empty recording."""
    about = About(Instant(1_790_000_000.0, 5_000.0), "laboratory", 1.0, "0.1.0", truth=truth)
    Recorder(path, about).close()
    return path


def test_a_kept_recording_is_found_again(tmp_path: Path) -> None:
    """With its set, its provenance and its truth."""
    recording = a_recording(tmp_path / "recording", '{"labels": ["hung"]}')
    size = keep(recording, "hang-low", {"set": "tune", "kernel": "6.1"}, tmp_path / "traces")
    (entry,) = entries(tmp_path / "traces")
    assert (entry.name, entry.set_name, entry.provenance["kernel"]) == ("hang-low", "tune", "6.1")
    assert size == entry.provenance["bytes"] == (tmp_path / "traces" / f"hang-low{ENDING}").stat().st_size
    with opened("hang-low", tmp_path / "traces") as trace:
        assert truth_of(trace.about.truth).main == "hung"


def test_a_second_trace_stands_beside_the_first(tmp_path: Path) -> None:
    """The index is added to, and a trace made again replaces its line."""
    recording = a_recording(tmp_path / "recording")
    for name in ("b", "a", "b"):
        keep(recording, name, {"set": "tune"}, tmp_path / "traces")
    assert [entry.name for entry in entries(tmp_path / "traces")] == ["a", "b"]


def test_a_bomb_is_not_unpacked(tmp_path: Path) -> None:
    """A small file that unpacks to very much is no trace."""
    bomb = tmp_path / f"bomb{ENDING}"
    bomb.write_bytes(lzma.compress(bytes(70 << 20), preset=0))
    with pytest.raises(ValueError, match="unpacks to more than 64 MiB"):
        unpack(bomb, tmp_path)


def test_no_library_is_an_empty_one(tmp_path: Path) -> None:
    """A checkout without traces has no index."""
    assert entries(tmp_path) == ()


def test_files_are_those_of_the_index() -> None:
    """Each trace is listed with its hash, and nothing else lies there."""
    files = {path.name.removesuffix(ENDING): path for path in TRACES.glob(f"*{ENDING}")}
    assert set(files) == {entry.name for entry in ENTRIES}
    for entry in ENTRIES:
        digest = hashlib.sha256(files[entry.name].read_bytes()).hexdigest()
        assert digest == entry.provenance["sha256"]


def test_traces_say_what_is_right() -> None:
    """Every trace opens and has the truth under its own name, in the set of the index."""
    for entry in ENTRIES:
        with opened(entry.name) as trace:
            truth = truth_of(trace.about.truth)
            assert (truth.scenario, truth.set_name) == (entry.name, entry.set_name)
            assert trace.about.hostname == "laboratory"


def test_traces_show_a_training() -> None:
    """Once a second, for long enough to judge; one trace of each scenario."""
    for entry in {line.provenance["scenario"]: line for line in ENTRIES}.values():
        with opened(entry.name) as trace:
            samples = list(trace.samples())
        assert len(samples) >= 10
        assert any(sample.trainings for sample in samples)
