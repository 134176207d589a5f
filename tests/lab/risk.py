"""A script: how good the risk of running out of memory is, and the largest batch, on simulated trainings.

usage: python -m tests.lab.risk [--runs N] [--cases N]     simulate the test set, print, and keep the figures
       python -m tests.lab.risk --only risk|batches        the same for one part; the other stays as it was
       python -m tests.lab.risk --runs 140 --only risk --out FILE   a small set, a minute, kept elsewhere
       python -m tests.lab.risk --fit                      fit weights on the tune set; print them, and what
                                                           they are worth on the test set
       python -m tests.lab.risk --show                     print the figures that were kept

The allocator is a simulation of PyTorch's (tests.lab.allocator), no real GPU: that is what these figures are
worth. Seeds of both sets are apart. All takes about 10 minutes of CPU.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from gpumon.diagnosis.risk import FITTED, PUBLISHED
from tests.lab import risk_batch
from tests.lab.risk_fit import fitted
from tests.lab.risk_print import tables
from tests.lab.risk_runs import plan_of, simulate
from tests.lab.risk_score import Record, record_of, summary
from tests.lab.risk_watch import looks

FIGURES = Path(__file__).parent / "risk_figures.json"
_TUNE_SEEDS, _TEST_SEEDS, _BATCH_SEEDS = 0, 30_009, 20_006
_TUNE_RUNS, _TEST_RUNS, _CASES = 210, 700, 420


def main(arguments: Sequence[str] | None = None) -> int:
    """Simulate, fit or show, as the arguments say."""
    parser = argparse.ArgumentParser(prog="python -m tests.lab.risk", description=__doc__)
    parser.add_argument("--runs", type=int, default=_TEST_RUNS, help="trainings of the test set")
    parser.add_argument("--cases", type=int, default=_CASES, help="seeds for the largest batch")
    parser.add_argument("--fit", action="store_true", help="fit the weights on the tune set")
    parser.add_argument("--only", choices=("risk", "batches"), help="simulate one part, keep the other")
    parser.add_argument("--show", action="store_true", help="print the figures that were kept")
    parser.add_argument("--out", type=Path, default=FIGURES, help="where to keep them")
    options = parser.parse_args(arguments)
    if options.fit:
        weights = fitted(records(_TUNE_SEEDS, _TUNE_RUNS))
        watched = records(_TEST_SEEDS, options.runs)
        print(weights)
        for name, each in (("in use", FITTED), ("fitted anew", weights)):
            print(f"on the test set, {name}: {_in_short(summary(watched, each))}")
        return 0
    if not options.show:
        found = _kept(options.out)
        if options.only != "batches":
            found |= figures_of_risk(records(_TEST_SEEDS, options.runs))
        if options.only != "risk":
            found |= figures_of_batches(options.cases)
        options.out.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    print(tables(_kept(options.out)))
    return 0


def _kept(path: Path) -> dict[str, Any]:
    """Return the figures that a file keeps; those of the repository where there is none yet."""
    kept = path if path.exists() else FIGURES
    found: dict[str, Any] = json.loads(kept.read_text(encoding="utf-8"))
    return found


def records(first: int, count: int) -> list[Record]:
    """Return the records of so many runs, by their seeds."""
    found = []
    for seed in range(first, first + count):
        run = simulate(plan_of(seed))
        found.append(record_of(run, looks(run)))
    return found


def _in_short(found: dict[str, Any]) -> str:
    missed, alarms, lead = found["missed"], found["false_alarms"], found["leak_lead_epochs"]
    return (
        f"Brier score {found['brier']:.4f}, {missed['count']} of {missed['of']} missed,"
        f" {alarms['count']} of {alarms['of']} false alarms, a median lead of {lead['median']:.2f} epochs"
    )


def figures_of_risk(watched: Sequence[Record]) -> dict[str, Any]:
    """Return the figures of what is told of these runs, rounded."""
    return _rounded({"fitted": summary(watched, FITTED), "published": summary(watched, PUBLISHED)})


def figures_of_batches(cases: int) -> dict[str, Any]:
    """Return the figures of the largest batch, of so many seeds, rounded."""
    seeds = range(_BATCH_SEEDS, _BATCH_SEEDS + cases)
    return _rounded({"batches": risk_batch.summary(risk_batch.cases(seeds))})


def _rounded(found: dict[str, Any]) -> dict[str, Any]:
    rounded: dict[str, Any] = json.loads(json.dumps(found), parse_float=lambda text: round(float(text), 4))
    return rounded


if __name__ == "__main__":
    sys.exit(main())
