"""Text of other programs, made harmless."""

from __future__ import annotations

import re
import unicodedata

# CSI, OSC/DCS/PM/APC strings (ended by BEL, ST or the end of the text), then two-byte escapes.
_ESCAPES = re.compile(
    r"(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]?"
    r"|(?:\x1b[\]PX^_]|[\x90\x98\x9d\x9e\x9f])[^\x07\x1b\x9c]*(?:\x07|\x1b\\|\x9c|$)?"
    r"|\x1b[ -/]*[0-~]?"
)
# Cc control, Cf format (zero width, bidirectional overrides), Cs surrogates (broken UTF-8),
# Co private use, Zl/Zp line and paragraph separators.
_HARMFUL = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
# Default_Ignorable_Code_Point (Unicode, DerivedCoreProperties.txt) outside these categories: fillers,
# joiners and variation selectors, which show nothing and so make two names look the same.
_INVISIBLE = frozenset(
    "\u034f\u115f\u1160\u17b4\u17b5\u180b\u180c\u180d\u180f\u3164\uffa0"
    + "".join(map(chr, [*range(0xFE00, 0xFE10), *range(0xE0100, 0xE01F0)]))
)


def clean(text: str, limit: int = 4096) -> str:
    """Return `text` without escape sequences and control characters, cut to `limit` characters.

    Tabs and line ends become one space; broken UTF-8 (surrogates) becomes U+FFFD; bidirectional
    overrides and invisible characters, which can reorder a screen or fake a name, are dropped.
    """
    if text.isascii() and text.isprintable():
        return text[:limit]
    bounded = text[: limit * 4]
    without_escapes = _ESCAPES.sub("", bounded)
    kept: list[str] = []
    for character in without_escapes:
        if character in "\t\n\r\v\f":
            kept.append(" ")
            continue
        category = unicodedata.category(character)
        if category == "Cs":
            kept.append("\N{REPLACEMENT CHARACTER}")
        elif category not in _HARMFUL and character not in _INVISIBLE:
            kept.append(character)
    return "".join(kept)[:limit]


def is_clean(text: str) -> bool:
    """Tell whether `text` may be shown and copied to a shell exactly as it is."""
    return clean(text, limit=len(text) + 1) == text and "\N{REPLACEMENT CHARACTER}" not in text
