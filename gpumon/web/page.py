"""The page that shows a dashboard: a terminal of textual-serve, and nothing from anywhere else."""

from __future__ import annotations

import html
from importlib import resources
from string import Template

FONT_PIXELS = 14
_FONT_RANGE = (6, 48)


def page(title: str, websocket: str, font_size: str) -> str:
    """Return the page. `websocket` is the address of its terminal; a font size that is none is the usual."""
    text = resources.files("gpumon.web").joinpath("page.html").read_text(encoding="utf-8")
    return Template(text).substitute(
        title=html.escape(title), websocket=html.escape(websocket), font_size=_pixels(font_size)
    )


def headers(host: str) -> dict[str, str]:
    """Return the headers of every answer: nothing foreign is loaded, framed, kept or told of.

    xterm.js writes its colours as styles into the page. `host` is the Host of the request, already checked.
    """
    policy = (
        "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; font-src 'self'; "
        f"img-src 'self' data:; connect-src 'self' ws://{host}; base-uri 'none'; form-action 'none'; "
        "frame-ancestors 'none'"
    )
    return {
        "Content-Security-Policy": policy,
        "Referrer-Policy": "no-referrer",
        "X-Content-Type-Options": "nosniff",
        "X-Frame-Options": "DENY",
        "Cross-Origin-Opener-Policy": "same-origin",
        "Cross-Origin-Resource-Policy": "same-origin",
        "Cache-Control": "no-store",
    }


def _pixels(text: str) -> int:
    low, high = _FONT_RANGE
    if not (text.isascii() and text.isdigit() and len(text) <= 3):
        return FONT_PIXELS
    return max(low, min(int(text), high))
