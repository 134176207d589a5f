"""The characters that pictures are made of, and their ASCII twins."""

from __future__ import annotations

from dataclasses import dataclass

from gpumon.paint.row import character_width


@dataclass(frozen=True, slots=True)
class Glyphs:
    """One set of characters, each one cell wide unless said otherwise.

    `levels` are a cell filled from below by 0 to 8 eighths, `parts` one filled from the left by 0 to 8
    eighths. `heat` are five levels that differ in ink, so that they read without colour. `epoch`,
    `validation` and `checkpoint` stand on the time axis, where these began.
    `half` is the upper half of a cell. `low` stands before that word. `low`, `plus_minus`, `arrow` and
    `ellipsis` may take more cells in ASCII.
    """

    levels: str
    parts: str
    heat: str
    waited: str
    half: str
    others: str
    reserved: str
    rest: str
    baseline: str
    limit: str
    peak: str
    line_a: str
    line_b: str
    epoch: str
    validation: str
    checkpoint: str
    cursor: str
    bullet: str
    ring: str
    up: str
    down: str
    low: str
    dash: str
    times: str
    plus_minus: str
    arrow: str
    ellipsis: str
    dot: str
    frame: str
    left_edge: str
    right_edge: str
    branch: str
    last_branch: str
    stem: str


UNICODE = Glyphs(
    levels=" ▁▂▃▄▅▆▇█",
    parts=" ▏▎▍▌▋▊▉█",
    heat="·░▒▓█",
    waited="▒",
    half="▀",
    others="▒",
    reserved="░",
    rest=" ",
    baseline="▁",
    limit="─",
    peak="┄",
    line_a="•",
    line_b="◦",
    epoch="│",
    validation="◊",
    checkpoint="■",
    cursor="▶",
    bullet="●",
    ring="○",
    up="▲",
    down="▼",
    low="▼",
    dash="–",
    times="×",
    plus_minus="±",
    arrow="→",
    ellipsis="…",
    dot="·",
    frame="┌─┐│└┘",
    left_edge="▕",
    right_edge="▏",
    branch="├─",
    last_branch="└─",
    stem="│ ",
)

ASCII = Glyphs(
    levels=" __---==#",
    parts="    -==##",
    heat=".:+*#",
    waited=":",
    half=":",
    others="%",
    reserved="-",
    rest=" ",
    baseline="_",
    limit="-",
    peak="~",
    line_a="*",
    line_b="o",
    epoch="|",
    validation="=",
    checkpoint="#",
    cursor=">",
    bullet="*",
    ring="o",
    up="^",
    down="v",
    low="v ",
    dash="-",
    times="x",
    plus_minus="+-",
    arrow="->",
    ellipsis="..",
    dot="|",
    frame="+-+|++",
    left_edge="[",
    right_edge="]",
    branch="|-",
    last_branch="`-",
    stem="| ",
)

_WORDS = {
    "→": "->",
    "←": "<",
    "↑": "^",
    "↓": "v",
    "±": "+-",
    "…": "...",
    "–": "-",
    "—": "-",
    "−": "-",
    "×": "x",
    "·": "|",
    "●": "*",
    "○": "o",
    "▲": "^",
    "▼": "v",
    "◊": "=",
    "■": "#",
    "≤": "<=",
    "≥": ">=",
    "≈": "~",
    "°": "",
    **dict.fromkeys("─━┄═", "-"),
    **dict.fromkeys("│┃║", "|"),
    **dict.fromkeys("┌┐└┘├┤┬┴┼╭╮╰╯", "+"),
    "’": "'",
    "“": '"',
    "”": '"',
    "\N{NO-BREAK SPACE}": " ",
    "\N{NARROW NO-BREAK SPACE}": " ",
    "\N{MICRO SIGN}": "u",
}


def glyphs(ascii_only: bool) -> Glyphs:
    """Return the set of characters to draw with."""
    return ASCII if ascii_only else UNICODE


def ascii_words(text: str) -> str:
    """Return `text` in printable ASCII; its width may change. What has no twin becomes `?`."""
    if text.isascii():
        return text
    return "".join(character if character < "\x7f" else _WORDS.get(character, "?") for character in text)


def ascii_cells(text: str) -> str:
    """Return `text` in printable ASCII of the same width: one `?` for each cell without a twin."""
    if text.isascii():
        return text
    kept: list[str] = []
    for character in text:
        if character < "\x7f":
            kept.append(character)
            continue
        width = character_width(character)
        twin = _WORDS.get(character, "?")
        kept.append((twin if len(twin) == width else "?" * width)[:width])
    return "".join(kept)
