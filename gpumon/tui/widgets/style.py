"""Roles to styles: from the colours of the theme, from 16 colours, or from attributes alone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

from rich.style import Style
from textual.color import Color, ColorParseError
from textual.widget import Widget

# role: (colour of the theme, bold, dim, reverse without colour)
# Red ("text-error") belongs to danger alone. What is low or waited for has its own colour and glyph.
_LOOKS: Mapping[str, tuple[str, str]] = {
    "": ("foreground", ""),
    "frame": ("edge", "dim"),
    "title": ("foreground", "bold"),
    "value": ("foreground", "bold"),
    "dim": ("muted", "dim"),
    "axis": ("muted", "dim"),
    "key": ("text-primary", "bold"),
    "good": ("text-success", ""),
    "info": ("text-primary", ""),
    "warn": ("text-warning", "bold"),
    "danger": ("text-error", "bold"),
    "suggestion": ("text-success", "bold"),
    "simulated": ("text-warning", "bold reverse"),
    "cursor": ("foreground", "reverse"),
    "mark": ("text-accent", ""),
    "gpu": ("fill-primary", ""),
    "wait": ("fill-warning", "dim"),
    "vram": ("fill-success", ""),
    "others": ("muted", "dim"),
    "reserved": ("edge", "dim"),
    "free": ("edge", "dim"),
    "limit": ("foreground", "bold"),
    "peak": ("foreground", ""),
    "core": ("fill-success", ""),
    "bar": ("fill-success", ""),
    "bar_rest": ("edge", "dim"),
    "line_a": ("fill-primary", ""),
    "line_b": ("fill-warning", "dim"),
    "heat0": ("edge", "dim"),
    "heat1": ("muted", ""),
    "heat2": ("fill-primary", ""),
    "heat3": ("fill-primary", ""),
    "heat4": ("fill-success", "bold"),
}

# The cell in which one area ends and a shaded one begins: the shade's ink as its background.
_EDGES: Mapping[str, tuple[str, str, float]] = {
    "gpu+wait": ("gpu", "wait", 0.5),
    "core+wait": ("core", "wait", 0.5),
    "vram+others": ("vram", "others", 0.5),
}

_FILL = "fill-"
# Colours that themes of gpumon may have (`gpumon-muted`, `gpumon-edge`): how far they lie between background
# and foreground in all others.
_BLENDS: Mapping[str, float] = {"muted": 0.62, "edge": 0.32}


@dataclass(frozen=True, slots=True)
class Palette:
    """The style of every role. A role that is not known is plain."""

    styles: Mapping[str, Style]

    def style(self, role: str) -> Style:
        """Return the style of a role."""
        return self.styles.get(role) or self.styles.get(role.partition("+")[0]) or self.styles[""]

    def on(self, base: Style) -> Palette:
        """Return the same palette with its styles laid over a base style."""
        return Palette({role: base + style for role, style in self.styles.items()})


def palette(variables: Mapping[str, str], *, color: bool, ansi: bool, dark: bool) -> Palette:
    """Return the palette for a theme's variables.

    Without `color` only bold, dim and reverse are left (NO_COLOR). With `ansi` only the terminal's own
    16 colours are used, and dim where a theme would blend.
    """
    return _palette(tuple(variables.items()), color, ansi, dark)


@lru_cache(maxsize=2)
def _palette(items: tuple[tuple[str, str], ...], color: bool, ansi: bool, dark: bool) -> Palette:
    """Make a palette. Kept: all panes ask for the same one, in the first frame and with a new theme."""
    variables = dict(items)
    styles = {
        role: _style(name, attributes, variables, color=color, ansi=ansi, dark=dark)
        for role, (name, attributes) in _LOOKS.items()
    }
    background = _parse(variables.get("background", ""))
    if color and not ansi and background is not None:
        for edge, (role, shade, ink) in _EDGES.items():
            behind = _color(_LOOKS[shade][0], variables, ansi=ansi, dark=dark)
            if behind is not None:
                blended = background.blend(behind, ink).rich_color
                styles[edge] = styles[role] + Style(bgcolor=blended)
    return Palette(styles)


def palette_of(widget: Widget, *, color: bool = True) -> Palette:
    """Return the palette for the theme that a widget's app has now."""
    app = widget.app
    theme = app.current_theme
    return palette(
        app.theme_variables,
        color=color and not app.no_color,
        ansi=theme.ansi or bool(app.ansi_color),
        dark=theme.dark,
    )


def _style(
    name: str, attributes: str, variables: Mapping[str, str], *, color: bool, ansi: bool, dark: bool
) -> Style:
    words = set(attributes.split())
    if color and not ansi:
        words.discard("dim")  # the blended colour says it already; some terminals draw dim unreadably
    style = Style(
        bold="bold" in words or None, dim="dim" in words or None, reverse="reverse" in words or None
    )
    if not color:
        return style
    found = _color(name, variables, ansi=ansi, dark=dark)
    return style if found is None else style + Style(color=found.rich_color)


def _color(name: str, variables: Mapping[str, str], *, ansi: bool, dark: bool) -> Color | None:
    if name.startswith(_FILL):
        # Areas need less contrast than words: a theme may give them a lighter ink of their own.
        own = None if ansi else _parse(variables.get(f"gpumon-{name}", ""))
        return own or _color(f"text-{name.removeprefix(_FILL)}", variables, ansi=ansi, dark=dark)
    if name in _BLENDS:
        return None if ansi else _own(name, variables)
    if ansi and name == "foreground":
        return None
    if ansi and not dark and name == "text-warning":
        # ansi-light's own warning is bright red, and red belongs to danger.
        return Color.parse("ansi_magenta")
    return _parse(variables.get(name, ""))


def _own(name: str, variables: Mapping[str, str]) -> Color | None:
    given = _parse(variables.get(f"gpumon-{name}", ""))
    background = _parse(variables.get("background", ""))
    foreground = _parse(variables.get("foreground", ""))
    if given is not None or background is None or foreground is None:
        return given
    return background.blend(foreground, _BLENDS[name])


@lru_cache(maxsize=512)
def _parse(text: str) -> Color | None:
    # Most names are those of variables that a theme does not have, and each error takes the time to look for
    # a colour that may have been meant.
    if not text:
        return None
    try:
        return Color.parse(text)
    except ColorParseError:
        return None
