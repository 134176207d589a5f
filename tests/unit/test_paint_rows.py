"""Rows: widths, cutting, filling, wrapping."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gpumon.paint.glyphs import ASCII, UNICODE, ascii_cells, ascii_words
from gpumon.paint.row import (
    Span,
    clip,
    clip_at_blank,
    clip_left,
    clip_path,
    fit,
    pad,
    row_text,
    row_width,
    spread,
    text_width,
)
from gpumon.paint.wrap import wrap

# What gpumon.model.text.clean lets through: no control, format or surrogate characters.
CLEAN = st.text(st.characters(exclude_categories=("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp")), max_size=40)
ROWS = st.lists(st.builds(Span, CLEAN, st.sampled_from(["", "dim", "value"])), max_size=6)


def test_wide_and_combining_characters_take_their_cells() -> None:
    """An ideograph takes two cells, a combining accent none, a no-break space one."""
    assert 2 == text_width("漢")
    assert 1 == text_width("e\u0301")
    assert 3 == text_width("a\N{NO-BREAK SPACE}b")


def test_clip_ends_with_an_ellipsis() -> None:
    """A text that is too long is cut at the end, or at the beginning."""
    assert "runs/…" == clip("runs/train/exp7", 6)
    assert "…exp7" == clip_left("runs/train/exp7", 5)
    assert "exp7" == clip_left("exp7", 5)


def test_spread_drops_what_has_no_room() -> None:
    """The right part stands at the end, or not at all."""
    left, right = (Span("left"),), (Span("right"),)
    assert "left   right" == row_text(spread(left, right, 12))
    assert "left    " == row_text(spread(left, right, 8))


@given(ROWS, st.integers(0, 60))
def test_fit_gives_the_exact_width(row: list[Span], width: int) -> None:
    """Any row is brought to exactly the width that is asked for, also through wide characters."""
    assert width == row_width(fit(row, width))
    assert width == row_width(fit(row, width, ellipsis="…"))


@given(CLEAN, st.integers(0, 60))
def test_pad_gives_the_exact_width(text: str, width: int) -> None:
    """Any text is brought to exactly the width that is asked for."""
    assert width == text_width(pad(text, width))


def test_wraps_at_blanks_and_indents() -> None:
    """Rows break at blanks; all but the first are indented."""
    rows = wrap((Span("* ", "warn"), Span("the GPU waits 41 % of its time")), 14, indent=2)
    assert ["* the GPU", "  waits 41 %", "  of its time"] == [row_text(row) for row in rows]


def test_a_number_is_not_parted_from_its_unit() -> None:
    """A no-break space holds a number and its unit together, and is shown as a blank."""
    rows = wrap((Span("waits 41\N{NO-BREAK SPACE}% of it"),), 8)
    assert ["waits", "41 % of", "it"] == [row_text(row) for row in rows]


def test_a_word_over_two_spans_stays_in_place() -> None:
    """A comma in a span of its own follows its word where there is room."""
    rows = wrap((Span("fits", "value"), Span(", up to 37")), 12)
    assert ["fits, up to", "37"] == [row_text(row) for row in rows]


def test_a_word_of_two_looks_is_not_broken() -> None:
    """A name in a look of its own is tied to its number by a no-break space; a blank between them is none."""
    tied = wrap((Span("so VRAM\N{NO-BREAK SPACE}", "dim"), Span("5.8", "value"), Span(" GiB")), 8)
    free = wrap((Span("so VRAM ", "dim"), Span("5.8", "value"), Span(" GiB")), 8)
    assert ["so", "VRAM 5.8", "GiB"] == [row_text(row) for row in tied]
    assert ["so VRAM", "5.8 GiB"] == [row_text(row) for row in free]
    assert ["…"] == [row_text(row)[-1] for row in wrap((Span("longer", "dim"), Span("than", "value")), 6)]


@given(ROWS, st.integers(1, 40), st.integers(0, 4))
def test_wrapped_rows_fit(row: list[Span], width: int, indent: int) -> None:
    """No wrapped row is wider than it may be."""
    assert all(row_width(part) <= width for part in wrap(row, width, indent=indent))


@given(CLEAN)
def test_ascii_twins_are_ascii(text: str) -> None:
    """Any text has a twin in ASCII, and one of the same width for cells."""
    assert ascii_words(text).isascii()
    assert ascii_cells(text).isascii()
    assert text_width(text) == len(ascii_cells(text))


def test_every_glyph_has_an_ascii_twin() -> None:
    """The ASCII set is ASCII, and as long as the Unicode set where a picture indexes it."""
    for name in ASCII.__slots__:
        assert getattr(ASCII, name).isascii()
    for name in ("levels", "parts", "heat", "frame"):
        assert len(getattr(UNICODE, name)) == len(getattr(ASCII, name))


@pytest.mark.parametrize(
    ("text", "width", "cut"),
    [
        ("2 workers instead of 1", 17, "2 workers …"),
        ("2 workers instead of 1", 19, "2 workers instead …"),
        ("2 workers instead of 1", 22, "2 workers instead of 1"),
        ("a starved-too-few-workers", 12, "a starved-t…"),
        ("word", 1, "…"),
        ("word", 0, ""),
    ],
)
def test_a_sentence_is_cut_between_its_words(text: str, width: int, cut: str) -> None:
    """Only a word that fills more than half of the room is cut itself."""
    assert cut == clip_at_blank(text, width)


@given(text=st.text(max_size=60), width=st.integers(0, 40))
def test_a_cut_sentence_fits(text: str, width: int) -> None:
    """However wide its characters are."""
    assert text_width(clip_at_blank(text, width)) <= width
    assert text_width(clip_path(text, width)) <= width


@pytest.mark.parametrize(
    ("width", "cut"),
    [(40, "/data/run-8/starved.yaml"), (20, "…/run-8/starved.yaml"), (17, "…/starved.yaml"), (8, "…ed.yaml")],
)
def test_a_path_is_cut_at_a_slash(width: int, cut: str) -> None:
    """Its end is kept, from the beginning of a name on where that leaves enough."""
    assert cut == clip_path("/data/run-8/starved.yaml", width)
