"""A suggestion with all its parts on the screen: other values, going on, the keys that copy, the proof."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from gpumon.model.measure import Missing
from gpumon.model.proof import Outcome, Proof
from gpumon.model.suggestion import Bound, Change, Effect, GoOn, Suggestion
from gpumon.paint.glyphs import UNICODE
from gpumon.paint.row import Row, row_text, row_width
from gpumon.tui.finding_rows import suggestion_rows
from gpumon.tui.suggestion_rows import curve_rows, go_on_rows
from gpumon.tui.widgets.suggestion_words import flag_text, proof_row
from tests.tui.screen import SIZES, Dashboard, dashboard

PATH = "/home/ann/yolov5/runs/train/exp7"
GO_ON = GoOn(
    command=(
        f"sed -i -e 's/^workers:.*/workers: 6/' {PATH}/opt.yaml && "
        f"python train.py --resume {PATH}/weights/last.pt"
    ),
    lost="the running epoch is lost: 12 of its 40 batches",
    path=f"{PATH}/opt.yaml",
    edit=f"--- {PATH}/opt.yaml\n+++ {PATH}/opt.yaml\n@@ -1 +1 @@\n-workers: 2\n+workers: 6\n",
)
FULL = Suggestion(
    setting="workers",
    from_value=2,
    to_value=6,
    text="use 6 workers",
    finding="starved-too-few-workers",
    bound=Bound.CORES,
    rests_on="the wait for data over 20 s of steady training",
    speedup=Effect(1.0, 1.64, 1.46, 1.69),
    images_per_second=Effect(90.0, 148.0, 131.0, 152.0),
    data_wait_ratio=Effect(0.41, 0.03, 0.01, 0.06),
    command="python train.py --batch 32 --workers 6",
    together=(Change("batch_size", 24, 32),),
    curve=(
        (1, Effect(1.0, 0.52, 0.5, 0.6)),
        (2, Effect(1.0, 1.0, 1.0, 1.0)),
        (6, Effect(1.0, 1.64, 1.46, 1.69)),
    ),
    go_on=GO_ON,
)
PROOF = Proof(
    run=4,
    earlier_run=3,
    changes=(Change("workers", 2, 6),),
    settled=True,
    text="workers 2 -> 6: predicted 148 (131-152), achieved 146 images/s (143-149)",
    images_per_second=Outcome(90.0, 88.0, 92.0, 146.0, 143.0, 149.0, 148.0, 131.0, 152.0),
)

TOO_SLOW = Outcome(90.0, 88.0, 92.0, 99.0, 95.0, 103.0, 148.0, 131.0, 152.0)


def _text(rows: list[Row]) -> str:
    return "\n".join(row_text(row) for row in rows)


async def _judge(shown: Dashboard, **changes: Any) -> None:
    """Let the feed say something else of the training, and wait until it is drawn."""
    report, window = shown.feed.report(), shown.feed.window()
    assert report is not None
    assert window is not None
    judged = replace(report.trainings[0], **changes)
    shown.feed._made = (replace(report, trainings=(judged,)), window)
    for listener in shown.feed._listeners:
        listener()
    await shown.settle()


def test_settings_that_change_together_are_told_together() -> None:
    """In one row as flags, and each with what it was in the list of parts."""
    text = _text(suggestion_rows(FULL, 100))

    assert flag_text(FULL, "yolov5").replace("\N{NO-BREAK SPACE}", " ") == "--workers 6 --batch-size 32"
    assert flag_text(FULL, "ultralytics") == "workers=6 batch=32"
    assert "  workers     2 → 6\n  batch       24 → 32\n" in text
    assert "  data wait   41 % → ~3 % (1 % to 6 %)" in text


@pytest.mark.parametrize(
    ("setting", "value", "framework", "expected"),
    [
        ("amp", "on", "yolov5", "use 6 workers"),
        ("amp", "on", "ultralytics", "amp=True"),
        ("lr0", 0.005, "yolov5", "use 6 workers"),
        ("lr0", 0.005, "torch", "use 6 workers"),
        ("lr0", 0.005, "ultralytics", "lr0=0.005"),
        ("launcher", "DDP", "yolov5", "use 6 workers"),
        ("cache", "ram", "yolov5", "--cache ram"),
        ("cache", None, "yolov5", "without --cache"),
        ("rect", True, "yolov5", "--rect"),
        ("images", "640 px", "yolov5", "use 6 workers"),
    ],
)
def test_a_flag_that_does_not_exist_is_never_shown(
    setting: str, value: Any, framework: str, expected: str
) -> None:
    """Settings without a flag are told in words."""
    other = replace(FULL, setting=setting, from_value="off", to_value=value, together=())

    assert flag_text(other, framework).replace("\N{NO-BREAK SPACE}", " ") == expected


def test_other_values_are_bars() -> None:
    """As long as the predicted speed; the present and the suggested value are named."""
    rows = curve_rows(FULL, 100)
    lengths = [row_text(row).count("━") for row in rows[1:]]

    assert row_text(rows[0]) == "  predicted speed by workers alone"
    assert lengths == [10, 20, 32]
    assert row_text(rows[1]).split()[0] == "1"
    assert row_text(rows[1]).endswith(" ×0.52 (0.50–0.60) ")
    assert row_text(rows[2]).endswith(" ×1.00 now")
    assert row_text(rows[3]).endswith(" ×1.64 (1.46–1.69) this")


def test_a_long_curve_is_thinned() -> None:
    """It keeps its ends, the present and the suggested value, and fits."""
    curve = tuple((workers, Effect(1.0, workers / 2, 0.5, 40.0)) for workers in range(1, 33))
    rows = curve_rows(replace(FULL, from_value=5, to_value=22, curve=curve), 60)
    values = [int(row_text(row).split()[0]) for row in rows[1:]]

    assert len(values) <= 12
    assert {1, 5, 22, 32} <= set(values)
    assert values == sorted(values)
    assert max(map(row_width, rows)) <= 60
    assert curve_rows(replace(FULL, curve=curve[:1]), 60) == []


def test_how_to_go_on_is_shown_with_its_edit() -> None:
    """What is lost, the command whole, the file, and the lines that go and come."""
    rows = go_on_rows(FULL, 60)
    text = _text(rows)
    command = "".join(row[-1].text for row in rows if row[-1].role == "value")

    assert text.startswith(
        "  to go on from the last checkpoint  Y copies it\n    stop it first, while it trains"
    )
    assert text.endswith(f"\n  what it writes into\n    {PATH}/opt.yaml\n    -workers: 2\n    +workers: 6")
    assert command == GO_ON.command


def test_why_it_cannot_go_on_is_said() -> None:
    """A reason, or nothing where nobody asked."""
    no_checkpoint = Missing("no epoch is completed yet: there is no checkpoint to go on from")
    text = _text(go_on_rows(replace(FULL, go_on=no_checkpoint), 100))
    inexact = replace(GO_ON, command=Missing("it holds characters that cannot be copied safely"))

    assert "not possible\n    no epoch is completed yet" in text
    assert "no command: it holds characters" in _text(go_on_rows(replace(FULL, go_on=inexact), 100))
    assert go_on_rows(replace(FULL, go_on=Missing("not built")), 100) == []


@pytest.mark.parametrize("ascii_only", [False, True])
@pytest.mark.parametrize("size", SIZES)
async def test_all_of_it_is_on_the_findings_screen(size: tuple[int, int], ascii_only: bool) -> None:
    """At every size, below the evidence; with --ascii in ASCII."""
    async with dashboard(size=size, ascii=ascii_only) as shown:
        await _judge(shown, suggestions=(FULL,))
        await shown.press("2", "tab")
        seen = shown.text()
        for _ in range(12):
            await shown.press("pagedown")
            seen += shown.text()
        lines = shown.lines()

    for part in ("predicted speed by workers", "Y copies it", "-workers: 2", "+workers: 6", "data wait"):
        assert part in seen
    assert "32  " in seen
    assert not ascii_only or seen.isascii()
    assert {len(line) for line in lines} == {size[0]}


async def test_capital_y_copies_what_goes_on() -> None:
    """Y the whole command with its edit, y the one that begins again; both are printed at the end."""
    async with dashboard() as shown:
        await _judge(shown, suggestions=(FULL,))
        await shown.press("Y")
        to_go_on = shown.app.clipboard, shown.app.copied
        said = shown.text()
        await shown.press("y")

        assert to_go_on == (GO_ON.command, GO_ON.command)
        assert "OSC 52" in said
        assert shown.app.copied == FULL.command


async def test_capital_y_says_why_there_is_nothing_to_copy() -> None:
    """The reason of the first suggestion; without one, that there is none."""
    reason = "no epoch is completed yet: there is no checkpoint to go on from"
    async with dashboard() as shown:
        await _judge(shown, suggestions=(replace(FULL, go_on=Missing(reason)),))
        await shown.press("Y")
        with_reason = shown.text()
        await _judge(shown, suggestions=())
        await shown.press("Y")

        assert "no epoch is completed yet" in with_reason
        assert "there is no command to copy" in shown.text()
        assert shown.app.copied is None


async def test_both_keys_speak_of_the_same_change() -> None:
    """Where the change that y copies cannot go on, Y says why; another change that can is not copied."""
    reason = "no epoch is completed yet: there is no checkpoint to go on from"
    begins = replace(FULL, go_on=Missing(reason))
    other = replace(FULL, setting="cache", command=Missing("no flag"))
    async with dashboard(size=(120, 36)) as shown:
        await _judge(shown, suggestions=(begins, other))
        await shown.press("y", "Y")
        said, copied = shown.text(), shown.app.copied
        await _judge(shown, suggestions=(other, begins))
        await shown.press("Y")
        goes_on = shown.app.copied
        await shown.press("y")

        assert copied == FULL.command
        assert "no epoch is completed yet" in said
        assert (goes_on, shown.app.copied) == (GO_ON.command, GO_ON.command)
        assert "there is no command to copy" in shown.text()


async def test_the_keys_copy_for_the_finding_under_the_cursor() -> None:
    """On the findings screen both take the suggestion that is looked at."""
    other = replace(
        FULL, finding="power-capped", command="other", go_on=replace(GO_ON, command="other goes on")
    )
    async with dashboard(size=(120, 36)) as shown:
        await _judge(shown, suggestions=(FULL, other))
        await shown.press("2", "down", "y")
        begins = shown.app.copied
        await shown.press("Y")

        assert (begins, shown.app.copied) == ("other", "other goes on")


@pytest.mark.parametrize(("width", "has_hint"), [(200, True), (100, False), (80, True)])
async def test_the_overview_tells_of_the_key_where_there_is_room(width: int, has_hint: bool) -> None:
    """Beside the suggestion, at 80 columns beside its second row, and only where it is of use."""
    async with dashboard(size=(width, 50)) as shown:
        before = shown.text()
        await _judge(shown, suggestions=(FULL,))

        assert "Y: to go on" not in before
        assert ("Y: to go on" in shown.text()) is has_hint


@pytest.mark.parametrize("size", SIZES)
async def test_the_proof_is_one_line_after_verdict_and_memory(size: tuple[int, int]) -> None:
    """Predicted and achieved; it is cut rather than broken, and the verdict stays first."""
    async with dashboard(size=size) as shown:
        await _judge(shown, suggestions=(FULL,), proof=PROOF)
        lines = shown.lines()

    verdict, memory, proof = (
        next(number for number, line in enumerate(lines) if word in line)
        for word in ("STARVED", "OOM RISK", "PROOF")
    )
    assert verdict < memory < proof
    assert "predicted 148 (131-152)" in lines[proof].replace("\N{NO-BREAK SPACE}", " ")
    assert "images/s" not in lines[proof + 1]


async def test_a_long_proof_at_80x24_leaves_the_verdict_its_rows() -> None:
    """The verdict with its suggestion is whole; the proof has fewer words, its numbers among them."""
    async with dashboard() as shown:
        await _judge(shown, suggestions=(FULL,), proof=replace(PROOF, text=PROOF.text * 3))
        text = shown.text()
        line = next(line for line in shown.lines() if "PROOF" in line)

    assert "STARVED  the GPU waits" in text
    assert "--workers 6 --batch-size 32" in text.replace("\N{NO-BREAK SPACE}", " ")
    assert "PROOF  predicted 148, achieved 146 img/s " in line


@pytest.mark.parametrize(
    ("proof", "role", "mark"),
    [
        (PROOF, "good", "○"),
        (replace(PROOF, settled=False), "dim", "○"),
        (replace(PROOF, images_per_second=Missing("not measured yet")), "info", "○"),
        (replace(PROOF, images_per_second=TOO_SLOW), "warn", "●"),
        (replace(PROOF, images_per_second=Outcome(90.0, 88.0, 92.0, 146.0, 143.0, 149.0)), "info", "○"),
    ],
)  # fmt: skip
def test_a_proof_tells_whether_it_came_as_predicted(proof: Proof, role: str, mark: str) -> None:
    """By colour and by mark; too early or never predicted is neither."""
    row = proof_row(proof, UNICODE)

    assert (row[0].text, row[0].role) == (f"{mark} ", role)
    assert row_text(row).replace("\N{NO-BREAK SPACE}", " ").endswith(proof.text)
