"""The script that the stand-in driver follows while a laboratory training runs."""

from __future__ import annotations

from pathlib import Path

from tests.lab.driver import DrivenScript
from tests.lab.scenario import Driver

NOW = 1_790_000_000.3


def lines(driver: Driver, folder: Path) -> list[list[str]]:
    """Return the words of each line of the script at one moment."""
    script = DrivenScript(driver, folder / "script", (folder / "gpu.timeline",), 4711)
    script.at(NOW)
    return [line.split() for line in (folder / "script").read_text().splitlines()]


def test_a_gpu_is_as_busy_as_is_scripted_whoever_keeps_it_so(tmp_path: Path) -> None:
    """The buffer of utilisation samples says it, up to now and for longer than a tick back."""
    samples = [words for words in lines(Driver(busy_percent=99), tmp_path) if words[0] == "sample"]

    stamps = [int(stamp) / 1e6 for _, _, stamp, _ in samples]
    assert {"99"} == {percent for *_, percent in samples}
    assert NOW - 0.2 < stamps[-1] <= NOW
    assert NOW - stamps[0] > 1.0
    assert stamps == sorted(set(stamps))


def test_without_that_the_timeline_alone_says_how_busy_it_is(tmp_path: Path) -> None:
    """Scripted samples would hide what the training's own virtual GPU does."""
    found = lines(Driver(), tmp_path)

    assert "sample" not in {words[0] for words in found}
    assert ["gpu", "0", "timeline", str(tmp_path / "gpu.timeline")] in found


def test_both_processes_have_their_records(tmp_path: Path) -> None:
    """What the other one takes of the GPU's time is not the training's."""
    found = lines(Driver(other_process_bytes=1 << 30, other_process_percent=58), tmp_path)

    records = {words[2]: words[4] for words in found if words[0] == "record"}
    assert "42" == records.pop("4711")
    assert ["58"] == list(records.values())
