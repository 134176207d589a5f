"""One noun of the model as a line of JSON that may lie in a file for years, and come back from anybody."""

from __future__ import annotations

import json
import math
from typing import Any, Generic, NoReturn, TypeVar

from gpumon.model.text import clean
from gpumon.recording.codec import Codec, CodecError

T = TypeVar("T")

# Chosen: several times what a prior with all it may hold takes.
MOST_CHARACTERS = 1 << 18
_MOST_ITEMS = 64
_MOST_TEXT_CHARACTERS = 4096
_MOST_DEPTH = 16


class KeptValue(Generic[T]):
    """Writes values of one dataclass with the fields that its classes have now, and reads them back.

    A reader refuses, with CodecError and one sentence, what is too long, lists of more than 64, numbers that
    are not finite, and whatever is of another type than the classes say. Fields that came later take their
    defaults. May be used from any thread: what it remembers is one value, read once and replaced whole.
    """

    def __init__(self, kind: type[T]) -> None:
        """Prepare for that class."""
        self._kind = kind
        self._codec = Codec(kind)
        self._older: tuple[str, Codec[T]] | None = None

    def plain(self, value: T) -> dict[str, Any]:
        """Return the value as JSON can carry it. Raises CodecError where it is not what its class says."""
        return {"fields": self._codec.shape, "value": self._codec.encode(value)}

    def text(self, value: T) -> str:
        """Return the value as one line of JSON. Raises CodecError also for what could not be read back."""
        plain = self.plain(value)
        check_bounds(plain["value"])
        return to_line(plain)

    def value_of(self, plain: Any) -> T:
        """Return the value that `plain` was made from. Raises CodecError for anything else."""
        if type(plain) is not dict or plain.keys() != {"fields", "value"}:
            raise CodecError("it is not a value with its fields")
        check_bounds(plain["value"])
        return self._codec_for(plain["fields"]).decode(plain["value"])

    def read(self, text: str) -> T:
        """Return the value that `text` was made from. Raises CodecError for anything else."""
        return self.value_of(from_line(text))

    def _codec_for(self, names: Any) -> Codec[T]:
        if type(names) is not dict or not all(
            type(fields) is list and all(type(name) is str for name in fields) for fields in names.values()
        ):
            raise CodecError("it does not say which fields it has")
        if {kind: list(fields) for kind, fields in self._codec.shape.items()} == names:
            return self._codec
        key = to_line(names)
        # Looked at once: another thread may remember another shape meanwhile.
        older = self._older
        if older is None or older[0] != key:
            older = self._older = (key, Codec(self._kind, names))
        return older[1]


def to_line(plain: Any) -> str:
    """Return plain values as one line of JSON. Raises CodecError for what JSON cannot carry."""
    try:
        return json.dumps(plain, separators=(",", ":"), allow_nan=False)
    except (TypeError, ValueError, RecursionError) as error:
        raise CodecError(f"this cannot be written: {clean(str(error), 100)}") from None


def from_line(text: str, most_characters: int = MOST_CHARACTERS) -> Any:
    """Return the plain values of a line of JSON. Raises CodecError for garbage, and for one too long."""
    if len(text) > most_characters:
        raise CodecError("it is too long")
    try:
        return json.loads(text, parse_constant=_refuse)
    except CodecError:
        raise
    except (ValueError, RecursionError):
        raise CodecError("it is no JSON") from None


def check_bounds(plain: Any, depth: int = 0) -> None:
    """Raise CodecError for what is nested too deeply, too long, or no finite number."""
    if depth > _MOST_DEPTH:
        raise CodecError("it is nested too deeply")
    if isinstance(plain, float) and not math.isfinite(plain):
        raise CodecError("a number in it is not finite")
    if isinstance(plain, str) and len(plain) > _MOST_TEXT_CHARACTERS:
        raise CodecError("a text in it is too long")
    if isinstance(plain, list | dict):
        if len(plain) > _MOST_ITEMS:
            raise CodecError(f"a list in it has more than {_MOST_ITEMS} entries")
        for item in plain.values() if isinstance(plain, dict) else plain:
            check_bounds(item, depth + 1)


def _refuse(name: str) -> NoReturn:
    raise CodecError(f"{name} is no finite number")
