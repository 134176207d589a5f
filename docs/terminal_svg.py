"""A terminal's screen as SVG: small, the same with every font, and nothing is fetched from elsewhere.

Blocks, boxes and braille are drawn as shapes, so that charts have no seams whatever font stands in; words are
text, stretched to their cells. Rows that look alike are drawn once, which keeps a moving picture small.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from html import escape
from string import ascii_uppercase

from rich.segment import Segment
from rich.style import Style
from rich.terminal_theme import DIMMED_MONOKAI, TerminalTheme

from gpumon.paint.row import character_width

WIDTH, HEIGHT = 8, 17
_PADDING = 10
_BASE = 13  # where letters stand in a row
_CAPTION = 34
# Cells apart, two words are one text no more: the spaces cost more bytes than a second text.
_GAP = 3
_FIRST_SYMBOL = "\u2190"  # arrows and all that stands behind them may come from another font
_SHADES = {"░": 0.25, "▒": 0.5, "▓": 0.75}
# left, right, up, down: the arms of a line from the middle of its cell.
_ARMS = {
    "─": "lr", "━": "lr", "┄": "lr", "│": "ud", "┃": "ud", "┌": "rd", "┐": "ld", "└": "ru", "┘": "lu",
    "├": "rud", "┤": "lud", "┬": "lrd", "┴": "lru", "┼": "lrud", "╭": "rd", "╮": "ld", "╰": "ru", "╯": "lu",
}  # fmt: skip
_HEAVY = frozenset("━┃")
# Those that are not filled from below or from the left: left, top, right, bottom in pixels.
_BLOCKS = {
    "▀": (0, 0, WIDTH, HEIGHT / 2),
    "▐": (WIDTH / 2, 0, WIDTH, HEIGHT),
    "▔": (0, 0, WIDTH, HEIGHT / 8),
    "▕": (WIDTH * 7 / 8, 0, WIDTH, HEIGHT),
}
# The dots of U+2800 on, by their bits: columns left and right, rows from above.
_DOTS = ((2, 2), (2, 6), (2, 10), (6, 2), (6, 6), (6, 10), (2, 14), (6, 14))

Lines = Sequence[Iterable[Segment]]


@dataclass(frozen=True, slots=True)
class Colors:
    """What a terminal shows where a program asks for no colour, as `#rrggbb`."""

    foreground: str
    background: str


@dataclass(frozen=True, slots=True)
class Frame:
    """One picture of a moving one: the screen, how long it stays, the key that led to it, and a sentence."""

    lines: Lines
    seconds: float
    key: str
    caption: str


@dataclass(frozen=True, slots=True)
class _Look:
    ink: str
    behind: str
    bold: bool
    italic: bool
    underlined: bool


@dataclass(slots=True)
class _Sheet:
    """The classes of one picture: a look is named once."""

    names: dict[str, str] = field(default_factory=dict)

    def of(self, rule: str) -> str:
        """Return the class with this rule."""
        if rule not in self.names:
            self.names[rule] = _short_name(len(self.names))
        return self.names[rule]

    def css(self) -> str:
        """Return all classes."""
        return "".join(f".{name}{{{rule}}}" for rule, name in self.names.items())


def still(lines: Lines, size: tuple[int, int], colors: Colors) -> str:
    """Return one screen of `size` (columns, rows) as SVG."""
    sheet = _Sheet()
    rows = [_row(line, colors, sheet) for line in lines]
    body = "".join(f'<g transform="translate(0,{y * HEIGHT})">{row}</g>' for y, row in enumerate(rows) if row)
    return _document(size, colors, sheet.css(), body, caption_pixels=0)


def moving(frames: Sequence[Frame], size: tuple[int, int], colors: Colors, *, poster: int) -> str:
    """Return several screens of `size`, one after the other and over again.

    `poster` is the frame that is shown where nothing moves: by a program without CSS animations, or where a
    reader wants no motion.
    """
    sheet = _Sheet()
    drawn: dict[str, str] = {}
    groups = []
    for index, frame in enumerate(frames):
        uses = []
        for y, line in enumerate(frame.lines):
            row = _row(line, colors, sheet)
            if row:
                name = drawn.setdefault(row, f"r{len(drawn)}")
                uses.append(f'<use href="#{name}" y="{y * HEIGHT}"/>')
        words = _caption(frame, size, colors, sheet)
        still_shown = " p" if index == poster else ""
        groups.append(f'<g class="f{still_shown} f{index}">{"".join(uses)}{words}</g>')
    rows = "".join(f'<g id="{name}">{row}</g>' for row, name in drawn.items())
    body = f"<defs>{rows}</defs>{''.join(groups)}"
    return _document(size, colors, sheet.css() + _keyframes(frames), body, caption_pixels=_CAPTION)


def _keyframes(frames: Sequence[Frame]) -> str:
    """Return the rules that show each frame in its turn."""
    total = sum(frame.seconds for frame in frames)
    rules = [".f{visibility:hidden}.p{visibility:visible}"]
    began = 0.0
    for index, frame in enumerate(frames):
        ended = began + frame.seconds
        first = "" if began == 0 else "0%{visibility:hidden}"
        last = "" if index == len(frames) - 1 else f"{100 * ended / total:.3f}%{{visibility:hidden}}"
        shown = f"{100 * began / total:.3f}%{{visibility:visible}}"
        rules.append(f"@keyframes k{index}{{{first}{shown}{last}}}")
        rules.append(f".f{index}{{animation:k{index} {total:g}s step-end infinite}}")
        began = ended
    rules.append("@media (prefers-reduced-motion:reduce){.f{animation:none}}")
    return "".join(rules)


def _document(size: tuple[int, int], colors: Colors, css: str, body: str, *, caption_pixels: int) -> str:
    width, height = size[0] * WIDTH + 2 * _PADDING, size[1] * HEIGHT + 2 * _PADDING
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height + caption_pixels}"'
        f' width="{width}" height="{height + caption_pixels}" xml:space="preserve">'
        "<style>text{font:13.3px ui-monospace,SFMono-Regular,Menlo,Consolas,'DejaVu Sans Mono',monospace;"
        f"white-space:pre}}path{{shape-rendering:crispEdges}}{css}</style>"
        f'<rect width="{width}" height="{height}" rx="7" fill="{colors.background}" stroke="#8886"/>'
        f'<g transform="translate({_PADDING},{_PADDING})">{body}</g></svg>\n'
    )


def _caption(frame: Frame, size: tuple[int, int], colors: Colors, sheet: _Sheet) -> str:
    """Return the key that was pressed, as a key, and the sentence, below the screen."""
    y = size[1] * HEIGHT + 2 * _PADDING + _CAPTION - 19
    text = sheet.of("fill:#6e7781;font-size:14px")
    x, parts = 4, []
    if frame.key:
        width = len(frame.key) * WIDTH + 14
        cap = sheet.of(f"fill:{colors.background};stroke:#8889")
        ink = sheet.of(f"fill:{colors.foreground};font-weight:700")
        parts.append(f'<rect class="{cap}" x="{x}" y="{y - 16}" width="{width}" height="22" rx="4"/>')
        parts.append(f'<text class="{ink}" x="{x + 7}" y="{y}">{escape(frame.key)}</text>')
        x += width + 10
    parts.append(f'<text class="{text}" x="{x}" y="{y}">{escape(frame.caption)}</text>')
    return "".join(parts)


def _row(line: Iterable[Segment], colors: Colors, sheet: _Sheet) -> str:
    """Return one row: what lies behind, then shapes, then words."""
    cells = list(_cells(line, colors))
    return _behind(cells, colors, sheet) + _shapes(cells, sheet) + _words(cells, sheet)


def _cells(line: Iterable[Segment], colors: Colors) -> Iterator[tuple[str, _Look]]:
    """Yield (character, look) of each cell; the second cell of a wide character is empty."""
    for text, style, control in line:
        if control:
            continue
        look = _look(style or Style.null(), colors)
        for character in text:
            width = character_width(character)
            if width:
                yield character, look
                yield from [("", look)] * (width - 1)


def _look(style: Style, colors: Colors) -> _Look:
    theme: TerminalTheme = DIMMED_MONOKAI
    ink, behind = colors.foreground, colors.background
    if style.color is not None and not style.color.is_default:
        ink = style.color.get_truecolor(theme).hex
    if style.bgcolor is not None and not style.bgcolor.is_default:
        behind = style.bgcolor.get_truecolor(theme, foreground=False).hex
    if style.reverse:
        ink, behind = behind, ink
    if style.dim:
        ink = _between(ink, behind)
    return _Look(ink, behind, bool(style.bold), bool(style.italic), bool(style.underline))


def _between(one: str, other: str) -> str:
    """Return the colour in the middle of two."""
    pairs = ((int(one[at : at + 2], 16), int(other[at : at + 2], 16)) for at in (1, 3, 5))
    return "#" + "".join(f"{(a + b) // 2:02x}" for a, b in pairs)


def _behind(cells: Sequence[tuple[str, _Look]], colors: Colors, sheet: _Sheet) -> str:
    paths: dict[str, list[str]] = {}
    for start, end in _runs([look.behind for _, look in cells]):
        color = cells[start][1].behind
        if color != colors.background:
            width = (end - start) * WIDTH
            paths.setdefault(f"fill:{color}", []).append(f"M{start * WIDTH} 0h{width}v{HEIGHT}h-{width}z")
    return _paths(paths, sheet)


def _shapes(cells: Sequence[tuple[str, _Look]], sheet: _Sheet) -> str:
    """Return the blocks, lines and dots of a row, one path for each colour."""
    paths: dict[str, list[str]] = {}
    drawn = [(character if _is_shape(character) else "", look.ink) for character, look in cells]
    for start, end in _runs(drawn):
        character, ink = drawn[start]
        if not character:
            continue
        if character in _ARMS:
            bold = ";stroke-width:2" if character in _HEAVY else ""
            rule = f"stroke:{ink};fill:none{bold}"
        elif character >= "\u2800":
            rule = f"stroke:{ink};fill:none;stroke-width:2;stroke-linecap:round;shape-rendering:auto"
        else:
            rule = f"fill:{ink}" + (f";opacity:{_SHADES[character]}" if character in _SHADES else "")
        paths.setdefault(rule, []).append(_shape(character, start, end))
    return _paths(paths, sheet)


def _is_shape(character: str) -> bool:
    return character in _ARMS or "\u2580" <= character <= "\u2595" or "\u2801" <= character <= "\u28ff"


def _shape(character: str, start: int, end: int) -> str:
    """Return the path of one character in the cells from `start` up to `end`."""
    if character in _ARMS:
        return _lines(character, start, end)
    if character >= "\u2800":
        bits = ord(character) - 0x2800
        dots = [dot for bit, dot in enumerate(_DOTS) if bits >> bit & 1]
        return "".join(f"M{cell * WIDTH + x} {y}h0" for cell in range(start, end) for x, y in dots)
    left, top, right, bottom = _block(character)
    if (left, right) == (0, WIDTH):
        return _rectangle(start * WIDTH, top, end * WIDTH, bottom)
    return "".join(
        _rectangle(cell * WIDTH + left, top, cell * WIDTH + right, bottom) for cell in range(start, end)
    )


def _rectangle(left: float, top: float, right: float, bottom: float) -> str:
    width, height = right - left, bottom - top
    return f"M{left:g} {top:g}h{width:g}v{height:g}h{-width:g}z"


def _block(character: str) -> tuple[float, float, float, float]:
    """Return left, top, right, bottom of a block within its cell (U+2580 to U+2595)."""
    if character in _BLOCKS:
        return _BLOCKS[character]
    code = ord(character)
    if code <= 0x2588:  # filled from below by eighths
        return 0, HEIGHT - HEIGHT * (code - 0x2580) / 8, WIDTH, HEIGHT
    if code <= 0x258F:  # filled from the left by eighths
        return 0, 0, WIDTH * (0x2590 - code) / 8, HEIGHT
    return 0, 0, WIDTH, HEIGHT


def _lines(character: str, start: int, end: int) -> str:
    """Return lines through the middle of cells; a dashed one has gaps."""
    middle_x, middle_y = WIDTH / 2 + 0.5, HEIGHT // 2 + 0.5
    arms = _ARMS[character]
    if character == "┄":
        return "".join(f"M{cell * WIDTH + 1} {middle_y}h4" for cell in range(start, end))
    if arms == "lr":
        return f"M{start * WIDTH} {middle_y}h{(end - start) * WIDTH}"
    found = []
    for cell in range(start, end):
        x = cell * WIDTH + middle_x
        if "l" in arms:
            found.append(f"M{cell * WIDTH} {middle_y}H{x}")
        if "r" in arms:
            found.append(f"M{x} {middle_y}H{(cell + 1) * WIDTH}")
        if "u" in arms and "d" in arms:
            found.append(f"M{x} 0V{HEIGHT}")
        elif "u" in arms:
            found.append(f"M{x} 0V{middle_y}")
        elif "d" in arms:
            found.append(f"M{x} {middle_y}V{HEIGHT}")
    return "".join(found)


def _words(cells: Sequence[tuple[str, _Look]], sheet: _Sheet) -> str:
    """Return the words of a row; each is stretched to its cells, whatever the font is."""
    found = []
    kinds = [
        (look.ink, look.bold, look.italic, look.underlined, bool(character) and character >= _FIRST_SYMBOL)
        if character and not _is_shape(character)
        else None
        for character, look in cells
    ]
    for start, end in _runs(kinds):
        kind = kinds[start]
        if kind is None:
            continue
        ink, bold, italic, underlined, _ = kind
        rule = f"fill:{ink}"
        rule += ";font-weight:700" if bold else ""
        rule += ";font-style:italic" if italic else ""
        rule += ";text-decoration:underline" if underlined else ""
        for first, last in _pieces([character for character, _ in cells[start:end]]):
            text = "".join(character for character, _ in cells[start + first : start + last])
            x, length = (start + first) * WIDTH, (last - first) * WIDTH
            stretch = "" if len(text) == 1 else f' textLength="{length}"'
            found.append(f'<text class="{sheet.of(rule)}" x="{x}" y="{_BASE}"{stretch}>{escape(text)}</text>')
    return "".join(found)


def _pieces(characters: Sequence[str]) -> Iterator[tuple[int, int]]:
    """Yield (start, end) of the stretches of text between gaps of several spaces."""
    start = last = -1
    for place, character in enumerate(characters):
        if character in {" ", "\N{NO-BREAK SPACE}"}:
            continue
        if start >= 0 and place - last > _GAP:
            yield start, last + 1
            start = place
        elif start < 0:
            start = place
        last = place
    if start >= 0:
        yield start, last + 1


def _runs(keys: Sequence[object]) -> Iterator[tuple[int, int]]:
    """Yield (start, end) of the stretches of equal keys."""
    start = 0
    for place in range(1, len(keys) + 1):
        if place == len(keys) or keys[place] != keys[start]:
            yield start, place
            start = place


def _paths(paths: dict[str, list[str]], sheet: _Sheet) -> str:
    return "".join(
        f'<path class="{sheet.of(rule)}" d="{"".join(pieces)}"/>' for rule, pieces in paths.items()
    )


def _short_name(number: int) -> str:
    """Return A, B, ... Z, AA, AB, ...: frames have lower-case classes."""
    name = ""
    number += 1
    while number:
        number, digit = divmod(number - 1, len(ascii_uppercase))
        name = ascii_uppercase[digit] + name
    return name
