"""Optimizers that do nothing when they step."""

from __future__ import annotations

import functools
import os
from collections.abc import Callable
from typing import Any

_hooks: dict[int, Callable[..., None]] = {}


class Optimizer:
    """What all optimizers are; torch wraps the `step` of each class when its first optimizer is made."""

    def __init__(self) -> None:
        step: Any = type(self).step
        if not getattr(step, "hooked", False):

            @functools.wraps(step)
            def hooked(optimizer: Any, *arguments: Any) -> Any:
                result = step(optimizer, *arguments)
                for hook in _hooks.values():
                    hook(optimizer, arguments, {})
                return result

            hooked.__dict__["hooked"] = True
            kind: Any = type(self)
            kind.step = hooked

    def step(self) -> None:
        """Nothing to do."""


class SGD(Optimizer):
    """The plain one."""

    def step(self) -> None:
        """Nothing to do."""


class FusedAdam(Optimizer):
    """One that asks the GPU itself whether its gradients are finite."""

    _step_supports_amp_scaling = True

    def step(self) -> None:
        """Nothing to do."""


class _Handle:
    def __init__(self, number: int) -> None:
        self._number = number

    def remove(self) -> None:
        """Take the hook away."""
        _hooks.pop(self._number, None)


if os.environ.get("TORCH_STAND_IN") != "1.12":

    def register_optimizer_step_post_hook(hook: Callable[..., None]) -> _Handle:
        """Call `hook(optimizer, args, kwargs)` after every step."""
        _hooks[len(_hooks)] = hook
        return _Handle(len(_hooks) - 1)
