"""What the verdict tells where it has little room for much."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

import pytest

from gpumon.model.finding import Finding, Severity
from gpumon.model.proof import Outcome, Proof
from gpumon.model.suggestion import Change, OomRisk, RiskLevel
from gpumon.paint.glyphs import UNICODE
from gpumon.paint.row import Span, row_text
from gpumon.tui.widgets.blocks import Block, broken, cut, rows_given
from gpumon.tui.widgets.suggestion_words import proof_row, short_proof_rows
from tests.tui.fakes import fake_frame
from tests.tui.screen import SIZES, Dashboard, dashboard

PROOF = Proof(
    run=4,
    earlier_run=3,
    changes=(Change("batch_size", 16, 32), Change("workers", 1, 2)),
    settled=True,
    text="batch size 16 -> 32, workers 1 -> 2: predicted 169 (159-173), achieved 172 images/s (163-182)",
    images_per_second=Outcome(90.0, 88.0, 92.0, 172.0, 163.0, 182.0, 169.0, 159.0, 173.0),
)
_WHY = (
    "no number of workers can feed the GPU: it would take 8, and more than 2 are ruled out by 2 cores, "
    "which other programs keep busy for the most part of the time that was seen"
)
GROWTH = Finding(
    "vram-growth", Severity.WARNING, "GPU memory grows 41 MiB a second since 14:03: full in 68 s", 0.0
)


def _crowded(**changes: Any) -> dict[str, Any]:
    """Return a report of a training that starves, with more to say than there is room for."""
    report = fake_frame().training_report
    assert report is not None
    starved, throttled = report.findings
    text = starved.text + ", and what is idle is not theirs to have: other programs take 1.8 of the 2 cores"
    starved = replace(starved, text=text)
    change, batch = report.suggestions
    stays = replace(change, to_value=2, text=_WHY)
    second = replace(batch, finding=starved.id)
    crowded = {"findings": (starved, throttled), "suggestions": (change, second, stays)}
    return {**crowded, **changes}


async def _judge(shown: Dashboard, **changes: Any) -> list[str]:
    """Let the feed say something else of the training, and return the lines of the screen."""
    report, window = shown.feed.report(), shown.feed.window()
    assert report is not None
    assert window is not None
    judged = replace(report.trainings[0], **changes)
    shown.feed._made = (replace(report, trainings=(judged,)), window)
    shown.app.on_news_arrived()
    await shown.settle()
    return shown.lines()


@pytest.mark.parametrize("size", SIZES)
async def test_a_proof_is_in_one_row_before_what_else_could_be_changed(size: tuple[int, int]) -> None:
    """Predicted and achieved with their intervals: however much there is to say."""
    async with dashboard(size=size) as shown:
        lines = await _judge(shown, **_crowded(proof=PROOF))

    at = next(number for number, line in enumerate(lines) if "PROOF" in line)
    assert "predicted 169 (159-173), achieved 172 im" in lines[at]
    assert "(163-182)" in lines[at]
    assert not any("--batch-size" in line or "no change of" in line for line in lines[:at])


@pytest.mark.parametrize(
    ("width", "words"),
    [
        (
            120,
            "batch size 16 -> 32, workers 1 -> 2: predicted 169 (159-173), achieved 172 images/s (163-182)",
        ),
        (76, "predicted 169 (159-173), achieved 172 img/s (163-182)"),
        (50, "predicted 169, achieved 172 img/s"),
    ],
)
def test_a_proof_has_as_many_words_as_have_room(width: int, words: str) -> None:
    """What was changed goes first, then the intervals; predicted and achieved stay."""
    block = Block(proof_row(PROOF, UNICODE), 0, is_one_line=True, shorter=short_proof_rows(PROOF, UNICODE))
    (row,) = broken(block, width, ascii_only=False)

    assert row_text(row) == f"○ PROOF  {words}"


def test_a_proof_that_is_not_settled_says_how_much_was_seen() -> None:
    """In fewer words too, as long as it has room."""
    early = replace(PROOF, settled=False, text=PROOF.text + "; 34 of 60 s measured")
    words = [row_text(row) for row in short_proof_rows(early, UNICODE)]

    assert "○ PROOF  predicted 169, achieved 172 img/s; 34 of 60 s measured" in [
        text.replace("\N{NO-BREAK SPACE}", " ") for text in words
    ]


async def test_at_80x24_the_cause_of_a_high_risk_is_told() -> None:
    """That memory grows and when it is full, and the risk: never behind a count of what has no room."""
    outlook = fake_frame().training_report
    assert outlook is not None
    assert outlook.memory is not None
    text = "about 66 %: memory grows, at this pace it is full in about 68 s; no batch would help for long"
    high = replace(outlook.memory, oom_risk=OomRisk(0.66, RiskLevel.HIGH, text))
    crowded = _crowded(memory=high, proof=PROOF)
    async with dashboard() as shown:
        lines = await _judge(shown, **{**crowded, "findings": (*crowded["findings"], GROWTH)})
    text = "\n".join(lines)

    assert "VRAM GROWS  GPU memory grows 41 MiB a second since 14:03: full in 68 s" in text
    assert "OOM RISK high" in text
    assert "STARVED" in text
    assert "--workers 6" in text
    assert "PROOF" in text


async def test_at_80x24_the_verdict_on_the_speed_is_told_behind_memory_that_is_full_in_a_minute() -> None:
    """Growth comes first and has the change that is told; that the GPU waits keeps its row."""
    outlook = fake_frame().training_report
    assert outlook is not None
    assert outlook.memory is not None
    risk = OomRisk(0.66, RiskLevel.HIGH, "about 66 %: memory grows, at this pace it is full in about 68 s")
    growth = replace(GROWTH, severity=Severity.CRITICAL, text=f"{GROWTH.text}; {_WHY}")
    crowded = _crowded(memory=replace(outlook.memory, oom_risk=risk), proof=PROOF)
    resume = replace(
        crowded["suggestions"][0],
        finding=GROWTH.id,
        setting="resume",
        from_value=None,
        to_value="last.pt",
        text=f"stop it before it is full and go on from its last checkpoint; {_WHY}",
    )
    changed = {"findings": (growth, *crowded["findings"]), "suggestions": (resume, *crowded["suggestions"])}
    async with dashboard() as shown:
        text = "\n".join(await _judge(shown, **{**crowded, **changed}))

    assert "OOM RISK high" in text
    assert "VRAM GROWS" in text
    assert "STARVED" in text


async def test_at_80x24_what_stays_takes_one_row() -> None:
    """That no change of workers helps is worth a row there; why is on the findings."""
    crowded = _crowded()
    async with dashboard() as shown:
        lines = await _judge(shown, **{**crowded, "suggestions": crowded["suggestions"][2:]})
    at = next(number for number, line in enumerate(lines) if "no change of workers" in line)

    assert "…" in lines[at]
    assert "OOM RISK" in lines[at + 1]


async def test_what_has_no_room_is_counted_though_the_last_row_is_full() -> None:
    """Beside the last row that has room for it."""
    async with dashboard() as shown:
        lines = await _judge(shown, **_crowded(proof=PROOF))

    last = next(number for number, line in enumerate(lines) if line.startswith("└"))
    assert "--batch-size 32" in lines[last - 1]
    assert re.search(r"PROOF .* \+2 │$", lines[last - 2])


def _block(need: int = 0) -> Block:
    return Block((Span("words"),), 0, need=need)


@pytest.mark.parametrize(
    ("height", "given"),
    [
        (1, [1, 0, 0, 0]),
        (2, [1, 0, 1, 0]),
        (3, [2, 0, 1, 0]),
        (4, [2, 0, 2, 0]),
        (5, [2, 0, 2, 0]),
        (7, [2, 3, 2, 0]),
        (8, [2, 3, 2, 1]),
    ],
)
def test_what_is_needed_has_its_rows_before_others(height: int, given: list[int]) -> None:
    """Each of them has a row, then all its rows; then the others, whole, down to one that has no room."""
    assert given == rows_given([_block(2), _block(), _block(1), _block()], [2, 3, 2, 1], height)


def test_what_is_cut_ends_in_a_mark_within_its_width() -> None:
    """Also where the last row that is shown is full."""
    full, short = (Span("x" * 10),), (Span("xx"),)

    assert row_text(cut([full, full], 1, 10, "…")[0]) == "x" * 8 + "…"
    assert row_text(cut([short, full], 1, 10, "…")[0]) == "xx …"
    assert cut([full, full], 2, 10, "…") == [full, full]
