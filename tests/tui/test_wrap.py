"""Text in rows: nothing lost, nothing too wide."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from gpumon.paint.row import row_text, row_width
from gpumon.tui.wrap import wrap, wrap_exactly

_TEXT = st.text(
    st.characters(exclude_categories=("Cc", "Cf", "Cs", "Co", "Cn", "Mn", "Zl", "Zp")), max_size=200
)


@given(text=_TEXT, width=st.integers(2, 60))
def test_wrapped_rows_fit_and_keep_every_letter(text: str, width: int) -> None:
    """No row is wider than asked, and the letters come out in their order."""
    rows = wrap(text, width)

    assert max(row_width(row) for row in rows) <= width
    assert "".join(text.split()) == "".join("".join(row_text(row).split()) for row in rows)


@given(text=_TEXT, width=st.integers(2, 60))
def test_a_command_is_cut_but_not_changed(text: str, width: int) -> None:
    """A command's rows, put together, are the command, blanks included."""
    rows = wrap_exactly(text, width)

    assert max(row_width(row) for row in rows) <= width
    assert text == "".join(row_text(row) for row in rows)


def test_words_are_kept_whole_where_they_fit() -> None:
    """Rows break at blanks, and the indent stands before each."""
    rows = wrap("the GPU waits for data", 12, indent="  ")

    assert ["  the GPU", "  waits for", "  data"] == [row_text(row) for row in rows]


def test_a_command_is_cut_between_its_words() -> None:
    """An option is not torn apart where a blank is near; a long path is, behind a slash."""
    rows = wrap_exactly("python train.py --workers 2", 18)
    path = wrap_exactly("cat /a/path/that/is/long", 14)

    assert ["python train.py ", "--workers 2"] == [row_text(row) for row in rows]
    assert ["cat /a/path/", "that/is/long"] == [row_text(row) for row in path]
