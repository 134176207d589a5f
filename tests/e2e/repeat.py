"""How often each demo gets its verdict, and what its advice brings: `python -m tests.e2e.repeat`.

usage: python -m tests.e2e.repeat [--times N] [SCENARIO ...]
"""

from __future__ import annotations

import argparse
import os
import tempfile
from collections import Counter
from pathlib import Path

from gpumon.demo import launch
from tests.e2e.demo_runs import Advice, advise, images_per_second, scenario, shell
from tests.lab.quiet import until_quiet

# What is right for each scenario: the beginning of the verdict's id, and the exit code.
RIGHT = {
    "healthy": ("compute-bound", 0),
    "starved": ("starved-", 3),
    "oversubscribed": ("starved-too-many-workers", 3),
    "slow-disk": ("starved-", 3),
}
_MEASURED_SECONDS = 8.0


def main() -> None:
    """Run the scenarios in turn, so that each meets the same neighbours, and print a table."""
    parser = argparse.ArgumentParser(prog="python -m tests.e2e.repeat")
    parser.add_argument("--times", type=int, default=5)
    parser.add_argument("scenarios", nargs="*", default=list(RIGHT), metavar="SCENARIO")
    options = parser.parse_args()
    verdicts: dict[str, Counter[str]] = {name: Counter() for name in options.scenarios}
    right: Counter[str] = Counter()
    for _ in range(options.times):
        for name in options.scenarios:
            advice = _run(name)
            verdicts[name][advice.verdict] += 1
            begin, code = RIGHT[name]
            right[name] += advice.verdict.startswith(begin) and advice.code == code
    print(f"\n{'scenario':<16}right     verdicts")
    for name, counted in verdicts.items():
        told = ", ".join(f"{verdict} {count}" for verdict, count in counted.most_common())
        print(f"{name:<16}{right[name]:>2} of {options.times:<3}  {told}")


def _run(name: str) -> Advice:
    until_quiet()
    with tempfile.TemporaryDirectory(dir="/var/tmp") as folder:
        with launch.start(scenario(name), Path(folder)) as demo:
            advice = advise(demo.process.pid)
        load = os.getloadavg()[0]
        wait = advice.training["loader"]["data_wait_ratio"]
        shown = "?" if wait is None else f"{wait['value']:.2f}"
        print(f"{name:<16}load {load:.1f}  wait {shown}  {advice.verdict}", flush=True)
        suggestion = advice.suggestion("workers")
        if suggestion is None or suggestion["command"] is None or suggestion["images_per_second"] is None:
            return advice
        promised = suggestion["images_per_second"]
        log = Path(folder) / "advised.log"
        together = {change["setting"]: change["to"] for change in suggestion["together"]}
        batch = together.get("batch_size", scenario(name).batch_size)
        with shell(suggestion["command"], log):
            achieved = images_per_second(log, batch, _MEASURED_SECONDS)
        kept = "within" if promised["low"] <= achieved <= promised["high"] else "OUTSIDE"
        print(
            f"{'':<16}workers {suggestion['from']} -> {suggestion['to']}: {promised['now']:.0f} images/s,"
            f" predicted {promised['predicted']:.0f} ({promised['low']:.0f} to {promised['high']:.0f}),"
            f" achieved {achieved:.0f}: {kept}",
            flush=True,
        )
        return advice


if __name__ == "__main__":
    main()
