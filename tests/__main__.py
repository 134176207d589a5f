"""All tests in two parts: `python -m tests [OPTIONS OF PYTEST]`.

First, alone, what measures trainings and terminals, or looks for trainings; it builds the environment of the
real ones, too. Then all else, in workers of pytest-xdist, one more than cores because one of them mostly
waits for its trainings. `pytest` alone runs the same tests one after the other.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence

# What is measured there would be another thing beside other programs, and what is found would be trainings of
# other tests.
ALONE = (
    "tests/cli",
    "tests/demo/test_demo.py",
    "tests/e2e/test_closed_loop.py",
    "tests/e2e/test_demo_advice.py",
    "tests/e2e/test_memory_creep.py",
    "tests/lab/test_doses.py",
    "tests/real/test_attach.py",
    "tests/real/test_attach_ways.py",
    "tests/real/test_environment.py",
    "tests/real/test_interpreter.py",
    "tests/real/test_last_step.py",
    "tests/real/test_reported.py",
    "tests/real/test_restart.py",
    "tests/real/test_truth.py",
    "tests/real/test_verdicts.py",
    "tests/recording/test_record.py",
    "tests/recording/test_round_trip.py",
    "tests/reporter/test_live.py",
    "tests/reporter/test_yolov5.py",
    "tests/tui/test_far_away.py",
)


def main(options: Sequence[str]) -> int:
    """Run both parts, also when the first fails; return the exit code of the first that failed."""
    workers = len(os.sched_getaffinity(0)) + 1
    beside = ["-n", str(workers), "--no-loadscope-reorder", *(f"--ignore={file}" for file in ALONE)]
    codes = [
        subprocess.run([sys.executable, "-m", "pytest", *part, *options], check=False).returncode
        for part in (ALONE, beside)
    ]
    return next((code for code in codes if code), 0)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
