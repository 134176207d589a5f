"""How the screen looks: which theme, whether the terminal's own colours are used, or none at all."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from textual.theme import BUILTIN_THEMES

from gpumon.settings import Settings
from gpumon.tui.themes import DARK, LIGHT, OWN_THEMES

# COLORFGBG is "foreground;background" (rxvt, konsole); 7 and 9 to 15 are light backgrounds.
_LIGHT_BACKGROUNDS = frozenset({"7", *(str(number) for number in range(9, 16))})


class UnknownThemeError(ValueError):
    """A theme was asked for that does not exist."""


@dataclass(frozen=True, slots=True)
class Appearance:
    """A theme, whether the terminal's own 16 colours are used, and whether there is colour at all.

    `unicode` tells whether the locale of the terminal can hold boxes and blocks.
    """

    theme: str
    ansi: bool
    color: bool
    unicode: bool = True


def theme_names() -> tuple[str, ...]:
    """Return the names of all themes, gpumon's own first."""
    own = tuple(theme.name for theme in OWN_THEMES)
    return (*own, *sorted(name for name in BUILTIN_THEMES if name not in own))


def appearance(settings: Settings, environ: Mapping[str, str]) -> Appearance:
    """Return the look for these settings in this terminal. Raises UnknownThemeError.

    A theme that is asked for is used. Without one, a terminal of 16 colours (or of none, for NO_COLOR)
    gets its own colours, and a light background, where COLORFGBG tells of it, the light theme.
    """
    if settings.theme and settings.theme not in theme_names():
        known = ", ".join(theme_names())
        raise UnknownThemeError(f"there is no theme {settings.theme!r}; there are {known}")
    light = environ.get("COLORFGBG", "").rpartition(";")[2] in _LIGHT_BACKGROUNDS
    if not settings.color:
        # Only with the terminal's own colours does Textual send none at all; otherwise it sends greys.
        return Appearance(theme="ansi-light" if light else "ansi-dark", ansi=True, color=False)
    theme = settings.theme
    if not theme and (settings.low_bandwidth or has_few_colors(environ)):
        theme = "ansi-light" if light else "ansi-dark"
    if not theme:
        theme = LIGHT.name if light else DARK.name
    return Appearance(theme=theme, ansi=theme.startswith("ansi-"), color=True)


def has_few_colors(environ: Mapping[str, str]) -> bool:
    """Tell whether the terminal says it has 16 colours or less: RGB would be rounded to ugly ones."""
    if environ.get("COLORTERM", "").lower() in {"truecolor", "24bit"}:
        return False
    term = environ.get("TERM", "").lower()
    return not any(word in term for word in ("256color", "direct", "kitty", "alacritty", "ghostty"))
