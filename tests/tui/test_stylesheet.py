"""What the dashboard's stylesheet parses, and when."""

from __future__ import annotations

import pytest
from textual.color import Color
from textual.css.stylesheet import StylesheetParseError

from gpumon.tui.stylesheet import ParsedOnce

RED, BLUE = Color.parse("#ff0000"), Color.parse("#0000ff")


def _sheet() -> ParsedOnce:
    sheet = ParsedOnce(variables={"chosen": "#ff0000"})
    sheet.add_source("Static { color: $chosen; }", ("a", ""))
    return sheet


def test_the_same_values_parse_nothing_anew() -> None:
    """A theme that is set again leaves the rules that are there."""
    sheet = _sheet()
    before = sheet.rules

    sheet.set_variables({"chosen": "#ff0000"})
    sheet.reparse()

    assert [True] == [new is old for new, old in zip(sheet.rules, before, strict=True)]


def test_what_is_added_is_parsed_alone() -> None:
    """The styles of a widget that comes later leave the rules that are there."""
    sheet = _sheet()
    before = sheet.rules[0]

    sheet.add_source("Label { color: $chosen; }", ("b", ""))

    assert sheet.rules[0] is before
    assert [RED, RED] == [rule.styles.color for rule in sheet.rules]


def test_other_values_parse_all_of_it() -> None:
    """Another theme has its own colours, at once and for what is added afterwards."""
    sheet = _sheet()
    assert [RED] == [rule.styles.color for rule in sheet.rules]

    sheet.set_variables({"chosen": "#0000ff"})
    sheet.reparse()
    sheet.add_source("Label { color: $chosen; }", ("b", ""))

    assert [BLUE, BLUE] == [rule.styles.color for rule in sheet.rules]


def test_an_error_leaves_the_rules_as_they_were() -> None:
    """What cannot be parsed is told, and what was there still holds."""
    sheet = _sheet()
    before = sheet.rules
    sheet.add_source("Label { color: nowhere-near-a-colour; }", ("b", ""))

    with pytest.raises(StylesheetParseError):
        sheet.reparse()
    assert before == sheet._rules  # asking for `rules` would parse again
