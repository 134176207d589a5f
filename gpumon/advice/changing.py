"""Suggestions that change something, and those that say that no value of a setting would help."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from gpumon.model.suggestion import Suggestion


_NAMES = {"workers": "workers", "batch_size": "batch", "cache": "cache", "imgsz": "image size"}


def is_change(suggestion: Suggestion) -> bool:
    """Tell whether a suggestion changes anything; else it says that nothing would help."""
    return suggestion.from_value != suggestion.to_value or bool(suggestion.together)


def unchanged_words(suggestion: Suggestion) -> str:
    """Return what stays as it is: `no change of workers`, as other settings may well be worth a change."""
    name = _NAMES.get(suggestion.setting, "")
    return f"no change of {name}" if name else "no change"
