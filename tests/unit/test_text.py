"""The text of other programs is made harmless, and ordinary text is left alone."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from gpumon.model.text import clean, is_clean

ESC, BEL, ST, CSI, OSC, DCS = "\x1b", "\x07", "\x9c", "\x9b", "\x9d", "\x90"
# Everything Python can hold, surrogates (broken UTF-8) included, with the dangerous ones often.
DANGEROUS = (
    f"{ESC}{BEL}{ST}{CSI}{OSC}{DCS}[]P\\;m?0\n\t\r\b\x00\x7f\u202e\u2066\u200b\u200d\ufeff\udc80\u2028"
)
HOSTILE = st.text(st.one_of(st.characters(), st.sampled_from(DANGEROUS), st.characters(categories=["Cs"])))

ORDINARY = [
    "train.py --data coco128.yaml",
    "Trainingslauf für Äpfel, Größe 640",
    "обучение модели",
    "学習の進み具合",
    "모델 훈련",
    "تدريب النموذج",
    "אימון המודל",
    "मॉडल प्रशिक्षण",
    "การฝึกโมเดล",
    "e\u0301pr\u00e9paration",
    "loss ∑ → 0.5 ± 0.1 🚀",
]


@given(HOSTILE)
@example(f"{ESC}{ESC}[31m[31m")
@example(f"{ESC}[3{ESC}[31m1m")
def test_no_harmful_character_is_left(text: str) -> None:
    """Nothing that moves a cursor, hides or reorders text gets through, whatever comes in."""
    left = {unicodedata.category(character) for character in clean(text)}

    assert set() == left & {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}


@given(HOSTILE)
def test_cleaning_twice_changes_nothing(text: str) -> None:
    """What is clean stays as it is."""
    once = clean(text)

    assert once == clean(once)


@given(HOSTILE, st.integers(min_value=0, max_value=40))
def test_the_limit_holds(text: str, limit: int) -> None:
    """The result is never longer than asked for."""
    assert limit >= len(clean(text, limit))


@given(HOSTILE)
def test_the_result_can_be_encoded(text: str) -> None:
    """A cleaned text can be written to a file or a terminal as UTF-8."""
    assert clean(text) == clean(text).encode("utf-8").decode("utf-8")


@given(st.text(st.characters(min_codepoint=0x20, max_codepoint=0x7E), max_size=200))
def test_printable_ascii_is_kept(text: str) -> None:
    """Command lines and paths of printable ASCII come through unchanged."""
    assert text == clean(text)


@given(st.text(st.characters(categories=["L", "N", "P", "S"], exclude_characters="\u2800")))
def test_letters_digits_and_signs_are_kept(text: str) -> None:
    """Letters, digits, punctuation and symbols of every script come through, except the invisible ones."""
    visible = "".join(c for c in text if c not in "\u115f\u1160\u3164\uffa0")

    assert visible[:4096] == clean(text)


@pytest.mark.parametrize("text", ORDINARY)
def test_ordinary_text_of_any_script_is_kept(text: str) -> None:
    """Names in any script are shown as they are."""
    assert text == clean(text)


@pytest.mark.parametrize(
    "escape",
    [
        f"{ESC}[31m",
        f"{ESC}[2J",
        f"{ESC}[?1049h",
        f"{ESC}[38;2;1;2;3m",
        f"{CSI}31m",
        f"{CSI}?25l",
        f"{ESC}]0;title{BEL}",
        f"{ESC}]0;title{ESC}\\",
        f"{ESC}]8;;http://example.org{ESC}\\",
        f"{ESC}]52;c;aGVsbG8={BEL}",
        f"{OSC}0;title{BEL}",
        f"{OSC}0;title{ST}",
        f"{ESC}P1$r0m{ESC}\\",
        f"{DCS}q#0;2;0;0;0{ST}",
        f"{ESC}_payload{ESC}\\",
        f"{ESC}^message{ESC}\\",
        f"{ESC}Xstring{ESC}\\",
        f"{ESC}c",
        f"{ESC}(0",
        f"{ESC}#8",
        f"{ESC}7",
    ],
)
def test_escape_sequences_are_removed_whole(escape: str) -> None:
    """A sequence goes with its parameters and its text, and what is around it stays."""
    assert "beforeafter" == clean(f"before{escape}after")


@pytest.mark.parametrize(
    "cut",
    [
        ESC,
        CSI,
        f"{ESC}[",
        f"{ESC}[31",
        f"{ESC}[38;2;",
        f"{CSI}3",
        f"{ESC}]0;titl",
        f"{OSC}0;t",
        f"{ESC}P1$",
        f"{ESC}(",
    ],
)
def test_a_cut_off_sequence_at_the_end_is_removed(cut: str) -> None:
    """A bounded read may cut a sequence anywhere; its beginning is no text."""
    assert "before" == clean(f"before{cut}")


def test_a_sequence_cut_by_another_keeps_the_text_after_both() -> None:
    """An escape within a title ends the title, as in a terminal."""
    assert "name" == clean(f"{ESC}]0;title{ESC}[31mname")


def test_a_sequence_put_together_from_two_is_harmless() -> None:
    """Removing one sequence must not leave another one that works."""
    assert ESC not in clean(f"{ESC}{ESC}[31m[31mname")


@pytest.mark.parametrize("character", ["\t", "\n", "\r", "\v", "\f"])
def test_line_ends_and_tabs_become_spaces(character: str) -> None:
    """A text takes one line, and its words stay apart."""
    assert "a b" == clean(f"a{character}b")


@pytest.mark.parametrize(
    "character", "\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\u200e\u200f\u061c"
)
def test_bidirectional_controls_are_dropped(character: str) -> None:
    """Nothing can reorder what stands beside it on the screen."""
    assert "ab" == clean(f"a{character}b")


@pytest.mark.parametrize(
    "character",
    "\u200b\u200c\u200d\u2060\ufeff\u00ad\u034f\u115f\u1160\u17b4\u180b\u180e\u3164\ufe0f\uffa0\U000e0100\U000e0041",
)
def test_invisible_characters_are_dropped(character: str) -> None:
    """Characters that take no room or show nothing cannot make two names look the same."""
    assert "ab" == clean(f"a{character}b")


def test_broken_utf_8_becomes_the_replacement_character() -> None:
    """A byte that is no UTF-8 (a surrogate in Python) is shown as one."""
    assert "a\N{REPLACEMENT CHARACTER}b" == clean(b"a\xffb".decode("utf-8", "surrogateescape"))


@given(HOSTILE)
def test_a_clean_text_is_known_as_clean(text: str) -> None:
    """`is_clean` says yes to what `clean` returns, unless a broken byte was replaced in it."""
    cleaned = clean(text)

    assert ("\N{REPLACEMENT CHARACTER}" not in cleaned) == is_clean(cleaned)


@pytest.mark.parametrize("text", ["a\nb", f"a{ESC}[0m", "a\u202eb", "a\udcffb"])
def test_a_changed_text_is_not_clean(text: str) -> None:
    """What cleaning would change, or has replaced, must not be copied to a shell."""
    assert not is_clean(text)


def test_a_replaced_byte_is_not_clean() -> None:
    """A text that shows the replacement character is not what was there."""
    assert not is_clean("a\N{REPLACEMENT CHARACTER}b")


def test_a_long_clean_text_is_clean() -> None:
    """Length alone does not make a text unfit for copying."""
    assert is_clean("x" * 100_000)
