"""gpumon's own themes by numbers, and what the screen says without any colour."""

from __future__ import annotations

from itertools import product

import pytest
from textual.theme import Theme

from gpumon.model.finding import Severity
from gpumon.paint.glyphs import ASCII, UNICODE, Glyphs
from gpumon.tui.themes import (
    COLOUR_BLIND,
    COLOUR_BLIND_LIGHT,
    CONTRAST,
    CONTRAST_LIGHT,
    OWN_THEMES,
)
from tests.tui.fakes import fake_report
from tests.tui.screen import dashboard
from tests.tui.vision import VISIONS, contrast, distance, ink, linear, styles

# What is drawn and says nothing alone: boxes, and what is empty of a bar, of a row of cores or of memory.
_DRAWN_ONLY = frozenset({"frame", "reserved", "free", "bar_rest", "heat0"})
# Areas and bars: what they say stands beside them in words too.
_FILLS = frozenset({"gpu", "vram", "core", "bar", "line_a", "heat2", "heat3", "heat4"})
# Contrast of text, of what is drawn, and of text where more is asked for: WCAG 2.2, 1.4.3, 1.4.11 and 1.4.6.
_TEXT, _DRAWN, _MORE = 4.5, 3.0, 7.0
# Roles that stand side by side in one picture and mean different things.
_NEIGHBOURS = (
    ("gpu", "wait"),
    ("core", "wait"),
    ("vram", "others"),
    ("warn", "danger"),
    ("good", "danger"),
    ("good", "warn"),
    ("info", "warn"),
    ("info", "danger"),
    ("line_a", "line_b"),
    ("mark", "line_b"),
)
# More than eight times what is just noticed.
_APART = 20.0


@pytest.mark.parametrize("theme", OWN_THEMES, ids=lambda theme: theme.name)
def test_every_role_can_be_read(theme: Theme) -> None:
    """Contrast with the screen and with the pane that has the focus: 4.5, or 7 where the contrast is high."""
    least = _MORE if theme in (CONTRAST, CONTRAST_LIGHT) else _TEXT
    palette = styles(theme)
    behind = [linear(_rgb(color)) for color in (theme.background, theme.panel)]
    found = {
        role: min(contrast(ink(style), color) for color in behind)
        for role, style in palette.styles.items()
        if "+" not in role and (role not in _DRAWN_ONLY or least == _MORE)
    }

    asked = {role: _DRAWN if role in _FILLS and least == _TEXT else least for role in found}

    assert {} == {role: round(ratio, 2) for role, ratio in found.items() if ratio < asked[role]}
    # Where no pane has the focus some of them are words: whose memory it is.
    assert [] == [role for role in _FILLS if contrast(ink(palette.style(role)), behind[0]) < least]


@pytest.mark.parametrize("theme", [COLOUR_BLIND, COLOUR_BLIND_LIGHT], ids=lambda theme: theme.name)
def test_what_is_only_drawn_can_be_seen(theme: Theme) -> None:
    """The boxes and the empty parts of bars have the contrast that WCAG asks of graphics."""
    palette = styles(theme)
    background = linear(_rgb(theme.background))
    found = {role: contrast(ink(palette.style(role)), background) for role in _DRAWN_ONLY}

    assert {} == {role: round(ratio, 2) for role, ratio in found.items() if ratio < _DRAWN}


@pytest.mark.parametrize("theme", [COLOUR_BLIND, COLOUR_BLIND_LIGHT], ids=lambda theme: theme.name)
def test_the_colour_blind_keep_neighbours_apart(theme: Theme) -> None:
    """With each of the three kinds of colour blindness, and without any."""
    palette = styles(theme)
    near = {
        (one, other, vision): round(apart, 1)
        for (one, other), vision in product(_NEIGHBOURS, VISIONS)
        if (apart := distance(ink(palette.style(one)), ink(palette.style(other)), vision)) < _APART
    }

    assert near == {}


def test_the_usual_themes_need_the_others() -> None:
    """Red and green of the dark theme come nearer to the colour blind than those of the theme for them do."""
    worst = {
        theme.name: min(
            distance(ink(styles(theme).style("good")), ink(styles(theme).style("danger")), vision)
            for vision in VISIONS
        )
        for theme in OWN_THEMES
    }

    assert worst["gpumon-dark"] < worst["gpumon-colour-blind"]
    assert worst["gpumon-light"] < worst["gpumon-colour-blind-light"]


def _rgb(color: str | None) -> tuple[int, int, int]:
    assert color is not None
    return (int(color[1:3], 16), int(color[3:5], 16), int(color[5:7], 16))


@pytest.mark.parametrize("glyph", [UNICODE, ASCII], ids=["unicode", "ascii"])
def test_glyphs_tell_states_apart_without_colour(glyph: Glyphs) -> None:
    """Severities, busy and waited, own memory and that of others, and the levels of heat look different."""
    assert len({glyph.up, glyph.bullet, glyph.ring}) == len(Severity)
    assert glyph.waited != glyph.levels[-1]
    assert len({glyph.levels[-1], glyph.others, glyph.reserved}) == 3
    assert len(set(glyph.heat)) == len(glyph.heat)
    assert glyph.line_a != glyph.line_b


@pytest.mark.parametrize("ascii_only", [False, True], ids=["unicode", "ascii"])
async def test_a_screen_without_colour_still_says_each_state(ascii_only: bool) -> None:
    """Severities by mark and word, pause and muting by word, the cursor by its mark, waiting by its shade."""
    async with dashboard(size=(120, 36), color=False, ascii=ascii_only) as shown:
        glyph = ASCII if ascii_only else UNICODE
        overview = shown.text()
        await shown.press("2")
        findings = shown.text()
        await shown.press("m", "space")
        muted = shown.text()

        report = fake_report().trainings[0]
        severities = {finding.severity.value for finding in report.findings}
        assert f"{glyph.bullet} STARVED" in overview
        assert glyph.waited in overview
        assert "OOM RISK" in overview
        assert all(severity in findings for severity in severities)
        assert f"{glyph.cursor} " in findings
        assert "muted" in muted
        assert "PAUSED" in muted
