"""The ids of findings as labels: to which family each belongs, and whether it is a warning.

The table of ids is the design's; scoring needs all of them, also those for which gpumon has no rule yet.
"""

from __future__ import annotations

_FAMILIES = {
    "data": (
        "starved-too-few-workers", "starved-cpu-exhausted", "starved-too-many-workers", "starved-cpu-quota",
        "starved-local-disk", "starved-remote-storage", "starved-page-cache", "starved-slow-samples",
        "starved-lock", "starved-neighbours", "starved-no-workers",
    ),
    "host": ("host-overhead", "checkpoint-stall", "workers-respawned", "validation-share", "hung"),
    "gpu": (
        "batch-too-small", "amp-off", "transfer-bound", "memory-bandwidth-bound", "thermal-throttle",
        "power-capped", "gpu-shared", "gpu-lost",
    ),
    "placement": ("not-on-gpu", "idle-gpus", "ddp-imbalance", "data-parallel"),
    "memory": ("vram-at-limit", "vram-growth", "host-memory-pressure", "shm-nearly-full"),
    "run": ("nan-loss",),
    "healthy": ("compute-bound",),
}  # fmt: skip
# No verdicts: gpumon says by them that it does not know yet.
ABSTENTIONS = frozenset({"starting", "unclear"})
# Findings of severity info: told, but no alarm.
_QUIET = frozenset(
    {
        "compute-bound",
        "memory-bandwidth-bound",
        "power-capped",
        "amp-off",
        "idle-gpus",
        "data-parallel",
        "validation-share",
    }
)
FAMILY_OF = {label: family for family, labels in _FAMILIES.items() for label in labels}
LABELS = tuple(FAMILY_OF)


def family(label: str) -> str:
    """Return the family of a label; of an unknown one, itself, and "" of none."""
    return FAMILY_OF.get(label, label)


def is_alarm(label: str) -> bool:
    """Tell whether a verdict would warn the user."""
    return bool(label) and label not in _QUIET
