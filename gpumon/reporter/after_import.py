"""Doing something with a module right after the training has imported it."""

from __future__ import annotations

import sys

TYPE_CHECKING = False  # `typing` itself takes milliseconds to import
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from importlib.machinery import ModuleSpec
    from types import ModuleType
    from typing import Any

    Action = Callable[[ModuleType], None]


class AfterImport:
    """A finder that leaves the finding to the others, and adds an action to the loading of some modules.

    It stands first in `sys.meta_path`. Loaders stay what they are: `exec_module` of the one instance is
    covered for the one call.
    """

    def __init__(self, actions: dict[str, Action], failed: Callable[[Exception], None]) -> None:
        self._actions = actions
        self._failed = failed

    def find_spec(
        self, name: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Return what the other finders find; None for modules of no interest, for them to be asked."""
        if name not in self._actions:
            return None
        for finder in list(sys.meta_path):
            find = getattr(finder, "find_spec", None)
            if find is None or finder is self:
                continue
            spec: ModuleSpec | None = find(name, path, target)
            if spec is not None:
                try:
                    self._cover(spec.loader, name)
                except Exception as error:  # noqa: BLE001 - whatever it is, the training must not notice
                    self._failed(error)
                return spec
        return None

    def _cover(self, loader: Any, name: str) -> None:
        execute = loader.exec_module

        def exec_module(module: ModuleType) -> None:
            loader.__dict__.pop("exec_module", None)
            execute(module)
            action = self._actions.pop(name, None) if module.__name__ == name else None
            if action is not None:
                run(action, module, self._failed)

        loader.exec_module = exec_module


def run(action: Action, module: ModuleType, failed: Callable[[Exception], None]) -> None:
    """Do it, and report an error to `failed` instead of raising it into the import."""
    try:
        action(module)
    except Exception as error:  # noqa: BLE001 - whatever it is, the training must not notice
        failed(error)
