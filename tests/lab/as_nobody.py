"""A script: the command line of gpumon with the rights of the user nobody.

usage: python -m tests.lab.as_nobody ARGUMENTS-OF-GPUMON

Everything is imported before root's rights are given up: a checkout or a Python in root's home is closed
to nobody. For a user who is not root nothing changes.
"""

from __future__ import annotations

import codecs
import importlib
import os
import pkgutil
import sys

import gpumon

NOBODY = 65534
_NOT_NEEDED = ("gpumon.tui", "gpumon.demo", "gpumon.__main__")
_CODECS = ("ascii", "latin-1", "utf-8", "idna")


def main(arguments: list[str]) -> None:
    """Run gpumon as nobody; exits with its exit code."""
    for module in pkgutil.walk_packages(gpumon.__path__, "gpumon."):
        if not module.name.startswith(_NOT_NEEDED):
            importlib.import_module(module.name)
    for name in ("platformdirs", "platformdirs.unix", "psutil", "pynvml"):
        importlib.import_module(name)
    for codec in _CODECS:
        codecs.lookup(codec)
    if os.geteuid() == 0:
        os.setgroups([])
        os.setgid(NOBODY)
        os.setuid(NOBODY)
        os.environ["HOME"] = "/nonexistent"  # as in /etc/passwd, and as `su` sets it
    importlib.import_module("gpumon.cli.app").gpumon(arguments, prog_name="gpumon")


if __name__ == "__main__":
    main(sys.argv[1:])
