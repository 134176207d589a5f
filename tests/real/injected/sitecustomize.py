"""Imported by Python at the start of every real training, because its folder is on PYTHONPATH.

It touches nothing until torch is imported: the process must look like any other training from outside.
Standard library only, and nothing of gpumon.
"""

from __future__ import annotations

import ctypes
import importlib
import os
import signal
import sys
from importlib.machinery import ModuleSpec, PathFinder, SourceFileLoader
from types import ModuleType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

# After the module on the left has been executed, the one on the right mends or watches it.
HOOKS = {
    "torchvision.extension": "torchvision_ops",
    "torch.utils.data.dataloader": "loader_waits",
}
_PR_SET_PDEATHSIG = 1


class _HookedLoader(SourceFileLoader):
    def exec_module(self, module: ModuleType) -> None:
        super().exec_module(module)
        importlib.import_module(HOOKS[module.__name__]).after_import(module)


class _HookFinder:
    """A finder that only changes the loader of the modules in HOOKS."""

    @staticmethod
    def find_spec(
        name: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if name not in HOOKS:
            return None
        spec = PathFinder.find_spec(name, path, target)
        if spec is not None and spec.origin is not None:
            spec.loader = _HookedLoader(name, spec.origin)
        return spec


def _stand_in(name: str, **attributes: object) -> None:
    """Make a package importable that yolov5 imports but that a local training never uses."""
    module = ModuleType(name)
    module.__path__ = []
    for key, value in attributes.items():
        setattr(module, key, value)
    sys.modules[name] = module


def _die_with(parent: int) -> None:
    """Let the kernel end this training when the tests are killed; forked workers don't inherit it."""
    if os.getppid() == parent:
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


sys.meta_path.insert(0, _HookFinder)
_stand_in("sahi")
_stand_in("roboflow", Roboflow=type("Roboflow", (), {}))
_stand_in("roboflow.core")
_stand_in("roboflow.core.version", Version=type("Version", (), {}))
if "TRAINING_PARENT_PID" in os.environ:
    _die_with(int(os.environ["TRAINING_PARENT_PID"]))
