"""Python imports this at its start, because `gpumon run` has put its folder first on PYTHONPATH.

It hides itself (no folder of gpumon's stays on `sys.path`), lets the `sitecustomize` that would have run
without it run, and installs the reporter. Its own errors end the reporter and not the training.
"""
# ruff: noqa: INP001 - a folder of its own on PYTHONPATH, no package

from __future__ import annotations

import importlib
import os
import sys

_NAME = "sitecustomize"
_PACKAGE = "gpumon_reporter"
_VARIABLE = "GPUMON_REPORTER"
_FOLDER = os.path.dirname(os.path.abspath(__file__))  # noqa: PTH100, PTH120 - pathlib takes ms to import


def _run_the_other() -> None:
    """Import the next `sitecustomize` on the path in this one's place; what it raises is its own affair."""
    me = sys.modules.pop(_NAME)
    try:
        importlib.import_module(_NAME)
    except ModuleNotFoundError as error:
        if error.name != _NAME:
            raise
        sys.modules[_NAME] = me


def _install() -> None:
    """Import the reporter from the folder above, whatever else is called gpumon here."""
    if not os.environ.get(_VARIABLE) or _PACKAGE in sys.modules:
        return
    package = type(sys)(_PACKAGE)
    package.__path__ = [os.path.dirname(_FOLDER)]  # noqa: PTH120
    sys.modules[_PACKAGE] = package
    try:
        importlib.import_module(_PACKAGE + ".install").install()
    except Exception as error:  # noqa: BLE001 - whatever it is, the training must start
        if sys.flags.verbose:
            sys.stderr.write(f"gpumon reporter: {error!r}\n")


sys.path[:] = [entry for entry in sys.path if os.path.abspath(entry) != _FOLDER]  # noqa: PTH100
try:
    _run_the_other()
finally:
    _install()
