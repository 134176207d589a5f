"""Nouns of the model to and from plain lists, exactly: compiled once for each class from its type hints.

A dataclass is the list of its fields, an enum its value, a tuple a list. Where a field may be one of
several classes, a dataclass is {its name: [fields]}. Numbers and text stand as they are; text is cleaned on
the way in, as everything that comes from outside, line ends too unless a text has lines. Nothing is ever
imported or called by a name in a file.
"""

from __future__ import annotations

import marshal
import types
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import MISSING, Field, fields, is_dataclass
from enum import Enum
from operator import attrgetter
from typing import Any, Generic, TypeVar, Union, get_args, get_origin

from gpumon.model.suggestion import GoOn
from gpumon.model.text import clean
from gpumon.recording.nouns import hints_of

T = TypeVar("T")

# NVML counts in 64 bits; a larger number is none, and would overflow where it becomes a float.
_LARGEST_INT = 1 << 64
_MOST_ITEMS = 100_000
# Trainings at once, each with hundreds of workers.
_MOST_KEPT = 16
_LARGEST_KEPT_BYTES = 64 * 1024
# The last one in which equal values have equal bytes, whoever else refers to them.
_MARSHAL_VERSION = 2
_SCALARS = (str, int, float, bool, type(None))
_STANDING = frozenset(_SCALARS)
# Text that has lines, by class and field: a diff. Taken from the class, so that a new name is not overlooked.
_LINED: frozenset[tuple[type[Any], str]] = frozenset({(GoOn, GoOn.__dataclass_fields__["edit"].name)})

Decode = Callable[[Any], Any]
# None: the value stands as it is.
Encode = Callable[[Any], Any] | None
# What a field takes without another look, and what reads the rest.
Reading = tuple[frozenset[type[Any]], Decode]


class CodecError(ValueError):
    """Values that are not what the classes say, in one sentence."""


class Codec(Generic[T]):
    """Turns values of one dataclass into plain lists and back.

    `shape` is the fields that the classes had when the lists were written, by class name: those that came
    later take their defaults. Without it they are the present ones. Values of the classes `steady` are
    decoded once while they come again: they hardly change from one sample to the next.
    """

    def __init__(
        self,
        kind: type[T],
        shape: Mapping[str, Sequence[str]] | None = None,
        *,
        steady: Collection[type[Any]] = (),
    ) -> None:
        """Compile. Raises CodecError where `shape` does not fit, TypeError for hints not provided for."""
        self._written = shape
        self._steady = steady
        self._encoders: dict[type[Any], Callable[[Any], Any]] = {}
        self._decoders: dict[type[Any], Decode] = {}
        self.shape: dict[str, tuple[str, ...]] = {}
        self._encode, self._decode = self._dataclass(kind)

    def encode(self, value: T) -> list[Any]:
        """Return the value as plain lists. Raises CodecError where it is not what its class says."""
        try:
            encoded: list[Any] = self._encode(value)
        except (AttributeError, TypeError, KeyError) as error:
            raise CodecError(f"this cannot be written: {error}") from error
        return encoded

    def decode(self, plain: Any) -> T:
        """Return the value that `encode` was given. Raises CodecError for anything else."""
        try:
            decoded: T = self._decode(plain)
        except RecursionError as error:
            raise CodecError("this is nested too deeply") from error
        return decoded

    def _dataclass(self, kind: type[Any]) -> tuple[Callable[[Any], Any], Decode]:
        if kind in self._encoders:
            return self._encoders[kind], self._decoders[kind]
        own = fields(kind)
        names = tuple(field.name for field in own)
        if self.shape.setdefault(kind.__name__, names) != names:
            raise TypeError(f"two classes are called {kind.__name__}")
        hints = hints_of(kind)
        parts = {
            name: (None, _lines) if (kind, name) in _LINED else self._part(hints[name]) for name in names
        }
        special = tuple((i, part) for i, name in enumerate(names) if (part := parts[name][0]) is not None)
        read = attrgetter(*names) if len(names) > 1 else _single(names[0])

        def encode(value: Any) -> Any:
            row = list(read(value))
            for index, encode_item in special:
                item = row[index]
                # Most are numbers: one look at the class instead of a call.
                if item.__class__ not in _STANDING:
                    row[index] = encode_item(item)
            return row

        decoders = {name: (_unchecked(hints[name]), parts[name][1]) for name in names}
        decode = self._fields_decoder(kind, own, decoders)
        if kind in self._steady:
            decode = _remembering(decode)
        self._encoders[kind], self._decoders[kind] = encode, decode
        return encode, decode

    def _fields_decoder(
        self,
        kind: type[Any],
        own: tuple[Field[Any], ...],
        decoders: Mapping[str, Reading],
    ) -> Decode:
        names = tuple(field.name for field in own)
        written = names if self._written is None else tuple(self._written.get(kind.__name__, names))
        unknown = set(written) - set(names)
        needed = {
            field.name for field in own if field.default is MISSING and field.default_factory is MISSING
        }
        if unknown or needed - set(written) or len(set(written)) != len(written):
            raise CodecError(f"{clean(kind.__name__, 80)} has other fields here than it was written with")
        ordered = tuple(decoders[name] for name in written)
        count = len(ordered)

        def decode(plain: Any) -> Any:
            if type(plain) is not list or len(plain) != count:
                raise CodecError(f"{kind.__name__} is a list of {count} fields, not {_shown(plain)}")
            values = [
                item if item.__class__ in unchecked else part(item)
                for item, (unchecked, part) in zip(plain, ordered, strict=True)
            ]
            if written == names:
                return kind(*values)
            return kind(**dict(zip(written, values, strict=True)))

        return decode

    def _part(self, hint: Any) -> tuple[Encode, Decode]:
        """Return how a value of a type hint is written and read."""
        origin = get_origin(hint)
        if origin in (Union, types.UnionType):
            return self._union(get_args(hint))
        if origin is tuple:
            return self._tuple(get_args(hint))
        if hint in _SCALARS:
            return None, _scalar((hint,))
        if isinstance(hint, type) and issubclass(hint, Enum):
            return _enum(hint)
        if isinstance(hint, type) and is_dataclass(hint):
            return self._dataclass(hint)
        raise TypeError(f"no way to write {hint!r}")

    def _tuple(self, hints: tuple[Any, ...]) -> tuple[Encode, Decode]:
        if len(hints) == 2 and hints[1] is Ellipsis:
            encode, decode = self._part(hints[0])

            def decode_items(plain: Any) -> Any:
                if type(plain) is not list or len(plain) > _MOST_ITEMS:
                    raise CodecError(f"a list was expected, not {_shown(plain)}")
                return tuple([decode(item) for item in plain])

            if encode is None:
                return list, decode_items
            return lambda items: [encode(item) for item in items], decode_items
        parts = [self._part(hint) for hint in hints]

        def encode_each(items: Any) -> Any:
            pairs = zip(parts, items, strict=True)
            return [item if part[0] is None else part[0](item) for part, item in pairs]

        def decode_each(plain: Any) -> Any:
            if type(plain) is not list or len(plain) != len(parts):
                raise CodecError(f"a list of {len(parts)} was expected, not {_shown(plain)}")
            return tuple([part[1](item) for part, item in zip(parts, plain, strict=True)])

        return encode_each, decode_each

    def _union(self, hints: tuple[Any, ...]) -> tuple[Encode, Decode]:
        scalars = tuple(hint for hint in hints if hint in _SCALARS)
        classes = tuple(hint for hint in hints if isinstance(hint, type) and is_dataclass(hint))
        tuples = tuple(hint for hint in hints if get_origin(hint) is tuple)
        if len(scalars) + len(classes) + len(tuples) != len(hints) or len(tuples) > 1:
            raise TypeError(f"no way to tell apart {hints!r}")
        encoders = {kind: (kind.__name__, self._dataclass(kind)[0]) for kind in classes}
        decoders = {kind.__name__: self._dataclass(kind)[1] for kind in classes}
        encode_tuple, decode_tuple = self._tuple(get_args(tuples[0])) if tuples else (None, None)
        decode_scalar = _scalar(scalars)

        known: dict[type[Any], tuple[str, Callable[[Any], Any]] | None] = dict(encoders)

        def encode(value: Any) -> Any:
            kind = value.__class__
            if kind not in known:
                # A class made of one of these is written as that one: sources have Missings of their own.
                known[kind] = next((encoders[base] for base in kind.__mro__ if base in encoders), None)
            found = known[kind]
            if found is not None:
                return {found[0]: found[1](value)}
            return value if encode_tuple is None or value.__class__ is not tuple else encode_tuple(value)

        def decode(plain: Any) -> Any:
            if type(plain) is dict and len(plain) == 1:
                ((name, inner),) = plain.items()
                if name in decoders:
                    return decoders[name](inner)
            if decode_tuple is not None and type(plain) is list:
                return decode_tuple(plain)
            return decode_scalar(plain)

        return encode if classes or tuples else None, decode


def _remembering(decode: Decode) -> Decode:
    """Return `decode` with the newest results kept. By their bytes: 1, 1.0 and True are equal otherwise."""
    kept: dict[bytes, Any] = {}

    def remember(plain: Any) -> Any:
        try:
            key = marshal.dumps(plain, _MARSHAL_VERSION)
        except ValueError as error:
            raise CodecError("this is nested too deeply") from error
        found = kept.get(key)
        if found is None:
            found = decode(plain)
            if len(key) <= _LARGEST_KEPT_BYTES:
                # Whole: other threads may read meanwhile.
                if len(kept) >= _MOST_KEPT:
                    kept.clear()
                kept[key] = found
        return found

    return remember


def _unchecked(hint: Any) -> frozenset[type[Any]]:
    """Return the classes of plain values that a field of this type takes without another look."""
    args = get_args(hint) if get_origin(hint) in (Union, types.UnionType) else (hint,)
    return frozenset(kind for kind in (float, bool, type(None)) if kind in args)


def _single(name: str) -> Callable[[Any], tuple[Any]]:
    read = attrgetter(name)
    return lambda value: (read(value),)


def _enum(kind: type[Enum]) -> tuple[Encode, Decode]:
    members = {member.value: member for member in kind}

    def decode(plain: Any) -> Any:
        if type(plain) is str and plain in members:
            return members[plain]
        raise CodecError(f"no {kind.__name__} is {_shown(plain)}")

    return attrgetter("value"), decode


def _scalar(kinds: tuple[type[Any], ...]) -> Decode:
    """Return what reads a number, text or nothing. A float may be a whole number, and is then left so."""
    accepted = frozenset((*kinds, int) if float in kinds else kinds)

    def decode(plain: Any) -> Any:
        kind = type(plain)
        if kind in accepted:
            if kind is str:
                return plain if plain.isascii() and plain.isprintable() else clean(plain, len(plain))
            if kind is not int or -_LARGEST_INT <= plain <= _LARGEST_INT:
                return plain
        raise CodecError(f"{_shown(plain)} stands where {_named(accepted)} was expected")

    return decode


def _lines(plain: Any) -> Any:
    """Read a text of several lines, each cleaned."""
    if type(plain) is not str:
        raise CodecError(f"{_shown(plain)} stands where str was expected")
    return "\n".join(clean(line, len(line)) for line in plain.split("\n"))


def _named(kinds: frozenset[type[Any]]) -> str:
    return " or ".join(sorted(kind.__name__ for kind in kinds)) or "nothing"


def _shown(plain: Any) -> str:
    if isinstance(plain, str):
        return f"{clean(plain, 40)!r}"
    if isinstance(plain, list | dict):
        return f"a {type(plain).__name__} of {len(plain)}"
    return f"a {type(plain).__name__}"
