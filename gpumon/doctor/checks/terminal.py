"""The terminal: size, colours, characters."""

from __future__ import annotations

from collections.abc import Iterator

from gpumon.doctor.check import Check, Remedy, State, Tier
from gpumon.doctor.facts import TerminalFacts

# The dashboard is laid out for these and more.
COLUMNS, ROWS = 80, 24
_UTF_8 = Remedy("choose a UTF-8 locale", "export LANG=C.UTF-8")
_COLORS = Remedy("tell the terminal's colours", "export TERM=xterm-256color  # COLORTERM=truecolor for RGB")
_DIRECT = frozenset({"truecolor", "24bit"})
_MANY = ("256color", "direct", "kitty", "alacritty", "ghostty")


def terminal_checks(terminal: TerminalFacts) -> Iterator[Check]:
    """Yield what the dashboard would have to draw with."""
    if not terminal.is_terminal:
        text = "none here: gpumon prints plain lines instead of the dashboard"
        yield Check("terminal.size", Tier.TERMINAL, "terminal", State.NOTE, text)
        return
    yield _size(terminal)
    yield _colors(terminal)
    yield _characters(terminal)


def _size(terminal: TerminalFacts) -> Check:
    text = f"{terminal.columns} columns, {terminal.rows} rows"
    if terminal.columns >= COLUMNS and terminal.rows >= ROWS:
        return Check("terminal.size", Tier.TERMINAL, "size", State.OK, text)
    helps = (Remedy(f"make the window larger, {COLUMNS} by {ROWS} at least"),)
    text += f": less than {COLUMNS} by {ROWS}, parts are left out"
    return Check("terminal.size", Tier.TERMINAL, "size", State.LIMITED, text, remedies=helps)


def _colors(terminal: TerminalFacts) -> Check:
    name, tier, title = "terminal.colors", Tier.TERMINAL, "colours"
    term = terminal.term.lower()
    if not terminal.is_color_wanted:
        return Check(name, tier, title, State.NOTE, "none, as asked for (NO_COLOR or --no-color)")
    if term in ("", "dumb"):
        text = f"none: TERM is {terminal.term or 'not set'}"
        return Check(name, tier, title, State.LIMITED, text, remedies=(_COLORS,))
    if terminal.colorterm.lower() in _DIRECT:
        return Check(name, tier, title, State.OK, "16 million (COLORTERM)")
    if any(word in term for word in _MANY):
        return Check(name, tier, title, State.OK, f"256 (TERM is {terminal.term})")
    text = f"16: TERM is {terminal.term}"
    return Check(name, tier, title, State.NOTE, text, remedies=(_COLORS,))


def _characters(terminal: TerminalFacts) -> Check:
    name, tier, title = "terminal.characters", Tier.TERMINAL, "characters"
    if terminal.is_ascii_wanted:
        return Check(name, tier, title, State.NOTE, "ASCII, as asked for (--ascii)")
    if terminal.encoding.lower().replace("-", "").replace("_", "") == "utf8":
        return Check(name, tier, title, State.OK, "Unicode")
    text = f"ASCII: the encoding is {terminal.encoding or 'not known'}"
    return Check(name, tier, title, State.NOTE, text, remedies=(_UTF_8,))
