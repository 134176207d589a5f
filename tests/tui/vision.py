"""Numbers of colours: contrast, and how far apart two of them are for somebody who is colour blind."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import starmap

from rich.style import Style
from textual.theme import Theme

from gpumon.tui.widgets.style import Palette, palette

Triple = tuple[float, float, float]

# What the three kinds of colour blindness at their full severity make of linear RGB: Machado, Oliveira and
# Fernandes, "A Physiologically-based Model for Simulation of Color Vision Deficiency", IEEE Transactions on
# Visualization and Computer Graphics 15 (2009), the tables for severity 1.0.
VISIONS: dict[str, Sequence[Triple]] = {
    "normal": ((1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0)),
    "protanopia": (
        (0.152286, 1.052583, -0.204868),
        (0.114503, 0.786281, 0.099216),
        (-0.003882, -0.048116, 1.051998),
    ),
    "deuteranopia": (
        (0.367322, 0.860646, -0.227968),
        (0.280085, 0.672501, 0.047413),
        (-0.011820, 0.042940, 0.968881),
    ),
    "tritanopia": (
        (1.255528, -0.076749, -0.178779),
        (-0.078411, 0.930809, 0.147602),
        (0.004733, 0.691367, 0.303900),
    ),
}


def styles(theme: Theme) -> Palette:
    """Return the styles of all roles in a theme."""
    variables = {**theme.to_color_system().generate(), **theme.variables}
    return palette(variables, color=True, ansi=False, dark=theme.dark)


def ink(style: Style) -> Triple:
    """Return the linear RGB of what is written in a style."""
    assert style.color is not None
    return linear(style.color.get_truecolor())


def linear(color: Sequence[int]) -> Triple:
    """Return the linear RGB, 0 to 1, of a colour in sRGB, 0 to 255 (IEC 61966-2-1)."""
    red, green, blue = (
        level / 12.92 if level <= 0.04045 else ((level + 0.055) / 1.055) ** 2.4
        for level in (part / 255 for part in color[:3])
    )
    return (red, green, blue)


def contrast(one: Triple, other: Triple) -> float:
    """Return the contrast ratio of WCAG 2.2 (definitions, "contrast ratio"), 1 to 21."""
    dark, light = sorted(_dot((0.2126, 0.7152, 0.0722), color) for color in (one, other))
    return (light + 0.05) / (dark + 0.05)


def distance(one: Triple, other: Triple, vision: str) -> float:
    """Return the CIE 1976 colour difference of two colours as that vision has them; 2.3 is just noticed.

    The just noticeable difference: Mahy, Van Eycken and Oosterlinck, "Evaluation of uniform color spaces",
    Color Research and Application 19 (1994).
    """
    pairs = zip(_lab(_seen(one, vision)), _lab(_seen(other, vision)), strict=True)
    return float(sum(starmap(lambda left, right: (left - right) ** 2, pairs)) ** 0.5)


def _seen(color: Triple, vision: str) -> Triple:
    red, green, blue = (min(1.0, max(0.0, _dot(row, color))) for row in VISIONS[vision])
    return (red, green, blue)


def _lab(color: Triple) -> Triple:
    """Return CIE L*a*b* under D65."""
    x, y, z = (
        _curve(_dot(row, color) / white)
        for row, white in (
            ((0.4124, 0.3576, 0.1805), 0.9505),
            ((0.2126, 0.7152, 0.0722), 1.0),
            ((0.0193, 0.1192, 0.9505), 1.089),
        )
    )
    return (116 * y - 16, 500 * (x - y), 200 * (y - z))


def _curve(value: float) -> float:
    return value ** (1 / 3) if value > 216 / 24389 else (24389 / 27 * value + 16) / 116


def _dot(row: Sequence[float], color: Triple) -> float:
    return sum(factor * part for factor, part in zip(row, color, strict=True))
