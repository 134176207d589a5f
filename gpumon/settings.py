"""Settings: what the user chose, from flags, GPUMON_* variables, the config file and defaults."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Settings:
    """What all front ends share. `gpu` is an index or UUID, empty for all GPUs.

    `interval_seconds` is the period of samples; `thread_rate_hertz` the mean rate of looks at the
    training's threads (0 switches them off).
    """

    interval_seconds: float = 1.0
    thread_rate_hertz: float = 20.0
    gpu: str = ""
    ascii: bool = False
    color: bool = True
    theme: str = ""
    readonly: bool = False
    low_bandwidth: bool = False
    mouse: bool = True
