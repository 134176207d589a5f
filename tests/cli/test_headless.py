"""Where there is a dashboard, and where only lines are printed."""

from __future__ import annotations

import io

import pytest

from gpumon.cli.headless import has_screen


class Tty(io.StringIO):
    """A stream that is a terminal."""

    def isatty(self) -> bool:
        """Return that it is one."""
        return True


@pytest.mark.parametrize(
    ("environ", "streams", "there_is"),
    [
        ({"TERM": "xterm-256color"}, (Tty(), Tty()), True),
        ({}, (Tty(), Tty()), True),
        ({"TERM": "dumb"}, (Tty(), Tty()), False),
        ({"TERM": "xterm"}, (Tty(), io.StringIO()), False),
        ({"TERM": "xterm"}, (io.StringIO(), Tty()), False),
        ({"TERM": "dumb", "TEXTUAL_DRIVER": "gpumon.web.driver:WebDriver"}, (io.StringIO(),), True),
    ],
)
def test_a_dashboard_needs_a_terminal_with_a_cursor_or_a_browser(
    environ: dict[str, str], streams: tuple[io.StringIO, ...], *, there_is: bool
) -> None:
    """A pipe has no screen, and neither has the shell in Emacs."""
    assert has_screen(environ, streams) is there_is
