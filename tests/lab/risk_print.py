"""The figures of the risk of running out of memory as Markdown tables."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

_NAMES = {"fitted": "gpumon", "published": "the same formula, weights as published"}
_BATCHES = {
    "known": "gpumon, from one peak, the model known",
    "known_two": "gpumon, with an earlier run at half the batch, the model known",
    "known_round": "gpumon, as advised, the model known",
    "safe": "gpumon, from one peak, the model unknown",
    "two": "gpumon, with an earlier run at half the batch, the model unknown",
    "round": "gpumon, as advised, the model unknown",
    "autobatch": "YOLOv5's AutoBatch (80 %)",
}


def tables(figures: Mapping[str, Any]) -> str:
    """Return all tables, with a blank line between them."""
    fitted = figures["fitted"]
    kinds = ", ".join(f"{name} {of['failed']} of {of['runs']}" for name, of in fitted["kinds"].items())
    head = (
        f"{fitted['runs']} simulated trainings, {fitted['failed']} of which run out of memory ({kinds});"
        f" {fitted['points']} probabilities at ten moments of each"
    )
    return "\n\n".join(
        (
            head,
            _brier(figures),
            _reliability(fitted["reliability"]),
            _alarms(figures),
            _kinds(fitted["kinds"]),
            _batches(figures["batches"]),
        )
    )


def _brier(figures: Mapping[str, Any]) -> str:
    rows = []
    for key, name in _NAMES.items():
        low, high = figures[key]["brier_interval"]
        rows.append([name, f"{figures[key]['brier']:.3f} ({low:.3f} to {high:.3f})"])
    rows.append(["the share of all that fail, told to each", f"{figures['fitted']['brier_base_rate']:.3f}"])
    return _table(["probability", "Brier score (90 % interval over runs)"], rows)


def _reliability(bins: Sequence[Mapping[str, float]]) -> str:
    rows = [
        [
            f"{_percent(row['low'])} to {_percent(row['high'])}",
            f"{row['count']:.0f}",
            _percent(row["told"]),
            f"{_percent(row['share'])} ({_percent(row['share_low'])} to {_percent(row['share_high'])})",
        ]
        for row in bins
    ]
    return _table(["told", "probabilities", "their mean", "failed (Wilson, 90 %)"], rows)


def _alarms(figures: Mapping[str, Any]) -> str:
    fitted, published = figures["fitted"], figures["published"]
    rows = [
        ["gpumon", *(_share(fitted[name]) for name in ("missed", "false_alarms", "tight_warned"))],
        [
            "weights as published",
            *(_share(published[name]) for name in ("missed", "false_alarms", "tight_warned")),
        ],
        [
            "+5 points (SageMaker's GPUMemoryIncrease)",
            *(_share(fitted[name]) for name in ("missed_five_points", "false_alarms_five_points")),
            "-",
        ],
    ]
    rows[0].append(_lead(fitted["leak_lead_epochs"]))
    rows[1].append(_lead(published["leak_lead_epochs"]))
    rows[2].append(_lead(fitted["leak_lead_five_points"]))
    return _table(
        [
            "",
            "missed",
            "false alarms in healthy runs",
            "warned, and ended well with little room",
            "lead for leaks",
        ],
        rows,
    )


def _kinds(kinds: Mapping[str, Any]) -> str:
    rows = [
        [name, f"{of['runs']}", f"{of['failed']}"]
        + [_of(of[part]) for part in ("missed", "false_alarms", "low_failed")]
        for name, of in kinds.items()
    ]
    return _table(
        [
            "kind",
            "trainings",
            "ran out",
            "missed",
            "false alarms in healthy runs",
            "told below 5 %, and ran out",
        ],
        rows,
    )


def _of(part: Sequence[int]) -> str:
    return f"{part[0]} of {part[1]}" if part[1] else "-"


def _batches(batches: Mapping[str, Any]) -> str:
    rows = []
    for key, name in _BATCHES.items():
        row = batches["rows"][key]
        rows.append(
            [
                name,
                f"{row['median']:.2f} ({row['low']:.2f} to {row['high']:.2f})",
                _percent(row["within"]),
                _percent(row["of_calm"]),
                f"{row['died']} of {batches['cases']} (at most {_percent(row['died_high'])})",
            ]
        )
    head = [
        "largest batch",
        "of the true one (median, 5 to 95 %)",
        "within 0.85 to 1.0",
        "0.85 or more of the largest that never flushes",
        "out of memory",
    ]
    return _table(head, rows)


def _share(found: Mapping[str, float]) -> str:
    interval = f"{_percent(found['low'])} to {_percent(found['high'])}"
    return f"{found['count']:.0f} of {found['of']:.0f} ({interval})"


def _lead(found: Mapping[str, float]) -> str:
    if not found["count"]:
        return "-"
    return (
        f"{found['median']:.1f} epochs ({found['low']:.1f} to {found['high']:.1f}), {found['count']:.0f} runs"
    )


def _percent(ratio: float) -> str:
    return f"{100 * ratio:.1f} %" if 0 < ratio < 0.0995 else f"{100 * ratio:.0f} %"


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)
