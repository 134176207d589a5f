"""The model's words that a screen needs before there is a training: kinds, phases, grades.

They stand apart from the nouns that have them, which are loaded with the first training.
"""

from __future__ import annotations

from enum import Enum


class Role(str, Enum):
    """What a process does in its training."""

    MAIN = "main"
    TRAIN_WORKER = "train_worker"
    VAL_WORKER = "val_worker"
    POOL = "pool"
    LAUNCHER = "launcher"
    RANK = "rank"
    OTHER = "other"


class Phase(str, Enum):
    """What a training is doing."""

    START = "start"
    TRAIN = "train"
    VALIDATE = "validate"
    CHECKPOINT = "checkpoint"
    END = "end"
    UNKNOWN = "unknown"


class Severity(str, Enum):
    """How much a finding matters."""

    INFO = "info"
    WARNING = "warning"
    CRITICAL = "critical"


class Bound(str, Enum):
    """What keeps a suggested setting from being larger."""

    GPU = "gpu"
    CORES = "cores"
    QUOTA = "quota"
    AFFINITY = "affinity"
    MEMORY = "memory"
    SHM = "shm"
    BATCH = "batch"
    FRAMEWORK = "framework"
    NONE = "none"


class RiskLevel(str, Enum):
    """A probability of running out of memory, as a word: low < 5 %, elevated < 30 %, high."""

    LOW = "low"
    ELEVATED = "elevated"
    HIGH = "high"
