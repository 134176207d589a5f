"""The dashboard on a recording: its bar, its keys, and every screen."""

from __future__ import annotations

import pytest

from gpumon.recording.mark import MarkKind
from tests.tui.fakes import START_MONOTONIC_SECONDS, fake_sample
from tests.tui.replayed import replayed
from tests.tui.screen import SIZES, dashboard
from tests.unit.recorded import mark_at

_SAMPLES = tuple(fake_sample("starved", second) for second in range(1, 181))
_MARKS = (
    mark_at(_SAMPLES[39], MarkKind.FINDING, "STARVED: too few workers"),
    mark_at(_SAMPLES[79], MarkKind.EPOCH, "epoch 4"),
    mark_at(_SAMPLES[119], MarkKind.FINDING, "GPU memory is at its limit"),
)
_PLACES = {"1": "verdict", "2": "evidence", "3": "process", "4": "who holds what", "5": "gpu_busy_ratio"}
_MIDDLE = START_MONOTONIC_SECONDS + 90


@pytest.mark.parametrize("size", SIZES)
async def test_every_screen_works_on_a_recording(size: tuple[int, int]) -> None:
    """Each digit opens its screen with the bar above the keys; it fills the terminal, also while played."""
    async with replayed(_SAMPLES, _MARKS, size, seconds=_MIDDLE) as shown:
        await shown.press("space")
        for key, word in _PLACES.items():
            await shown.press(key)
            await shown.play(1.0)

            assert [size[0]] * size[1] == [len(line) for line in shown.lines()]
            assert word in shown.text()
            assert " REPLAY " in shown.lines()[0]
            assert " of 2m59s" in shown.lines()[-2]
            assert "space" in shown.lines()[-1]


@pytest.mark.parametrize("size", SIZES)
async def test_the_keys_of_a_replay_stand_below(size: tuple[int, int]) -> None:
    """At every size the bottom line teaches how to go through a recording."""
    async with replayed(_SAMPLES, size=size) as shown:
        for word in (", . step", "< > speed", "n finding", "space play", "? help", "q quit"):
            assert word in shown.lines()[-1]


async def test_what_opens_on_top_has_the_bar_too() -> None:
    """Sources, an enlarged chart, help and the list of trainings are drawn on a recording."""
    async with replayed(_SAMPLES, _MARKS, seconds=_MIDDLE) as shown:
        for key in ("i", "m", "question_mark", "c"):
            await shown.press(key)

            assert len(shown.app.screen_stack) == 2
            assert " of 2m59s" in shown.lines()[-2]
            await shown.press("escape")


_KEYS = {
    "full_stop": 91,
    "right_square_bracket": 91,
    "comma": 89,
    "left_square_bracket": 89,
    "f": 150,
    "b": 30,
    "n": 120,
    "N": 40,
    "e": 120,
    "E": 80,
    "0": 1,
    "dollar_sign": 180,
    "n n": 120,
    "N comma full_stop": 40,
}


async def test_keys_go_to_moments() -> None:
    """Steps, minutes, findings, events and the ends have keys."""
    seen = {}
    async with replayed(_SAMPLES, _MARKS, seconds=_MIDDLE) as shown:
        for keys in _KEYS:
            shown.feed.seek(_MIDDLE)
            await shown.press(*keys.split())
            seen[keys] = shown.at

    assert seen == _KEYS


async def test_space_plays_and_pauses() -> None:
    """The picture moves from one space to the next, and the bar and the keys say which it is."""
    async with replayed(_SAMPLES, seconds=_MIDDLE) as shown:
        paused = shown.text()
        await shown.press("space")
        await shown.play(3.0)
        playing = shown.text()
        await shown.press("space")
        await shown.play(3.0)

        assert shown.at == 93
        assert "II ×1" in paused
        assert "space play" in paused
        assert "▶  ×1" in playing
        assert "space pause" in playing
        assert "PAUSED" not in playing


async def test_speed_has_keys_and_is_shown() -> None:
    """> and < change how fast it plays."""
    async with replayed(_SAMPLES, seconds=_MIDDLE) as shown:
        await shown.press("greater_than_sign", "greater_than_sign")
        faster = shown.lines()[-2]
        await shown.press("less_than_sign", "less_than_sign", "less_than_sign")

        assert "×5 " in faster
        assert "×0.5 " in shown.lines()[-2]


async def test_the_bar_shows_where_one_is_and_what_happened() -> None:
    """The dot moves along the line, findings stand on it, and the newest event is told beside it."""
    async with replayed(_SAMPLES, _MARKS, (120, 36), seconds=_MIDDLE) as shown:
        middle = shown.lines()[-2]
        await shown.press("n")
        later = shown.lines()[-2]

    assert middle.index("●") < later.index("●")
    assert (2, 1) == (middle.count("▲"), later.count("▲"))
    assert ("epoch 4" in middle, "GPU memory is at its limit" in later) == (True, True)


async def test_a_click_on_the_line_goes_there() -> None:
    """The first cell is the first sample, the last cell the last one."""
    async with replayed(_SAMPLES, seconds=_MIDDLE) as shown:
        bar = shown.lines()[-2]
        places = []
        for x in (bar.index("▕") + 1, bar.index("▏") - 1):
            await shown.pilot.click(offset=(x, 22))
            await shown.play(0.0)
            places.append(shown.at)

    assert [1, 180] == places


async def test_a_moment_looks_the_same_however_it_was_reached() -> None:
    """Jumping about leaves nothing behind on the screen."""
    async with replayed(_SAMPLES, size=(120, 36), seconds=_MIDDLE) as shown:
        await shown.press("5")
        fresh = shown.text()
        await shown.press("dollar_sign", "comma", "0", "n", "full_stop", "f", "f", "b", "0")
        await shown.press(*["full_stop"] * 4, "1", "5", "f", "f", "b", "b")
        shown.feed.seek(_MIDDLE)
        await shown.play(0.0)

        assert fresh == shown.text()


async def test_the_thinned_part_is_told() -> None:
    """Where only some samples are left, the bar says so and the line is drawn otherwise."""
    async with replayed(_SAMPLES, size=(120, 36), full_from=_MIDDLE) as shown:
        assert "thinned" in shown.lines()[-2]
        assert "┄" in shown.lines()[-2]


async def test_the_bar_in_ascii() -> None:
    """No character outside ASCII with --ascii."""
    async with replayed(_SAMPLES, _MARKS, (120, 36), ascii=True, seconds=_MIDDLE) as shown:
        await shown.press("n")

        assert shown.text().isascii()


async def test_a_narrow_terminal_keeps_the_times() -> None:
    """In 40 columns the line goes before the times."""
    async with replayed(_SAMPLES, _MARKS, (40, 10), seconds=_MIDDLE) as shown:
        assert " of 2m59s" in shown.lines()[-2]


async def test_help_on_a_recording_has_its_keys_and_not_those_of_a_live_monitor() -> None:
    """Help lists what works here."""
    async with replayed(_SAMPLES, size=(120, 100)) as shown:
        await shown.press("5", "question_mark")
        text = shown.text()

    assert "cursor to the left edge" in text
    assert "replay: one sample forward" in text
    assert "replay: to the first sample" in text
    assert "back to now, without the cursor" not in text
    assert "write all that is seen to a file" not in text
    assert "sampling goes on" not in text


async def test_live_the_keys_of_a_replay_do_nothing() -> None:
    """A live dashboard has no bar, and ] shows the next GPU."""
    async with dashboard("eight_gpus", size=(120, 80)) as shown:
        await shown.press("f", "n", "e", "0", "dollar_sign", "full_stop", "right_square_bracket")
        assert "GPU 1 " in shown.text()
        assert " REPLAY " not in shown.text()
        await shown.press("question_mark")

        assert "replay:" not in shown.text()


async def test_nothing_is_recorded_of_a_recording() -> None:
    """The key of the switch does nothing here."""
    async with replayed(_SAMPLES) as shown:
        before = shown.text()
        await shown.press("r")

        assert before == shown.text()


async def test_the_palette_of_a_recording_has_its_keys() -> None:
    """The command palette offers what works here, and nothing that does not."""
    async with replayed(_SAMPLES) as shown:
        titles = {command.help for command in shown.app.get_system_commands(shown.app.screen)}

    assert {"replay: play or pause", "replay: one sample forward", "replay: to the next finding"} <= titles
    assert not any("sampling goes on" in title for title in titles)


async def test_at_80_columns_the_bottom_line_says_where_one_is() -> None:
    """The word for sources goes before the name of the place."""
    async with replayed(_SAMPLES, size=(80, 24)) as shown:
        for key, place in (("1", "overview"), ("3", "processes"), ("5", "history")):
            await shown.press(key)

            assert f"{key} {place}" in shown.lines()[-1]
            assert "q quit" in shown.lines()[-1]
