"""Records until no more can be written: `python -m tests.recording.until_full PATH BYTES`.

No file of this process may grow past BYTES. Prints the last state of the recorder.
"""

from __future__ import annotations

import os
import resource
import sys
import time
from dataclasses import replace
from pathlib import Path

from gpumon.model.report import Report
from gpumon.model.sample import SourceError
from gpumon.recording.writer import Recorder
from tests.recording.scene import ABOUT, report_at

FIRST = 20
_LAST = 300
_PATIENCE_SECONDS = 120.0


def _large(report: Report) -> Report:
    """Return the report with what takes two kilobytes however it is packed."""
    error = SourceError("log", os.urandom(2000).hex())
    return replace(report, sample=replace(report.sample, errors=(error,)))


def main() -> None:
    """Write a few reports, wait until they are safe, and write more than fits."""
    limit = int(sys.argv[2])
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
    recorder = Recorder(Path(sys.argv[1]), ABOUT)
    for second in range(FIRST):
        recorder.write(report_at(second))
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while recorder.state.samples < FIRST and time.monotonic() < deadline:
        time.sleep(0.02)
    for second in range(FIRST, _LAST):
        recorder.write(_large(report_at(second)))
    while recorder.state.is_recording and time.monotonic() < deadline:
        time.sleep(0.02)
    # What comes later does no harm.
    recorder.write(report_at(_LAST))
    recorder.close()
    print(recorder.state.text)


if __name__ == "__main__":
    main()
