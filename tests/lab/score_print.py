"""A score as tables (Markdown, so that they can be pasted) and as JSON."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from tests.lab.baselines import ADVICE_ALONE
from tests.lab.score_definitions import DEFINITIONS, confusion, figures
from tests.lab.score_figures import Figure, difference
from tests.lab.score_outcome import Outcome

Outcomes = Mapping[str, Sequence[Outcome]]

_TABLES: tuple[tuple[str, tuple[str, ...]], ...] = (
    (
        "Verdicts",
        (
            "accuracy", "macro_f1", "top_2", "named", "abstained", "wrong", "opposites",
            "family_accuracy", "family_macro_f1",
        ),
    ),
    (
        "Delay",
        (
            "delay_p50_seconds", "delay_p95_seconds", "never_found",
            "family_delay_p50_seconds", "family_delay_p95_seconds", "family_never_found",
        ),
    ),
    ("Negative controls", ("false_alarms_per_hour", "false_alarm_ratio")),
    ("Numbers", ("wait_error_mean", "wait_error_p90", "wait_bias", "fed_speedup_error")),
    ("Advice", ("promise_error", "promise_held", "regret", "regret_small", "harmed", "beyond_grid")),
)  # fmt: skip

_LEAD = frozenset({"accuracy", "macro_f1", "family_accuracy", "family_macro_f1"})


def tables(outcomes: Outcomes) -> str:
    """Return the figures of all diagnosers as Markdown tables."""
    found = {name: figures(of_one) for name, of_one in outcomes.items()}
    parts = []
    for title, names in _TABLES:
        rows = [
            [name, *(_cell(found[name][figure]) for figure in names)]
            for name in found
            if title == "Advice" or name not in ADVICE_ALONE
        ]
        rows = [row for row in rows if any(cell != "-" for cell in row[1:])]
        parts.append(f"{title}\n\n{_table(['', *names], rows)}")
    return "\n\n".join(parts)


def lead(outcomes: Outcomes, own: str) -> str:
    """Return by how much `own` leads each of the others, as a Markdown table."""
    chosen = [definition for definition in DEFINITIONS if definition.name in _LEAD]
    rows = [
        [f"{own} minus {name}", *(_cell(difference(one, outcomes[own], of_one)) for one in chosen)]
        for name, of_one in outcomes.items()
        if name != own and name not in ADVICE_ALONE
    ]
    return "Lead, on the same traces\n\n" + _table(["", *(one.name for one in chosen)], rows)


def definitions() -> str:
    """Return what each figure means, a line each."""
    return "\n".join(f"{definition.name}: {definition.text}" for definition in DEFINITIONS)


def confusion_table(outcomes: Sequence[Outcome]) -> str:
    """Return the confusion matrix: a row per injected fault, a column per verdict."""
    counts = confusion(outcomes)
    rows = sorted({injected for injected, _ in counts})
    columns = sorted({told for _, told in counts}, key=lambda told: (told == "abstains", told))
    body = [[row, *(str(counts[row, column] or "") for column in columns)] for row in rows]
    return _table(["injected \\ told", *columns], body)


def trace_table(outcomes: Sequence[Outcome]) -> str:
    """Return what was told on each trace."""
    rows = [
        [
            outcome.trace,
            " + ".join(outcome.truth.labels),
            outcome.told or "abstains: " + " or ".join(outcome.final.labels[:2]),
            "yes" if outcome.is_right else "family" if outcome.is_right_family else "no",
            _seconds(outcome.delay_seconds),
        ]
        for outcome in outcomes
    ]
    return _table(["trace", "injected", "told", "right", "after"], rows)


def document(outcomes: Outcomes, *, individual: bool) -> dict[str, Any]:
    """Return the score of one set as JSON; single traces and pairs only where `individual`."""
    found: dict[str, Any] = {}
    for name, of_one in outcomes.items():
        entry: dict[str, Any] = {
            "figures": {
                key: {"value": one.value, "low": one.low, "high": one.high, "count": one.count}
                for key, one in figures(of_one).items()
            }
        }
        if individual:
            entry["confusion"] = [
                {"injected": injected, "told": told, "count": count}
                for (injected, told), count in sorted(confusion(of_one).items())
            ]
            entry["traces"] = [
                {
                    "trace": outcome.trace,
                    "labels": list(outcome.truth.labels),
                    "told": outcome.told or None,
                    "likeliest": list(outcome.final.labels[:2]),
                    "delay_seconds": outcome.delay_seconds,
                }
                for outcome in of_one
            ]
        found[name] = entry
    return found


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def _cell(one: Figure) -> str:
    if one.value is None:
        return "-"
    text = _short(one.value)
    if one.low is not None and one.high is not None:
        text += f" ({_short(one.low)} to {_short(one.high)})"
    return text


def _short(value: float) -> str:
    if abs(value) < 0.0995:
        return f"{value:.3f}"
    return f"{value:.2f}" if abs(value) < 9.995 else f"{value:.0f}"


def _seconds(value: float | None) -> str:
    return "never" if value is None else f"{value:.0f} s"
