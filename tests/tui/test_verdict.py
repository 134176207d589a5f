"""What the verdict pane says first, where there is more than the verdict."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from gpumon.model.finding import Finding, Severity
from gpumon.model.report import AttachState
from gpumon.model.suggestion import Bound, Change, Effect
from gpumon.tui.widgets.verdict import VerdictPane
from tests.tui.fakes import fake_frame
from tests.tui.pane_app import pane_app


async def _verdict(
    *findings: Finding, muted: frozenset[str] = frozenset(), size: tuple[int, int] = (120, 14)
) -> str:
    """Return the pane for the starved training with these findings besides."""
    frame = fake_frame()
    report = frame.training_report
    assert report is not None
    judged = replace(report, findings=(*report.findings, *findings))
    pane = VerdictPane()
    async with pane_app(pane, size=size) as (app, _):
        app.show(replace(frame, report=replace(frame.report, trainings=(judged,)), muted=muted))
        return pane.text


def _in_order(text: str, *words: str) -> bool:
    places = [text.index(word) for word in words]
    return sorted(places) == places


async def test_a_critical_finding_stands_before_the_verdict() -> None:
    """Also where there is little room: a run that is about to die comes before one that is slow."""
    lost = Finding("nan-loss", Severity.CRITICAL, "the box loss is nan since epoch 3", 0.0)
    lines = (await _verdict(lost, size=(80, 6))).splitlines()

    assert lines[1].startswith("│ ▲ NAN LOSS  the box loss is nan since epoch 3")
    assert lines[2].startswith("│ ● STARVED")


async def test_the_most_urgent_warning_follows_the_verdict() -> None:
    """After the verdict and its suggestion, before the memory and what is only information."""
    text = await _verdict(
        Finding("checkpoint-stall", Severity.WARNING, "a save takes 20 s", 0.0),
        Finding("vram-growth", Severity.WARNING, "it grows", 0.0),
    )

    assert _in_order(text, "STARVED", "--workers 6", "SLOW SAVES", "OOM RISK low", "POWER CAP", "VRAM GROWS")


@pytest.mark.parametrize(
    ("width", "hint"),
    [
        (120, "enter: why   y: copy the command"),
        (90, "y: copy the command"),
        (80, "y: copy"),
        (60, "enter: why   y: copy the command"),
    ],
)
async def test_a_suggestion_has_its_keys_beside_it(width: int, hint: str) -> None:
    """As many as have room, at the end of its last row."""
    lines = (await _verdict(size=(width, 14))).splitlines()
    last = next(line for line in lines if "bound: 8 cores" in line)

    assert re.search(f"8 cores  +{hint} │$", last)
    assert sum("y: copy" in line for line in lines) == 1


async def test_a_number_that_the_framework_caps_has_room_for_a_key() -> None:
    """At 80 columns, with rates of three digits: YOLOv5's cap is the bound of most machines."""
    frame = fake_frame()
    report = frame.training_report
    assert report is not None
    rate = Effect(162.0, 323.0, 290.0, 355.0)
    capped = replace(report.suggestions[0], bound=Bound.FRAMEWORK, images_per_second=rate)
    pane = VerdictPane()
    async with pane_app(pane, size=(80, 9)) as (app, _):
        judged = replace(report, suggestions=(capped,))
        app.show(replace(frame, report=replace(frame.report, trainings=(judged,))))

        assert re.search(r"162 → 323 img/s \(290–355\)   bound: YOLOv5's cap +y: copy │", pane.text)


async def test_a_muted_danger_does_not_push_the_verdict_down() -> None:
    """What the user does not want to hear of is said last."""
    lost = Finding("nan-loss", Severity.CRITICAL, "the loss is nan", 0.0)

    assert _in_order(await _verdict(lost, muted=frozenset({"nan-loss"})), "STARVED", "OOM RISK", "NAN LOSS")


async def test_a_batch_that_is_advised_is_not_named_as_fitting_too() -> None:
    """The memory risk leaves out what stands right above it with its effect."""
    frame = fake_frame()
    report = frame.training_report
    assert report is not None
    first, *others = report.suggestions
    both = replace(first, together=(Change("batch_size", 24, 32),))
    judged = replace(report, suggestions=(both, *others))
    pane = VerdictPane()
    async with pane_app(pane, size=(120, 14)) as (app, _):
        before = pane.text
        app.show(replace(frame, report=replace(frame.report, trainings=(judged,))))

        assert "batch 32 would still fit" in before
        assert "--workers 6 --batch-size 32" in pane.text
        assert "would still fit" not in pane.text


@pytest.mark.parametrize("width", [60, 80, 100, 120])
async def test_the_verdict_asks_for_the_rows_that_it_fills(width: int) -> None:
    """No more, so that no row stays blank that the chart could have."""
    pane, frame = VerdictPane(), fake_frame()
    async with pane_app(pane, size=(width, 20)):
        said = [line for line in pane.text.splitlines()[1:-1] if line.strip("│ ")]

        assert pane.rows_wanted(frame, width - 2) == len(said)


async def test_what_to_change_stands_before_what_is_to_stay() -> None:
    """A number of workers that has to stay is told of after the change that helps, and by its name."""
    frame = fake_frame()
    report = frame.training_report
    assert report is not None
    stays = replace(report.suggestions[0], to_value=2, text="no number of workers can feed the GPU")
    change = replace(report.suggestions[0], setting="cache", from_value=None, to_value="ram", text="cache it")
    judged = replace(report, suggestions=(stays, change))
    pane = VerdictPane()
    async with pane_app(pane, size=(120, 14)) as (app, _):
        app.show(replace(frame, report=replace(frame.report, trainings=(judged,))))

        assert _in_order(pane.text, "→ --cache ram", "○ no change of workers: no number", "OOM RISK")


@pytest.mark.parametrize("width", range(60, 100, 3))
async def test_the_batch_that_would_fit_stands_in_one_row(width: int) -> None:
    """No row has its last word alone."""
    pane = VerdictPane()
    async with pane_app(pane, size=(width, 20)):
        assert "batch 32 would still fit" in pane.text


@pytest.mark.parametrize("width", range(60, 100, 3))
async def test_in_ascii_too_no_change_of_memory_is_torn_apart(width: int) -> None:
    """What is tied together stays in one row, though an arrow takes two cells there."""
    pane, frame = VerdictPane(), fake_frame()
    async with pane_app(pane, size=(width, 20)) as (app, _):
        app.show(replace(frame, view=replace(frame.view, ascii=True)))
        rows = [line for line in pane.text.splitlines() if "->" in line]

        assert len(rows) > 0
        assert not any(line.rstrip("| ").endswith("->") for line in rows)


@pytest.mark.parametrize("height", [5, 6, 7, 8])
async def test_the_memory_risk_is_told_in_however_little_room(height: int) -> None:
    """What goes on over several rows waits for it, and is counted."""
    frame = fake_frame()
    report = frame.training_report
    assert report is not None
    why = "no number of workers can feed the GPU: it would take 8, and more than 2 are ruled out by 2 cores"
    stays = replace(report.suggestions[0], to_value=2, text=f"{why}, shared with other programs")
    judged = replace(report, suggestions=(stays,))
    pane = VerdictPane()
    async with pane_app(pane, size=(60, height)) as (app, _):
        app.show(replace(frame, report=replace(frame.report, trainings=(judged,))))

        assert _in_order(pane.text, "STARVED", "OOM RISK low")
        assert "more" in pane.text or "+" in pane.text


async def test_a_training_that_ended_without_a_verdict_is_waited_for_no_more() -> None:
    """That it has ended is what there is to say; nothing is measured any longer."""
    frame = fake_frame()
    report = frame.training_report
    assert report is not None
    early = replace(report, findings=(), suggestions=(), settled=False)
    over = replace(frame.report.attachment, state=AttachState.ENDED, text="it has ended: killed")
    pane = VerdictPane()
    async with pane_app(pane, size=(80, 14)) as (app, _):
        app.show(replace(frame, report=replace(frame.report, trainings=(early,), attachment=over)))

        assert "ENDED  it has ended: killed" in pane.text
        assert "WATCHING" not in pane.text


async def test_that_memory_ran_out_is_told_beside_what_it_held() -> None:
    """The row about memory tells no risk of what has ended, so it does not stand for this finding."""
    frame = fake_frame()
    report = frame.training_report
    assert report is not None
    ran_out = Finding(
        "vram-at-limit", Severity.CRITICAL, "GPU memory ran out: the peak is 11.9 of 12 GiB", 0.0
    )
    died = replace(report, findings=(ran_out, *report.findings), suggestions=())
    over = replace(frame.report.attachment, state=AttachState.ENDED, text="it crashed")
    pane = VerdictPane()
    async with pane_app(pane, size=(80, 14)) as (app, _):
        app.show(replace(frame, report=replace(frame.report, trainings=(died,), attachment=over)))

        assert _in_order(pane.text, "ENDED", "GPU memory ran out", "STARVED")
