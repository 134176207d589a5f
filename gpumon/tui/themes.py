"""gpumon's own themes. What their colours must hold is tested by numbers: contrast, and colour blindness."""

from __future__ import annotations

from textual.theme import Theme


def _exact(theme: Theme, muted: str, edge: str) -> Theme:
    """Return a theme whose words have its very colours: Textual would blend them towards black or white.

    `muted` is the colour of words of less weight, `edge` that of boxes and of the empty part of bars.
    """
    theme.variables = {
        "text-primary": theme.primary,
        "text-secondary": theme.secondary or theme.primary,
        "text-accent": theme.accent or theme.primary,
        "text-success": theme.success or theme.primary,
        "text-warning": theme.warning or theme.primary,
        "text-error": theme.error or theme.primary,
        "gpumon-muted": muted,
        "gpumon-edge": edge,
    }
    return theme


DARK = Theme(
    name="gpumon-dark",
    primary="#58a6ff",
    secondary="#39c5cf",
    accent="#bc8cff",
    success="#3fb950",
    warning="#e3a63a",
    error="#f85149",
    foreground="#d0d7de",
    background="#0d1117",
    surface="#0d1117",
    panel="#1c2430",
    dark=True,
)
LIGHT = Theme(
    name="gpumon-light",
    primary="#0860ca",
    secondary="#1b7c83",
    accent="#8250df",
    success="#1a7f37",
    warning="#9a6700",
    error="#cf222e",
    foreground="#1f2328",
    background="#ffffff",
    surface="#ffffff",
    panel="#e6eaef",
    dark=False,
    # Blended as in the dark theme, words of less weight would be too pale to read; and areas in the ink of
    # words would be nearly black.
    variables={
        "gpumon-muted": "#59636e",
        "gpumon-fill-primary": "#0969da",
        "gpumon-fill-success": "#1f883d",
        "gpumon-fill-warning": "#8f5f00",
    },
)
CONTRAST = _exact(
    Theme(
        name="gpumon-contrast",
        primary="#8cc8ff",
        secondary="#6fe3ec",
        accent="#d7b8ff",
        success="#6fe97c",
        warning="#ffd24a",
        error="#ff9a90",
        foreground="#ffffff",
        background="#000000",
        surface="#000000",
        panel="#1a1a1a",
        dark=True,
    ),
    muted="#c8ccd2",
    edge="#a8adb5",
)
CONTRAST_LIGHT = _exact(
    Theme(
        name="gpumon-contrast-light",
        primary="#003f9e",
        secondary="#00494f",
        accent="#512a97",
        success="#04571d",
        warning="#6b3f00",
        error="#960f1c",
        foreground="#000000",
        background="#ffffff",
        surface="#ffffff",
        panel="#eef0f2",
        dark=False,
    ),
    muted="#3b434b",
    edge="#464e57",
)
# Sky blue, bluish green, yellow and vermillion of Okabe and Ito, "Color Universal Design" (2008,
# jfly.uni-koeln.de/color): hues that the three kinds of colour blindness keep apart. Vermillion is a little
# lighter here, for its contrast.
COLOUR_BLIND = _exact(
    Theme(
        name="gpumon-colour-blind",
        primary="#56b4e9",
        secondary="#cc79a7",
        accent="#cc79a7",
        success="#009e73",
        warning="#f0e442",
        error="#dc6510",
        foreground="#d0d7de",
        background="#0d1117",
        surface="#0d1117",
        panel="#161b22",
        dark=True,
    ),
    muted="#a9b1ba",
    edge="#5d656e",
)
# The same hues, dark enough to be read on white; orange takes the place of yellow, which cannot be.
COLOUR_BLIND_LIGHT = _exact(
    Theme(
        name="gpumon-colour-blind-light",
        primary="#006aa6",
        secondary="#7a3f8f",
        accent="#7a3f8f",
        success="#00784a",
        warning="#946200",
        error="#7a1800",
        foreground="#1f2328",
        background="#ffffff",
        surface="#ffffff",
        panel="#eceff3",
        dark=False,
    ),
    muted="#59636e",
    edge="#8b949e",
)
OWN_THEMES = (DARK, LIGHT, CONTRAST, CONTRAST_LIGHT, COLOUR_BLIND, COLOUR_BLIND_LIGHT)
