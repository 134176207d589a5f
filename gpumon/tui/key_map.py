"""The keys of the dashboard as the user wants them: ids of bindings and their keys."""

from __future__ import annotations

import importlib
import re
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import combinations
from typing import NamedTuple

from textual.app import App
from textual.binding import Binding
from textual.dom import DOMNode
from textual.screen import Screen

from gpumon.settings import KEYS_TABLE, SettingsError
from gpumon.tui.key_names import key_name, key_of

_WHERE = f"{KEYS_TABLE} in the config file"
# Ctrl-C ends every program of a terminal: it is nothing else here, and nothing else is it.
_INTERRUPT_ID = "interrupt"
_INTERRUPT_KEY = "ctrl+c"
_SCOPES = {
    "ViewScreen": "every screen",
    "FilteredScreen": "lists",
    "ListPane": "lists",
    "ScrollPane": "lists, texts",
}


class Owned(NamedTuple):
    """A binding, and the class that declares it."""

    owner: type[DOMNode]
    binding: Binding


@dataclass(frozen=True, slots=True)
class KeyMap:
    """The keys that the user moved, as Textual writes them, by the ids of their bindings.

    `stays` are the keys of those that were not moved but share a key with one that was: Textual takes a
    moved key from all that had it.
    """

    moved: Mapping[str, str]
    stays: Mapping[str, str]

    @property
    def for_textual(self) -> Mapping[str, str]:
        """What `App.set_keymap` is given."""
        return {**self.stays, **self.moved}

    def keys(self, binding: Binding) -> str:
        """Return the keys of a binding, with commas between them."""
        return self.moved.get(binding.id or "", binding.key)

    def there(self, kinds: Iterable[type], has: Callable[[Binding], bool]) -> Mapping[str, str]:
        """Return what was moved where nodes of these classes take keys, in the order in which they take them.

        Each key that a binding had there leads to the one that it has now. `has` tells which bindings work.
        """
        if not self.moved:
            return {}
        had: dict[str, str] = {}
        for kind in kinds:
            for binding in filter(has, _declared(kind)):
                now = self.keys(binding).split(",")
                for index, key in enumerate(binding.key.split(",")):
                    had.setdefault(key, now[min(index, len(now) - 1)])
        return {key: now for key, now in had.items() if key != now}


NOTHING_MOVED = KeyMap({}, {})


def key_map(choices: Mapping[str, str]) -> KeyMap:
    """Return the map of a user's choices: keys with commas between them, by the ids of bindings.

    Raises SettingsError for an id that no binding has, for a key that there is not, and where a key would
    do two things in one place.
    """
    if not choices:
        return NOTHING_MOVED
    every = bindings()
    known = {owned.binding.id for owned in every}
    for binding_id in choices:
        if binding_id not in known:
            raise SettingsError(f"{_WHERE}: there is no {binding_id!r}; gpumon config --keys lists all")
    moved = {binding_id: _keys_of(binding_id, text) for binding_id, text in choices.items()}
    _check_clashes(every, moved)
    return KeyMap(moved, _sharing(every, moved))


def shown_as(shown: str, moved: Mapping[str, str]) -> str:
    """Return keys as they stand on the screen (`+ -`), those in `moved` by the names of their new ones."""
    words = ((word, key_of(word)) for word in shown.split(" "))
    return " ".join(key_name(moved[key]) if key is not None and key in moved else word for word, key in words)


def bindings() -> tuple[Owned, ...]:
    """Return all bindings of the dashboard that have an id: those of everywhere, of screens and of panes."""
    import pkgutil

    for package in ("gpumon.tui.screens", "gpumon.tui.widgets"):
        for module in pkgutil.iter_modules(importlib.import_module(package).__path__, f"{package}."):
            importlib.import_module(module.name)
    importlib.import_module("gpumon.tui.app")
    return tuple(
        Owned(kind, binding)
        for kind in sorted(_subclasses(DOMNode), key=_order)
        for binding in _declared(kind)
        if binding.id
    )


def scope_name(kind: type[DOMNode]) -> str:
    """Return where the bindings of a class work, in words: `everywhere`, `findings`, `list`."""
    if issubclass(kind, App):
        return "everywhere"
    name = kind.__name__.removesuffix("Screen").removesuffix("Pane")
    return _SCOPES.get(kind.__name__) or re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name).lower()


def _subclasses(kind: type[DOMNode]) -> set[type[DOMNode]]:
    found: set[type[DOMNode]] = set()
    for below in kind.__subclasses__():
        found |= {below, *_subclasses(below)}
    return {below for below in found if below.__module__.startswith("gpumon.")}


def _order(kind: type[DOMNode]) -> tuple[int, int, str]:
    """Return what classes are ordered by: the app, screens, panes; what others are made from comes first."""
    rank = 0 if issubclass(kind, App) else 1 if issubclass(kind, Screen) else 2
    return (rank, len(kind.__mro__), kind.__qualname__)


def _declared(kind: type) -> Iterator[Binding]:
    for binding in kind.__dict__.get("BINDINGS", ()):
        if isinstance(binding, Binding):
            yield binding


def _keys_of(binding_id: str, text: str) -> str:
    if binding_id == _INTERRUPT_ID:
        raise SettingsError(f"{_WHERE}: {_INTERRUPT_ID!r} stays on {key_name(_INTERRUPT_KEY)}")
    found: list[str] = []
    for part in text.split(","):
        key = key_of(part)
        if key is None:
            hint = " (the comma's own name is comma)" if not part.strip() else ""
            raise SettingsError(f"{_WHERE}: there is no key {part.strip()!r} for {binding_id!r}{hint}")
        if key == _INTERRUPT_KEY:
            raise SettingsError(f"{_WHERE}: {key_name(key)} leaves gpumon and can be nothing else")
        found.append(key)
    return ",".join(dict.fromkeys(found))


def _check_clashes(every: tuple[Owned, ...], moved: Mapping[str, str]) -> None:
    """Refuse a key that does two things in one place; those that share a key by themselves get on."""
    for one, other in combinations(every, 2):
        ids = (one.binding.id or "", other.binding.id or "")
        if ids[0] == ids[1] or not (ids[0] in moved or ids[1] in moved):
            continue
        before = set(one.binding.key.split(",")) & set(other.binding.key.split(","))
        now = set(moved.get(ids[0], one.binding.key).split(","))
        now &= set(moved.get(ids[1], other.binding.key).split(","))
        if now and not before and _meet(one.owner, other.owner):
            key = key_name(min(now))
            raise SettingsError(f"{_WHERE}: {ids[0]!r} and {ids[1]!r} would both be on {key}")


def _meet(one: type[DOMNode], other: type[DOMNode]) -> bool:
    """Tell whether bindings of two classes may take the same key press."""
    if issubclass(one, other) or issubclass(other, one) or issubclass(one, App) or issubclass(other, App):
        return True
    one_is_screen, other_is_screen = issubclass(one, Screen), issubclass(other, Screen)
    if one_is_screen == other_is_screen:
        # One screen is on top, one pane has the focus.
        return False
    screen, pane = (one, other) if one_is_screen else (other, one)
    # A screen's module names the panes it has; so do those of its bases, and of the screens below it.
    modules = {kind.__module__ for kind in (*screen.__mro__, *_subclasses(screen))}
    return any(
        isinstance(named, type) and issubclass(named, pane)
        for module in modules
        if module.startswith("gpumon.")
        for named in vars(sys.modules[module]).values()
    )


def _sharing(every: tuple[Owned, ...], moved: Mapping[str, str]) -> dict[str, str]:
    """Return what stays, with its keys: it shares one with what is moved, or with what stays for that."""
    stays: dict[str, str] = {}
    taken = dict(moved)
    while True:
        found = {
            owned.binding.id: owned.binding.key
            for owned in every
            for other in every
            if owned.binding.id
            and owned.binding.id not in taken
            and other.binding.id in taken
            and set(owned.binding.key.split(",")) & set(other.binding.key.split(","))
            and (issubclass(owned.owner, other.owner) or issubclass(other.owner, owned.owner))
        }
        if not found:
            return stays
        stays |= found
        taken |= found
