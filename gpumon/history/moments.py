"""What was found out about single moments of the past, kept as long as their samples."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable
from typing import Any, TypeVar

from gpumon.model.sample import Sample

T = TypeVar("T")

# A live history forgets moments with their samples. Who steps back through old windows of a recording asks
# for moments that were forgotten: of those no more are kept than this.
_MOST_MOMENTS = 600


class Moments:
    """Answers about moments that are over, by what was asked and the sample of the moment.

    An answer must follow from the past up to its sample alone, so it never changes, and each is computed
    once. Readers in several threads may share one: a lost answer is only computed again.
    """

    __slots__ = ("_kept",)

    def __init__(self) -> None:
        """Start with nothing kept."""
        self._kept: dict[Hashable, dict[int, tuple[Sample, Any]]] = {}

    def answers(
        self, question: Hashable, samples: Iterable[Sample], answer: Callable[[Sample], T]
    ) -> list[T]:
        """Return `answer(sample)` of each sample, computed once for this question and this very sample."""
        kept = self._kept.setdefault(question, {})
        found: list[T] = []
        for sample in samples:
            # The sample is kept along, so that its identity is not given to another one.
            entry = kept.get(id(sample))
            if entry is None:
                if len(kept) >= _MOST_MOMENTS:
                    kept = self._kept[question] = dict(list(kept.items())[_MOST_MOMENTS // 2 :])
                entry = kept[id(sample)] = (sample, answer(sample))
            found.append(entry[1])
        return found

    def newest(self, question: Hashable, sample: Sample, answer: Callable[[Sample], T]) -> T:
        """Return `answer(sample)`, computed once as long as nothing later is asked for: one answer is kept.

        For answers that are large: those of all moments of a window together would be its square.
        """
        entry = self._kept.get(question, {}).get(id(sample))
        if entry is None:
            entry = (sample, answer(sample))
            self._kept[question] = {id(sample): entry}
        found: T = entry[1]
        return found

    def forget(self, sample: Sample) -> None:
        """Drop what is kept of a sample that has left the history."""
        for question, kept in tuple(self._kept.items()):
            kept.pop(id(sample), None)
            if not kept:
                self._kept.pop(question, None)
