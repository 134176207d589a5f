"""How many reports of recordings a replay tells as they were told live.

`python -m tests.bench.replay FILE...`, where FILE is a recording, or one packed by xz as in tests/traces. For
each: reports, how many of them are equal (sample, attachment, findings, suggestions, memory), and the CPU
time of opening its end.
"""

from __future__ import annotations

import lzma
import sys
import tempfile
import time
from pathlib import Path

from gpumon.model.report import Report
from gpumon.monitor.replay_past import Past
from gpumon.monitor.replay_report import report_at
from gpumon.recording.reader import Recording, open_recording


def main(paths: list[Path]) -> None:
    """Print a line for each recording, and the sum."""
    all_reports = all_equal = 0
    for path in paths:
        with (
            tempfile.TemporaryDirectory() as folder,
            open_recording(_unpacked(path, Path(folder))) as recording,
        ):
            live, told = list(recording.reports()), replayed(recording)
            began = time.process_time()
            Past(recording, recording.last_seconds)
            seconds = time.process_time() - began
        equal = sum(report == other for report, other in zip(live, told, strict=False))
        print(f"{path.name:<44} {equal:>6} of {len(live):>6} equal   end opened in {seconds:.2f} s")
        all_reports += len(live)
        all_equal += equal
    print(f"{len(paths)} recordings: {all_equal} of {all_reports} reports equal")


def replayed(recording: Recording) -> list[Report]:
    """Return the reports that a replay tells, sample by sample, of what has a report."""
    with_report = {report.sample.instant for report in recording.reports()}
    past = Past(recording)
    told = []
    goes_on = True
    while goes_on:
        if past.window.newest.instant in with_report:
            told.append(report_at(recording, past.window))
        goes_on = past.forward()
    return told


def _unpacked(path: Path, folder: Path) -> Path:
    if path.suffix != ".xz":
        return path
    unpacked = folder / path.stem
    with lzma.open(path) as packed:
        unpacked.write_bytes(packed.read())
    return unpacked


if __name__ == "__main__":
    main([Path(argument) for argument in sys.argv[1:]])
