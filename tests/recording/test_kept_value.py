"""A kept value with the fields of an older gpumon, read by several threads."""

from __future__ import annotations

from dataclasses import dataclass

from gpumon.recording.codec import Codec
from gpumon.recording.kept_value import KeptValue


@dataclass(frozen=True, slots=True)
class _Seen:
    """What is kept; earlier it had one of these fields."""

    number: float = 0.0
    name: str = ""
    count: int = 0


_OTHER = Codec(_Seen, {"_Seen": ["name"]})
_NUMBERED = {"fields": {"_Seen": ["number"]}, "value": [1.5]}
_NAMED = {"fields": {"_Seen": ["name"]}, "value": ["a"]}


class _Shared(KeptValue[_Seen]):
    """One that another thread uses as well: at every second look it remembers what that one has read."""

    def __init__(self) -> None:
        self._looks = 0
        super().__init__(_Seen)

    @property
    def _older(self) -> tuple[str, Codec[_Seen]] | None:
        self._looks += 1
        return self._own if self._looks % 2 else ('{"_Seen":["name"]}', _OTHER)

    @_older.setter
    def _older(self, older: tuple[str, Codec[_Seen]] | None) -> None:
        self._own = older


def test_what_another_thread_remembers_is_not_taken_for_ones_own() -> None:
    """Whatever is replaced between two steps, a value is read with the fields that it was written with."""
    shared = _Shared()

    assert [_Seen(number=1.5)] * 3 == [shared.value_of(_NUMBERED) for _ in range(3)]
    assert [_Seen(name="a")] * 3 == [shared.value_of(_NAMED) for _ in range(3)]
