"""A stand-in for torch, as far as the reporter looks at it: for interpreters that have no torch.

TORCH_STAND_IN=1.12 gives it the shape of torch before 2.0: no global optimizer hooks, GradScaler in
torch.cuda.amp. Its allocator's figures are those of TORCH_STAND_IN_CUDA (JSON), without it CUDA is off.
"""

from __future__ import annotations

from typing import Any


class Tensor:
    """A tensor that has a shape and nothing else."""

    def __init__(self, *shape: int) -> None:
        self.shape = shape


def load(*names: str) -> Any:
    """Import the parts of torch that a training uses."""
    import importlib

    return [importlib.import_module("torch." + name) for name in names]
