"""Keys that the user moved: checked before anything is shown, and shown wherever keys are."""

from __future__ import annotations

import re
from collections import defaultdict

import pytest
from hypothesis import given
from hypothesis import strategies as st
from textual.binding import BindingsMap
from textual.dom import DOMNode
from textual.screen import Screen

from gpumon.settings import SettingsError
from gpumon.tui.key_map import NOTHING_MOVED, bindings, key_map, shown_as
from gpumon.tui.screens.view_screen import ViewScreen
from tests.tui.fakes import MAIN_PID, fake_sample
from tests.tui.replayed import replayed
from tests.tui.screen import dashboard


def test_every_binding_of_every_screen_and_pane_has_an_id_and_a_tooltip() -> None:
    """Whatever a key does can be moved, and is explained."""
    named = {(owner, binding.id) for owner, binding in bindings()}
    declared = [
        (kind, binding)
        for kind in _below(DOMNode)
        if kind.__module__.startswith("gpumon.")
        for binding in kind.__dict__.get("BINDINGS", ())
    ]

    assert [] == [(kind, binding) for kind, binding in declared if (kind, binding.id) not in named]
    assert [] == [binding.id for _, binding in declared if not binding.tooltip]
    assert len({kind for kind, _ in declared if issubclass(kind, ViewScreen)}) > 2


def test_an_id_is_one_binding() -> None:
    """Whatever classes declare it, it has the same keys there: its id moves them all."""
    meanings = defaultdict(set)
    for _, binding in bindings():
        meanings[binding.id].add(binding.key)

    assert {} == {name: found for name, found in meanings.items() if len(found) > 1}


def _below(kind: type[DOMNode]) -> set[type[DOMNode]]:
    found = {kind}
    for below in kind.__subclasses__():
        found |= _below(below)
    return found


def test_nothing_moved_is_no_map() -> None:
    """Without a table of keys no screen is imported, and every binding has its own keys."""
    assert key_map({}) is NOTHING_MOVED


@pytest.mark.parametrize(
    ("choices", "sentence"),
    [
        ({"findings.mutt": "M"}, "there is no 'findings.mutt'; gpumon config --keys lists all"),
        ({"findings.mute": "hyperspace"}, "there is no key 'hyperspace' for 'findings.mute'"),
        ({"findings.mute": ","}, "there is no key '' for 'findings.mute' (the comma's own name is comma)"),
        ({"findings.mute": "q"}, "'quit' and 'findings.mute' would both be on q"),
        ({"place.plan": "1"}, "'place.overview' and 'place.plan' would both be on 1"),
        ({"list.down": "z"}, "'overview.zoom' and 'list.down' would both be on z"),
        ({"findings.mute": "ctrl+c"}, "Ctrl-C leaves gpumon and can be nothing else"),
        ({"interrupt": "x"}, "'interrupt' stays on Ctrl-C"),
    ],
)
def test_keys_that_cannot_be(choices: dict[str, str], sentence: str) -> None:
    """One sentence: what is wrong, and where it was written."""
    with pytest.raises(SettingsError) as raised:
        key_map(choices)

    assert str(raised.value).startswith("keys in the config file: ")
    assert re.search(f"(^|: ){re.escape(sentence)}$", str(raised.value))


@pytest.mark.parametrize(
    "choices",
    [
        # On another screen the key is free.
        {"findings.mute": "t"},
        # Both move: neither is where the other one goes.
        {"place.overview": "2", "place.findings": "1"},
        # One is for the live dashboard, the other for a replay; both had the key before.
        {"pause": "x", "play": "x"},
        {"quit": "x"},
    ],
)
def test_keys_that_can_be(choices: dict[str, str]) -> None:
    """A key may do different things in places that are never there at once."""
    assert choices == key_map(choices).moved


async def test_a_moved_key_works_is_shown_and_has_left_its_old_place() -> None:
    """The new key does it, the old one does nothing; help, the bottom line and its click know the new one."""
    moved = {"pause": "x", "help": "H", "place.findings": "w", "quit": "Q", "findings.mute": "M", "copy": "C"}
    async with dashboard(size=(200, 60), keys=tuple(moved.items())) as shown:
        await shown.press("q", "space", "2", "question_mark")
        before = shown.text()
        line = before.splitlines()[-1]
        await shown.pilot.click("KeyLine", offset=(line.index("w findings") + 3, 0))
        await shown.settle()
        opened = shown.text()
        await shown.press("x")
        held = shown.text()
        await shown.press("H")
        listed = shown.text()
        await shown.press("Q")

        assert "┌─ verdict" in before
        assert "enter: why   C: copy the command" in before
        assert "x pause" in line
        assert "H help" in line
        assert "evidence" in opened
        assert "M mute its alerts" in opened
        assert "PAUSED" in held
        assert re.search(r" x  +hold the picture", listed)
        assert re.search(r" Q  +leave gpumon", listed)
        assert shown.app.return_code == 0


async def test_what_shares_a_key_with_a_moved_one_keeps_it() -> None:
    """The next GPU is on x; ] and g are free; the replay's ] stays, and so does the pause on space."""
    keys = (("gpu.next", "x"), ("play", "X"))
    async with dashboard("eight_gpus", keys=keys) as shown:
        await shown.press("x", "x", "g", "right_square_bracket")
        two = "GPU 2 " in shown.text()
        await shown.press("space")

        assert two
        assert "PAUSED" in shown.text()
    async with replayed([fake_sample(second=second) for second in range(1, 9)], keys=keys) as played:
        first = played.at
        await played.press("right_square_bracket")

        assert first + 1 == played.at


async def test_text_that_is_typed_presses_no_moved_key() -> None:
    """In the line of a filter a letter is a letter, also where another key was moved to it."""
    async with dashboard(keys=(("back", "v"), ("help", "h,V"))) as shown:
        await shown.press("3", "slash", "v", "h", "V")

        assert "no process holds 'vhv'" in shown.text()


@pytest.mark.parametrize("place", ["1", "3"])
async def test_ctrl_c_never_reaches_a_process(place: str) -> None:
    """Also on the processes it leaves gpumon with 130, and nothing is chosen or signalled."""
    async with dashboard(size=(120, 36)) as shown:
        await shown.press(place, "ctrl+c")

        assert shown.app.return_code == 130
        assert MAIN_PID not in shown.feed.chosen


def test_words_of_keys_that_moved() -> None:
    """Only those that moved are written anew."""
    assert shown_as("+ -", {"minus": "left_curly_bracket"}) == "+ {"
    assert shown_as("esc", {"escape": "B"}) == "B"
    assert shown_as("enter", {}) == "enter"


async def test_the_palette_has_the_actions_of_all_panes() -> None:
    """What can be done in a pane without the focus can be found too, and is done there."""
    async with dashboard(size=(120, 36)) as shown:
        await shown.press("2")
        screen: Screen[object] = shown.app.screen
        commands = list(shown.app.get_system_commands(screen))
        helps = [command.help for command in commands]
        offered = {
            binding.tooltip
            for pane in screen.query("*")
            if pane.size.area
            for kind in type(pane).__mro__
            for binding in kind.__dict__.get("BINDINGS", ())
            if type(pane).__module__.startswith("gpumon.") and kind.__module__.startswith("gpumon.")
        }

        assert offered <= set(helps)
        assert {"choose other colours", "draw with ASCII only, or with all again"} <= set(helps)


_IDS = sorted({owned.binding.id or "" for owned in bindings()} - {"interrupt"})
_WRITTEN = st.sampled_from([*"abcxyzABXZ019/?+-[]<>.$", "space", "enter", "esc", "tab", "up", "F5", "ctrl+x"])
_CHOICES = st.lists(_WRITTEN, min_size=1, max_size=3).map(",".join)


@given(st.dictionaries(st.sampled_from(_IDS), _CHOICES, min_size=1, max_size=3))
def test_whatever_is_moved_every_binding_has_the_keys_it_should_have(choices: dict[str, str]) -> None:
    """A map is refused; or Textual, given it, has each binding on its keys and on no other, moved or not."""
    try:
        moved = key_map(choices)
    except SettingsError:
        return
    for kind in {owned.owner for owned in bindings()}:
        merged = kind._merge_bindings()
        expected = _keys_by_id(merged)
        expected |= {name: set(keys.split(",")) for name, keys in moved.moved.items() if name in expected}
        merged.apply_keymap(moved.for_textual)

        assert expected == _keys_by_id(merged)


def _keys_by_id(merged: BindingsMap) -> dict[str, set[str]]:
    found: dict[str, set[str]] = defaultdict(set)
    for key, binding in merged:
        if binding.id:
            found[binding.id].add(key)
    return dict(found)
