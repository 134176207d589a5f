"""What comes first of several changes: the one order of the suggestions, and of the plan's open steps."""

from __future__ import annotations

from gpumon.advice.changing import is_change
from gpumon.model.measure import known
from gpumon.model.suggestion import Suggestion

# What feeds the GPU, in the order of the golden rule. Each has a command that can be tried at once.
_FEEDING = {"batch_size": 0, "workers": 0, "cache": 1}
# Before a decoded copy of every image is made or kept, whatever it cures.
_BEFORE_IMAGES = frozenset({"cache", "images"})


def in_turn(suggestions: tuple[Suggestion, ...]) -> tuple[Suggestion, ...]:
    """Return the suggestions with those for the same finding in the order to try them.

    Of batch, workers and cache the one that surely brings most (the low end of its gain) comes first, of
    equals as the golden rule has them; then other changes; last what changes nothing.
    """
    found = list(suggestions)
    for finding in {suggestion.finding for suggestion in suggestions}:
        places = [place for place, one in enumerate(suggestions) if one.finding == finding]
        ordered = sorted((suggestions[place] for place in places), key=_turn)
        for place, suggestion in zip(places, ordered, strict=True):
            found[place] = suggestion
    return tuple(found)


def first_of(suggestions: tuple[Suggestion, ...], index: int) -> Suggestion | None:
    """Return the change that comes before the one at `index`, None where it is the first itself.

    It is one for the same finding; before a cache and smaller images come those for every other, too.
    """
    own = suggestions[index]
    for suggestion in suggestions[:index]:
        is_related = suggestion.finding == own.finding or own.setting in _BEFORE_IMAGES
        if suggestion.setting in {*_FEEDING, "images"} and is_change(suggestion) and is_related:
            return suggestion
    return None


def cure_of(finding: str, suggestions: tuple[Suggestion, ...]) -> Suggestion | None:
    """Return the first change for the finding with that id, if there is one."""
    return next((one for one in suggestions if one.finding == finding and is_change(one)), None)


def _turn(suggestion: Suggestion) -> tuple[int, float, int]:
    if not is_change(suggestion):
        return 2, 0.0, 0
    if suggestion.setting not in _FEEDING:
        return 1, 0.0, 0
    gain = known(suggestion.speedup)
    return 0, -1.0 if gain is None else -gain.low, _FEEDING[suggestion.setting]
