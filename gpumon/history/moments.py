"""What was found out about single moments of the past, kept as long as their samples."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from typing import Any, TypeVar

from gpumon.model.sample import Sample

T = TypeVar("T")

# A live history forgets moments with their samples. Who steps back through old windows of a recording asks
# for moments that were forgotten: of those no more are kept than this.
_MOST_MOMENTS = 600


class Moments:
    """Answers about moments that are over, by the sample of the moment and what was asked.

    An answer must follow from the past up to its sample alone, so it never changes, and each is computed
    once. Readers in several threads may share one: a lost answer is only computed again.
    """

    __slots__ = ("_kept",)

    def __init__(self) -> None:
        """Start with nothing kept."""
        self._kept: dict[int, tuple[Sample, dict[Hashable, Any]]] = {}

    def once(self, sample: Sample, question: Hashable, answer: Callable[[], T]) -> T:
        """Return `answer()`, computed once for this very sample and question."""
        entry = self._kept.get(id(sample))
        # The sample is kept along, so that its identity is not given to another one.
        if entry is None:
            if len(self._kept) >= _MOST_MOMENTS:
                self._kept = dict(list(self._kept.items())[_MOST_MOMENTS // 2 :])
            entry = self._kept.setdefault(id(sample), (sample, {}))
        answers = entry[1]
        if question not in answers:
            answers[question] = answer()
        found: T = answers[question]
        return found

    def forget(self, sample: Sample) -> None:
        """Drop what is kept of a sample that has left the history."""
        self._kept.pop(id(sample), None)
