"""The page of a served dashboard."""

from __future__ import annotations

import re

import pytest

from gpumon.web.page import FONT_PIXELS, headers, page

_ADDRESS = "ws://localhost:8000/token/ws"


def test_the_page_loads_nothing_from_elsewhere() -> None:
    """Script, style and font are relative: nothing is asked of the network."""
    text = page("gpumon on box", _ADDRESS, "")
    links = re.findall(r'(?<![\w-])(?:src|href|url)(?:=|\()"([^"]*)"', text)

    assert {"static/js/textual.js", "static/css/xterm.css"} <= set(links)
    assert [] == [link for link in links if "//" in link or link.startswith("/")]
    assert f'data-session-websocket-url="{_ADDRESS}"' in text


def test_titles_are_text() -> None:
    """The name of a host cannot write into the page."""
    text = page('<script>"&', _ADDRESS, "")

    assert "<title>&lt;script&gt;&quot;&amp;</title>" in text


@pytest.mark.parametrize(
    ("asked", "pixels"),
    [
        ("", FONT_PIXELS),
        ("20", 20),
        ("1", 6),
        ("999", 48),
        ("-5", FONT_PIXELS),
        ("²", FONT_PIXELS),
        ("9" * 9, FONT_PIXELS),
    ],
)
def test_the_font_size_is_a_number_of_pixels(asked: str, pixels: int) -> None:
    """Within bounds, and the usual one for what is no number."""
    assert f'data-font-size="{pixels}"' in page("t", _ADDRESS, asked)


def test_the_headers_allow_own_parts_only() -> None:
    """No frame may hold the page, no foreign script may run in it, and nobody is told its address."""
    found = headers("localhost:8000")
    policy = found["Content-Security-Policy"]

    assert "script-src 'self';" in policy
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "connect-src 'self' ws://localhost:8000;" in policy
    assert ("no-referrer", "no-store") == (found["Referrer-Policy"], found["Cache-Control"])
