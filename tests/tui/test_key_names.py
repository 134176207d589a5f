"""How keys are written."""

from __future__ import annotations

import string

import pytest
from hypothesis import given
from hypothesis import strategies as st
from textual.keys import _character_to_key

from gpumon.tui.key_names import key_name, key_names, key_of

_WORDS = ("escape", "pageup", "pagedown", "home", "end", "insert", "delete", "tab", "space", "enter")
_BASES = (*_WORDS, "backspace", "up", "down", "left", "right", *(f"f{number}" for number in range(1, 25)))


@pytest.mark.parametrize("character", sorted(string.ascii_letters + string.digits + string.punctuation))
def test_every_printable_character_has_the_key_that_textual_has(character: str) -> None:
    """What is typed is what is bound, and it stands on the screen as itself."""
    key = key_of(character)

    assert _character_to_key(character) == key
    assert character == key_name(key or "")


@given(
    st.sets(st.sampled_from(("alt", "ctrl", "hyper", "meta", "shift", "super"))).map(sorted),
    st.sampled_from(_BASES),
)
def test_what_stands_on_the_screen_can_be_written_in_the_file(modifiers: list[str], base: str) -> None:
    """The name of a key leads back to the key."""
    key = "+".join((*modifiers, base))

    assert key == key_of(key)
    assert key == key_of(key_name(key))
    assert key_name(key).isascii()


@given(st.text(max_size=20))
def test_any_text_is_a_key_or_none(text: str) -> None:
    """Whatever stands in the file: a key that can be named, or nothing."""
    key = key_of(text)

    assert key is None or (key_name(key).strip() and "," not in key)


@pytest.mark.parametrize(
    ("written", "key"),
    [
        ("esc", "escape"),
        ("PgUp", "pageup"),
        ("Ctrl-X", "ctrl+x"),
        ("CTRL+X", "ctrl+x"),
        ("shift+ctrl+left", "ctrl+shift+left"),
        ("shift+a", "A"),
        ("ctrl+A", "ctrl+a"),
        ("ctrl++", "ctrl+plus"),
        (" ? ", "question_mark"),
        ("ctrl+i", "tab"),
        ("ctrl+m", "enter"),
        ("return", "enter"),
        ("ö", "ö"),
        ("shift+1", None),
        ("f25", None),
        ("hyperspace", None),
        ("ctrl+", None),
        ("", None),
        ("\x1b", None),
    ],
)
def test_ways_to_write_a_key(written: str, key: str | None) -> None:
    """Names are read in any case; what no terminal sends is none."""
    assert key == key_of(written)


def test_the_keys_of_a_binding() -> None:
    """All of them, with blanks between."""
    assert key_names("plus,equals_sign,f1,ctrl+c") == "+ = F1 Ctrl-C"


def test_arrows_are_the_arrow_keys() -> None:
    """What the bottom line shows leads to the key, so that a moved one is shown as moved."""
    assert [key_of(arrow) for arrow in "←→↑↓"] == ["left", "right", "up", "down"]
