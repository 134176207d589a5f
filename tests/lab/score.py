"""Scores diagnosers on the library of traces: `python -m tests.lab.score [--set tune|test|all] [--json]`.

Traces whose fault only a stand-in driver tells ("scripted") are scored apart. Of the test set only sums are
shown, so that no rule is tuned on a trace of it; `--set test` shows all of it. `--hours N` adds healthy
trainings on a simulated clock, `--onsets N` such in which a wait begins.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Mapping, Sequence
from lzma import LZMAError
from pathlib import Path
from typing import Any

from gpumon.recording.schema import RecordingError
from tests.lab.library import TRACES, entries
from tests.lab.score_hours import LongRun
from tests.lab.score_judgement import Diagnoser
from tests.lab.score_library import OWN, OWN_WITHOUT_PTRACE, diagnosers, opened
from tests.lab.score_outcome import Outcome, judge
from tests.lab.score_print import Outcomes, confusion_table, definitions, document, lead, tables, trace_table
from tests.lab.score_truth import SETS, TruthError, truth_of

# A wait that begins after so many healthy seconds.
_ONSET_SECONDS = 200


def main(arguments: Sequence[str] | None = None) -> int:
    """Score and print; 1 where there is no trace to score, 2 for a recording that cannot be read."""
    parser = argparse.ArgumentParser(prog="python -m tests.lab.score", description=__doc__)
    parser.add_argument("--set", dest="set_name", choices=(*SETS, "all"), default="tune")
    parser.add_argument("--json", action="store_true", help="print JSON instead of tables")
    parser.add_argument("--hours", type=int, default=0, help="also so many simulated healthy hours")
    parser.add_argument("--onsets", type=int, default=0, help="also so many simulated waits that begin")
    parser.add_argument("--traces", type=Path, default=TRACES, help="folder of the recordings")
    options = parser.parse_args(arguments)
    sets = SETS if options.set_name == "all" else (options.set_name,)
    try:
        parts = score(options.traces, sets, diagnosers())
    except (RecordingError, ValueError, LZMAError, EOFError, OSError) as error:
        print(f"cannot score: {error}", file=sys.stderr)
        return 2
    simulated = {
        "simulated hours": [LongRun(seed) for seed in range(options.hours)],
        "simulated onsets": [
            LongRun(seed, _ONSET_SECONDS + 100, _ONSET_SECONDS) for seed in range(options.onsets)
        ],
    }
    for part, runs in simulated.items():
        if runs:
            parts[part] = {name: [judge(run, make) for run in runs] for name, make in diagnosers().items()}
    if not parts:
        print(f"there is no trace of the set {options.set_name} in {options.traces}", file=sys.stderr)
        return 1
    shown = {part: options.set_name == "test" or not part.startswith("test") for part in parts}
    if options.json:
        print(json.dumps(_document(parts, shown), indent=1))
    else:
        print(_text(parts, shown))
    return 0


def score(
    folder: Path, sets: Sequence[str], makers: Mapping[str, Callable[[], Diagnoser]]
) -> dict[str, dict[str, list[Outcome]]]:
    """Judge every trace of the sets; return the outcomes by part ("tune", "tune scripted" ...) and diagnoser.

    Raises RecordingError, TruthError, and what opening a packed file raises.
    """
    parts: dict[str, dict[str, list[Outcome]]] = {}
    for entry in entries(folder):
        if entry.set_name not in sets:
            continue
        with opened(entry.name, folder) as trace:
            try:
                truth = truth_of(trace.about.truth)
                part = entry.set_name if truth.proof == "injected" else f"{entry.set_name} {truth.proof}"
                by_name = parts.setdefault(part, {name: [] for name in makers})
                for name, make in makers.items():
                    by_name[name].append(judge(trace, make))
            except TruthError as error:
                raise TruthError(f"{entry.name}: {error}") from None
    return dict(sorted(parts.items(), key=lambda item: (not item[0].startswith("tune"), item[0])))


def _text(parts: Mapping[str, Outcomes], shown: Mapping[str, bool]) -> str:
    pieces = []
    for part, outcomes in parts.items():
        own = outcomes[OWN]
        groups = len({outcome.truth.group for outcome in own})
        controls = [outcome for outcome in own if outcome.truth.control]
        hours = sum(outcome.hours for outcome in controls)
        pieces.append(
            f"# {part}: {len(own)} traces of {groups} scenarios, {len(controls)} of them negative controls"
            f" ({hours:.2f} h)\n\n{tables(outcomes)}\n\n{lead(outcomes, OWN)}"
        )
        if shown[part]:
            pieces += [
                f"{name}, injected and told\n\n{confusion_table(outcomes[name])}"
                for name in (OWN, OWN_WITHOUT_PTRACE)
                if name in outcomes
            ]
            pieces.append(trace_table(own))
    return "\n\n".join([*pieces, definitions()])


def _document(parts: Mapping[str, Outcomes], shown: Mapping[str, bool]) -> dict[str, Any]:
    return {
        "definitions": dict(line.split(": ", 1) for line in definitions().splitlines()),
        "parts": {part: document(outcomes, individual=shown[part]) for part, outcomes in parts.items()},
    }


if __name__ == "__main__":
    sys.exit(main())
