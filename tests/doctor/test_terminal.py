"""The terminal: size, colours, characters."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from gpumon.doctor.check import Check, State
from gpumon.doctor.checks.terminal import terminal_checks
from tests.doctor.scene import TERMINAL, by_id, commands


def _checks(**changes: Any) -> dict[str, Check]:
    return by_id(terminal_checks(replace(TERMINAL, **changes)))


def test_a_good_terminal() -> None:
    """Size, colours and Unicode are told."""
    texts = {check.title: (check.state, check.text) for check in _checks().values()}

    assert texts == {
        "size": (State.OK, "120 columns, 36 rows"),
        "colours": (State.OK, "256 (TERM is xterm-256color)"),
        "characters": (State.OK, "Unicode"),
    }


@pytest.mark.parametrize(("columns", "rows"), [(79, 24), (80, 23)])
def test_a_small_terminal_is_limited(columns: int, rows: int) -> None:
    """The dashboard is laid out for 80 by 24."""
    check = _checks(columns=columns, rows=rows)["terminal.size"]

    assert check.state is State.LIMITED
    assert "80 by 24" in check.remedies[0].text


def test_80_by_24_is_enough() -> None:
    """The smallest size that shows everything."""
    assert _checks(columns=80, rows=24)["terminal.size"].state is State.OK


@pytest.mark.parametrize(
    ("changes", "state", "text"),
    [
        ({"colorterm": "truecolor"}, State.OK, "16 million (COLORTERM)"),
        ({"term": "xterm"}, State.NOTE, "16: TERM is xterm"),
        ({"term": "dumb"}, State.LIMITED, "none: TERM is dumb"),
        ({"term": ""}, State.LIMITED, "none: TERM is not set"),
        ({"is_color_wanted": False}, State.NOTE, "none, as asked for (NO_COLOR or --no-color)"),
    ],
)
def test_colours(changes: dict[str, Any], state: State, text: str) -> None:
    """What the terminal says of itself decides, unless none are wanted."""
    check = _checks(**changes)["terminal.colors"]

    assert (state, text) == (check.state, check.text)


@pytest.mark.parametrize("encoding", ["UTF-8", "utf8", "utf_8"])
def test_unicode_by_any_name(encoding: str) -> None:
    """Locales spell it in several ways."""
    assert _checks(encoding=encoding)["terminal.characters"].text == "Unicode"


def test_another_encoding_gets_ascii_and_the_way_out() -> None:
    """The locale is what decides."""
    check = _checks(encoding="ISO-8859-1")["terminal.characters"]

    assert (State.NOTE, ["export LANG=C.UTF-8"]) == (check.state, commands(check))


def test_ascii_on_request_is_a_note() -> None:
    """What was asked for needs no remedy."""
    check = _checks(is_ascii_wanted=True)["terminal.characters"]

    assert (State.NOTE, ()) == (check.state, check.remedies)


def test_no_terminal_is_one_note() -> None:
    """In a pipe nothing is drawn, so nothing falls short."""
    found = _checks(is_terminal=False, columns=10, rows=1, term="")

    assert [State.NOTE] == [check.state for check in found.values()]
