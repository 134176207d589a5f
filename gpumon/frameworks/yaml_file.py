"""A YAML file of another program, as plain values: size-limited, no aliases, nothing constructed."""

from __future__ import annotations

import math
from typing import TypeAlias, cast

from gpumon.frameworks.file_view import FileView
from gpumon.model.measure import Maybe, Missing
from gpumon.model.text import clean

Plain: TypeAlias = "int | float | str | bool | list[Plain] | dict[str, Plain] | None"

_NODES_LIMIT = 4096
_DEPTH_LIMIT = 16
_TEXT_LIMIT = 4096
_WHOLE_LIMIT = 2**63
# What PyYAML raises besides its own errors: for `!!int ''`, `!!bool x`, `!!timestamp x`, dates that are none.
_INVALID = (ArithmeticError, AttributeError, LookupError, RecursionError, TypeError, ValueError)


def read_yaml(files: FileView, path: str) -> Maybe[dict[str, Plain]]:
    """Return the mapping in the YAML file at `path`, or why there is none.

    Text is cleaned; keys that are no text, numbers that do not fit and unknown types are left out.
    """
    text = files.read_text(path)
    if isinstance(text, Missing):
        return text
    return parse_yaml(text)


def parse_yaml(text: str) -> Maybe[dict[str, Plain]]:
    """Return the mapping that `text` is, or why it is none."""
    # 10 ms of import that the first frame does not need.
    import yaml

    # Aliases are what bombs are made of, and YOLOv5 and ultralytics never write one.
    try:
        problem = _problem(text)
        loaded: object = None if problem else yaml.safe_load(text)
    except (*_INVALID, yaml.YAMLError):
        return Missing("not valid YAML")
    if problem:
        return Missing(problem)
    value = _plain(loaded)
    return value if isinstance(value, dict) else Missing("not a mapping")


def _problem(text: str) -> str:
    """Look at the parser's events alone, before anything is built from them."""
    import yaml

    opening = (yaml.MappingStartEvent, yaml.SequenceStartEvent)
    closing = (yaml.MappingEndEvent, yaml.SequenceEndEvent)
    depth = 0
    for nodes, event in enumerate(yaml.parse(text, Loader=yaml.SafeLoader)):
        if isinstance(event, yaml.AliasEvent):
            return "holds aliases"
        depth += isinstance(event, opening) - isinstance(event, closing)
        if nodes > _NODES_LIMIT or depth > _DEPTH_LIMIT or _is_long_number(event):
            return "too large or too deep for a settings file"
    return ""


def _is_long_number(event: object) -> bool:
    """Tell whether a scalar may be too long a number: one of base 60 (`1:1:1 ...`) takes its square."""
    import yaml

    if not isinstance(event, yaml.ScalarEvent) or len(event.value) <= _TEXT_LIMIT:
        return False
    return event.style is None or event.tag is not None


def _plain(value: object) -> Plain:
    if isinstance(value, str):
        return clean(value, _TEXT_LIMIT)
    if isinstance(value, list):
        return [_plain(item) for item in value]
    if isinstance(value, dict):
        return {clean(key, 256): _plain(item) for key, item in value.items() if isinstance(key, str)}
    fits = isinstance(value, bool) or (isinstance(value, int) and abs(value) < _WHOLE_LIMIT)
    if fits or (isinstance(value, float) and math.isfinite(value)):
        return cast("Plain", value)
    return None
