"""Desktop notifications as a terminal shows them: the escape sequence for a text."""

from __future__ import annotations

from collections.abc import Mapping

from gpumon.model.text import clean

BELL = "\a"
_STRING_END = "\x1b\\"
# Terminals and what they run on cut longer ones, some drop them.
_MOST_CHARACTERS = 240
# Those that have OSC 777 only (rxvt-unicode, where it comes from; VTE as distributions patch it; Konsole)
# or that show its title (foot). All others that notify have OSC 9, which came with iTerm2; sending both
# would notify twice in those that have both.
_TERMS_777 = ("rxvt", "foot")
_VARIABLES_777 = ("VTE_VERSION", "KONSOLE_VERSION")


def notification(title: str, text: str, kind: str, environ: Mapping[str, str]) -> str:
    """Return what makes the terminal of `environ` show a notification; empty for kind `off`.

    `kind` is one of the settings: auto, osc9, osc777 or off. A terminal that knows neither ignores it. tmux
    hands it on where `allow-passthrough` is on. Control characters of both texts are dropped.
    """
    if kind == "off" or (kind == "auto" and environ.get("TERM", "") in {"", "dumb", "linux"}):
        return ""
    # rxvt ends a field at each semicolon, and ConEmu takes "9;4;" for a progress bar.
    head, words = (clean(part, _MOST_CHARACTERS).replace(";", ",") for part in (title, text))
    if kind == "osc777" or (kind == "auto" and _has_777(environ)):
        sequence = f"\x1b]777;notify;{head};{words}{_STRING_END}"
    else:
        sequence = f"\x1b]9;{head}: {words}{_STRING_END}"
    return _passed_through(sequence, environ)


def _has_777(environ: Mapping[str, str]) -> bool:
    return environ.get("TERM", "").startswith(_TERMS_777) or any(map(environ.get, _VARIABLES_777))


def _passed_through(sequence: str, environ: Mapping[str, str]) -> str:
    """Return a sequence that tmux hands on to its terminal (tmux(1), allow-passthrough)."""
    if not environ.get("TMUX"):
        return sequence
    return "\x1bPtmux;" + sequence.replace("\x1b", "\x1b\x1b") + _STRING_END
