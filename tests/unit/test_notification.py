"""Desktop notifications as escape sequences."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gpumon.model.text import clean
from gpumon.monitor.notification import notification
from gpumon.settings import NOTIFICATIONS

_OSC_9 = "\x1b]9;gpumon: a, b\x1b\\"
_OSC_777 = "\x1b]777;notify;gpumon;a, b\x1b\\"


@pytest.mark.parametrize(
    ("kind", "environ", "expected"),
    [
        ("auto", {"TERM": "xterm-256color"}, _OSC_9),
        ("auto", {"TERM": "xterm-kitty"}, _OSC_9),
        ("auto", {"TERM": "rxvt-unicode-256color"}, _OSC_777),
        ("auto", {"TERM": "foot"}, _OSC_777),
        ("auto", {"TERM": "xterm-256color", "VTE_VERSION": "7600"}, _OSC_777),
        ("auto", {"TERM": "linux"}, ""),
        ("auto", {"TERM": "dumb"}, ""),
        ("auto", {}, ""),
        ("osc9", {"TERM": "foot"}, _OSC_9),
        ("osc777", {}, _OSC_777),
        ("off", {"TERM": "foot"}, ""),
    ],
)
def test_the_sequence_that_the_terminal_knows(kind: str, environ: dict[str, str], expected: str) -> None:
    """By the terminal where nothing is chosen; a semicolon, which separates fields, becomes a comma."""
    assert expected == notification("gpumon", "a; b", kind, environ)


def test_tmux_hands_it_on() -> None:
    """Wrapped, with each escape doubled, as tmux(1) says."""
    found = notification("gpumon", "a; b", "osc9", {"TMUX": "/tmp/tmux-0/default,1,0"})

    assert found == "\x1bPtmux;\x1b\x1b]9;gpumon: a, b\x1b\x1b\\\x1b\\"


@given(st.text(), st.text(), st.sampled_from(["osc9", "osc777"]))
def test_no_text_gets_out_of_it(title: str, text: str, kind: str) -> None:
    """Whatever a training is called: one sequence, with no control character but its own ends."""
    assert kind in NOTIFICATIONS
    found = notification(title, text, kind, {})
    inner = found.removeprefix("\x1b]").removesuffix("\x1b\\")

    assert inner == clean(inner)
    assert len(inner) < 500
    assert inner.count(";") == (1 if kind == "osc9" else 3)
