"""Text for streams that hold ASCII only."""

from __future__ import annotations

_TWINS = str.maketrans({"→": ">", "–": "-", "±": "+-", "×": "x", "·": "-", "°": " "})


def ascii_text(text: str) -> str:
    """Return `text` with the ASCII twins of gpumon's own signs; other letters become question marks."""
    return text.translate(_TWINS).encode("ascii", "replace").decode()
