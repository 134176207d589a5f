"""Stand-in for torch.cuda: an allocator with the figures it is given."""

from __future__ import annotations

import json
import os
from typing import Any


def is_initialized() -> bool:
    """Tell whether there is a GPU in use."""
    return "TORCH_STAND_IN_CUDA" in os.environ


def current_device() -> int:
    """Return the device of the one who asks."""
    return int(json.loads(os.environ["TORCH_STAND_IN_CUDA"])["device"])


def memory_stats_as_nested_dict(device: int) -> dict[str, Any]:
    """Return the figures in torch's shape."""
    figures = json.loads(os.environ["TORCH_STAND_IN_CUDA"])
    assert device == figures["device"]
    return {
        "allocated_bytes": {"all": {"current": figures["allocated"], "peak": figures["allocated_peak"]}},
        "reserved_bytes": {"all": {"current": figures["reserved"], "peak": figures["reserved_peak"]}},
        "num_alloc_retries": figures["retries"],
        "num_ooms": figures["ooms"],
    }
