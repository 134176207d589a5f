"""The plan screen: ticks with words, evidence, the suggestion that does a step, at every size."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import pytest
from rich.color import ColorType

from gpumon.advice.golden_rule import plan_of
from gpumon.advice.prior import NOTHING_KNOWN
from gpumon.diagnosis.view import view_of
from gpumon.model.finding import Evidence
from gpumon.model.measure import Missing
from gpumon.model.plan import PlanStep, StepState
from gpumon.model.report import Report, TrainingReport
from gpumon.model.suggestion import MemoryOutlook
from gpumon.paint.row import row_text, row_width
from gpumon.settings import Settings
from gpumon.tui.app import GpumonApp
from gpumon.tui.appearance import appearance
from gpumon.tui.plan_rows import done_words, step_row, step_rows, suggestion_of
from tests.tui.fake_feed import FakeClock, FakeFeed
from tests.tui.fakes import HOSTILE, MAIN_PID, VARIANTS, fake_frame
from tests.tui.pilot import piloted
from tests.tui.screen import SIZES, TERMINAL, Dashboard

_WAIT = Evidence("data_wait_ratio", 0.41, 0.05, 0.38, 0.44, "41 % of the time the loop waits for a batch")
PLAN = (
    PlanStep("batch", StepState.DONE, "batch 24 is the largest that is safe"),
    PlanStep("workers", StepState.TO_DO, "6 workers instead of 2 keep the GPU fed", (_WAIT,), 0),
    PlanStep("learning-rate", StepState.LATER, "with the change of the batch", (), 1),
    PlanStep("amp", StepState.UNKNOWN, "whether AMP is on is not known: no log"),
)


class PlannedFeed(FakeFeed):
    """A feed whose reports have a plan."""

    def __init__(self, variant: str, plan: tuple[PlanStep, ...], *, seconds: int = 60) -> None:
        self.plan = plan
        super().__init__(variant, seconds=seconds)

    def report(self) -> Report | None:
        """Return the newest report, with the plan in it."""
        made = super().report()
        if made is None:
            return None
        return replace(made, trainings=tuple(replace(one, plan=self.plan) for one in made.trainings))


@asynccontextmanager
async def planned(
    plan: tuple[PlanStep, ...] = PLAN,
    size: tuple[int, int] = (80, 24),
    variant: str = "starved",
    **settings: Any,
) -> AsyncIterator[Dashboard]:
    """Run a dashboard whose training has that plan, with the plan screen open."""
    chosen = Settings(**settings)
    feed = PlannedFeed(variant, plan)
    app = GpumonApp(feed, chosen, FakeClock(), appearance(chosen, TERMINAL))
    async with piloted(app, size, notifications=True) as pilot:
        running = Dashboard(app, feed, pilot)
        await running.settle()
        await running.press("6")
        yield running


def _row(shown: Dashboard, word: str) -> str:
    return next((line for line in shown.lines() if word in line), "")


@pytest.mark.parametrize("size", SIZES)
async def test_six_opens_the_plan(size: tuple[int, int]) -> None:
    """Every step has its mark, its number, its word and its sentence; the screen is full."""
    async with planned(size=size) as shown:
        assert [size[0]] * size[1] == [len(line) for line in shown.lines()]
        assert "plan 1 of 4 done" in shown.text()
        batch, workers = _row(shown, " 1 batch "), _row(shown, " 2 workers ")
        assert "✓ 1 batch          done       batch 24 is the largest that is safe" in batch
        assert "✗ 2 workers        to do      --workers 6  6 workers instead of 2" in workers
        assert "· 3 learning rate  later " in _row(shown, "learning rate")
        assert "? 4 amp            not known" in _row(shown, " amp ")


@pytest.mark.parametrize("size", SIZES)
async def test_under_the_cursor_is_the_step_with_its_evidence_and_command(size: tuple[int, int]) -> None:
    """The sentence, the number with interval and threshold, and what to change with its command."""
    async with planned(size=size) as shown:
        texts = [shown.text()]
        await shown.press("tab")
        for _ in range(4):
            await shown.press("pagedown")
            texts.append(shown.text())
        text = "\n".join(texts)

    assert "✗ workers until the GPU is fed  to do" in texts[0]
    assert "41 % of the time the loop waits for a batch" in text
    assert re.search(r"data_wait_ratio 41 %, 90 % between 38 % and 44 %, threshold\s+5 %", _joined(text))
    assert "2 → 6" in text
    assert "python train.py --img 640 --batch 24 --workers 6" in text


def _joined(text: str) -> str:
    """Return a text without boxes and line breaks."""
    return re.sub(r"[│\s]+", " ", text)


async def test_y_copies_the_command_of_the_step() -> None:
    """Of the step under the cursor, where one does it."""
    async with planned() as shown:
        await shown.press("y")

        assert shown.app.copied == "python train.py --img 640 --batch 24 --workers 6 --data coco128.yaml"


@pytest.mark.parametrize("way", ["up", "down"])
async def test_y_on_a_step_without_a_command_copies_no_other_steps(way: str) -> None:
    """The step above has no suggestion, the step below one without a command: nothing is copied."""
    async with planned() as shown:
        await shown.press(way, "y")
        said = shown.text()
        await shown.press("Y")

        assert shown.app.copied is None
        assert "there is no command to copy" in said


async def test_the_cursor_begins_at_the_first_step_to_do_until_it_is_moved() -> None:
    """It goes on as steps are done, to the first where none is to do, and then stays where it is put."""
    done, to_do = StepState.DONE, StepState.TO_DO
    async with planned() as shown:
        assert isinstance(shown.feed, PlannedFeed)
        texts = [shown.text()]
        for states in ((done, done, to_do, to_do), (done, done, done, done)):
            shown.feed.plan = tuple(
                replace(step, state=state) for step, state in zip(PLAN, states, strict=True)
            )
            await shown.advance()
            texts.append(shown.text())
        await shown.press("down", "up")
        shown.feed.plan = PLAN
        await shown.advance()
        texts.append(shown.text())

    for text, title in zip(
        texts,
        (
            "✗ workers until the GPU is fed",
            "✗ a learning rate that fits the batch",
            "✓ the largest batch that is safe",
            "✓ the largest batch that is safe",
        ),
        strict=True,
    ):
        assert title in text


async def test_enter_opens_the_page_of_the_finding_behind_it() -> None:
    """A step with a suggestion has a finding behind it; one without says so."""
    async with planned() as shown:
        await shown.press("up", "enter")
        said = shown.text()
        await shown.press("down", "enter")

        assert "no finding stands behind this step" in said
        assert "┌─ starved-too-few-workers" in shown.text()


async def test_a_step_stays_under_the_cursor_while_the_plan_changes() -> None:
    """New steps before it move the row and not the cursor."""
    async with planned() as shown:
        await shown.press("down")
        assert isinstance(shown.feed, PlannedFeed)
        shown.feed.plan = (PLAN[3], *PLAN[:3])
        await shown.advance()

        assert "· a learning rate that fits the batch" in shown.text()
        assert "· 4 learning rate" in shown.text()


async def test_a_plan_that_is_gone_leaves_words() -> None:
    """Where there is no plan yet the list says so, and nothing breaks."""
    async with planned(()) as shown:
        assert "no plan yet: gpumon has not seen enough of the training" in shown.text()
        assert "nothing is under the cursor" in shown.text()
        await shown.press("down", "enter", "y")

        assert shown.app.is_running


@pytest.mark.parametrize("size", SIZES)
async def test_ascii_has_marks_of_its_own(size: tuple[int, int]) -> None:
    """With --ascii no character is outside ASCII, and every state still has its mark and its word."""
    async with planned(size=size, ascii=True) as shown:
        await shown.press("down")

        assert [line for line in shown.lines() if not line.isascii()] == []
        for words in ("+ 1 batch", "! 2 workers", ". 3 learning", "? 4 amp", " done ", " to do ", " later "):
            assert words in shown.text()


async def test_without_colour_the_states_differ() -> None:
    """NO_COLOR: no colour at all, and four different marks."""
    async with planned(color=False) as shown:
        for line in shown.segments():
            for segment in line:
                for color in (segment.style.color, segment.style.bgcolor) if segment.style else ():
                    assert color is None or color.type is ColorType.DEFAULT

    marks = {row_text(step_row(1, step, 40, ascii_only=False))[0] for step in PLAN}
    assert len(marks) == 4


async def test_hostile_words_of_a_step_are_inert() -> None:
    """Markup in a step's sentence is shown letter by letter."""
    hostile = PlanStep(HOSTILE, StepState.TO_DO, HOSTILE, (replace(_WAIT, text=HOSTILE),))
    async with planned((hostile,), (120, 36)) as shown:
        assert "\x1b" not in shown.text()
        assert not any(
            segment.style is not None and (segment.style.link or "@click" in segment.style.meta)
            for line in shown.segments()
            for segment in line
        )


async def test_the_key_line_names_the_plan_and_help_explains_it() -> None:
    """At 80 columns all places keep their names, and help has the key and how to read the states."""
    async with planned() as shown:
        await shown.press("1")
        line = shown.lines()[-1]
        await shown.pilot.click("KeyLine", offset=(line.index("6 plan"), 0))
        await shown.settle()
        opened = shown.text()
        await shown.pilot.resize_terminal(120, 90)
        await shown.press("question_mark")

        assert line.strip() == (
            "1 overview 2 findings 3 processes 4 memory 5 history 6 plan  i ? help q quit"
        )
        assert "plan 1 of 4 done" in opened
        assert "the steps of tuning, ticked with the evidence of this run" in shown.text()
        assert "steps of tuning in order: done, to do, later" in shown.text()


@pytest.mark.parametrize("variant", VARIANTS)
async def test_no_report_breaks_the_plan_screen(variant: str) -> None:
    """Whatever a report holds or lacks, at 80x24 and in the smallest terminal."""
    async with planned(variant=variant) as shown:
        await shown.advance()
        for width, height in ((40, 10), (1, 1), (200, 50), (80, 24)):
            await shown.pilot.resize_terminal(width, height)
            await shown.advance()

            assert len(shown.lines()) == height


@pytest.mark.parametrize("variant", ["starved", "healthy", "missing", "hostile", "ranks"])
async def test_the_plan_of_a_real_look_is_drawn(variant: str) -> None:
    """What the golden rule says of the made-up trainings has room on the screen, step by step."""
    frame = fake_frame(variant, seconds=60)
    report, view = frame.training_report, view_of(frame.window, MAIN_PID)
    assert report is not None
    assert view is not None
    unseen = Missing("not read")
    outlook = report.memory or MemoryOutlook(unseen, unseen, unseen, unseen)
    plan = plan_of(view, report.findings, report.suggestions, outlook, NOTHING_KNOWN)
    async with planned(plan, variant=variant) as shown:
        for step in plan:
            assert step.name.replace("-", " ") in shown.text()
            await shown.press("down")


@pytest.mark.parametrize("width", [16, 40, 78, 118, 198])
def test_no_row_is_wider_than_its_pane(width: int) -> None:
    """The list's rows are exactly as wide as asked for; sentences of the details are wrapped."""
    frame = fake_frame()
    for step in PLAN:
        assert row_width(step_row(1, step, width, ascii_only=False)) == width
        if width >= 40:
            rows = step_rows(replace(step, suggestion=None), frame, width)
            assert all(row_width(row) <= width for row in rows)


def test_an_index_out_of_range_is_no_suggestion() -> None:
    """A step of another report points at nothing."""
    report = TrainingReport(1)

    assert suggestion_of(PLAN[1], report) is None
    assert suggestion_of(PLAN[0], report) is None
    assert done_words(PLAN) == "1 of 4 done"


async def test_at_80x24_the_command_line_is_in_sight_and_nothing_is_said_twice() -> None:
    """What to set stands right below the step's name; its sentence is left out if the suggestion has it."""
    step = replace(PLAN[1], text="use 6 workers")
    async with planned((step,)) as shown:
        lines = shown.lines()
        at = next(index for index, line in enumerate(lines) if "workers until the GPU is fed" in line)

        assert "→ --workers 6   90.0 → 148 img/s" in lines[at + 1]
        assert "evidence" in lines[at + 3]
        assert sum("use 6 workers" in line for line in lines[at:]) == 1


async def test_a_command_of_two_steps_is_told_once() -> None:
    """The second of them names the first, instead of the same words again."""
    both = (replace(PLAN[1], name="batch"), PLAN[1])
    async with planned(both, (120, 36)) as shown:
        first, second = (
            next(line for line in shown.lines() if mark in line) for mark in ("1 batch", "2 workers")
        )

        assert "--workers 6" in first
        assert "with step 1, by the same command" in second
        assert "--workers" not in second
