"""A key opens the results, and they are listed with the other keys."""

from __future__ import annotations

import pytest

from tests.tui.screen import dashboard


@pytest.mark.parametrize("is_ascii", [False, True], ids=["unicode", "ascii"])
async def test_a_key_opens_the_newest_results(is_ascii: bool) -> None:
    """The row with its bars; the same key closes it."""
    async with dashboard("ranks", ascii=is_ascii) as shown:
        await shown.press("L")
        text = shown.text()
        assert "results of epoch 3" in text
        assert "metrics/" in text
        assert text.isascii() == is_ascii
        await shown.press("L")
        assert "results of epoch" not in shown.text()


async def test_before_the_first_epoch_it_says_so() -> None:
    """Where nothing is attached there is no row."""
    async with dashboard("searching") as shown:
        await shown.press("L")
        assert "no epoch is over yet" in shown.text()


async def test_the_key_is_listed() -> None:
    """Help and palette are made from the bindings."""
    async with dashboard(size=(200, 50)) as shown:
        await shown.press("question_mark")
        assert "losses and what the validation says" in shown.text()
