"""How a key is written: by Textual, on the screen, and by a user."""

from __future__ import annotations

import re

# Textual's names of the keys that write a character, for all of ASCII that is neither letter nor digit.
_CHARACTERS = {
    "exclamation_mark": "!",
    "quotation_mark": '"',
    "number_sign": "#",
    "dollar_sign": "$",
    "percent_sign": "%",
    "ampersand": "&",
    "apostrophe": "'",
    "left_parenthesis": "(",
    "right_parenthesis": ")",
    "asterisk": "*",
    "plus": "+",
    "comma": ",",
    "minus": "-",
    "full_stop": ".",
    "slash": "/",
    "colon": ":",
    "semicolon": ";",
    "less_than_sign": "<",
    "equals_sign": "=",
    "greater_than_sign": ">",
    "question_mark": "?",
    "at": "@",
    "left_square_bracket": "[",
    "backslash": "\\",
    "right_square_bracket": "]",
    "circumflex_accent": "^",
    "underscore": "_",
    "grave_accent": "`",
    "left_curly_bracket": "{",
    "vertical_line": "|",
    "right_curly_bracket": "}",
    "tilde": "~",
}
# What stands for the arrow keys where there is more than ASCII.
_ARROWS = {"←": "left", "→": "right", "↑": "up", "↓": "down"}
_KEYS_OF_CHARACTERS = {character: key for key, character in _CHARACTERS.items()} | _ARROWS
# What stands on the screen for keys that write nothing; the others stand there as Textual has them.
_SHORT = {
    "escape": "esc",
    "pageup": "PgUp",
    "pagedown": "PgDn",
    "home": "Home",
    "end": "End",
    "insert": "Ins",
    "delete": "Del",
}
_WORDS = frozenset({*_SHORT, "tab", "space", "enter", "backspace", "up", "down", "left", "right"})
_KEYS_OF_WORDS = {short.lower(): key for key, short in _SHORT.items()} | {"return": "enter"}
_FUNCTION_KEY = re.compile(r"f([1-9]|1[0-9]|2[0-4])")
_MODIFIER = re.compile(r"(ctrl|shift|alt|meta|super|hyper)[+-](?=.)", re.IGNORECASE)
# A terminal sends the same for both.
_SAME = {"ctrl+i": "tab", "ctrl+m": "enter", "ctrl+left_square_bracket": "escape"}


def key_name(key: str) -> str:
    """Return a key of Textual as it stands on a keyboard, in ASCII: `+`, `PgUp`, `Ctrl-C`."""
    *modifiers, base = key.split("+")
    if modifiers:
        name = _CHARACTERS.get(base) or _SHORT.get(base, base)
        return "-".join(word[:1].upper() + word[1:] for word in (*modifiers, name))
    if _FUNCTION_KEY.fullmatch(key):
        return key.upper()
    return _CHARACTERS.get(key) or _SHORT.get(key, key)


def key_names(keys: str) -> str:
    """Return keys with commas between them as they stand on a keyboard: `+ =`."""
    return " ".join(key_name(key) for key in keys.split(","))


def key_of(text: str) -> str | None:
    """Return Textual's name of a key that a user wrote, or None where there is no such key.

    Read are names, characters and what `key_name` writes: `question_mark`, `?`, `esc`, `ctrl+x`, `Ctrl-X`.
    """
    modifiers: set[str] = set()
    rest = text.strip()
    while found := _MODIFIER.match(rest):
        modifiers.add(found.group(1).lower())
        rest = rest[found.end() :]
    if len(rest) == 1:
        base = rest if rest.isalnum() else _KEYS_OF_CHARACTERS.get(rest)
        if base is not None and modifiers == {"shift"}:
            # What Shift does to a character is the keyboard's affair: it sends another character.
            return base.upper() if rest.isalpha() and len(base.upper()) == 1 else None
        base = base if base is None or not modifiers else base.lower()
    else:
        word = rest.lower()
        word = _KEYS_OF_WORDS.get(word, word)
        is_key = word in _WORDS or word in _CHARACTERS or _FUNCTION_KEY.fullmatch(word)
        base = word if is_key else None
    if base is None:
        return None
    # Textual has the modifiers in the order of the alphabet.
    key = "+".join((*sorted(modifiers), base))
    return _SAME.get(key, key)
