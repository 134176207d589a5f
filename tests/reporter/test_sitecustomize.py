"""A `sitecustomize` that is there already: it runs as it would have, and the reporter runs too."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from gpumon.cli.run import reporting_environment
from tests.remote_python.interpreters import Installed, installed
from tests.reporter.launch import PROGRAMS, STAND_IN, plain_environment, started

LOOP = PROGRAMS / "loop.py"
every_python = pytest.mark.parametrize("python", installed(), ids=str)

# Tells who is `sitecustomize`, and whether it ran here and in children started in both other ways.
_PROGRAM = """
import json, multiprocessing, sys

def ran(_):
    return getattr(sys, "customized", 0), "gpumon_reporter" in sys.modules

if __name__ == "__main__":
    told = [sys.modules["sitecustomize"].__file__, ran(0)]
    for method in ("spawn", "forkserver"):
        with multiprocessing.get_context(method).Pool(1) as pool:
            told += pool.map(ran, [0])
    print(json.dumps(told), flush=True)
    sys.stdin.read()
"""
_COUNTS_ITSELF = "import sys\nsys.customized = getattr(sys, 'customized', 0) + 1\n"
# Patches the same class as the reporter, through a finder of its own, as libraries do.
_PATCHES_TOO = """
import importlib.machinery, sys

class Loader(importlib.machinery.SourceFileLoader):
    def exec_module(self, module):
        super().exec_module(module)
        original = module._BaseDataLoaderIter.__next__
        def patched(self):
            sys.patched = getattr(sys, "patched", 0) + 1
            return original(self)
        module._BaseDataLoaderIter.__next__ = patched

class Finder:
    @staticmethod
    def find_spec(name, path=None, target=None):
        if name == "torch.utils.data.dataloader":
            spec = importlib.machinery.PathFinder.find_spec(name, path, target)
            spec.loader = Loader(name, spec.origin)
            return spec

sys.meta_path.insert(0, Finder)
"""
_IMPORTS_TORCH = "import torch\ntorch.load('utils.data.dataloader', 'optim.optimizer', 'amp.grad_scaler')\n"


def _customize(folder: Path, text: str) -> Path:
    folder.mkdir(exist_ok=True)
    file = folder / "sitecustomize.py"
    file.write_text(text, encoding="utf-8")
    return file


@every_python
def test_it_runs_once_also_in_children(python: Installed, tmp_path: Path) -> None:
    """An existing one runs once, beside the reporter, in the training and in the children it starts."""
    file = _customize(tmp_path / "own", _COUNTS_ITSELF)
    script = tmp_path / "train.py"
    script.write_text(_PROGRAM, encoding="utf-8")
    with started([python.program, script], variables={"PYTHONPATH": str(file.parent)}) as program:
        told = program.told

    assert [str(file), [1, True], [1, True], [1, True]] == told


def test_it_runs_in_a_virtual_environment(tmp_path: Path) -> None:
    """One in the site-packages of a virtual environment is found as well."""
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", tmp_path / "venv"], check=True)
    packages = next((tmp_path / "venv").glob("lib/python3*/site-packages"))
    file = _customize(packages, _COUNTS_ITSELF)
    script = tmp_path / "train.py"
    script.write_text(_PROGRAM, encoding="utf-8")
    with started([tmp_path / "venv/bin/python", script]) as program:
        told = program.told

    assert [str(file), [1, True], [1, True], [1, True]] == told


@every_python
def test_its_error_is_its_own(python: Installed, tmp_path: Path) -> None:
    """One that raises is told of by Python as ever, and the reporter still runs."""
    _customize(tmp_path / "own", "raise RuntimeError('mine')\n")
    variables = {"PYTHONPATH": str(tmp_path / "own")}
    program = "import sys; print(int('gpumon_reporter' in sys.modules), 'sitecustomize' in sys.modules)"
    ends = [
        subprocess.run(
            [python.program, "-c", program], env=environment, capture_output=True, text=True, check=True
        )
        for environment in (
            plain_environment(variables),
            reporting_environment(plain_environment(variables)),
        )
    ]

    assert ["0 False\n", "1 False\n"] == [end.stdout for end in ends]
    assert ends[0].stderr == ends[1].stderr


@every_python
@pytest.mark.parametrize("text", [_PATCHES_TOO, _IMPORTS_TORCH], ids=["patches", "imports torch"])
def test_it_may_look_at_torch_too(python: Installed, tmp_path: Path, text: str) -> None:
    """Counts are exact where it hooks the same class, or has imported torch before the reporter was there."""
    _customize(tmp_path / "own", text)
    path = {"PYTHONPATH": f"{tmp_path / 'own'}:{STAND_IN}"}
    with started([python.program, LOOP, "epochs"], variables=path) as program:
        reading = program.reading()

    assert reading.training is not None
    assert (8, 8) == (reading.training.batches, reading.optimizer_steps)


@every_python
def test_without_one_nothing_is_said(python: Installed) -> None:
    """Where there is none, Python starts as silently as ever, also for a warning turned into an error."""
    end = subprocess.run(
        [python.program, "-W", "error", "-c", "import sys; print(len(sys.argv))"],
        env=reporting_environment(plain_environment()),
        capture_output=True,
        text=True,
        check=True,
    )

    assert ("1\n", "") == (end.stdout, end.stderr)


def test_a_reporter_that_cannot_start_lets_the_training_start(tmp_path: Path) -> None:
    """Without the rest of the reporter (a broken installation) Python starts as if there were none."""
    from gpumon.cli.run import INJECTED

    broken = tmp_path / "reporter" / "injected"
    broken.mkdir(parents=True)
    (broken / "sitecustomize.py").write_bytes((INJECTED / "sitecustomize.py").read_bytes())
    end = subprocess.run(
        [sys.executable, "-c", "print('started')"],
        env=reporting_environment(plain_environment(), broken),
        capture_output=True,
        text=True,
        check=True,
    )

    assert ("started\n", "") == (end.stdout, end.stderr)
