"""Every key of the dashboard."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from textual.binding import Binding

from gpumon.tui.app import GpumonApp
from tests.tui.fakes import MAIN_PID
from tests.tui.screen import dashboard


def _bindings(app: GpumonApp) -> list[Binding]:
    return [binding for binding in app.BINDINGS if isinstance(binding, Binding) and app.has(binding)]


@pytest.mark.parametrize(("key", "code"), [("q", 0), ("ctrl+c", 130), ("ctrl+q", 0)])
async def test_keys_that_leave(key: str, code: int) -> None:
    """Q leaves with 0, Ctrl-C with 130."""
    async with dashboard() as shown:
        await shown.press(key)

        assert shown.app.return_code == code
        assert shown.app.is_running is False


async def test_leaving_does_not_close_the_feed() -> None:
    """The feed belongs to whoever made it."""
    async with dashboard() as shown:
        await shown.press("q")

        assert shown.feed.closed == 0


async def test_news_after_the_end_is_harmless() -> None:
    """The monitor's thread may still tell of news when the dashboard is gone."""
    async with dashboard() as shown:
        await shown.press("q")
    shown.feed.advance()

    assert shown.app.is_running is False


@pytest.mark.parametrize("variant", ["starved", "choosing"])
async def test_news_that_arrive_while_the_screens_are_closed_are_harmless(variant: str) -> None:
    """Between the last screen's end and the dashboard's there is nothing to show them on."""
    async with dashboard(seconds=1) as shown:
        await shown.press("q")
    shown.feed.variant = variant
    shown.feed.advance()
    shown.app.on_news_arrived()
    shown.app.show_frame()

    assert shown.app.screen_stack == []


async def test_pause_holds_the_picture_and_says_so() -> None:
    """While paused nothing but the word changes; afterwards the newest report is shown."""
    async with dashboard() as shown:
        await shown.press("space")
        held = shown.text()
        await shown.advance(30)

        assert "PAUSED" in held
        assert held == shown.text()

        await shown.press("space")

        assert "PAUSED" not in shown.text()
        assert held.splitlines()[7:20] != shown.lines()[7:20]


async def test_a_paused_picture_can_be_looked_at_from_all_sides() -> None:
    """Other screens and spans of a held picture show the moment it was held."""
    async with dashboard() as shown:
        await shown.press("5")
        before = shown.text()
        await shown.press("1", "space")
        await shown.advance(30)
        await shown.press("5", "plus", "minus")

        assert " paused at " in shown.lines()[1]
        assert before.splitlines()[2:-1] == shown.lines()[2:-1]


async def test_plus_and_minus_change_the_span_within_its_limits() -> None:
    """+ goes up to an hour, - down to a minute."""
    async with dashboard() as shown:
        await shown.press("5")
        seen: list[str] = []
        for key in ["minus"] * 4 + ["plus"] * 7:
            await shown.press(key)
            found = re.search(r" (\w+)  gpu_busy_ratio", shown.text())
            seen.append(found.group(1) if found else "")

        assert ["1m", "1m", "1m", "1m", "2m", "5m", "10m", "30m", "1h", "1h", "1h"] == seen


@pytest.mark.parametrize(
    ("keys", "index"),
    [(["g"], 1), (["G"], 7), (["right_square_bracket"] * 9, 1), (["left_square_bracket"], 7)],
)
async def test_gpu_keys_go_round(keys: list[str], index: int) -> None:
    """G and ] show the next GPU, G and [ the one before, round and round."""
    async with dashboard("eight_gpus") as shown:
        await shown.press(*keys)

        assert f"GPU {index} " in shown.text()


@pytest.mark.parametrize("asked", ["3", "GPU-3"])
async def test_the_gpu_of_the_settings_is_shown_first(asked: str) -> None:
    """--gpu by index or UUID chooses the GPU of the charts."""
    async with dashboard("eight_gpus", gpu=asked) as shown:
        assert "GPU 3 " in shown.text()


async def test_copy_sends_the_first_command_and_says_where() -> None:
    """Y copies the command of the first suggestion."""
    async with dashboard() as shown:
        await shown.press("y")

        assert shown.app.clipboard == "python train.py --img 640 --batch 24 --workers 6 --data coco128.yaml"
        assert shown.app.copied == shown.app.clipboard
        assert "OSC 52" in shown.text()


async def test_copy_without_a_command_says_so() -> None:
    """Y has nothing to copy where nothing is suggested."""
    async with dashboard("healthy") as shown:
        await shown.press("y")

        assert shown.app.copied is None
        assert "there is no command to copy" in shown.text()


def _files(folder: Path) -> list[Path]:
    return sorted(folder.iterdir())


async def test_picture_is_saved_where_gpumon_was_started(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """S writes an SVG that only its owner may read, tells its name, and overwrites nothing."""
    monkeypatch.chdir(tmp_path)
    async with dashboard(size=(160, 40)) as shown:
        await shown.press("s")
        saved = _files(tmp_path)
        text, picture = shown.text(), saved[0].read_bytes()
        await shown.press("s")

        assert len(saved) == 1
        assert saved[0].name in text
        assert saved[0].stat().st_mode & 0o777 == 0o600
        assert "STARVED" in saved[0].read_text(encoding="utf-8").replace("&#160;", " ")
        assert saved[0].read_bytes() == picture
        assert len(_files(tmp_path)) == 2


async def test_readonly_saves_no_picture(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With --readonly s only says why not."""
    monkeypatch.chdir(tmp_path)
    async with dashboard(readonly=True) as shown:
        await shown.press("s")

        assert _files(tmp_path) == []
        assert "--readonly" in shown.text()


async def test_enter_opens_the_evidence() -> None:
    """Enter on the overview opens the findings; Esc goes back to the overview."""
    async with dashboard() as shown:
        await shown.press("enter")
        opened = shown.text()
        await shown.press("escape")

        assert "evidence" in opened
        assert "┌─ verdict" in shown.text()


@pytest.mark.parametrize(
    ("tabs", "key", "word"),
    [
        (1, "enter", "gpu_busy_ratio"),
        (2, "enter", "gpu_memory_used_bytes"),
        (2, "m", "gpu_memory_used_bytes"),
        (3, "m", "host_cpu_busy_ratio"),
        (3, "enter", "processes by tree"),
        (4, "enter", "data_wait_ratio"),
        (0, "m", "gpu_busy_ratio"),
    ],
)
async def test_what_has_the_focus_opens(tabs: int, key: str, word: str) -> None:
    """Tab goes through the pictures; Enter opens one, m enlarges one; Esc closes it."""
    async with dashboard(size=(120, 36)) as shown:
        await shown.press(*["tab"] * tabs, key)
        opened = shown.text()
        await shown.press("escape")

        assert word in opened
        assert "┌─ pipeline" in shown.text()


async def test_up_and_down_change_the_measure() -> None:
    """On the history screen they go through the measures, and it is kept for the next visit."""
    async with dashboard() as shown:
        await shown.press("5", "down")
        second = shown.text()
        await shown.press("1", "5")
        kept = shown.text()
        await shown.press("up")

        assert "gpu_memory_used_bytes" in second
        assert "gpu_memory_used_bytes" in kept
        assert "gpu_busy_ratio" in shown.text()


async def test_a_digit_closes_what_is_on_top() -> None:
    """A digit goes to its place from an enlarged chart and from help."""
    async with dashboard() as shown:
        await shown.press("m", "question_mark", "3")

        assert "processes by tree" in shown.text()
        assert len(shown.app.screen_stack) == 1


async def test_choosing_lists_the_trainings_and_enter_attaches() -> None:
    """Several trainings: a list opens by itself, and Enter attaches to the one under the cursor."""
    async with dashboard("choosing") as shown:
        opened = shown.text()
        await shown.press("enter")

        assert "choose a training" in opened
        assert "yolov5" in opened
        assert [MAIN_PID] == shown.feed.chosen
        assert "choose a training" not in shown.text()


async def test_the_list_of_trainings_opens_only_once_by_itself() -> None:
    """Esc closes the list; more news does not open it again; c does."""
    async with dashboard("choosing") as shown:
        await shown.press("escape")
        await shown.advance()
        closed = shown.text()
        await shown.press("c")

        assert "choose a training" not in closed
        assert "GPU 0" in closed
        assert "choose a training" in shown.text()


async def test_processes_filter() -> None:
    """/ shows only what holds the text, Enter keeps it, Esc shows all again."""
    async with dashboard() as shown:
        await shown.press("3", "slash", *"worker")
        typed = shown.text()
        await shown.press("enter")
        kept = shown.text()
        await shown.press("escape")

        for text in (typed, kept):
            assert "train worker" in text
            assert "main " not in text
        assert "main " in shown.text()
        assert "processes" in shown.text()


async def test_keys_are_text_while_the_filter_is_typed() -> None:
    """Q in the filter is a letter."""
    async with dashboard() as shown:
        await shown.press("3", "slash", "q", "1", "space")

        assert shown.app.is_running
        assert "no process holds 'q1'" in shown.text()


async def test_processes_tree_and_order() -> None:
    """T goes between tree and CPU order, o through all orders."""
    async with dashboard() as shown:
        await shown.press("3", "t")
        by_cpu = shown.text()
        await shown.press("t", "o", "o")

        assert "by cpu" in by_cpu
        assert by_cpu.index("41236") < by_cpu.index("41234 main")
        assert "by core wait" in shown.text()


async def test_the_palette_has_every_key() -> None:
    """Each binding's action can be found in the command palette."""
    async with dashboard() as shown:
        titles = {command.help for command in shown.app.get_system_commands(shown.app.screen)}

        for binding in _bindings(shown.app):
            assert binding.tooltip in titles


@pytest.mark.parametrize("place", "123456")
async def test_no_two_commands_of_the_palette_have_one_name(place: str) -> None:
    """What is chosen there is chosen by its name."""
    async with dashboard(size=(120, 36)) as shown:
        await shown.press(place)
        titles = [command.title for command in shown.app.get_system_commands(shown.app.screen)]

        assert sorted(set(titles)) == sorted(titles)


async def test_every_binding_has_an_id_and_a_tooltip() -> None:
    """Keys can be remapped by id and explained everywhere."""
    async with dashboard() as shown:
        for place in "12345":
            await shown.press(place)
            for node in (shown.app, shown.app.screen, *shown.app.screen.query("*")):
                if type(node).__module__.startswith("gpumon"):
                    for binding in type(node).BINDINGS:
                        assert isinstance(binding, Binding)
                        assert binding.id
                        assert binding.tooltip


async def test_a_click_on_the_key_line_is_its_key() -> None:
    """The bottom line can be clicked."""
    async with dashboard() as shown:
        await shown.pilot.click("KeyLine", offset=(shown.lines()[-1].index("2 findings") + 3, 0))
        await shown.settle()

        assert "evidence" in shown.text()
