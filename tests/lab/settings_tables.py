"""The score of the laboratory of settings as Markdown."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from statistics import fmean, median

from gpumon.history.stats import wilson
from tests.lab.settings_cells import Grid
from tests.lab.settings_memory import LargestBatch
from tests.lab.settings_outcome import Outcome, Promise
from tests.lab.settings_scenario import Cell, SettingsScenario

# Of the best of the grid: less than that is regretted.
GOOD_SHARE = 0.95


def grid_table(scenarios: Sequence[SettingsScenario], grids: Mapping[str, Grid]) -> str:
    """Return the rates of all cells."""
    rows = []
    for scenario in scenarios:
        grid = grids[scenario.name]
        cells = "; ".join(f"{cell}: {_rate(grid, cell)}" for cell in sorted(grid.cells))
        rows.append((scenario.name, scenario.text, cells))
    return _table(("scenario", "what limits it", "workers x batch: images/s"), rows)


def policy_table(outcomes: Mapping[str, Sequence[Outcome]]) -> str:
    """Return what every policy brings over all starts."""
    head = (
        "policy", "starts", f"at least {GOOD_SHARE:.0%} of the best", "mean share of the best", "worst",
        "slower than before", "out of memory", "not known",
    )  # fmt: skip
    return _table(head, [(name, *_policy(found)) for name, found in outcomes.items()])


def outcome_table(outcomes: Iterable[Outcome]) -> str:
    """Return where one policy led from every start."""
    rows = [
        (
            one.scenario,
            " -> ".join(str(cell) for cell in (one.start, *one.path)),
            f"{one.before:.1f}",
            "not known" if one.rate is None else f"{one.rate:.1f}",
            f"{one.best:.1f}",
            "" if one.share_of_best is None else f"{one.share_of_best:.2f}",
        )
        for one in outcomes
    ]
    return _table(("scenario", "path", "before", "after", "best of the grid", "share"), rows)


def promise_table(kinds: Mapping[str, Sequence[Promise]]) -> str:
    """Return how far the predicted factors were off, and how many intervals held."""
    rows = []
    for name, found in kinds.items():
        if not found:
            rows.append((name, "0", "", "", "", ""))
            continue
        kept = sum(one.is_kept for one in found)
        share = wilson(kept, len(found))
        errors = [abs(one.error) for one in found]
        rows.append(
            (
                name,
                str(len(found)),
                f"{fmean(errors):.1%}",
                f"{median(errors):.1%}",
                f"{fmean(one.error for one in found):+.1%}",
                f"{kept} of {len(found)}: {share.value:.0%} ({share.low:.0%} to {share.high:.0%})",
            )
        )
    head = ("predicted", "count", "mean error", "median error", "bias", "held by the 90 % interval")
    return _table(head, rows)


def promise_list(found: Iterable[Promise]) -> str:
    """Return every promise."""
    rows = [
        (
            one.scenario,
            f"{one.start} -> {one.to}",
            f"{one.predicted.predicted:.2f} ({one.predicted.low:.2f} to {one.predicted.high:.2f})",
            f"{one.achieved:.2f}",
            "" if one.is_kept else "outside",
        )
        for one in found
    ]
    return _table(("scenario", "change", "predicted factor", "achieved", ""), rows)


def batch_table(found: Sequence[LargestBatch]) -> str:
    """Return how near the largest safe batches come to the largest that live."""
    rows = []
    for name, chosen in (
        ("memory is the limit", [one for one in found if one.true < one.reach]),
        ("all that a step may reach fits", [one for one in found if one.true == one.reach]),
    ):
        if chosen:
            ratios = [one.ratio for one in chosen]
            too_large = sum(ratio > 1 for ratio in ratios)
            spread = (f"{value:.2f}" for value in (fmean(ratios), min(ratios), max(ratios)))
            calm = fmean(one.told / one.calm for one in chosen)
            exact = fmean(one.calm / one.true for one in chosen)
            rows.append((name, str(len(chosen)), *spread, f"{calm:.2f}", f"{exact:.2f}", str(too_large)))
    head = (
        "largest safe batch per the true one", "cells", "mean", "least", "most",
        "mean per the largest that never flushes", "that one per the true one", "runs out of memory",
    )  # fmt: skip
    return _table(head, rows)


def _policy(found: Sequence[Outcome]) -> tuple[str, ...]:
    shares = [one.share_of_best for one in found if one.share_of_best is not None]
    if not shares:
        return (str(len(found)), "", "", "", "", "", str(len(found)))
    good = sum(share >= GOOD_SHARE for share in shares)
    known = [one.harmed for one in found if one.harmed is not None]
    return (
        str(len(found)),
        f"{good} of {len(shares)} ({good / len(shares):.0%})",
        f"{fmean(min(1.0, share) for share in shares):.2f}",
        f"{min(shares):.2f}",
        f"{sum(known)} of {len(known)}",
        str(sum(one.ran_out for one in found)),
        str(len(found) - len(shares)),
    )


def _rate(grid: Grid, cell: Cell) -> str:
    one = grid.cells[cell]
    return "out of memory" if one.out_of_memory else f"{one.images_per_second:.0f}"


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
