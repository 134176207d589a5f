"""The findings screen: pictures, cost, what is over, and muting."""

from __future__ import annotations

from dataclasses import replace

import pytest
from textual import events

from gpumon.model.finding import Evidence, Finding, Severity
from gpumon.monitor.finding_watch import FindingWatch
from gpumon.monitor.muted import Muted
from gpumon.paint.row import row_text, row_width
from gpumon.recording.mark import Mark, MarkKind
from gpumon.tui.evidence_rows import evidence_rows
from tests.tui.fake_feed import FakeFeed
from tests.tui.fakes import MAIN_PID, START_MONOTONIC_SECONDS, START_UNIX_SECONDS, fake_frame, fake_sample
from tests.tui.replayed import replayed
from tests.tui.screen import SIZES, Dashboard, dashboard

_BLOCKS = set("▁▂▃▄▅▆▇█")


def _row(shown: Dashboard, word: str) -> str:
    """Return the first row of the screen that holds a word."""
    return next((line for line in shown.lines() if word in line), "")


@pytest.mark.parametrize("size", SIZES)
async def test_each_number_has_its_picture(size: tuple[int, int]) -> None:
    """Beside the evidence its metric is drawn over the span, with its axis; at every size."""
    async with dashboard(size=size) as shown:
        await shown.press("2")
        lines = shown.lines()
        text = shown.text()

    at = next(number for number, line in enumerate(lines) if " data_wait_ratio " in line)
    assert "100 %" in lines[at]
    assert _BLOCKS & set("".join(lines[at : at + 6]))
    assert "41 % (38 % to 44 %)  threshold 5 %" in lines[at + 1]
    assert "the main thread waits 41 % of its time" in text
    assert " now" in text


@pytest.mark.parametrize("size", SIZES)
async def test_what_it_costs_is_said(size: tuple[int, int]) -> None:
    """The share in the list; rate, time and energy below."""
    async with dashboard(size=size) as shown:
        await shown.press("2")

        assert "costs 41 %" in _row(shown, "● warning")
        assert "costs       41 % of the time, ~62.6 img/s, ~3h3" in shown.text()


async def test_the_newest_findings_go_into_the_history() -> None:
    """What is over stays in the list, with when and how long; under the cursor it is told in full."""
    async with dashboard(size=(120, 36)) as shown:
        await shown.press("2")
        before = shown.text()
        shown.feed.set("healthy", 100)
        await shown.settle()
        row = _row(shown, "over     starved-too-few-workers")
        await shown.press("down")
        told = shown.text()

    assert "2 now " in before
    assert "over " not in before
    assert "  1m10s  from " in row
    assert "1 now, 2 over" in told
    assert "┌─ starved-too-few-workers " in told
    assert "was warning, is over" in told


async def test_a_recording_has_its_history() -> None:
    """On a replay the marks tell what was over by then; and what ends later is not over yet."""
    moment = START_UNIX_SECONDS, START_MONOTONIC_SECONDS
    marks = [
        Mark(moment[0] + second, moment[1] + second, kind, "the disk was busy", "starved-local-disk")
        for second, kind in ((5, MarkKind.FINDING), (15, MarkKind.FINDING_OVER))
    ]
    samples = [fake_sample("healthy", second) for second in range(1, 31)]
    async with replayed(samples, marks, (120, 36), seconds=START_MONOTONIC_SECONDS + 30) as shown:
        await shown.press("2")
        text = shown.text()
        await shown.press("0")

        assert "over     starved-local-disk" in text
        assert "    10s  from " in text
        assert "starved-local-disk" not in shown.text()


async def test_m_mutes_what_is_under_the_cursor_and_takes_it_back() -> None:
    """It is dimmed in the list, on the overview too, and the key says what it did."""
    async with dashboard(size=(120, 36)) as shown:
        await shown.press("2", "m")
        muted, said = _row(shown, "starved-too-few"), shown.text()
        ids = shown.app.muted
        await shown.press("1")
        verdict = next(line for line in shown.segments() if "STARVED" in "".join(part.text for part in line))
        bold = [part.text for part in verdict if part.style is not None and part.style.bold]
        await shown.press("2", "m")

        assert "● muted " in muted
        assert "starved-too-few-workers is muted: no alert of it" in said
        assert ids == {"starved-too-few-workers"}
        assert not any("STARVED" in text for text in bold)
        assert "● warning" in _row(shown, "starved-too-few")
        assert shown.app.muted == frozenset()


async def test_m_on_one_that_is_over_mutes_its_id() -> None:
    """The next time it comes it raises no alert."""
    async with dashboard(size=(120, 36)) as shown:
        shown.feed.set("healthy", 100)
        await shown.press("2", "down", "m")

        assert shown.app.muted == {"starved-too-few-workers"}


async def test_keys_typed_ahead_are_for_the_place_they_lead_to() -> None:
    """Over a slow link three keys come at once: they wait until the screen is there."""
    async with dashboard(size=(120, 36)) as shown:
        for key in ("2", "down", "m"):
            shown.app.post_message(events.Key(key, None))
        await shown.settle()

        assert shown.app.current_mode == "findings"
        assert shown.app.muted == {"power-capped"}


async def test_enter_explains_in_the_lower_pane_too() -> None:
    """The key line offers it whichever pane has the focus."""
    async with dashboard(size=(120, 36)) as shown:
        await shown.press("2", "tab", "enter")

        assert "┌─ starved-too-few-workers" in shown.text()


async def test_enter_opens_the_page_of_one_that_is_over() -> None:
    """Its page is there whether it is there or not."""
    async with dashboard(size=(120, 36)) as shown:
        shown.feed.set("healthy", 100)
        await shown.press("2", "down", "enter")

        assert "┌─ starved-too-few-workers" in shown.text()


def test_a_picture_shows_which_seconds_speak_for_the_finding() -> None:
    """Columns on the finding's side of the threshold have another colour than the others."""
    frame = fake_frame("starved", seconds=300)
    item = Evidence("data_wait_ratio", 0.45, 0.41)
    finding = Finding("starved-lock", Severity.WARNING, "", 0.0, (item,))
    rows = evidence_rows(finding, frame, 120, height=4)
    roles = {span.role for span in rows[-2] if _BLOCKS & set(span.text)}

    assert roles == {"wait", "heat1"}


def test_the_threshold_is_a_line_where_the_picture_is_free() -> None:
    """A wait that never comes near its threshold lies below it."""
    item = Evidence("data_wait_ratio", 0.01, 0.9)
    finding = Finding("compute-bound", Severity.INFO, "", 0.0, (item,))
    rows = evidence_rows(finding, fake_frame("starved", seconds=300), 120, height=4)

    assert "─" * 20 in row_text(rows[0])


@pytest.mark.parametrize("metric", ["cpu_busy_ratio", "not_a_metric", "shm_free_bytes"])
def test_a_number_without_a_past_has_no_picture(metric: str) -> None:
    """Those that were never read, and those that the history has not: words over the whole width."""
    item = Evidence(metric, 0.5, 0.4, text="words " * 12)
    finding = Finding("hung", Severity.CRITICAL, "", 0.0, (item,))
    rows = evidence_rows(finding, fake_frame("missing"), 100, height=3)

    assert not any(_BLOCKS & set(row_text(row)) for row in rows)
    assert row_text(rows[-1]).startswith("  words words")


async def test_a_watch_knows_what_was_muted_before() -> None:
    """The dashboard dims what an earlier one has muted."""
    feed = FakeFeed("starved", seconds=60)
    watch = FindingWatch(feed, Muted(None, {"power-capped"}))
    watch.start()

    assert [item.id for item in watch.episodes] == ["starved-too-few-workers", "power-capped"]
    assert replace(fake_frame(), muted=watch.muted.ids).muted == {"power-capped"}
    assert {item.pid for item in watch.episodes} == {MAIN_PID}


def test_the_axis_of_a_picture_never_moves_it() -> None:
    """A unit that has no room beside the picture is left out: all rows have one width."""
    item = Evidence("images_per_second", 90.1, 120.0, text="slow")
    finding = Finding("hung", Severity.CRITICAL, "", 0.0, (item,))
    rows = evidence_rows(finding, fake_frame("starved", seconds=300), 120, height=4)

    assert {120} == {row_width(row) for row in rows[:4]}
    assert "120 " in row_text(rows[0]) + row_text(rows[1])


async def test_what_to_change_is_on_the_first_screen() -> None:
    """At 80x24 it stands right below the sentence, as in the verdict, and in full at the end."""
    async with dashboard() as shown:
        await shown.press("2")
        lines = shown.lines()
        at = next(index for index, line in enumerate(lines) if "● STARVED" in line)

        assert "→ --workers 6   90.0 → 148 img/s (131–152)" in lines[at + 2]
        assert "use 6 workers" not in shown.text()
