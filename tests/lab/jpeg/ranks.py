"""The ranks of a laboratory training: processes of torch's launcher that meet after each batch."""

from __future__ import annotations

import os

import torch
from torch import distributed


def rank() -> int:
    """Return which rank this process is; 0 without a launcher."""
    return int(os.environ.get("RANK", "0"))


def count() -> int:
    """Return how many there are."""
    return int(os.environ.get("WORLD_SIZE", "1"))


def join() -> None:
    """Find the other ranks."""
    if count() > 1:
        distributed.init_process_group("gloo")


def meet() -> None:
    """Wait for the slowest rank, as the exchange of gradients does."""
    if count() > 1:
        distributed.all_reduce(torch.zeros(1))
