"""The stand-in driver during a run: its script follows the virtual GPU and what the dose scripts besides."""

from __future__ import annotations

import os
import time
from dataclasses import dataclass, field
from pathlib import Path

from tests.lab.scenario import Driver
from tests.nvml_stand_in.stand_in import Script

_GIB = 1 << 30
_SOFTWARE_POWER_CAP = 0x4
_SOFTWARE_THERMAL = 0x20
# The buffer of utilisation samples reaches back further than a tick, in steps as on cards in the field.
_SAMPLES, _SAMPLE_US = 10, 200_000


@dataclass
class DrivenScript:
    """The script in `path`, written anew whenever `at` is called."""

    driver: Driver
    path: Path
    timelines: tuple[Path, ...]
    pid: int
    started: float = field(default_factory=time.monotonic)

    def at(self, unix_seconds: float) -> None:
        """Write what the driver says from now on: counters grow with the time since the start."""
        driver, passed = self.driver, time.monotonic() - self.started
        script = Script(gpus=driver.gpus).driver()
        for gpu, timeline in enumerate(self.timelines):
            script.set(gpu, timeline=timeline)
        nanoseconds = passed * 1e9
        script.set(
            0,
            throttle_power_nanoseconds=round(driver.power_ratio * nanoseconds),
            throttle_software_thermal_nanoseconds=round(driver.thermal_ratio * nanoseconds),
            throttle_reasons=(_SOFTWARE_POWER_CAP if driver.power_ratio else 0)
            | (_SOFTWARE_THERMAL if driver.thermal_ratio else 0),
            pcie_generation=driver.pcie_generation,
            pcie_received_bytes_per_second=driver.pcie_bytes_per_second,
        )
        if driver.counters is not None:
            script.set(
                0,
                compute_capability_major=9,
                compute_capability_minor=0,
                gpm_supported=1,
                gpm_sm_permille=round(1000 * driver.counters.sm),
                gpm_tensor_permille=round(1000 * driver.counters.tensor),
                gpm_memory_bandwidth_permille=round(1000 * driver.counters.memory_bandwidth),
            )
        if driver.other_process_bytes:
            other, percent = os.getpid(), driver.other_process_percent
            script.process(0, other, driver.other_process_bytes, sm_percent=percent)
            stamp = round(unix_seconds * 1e6)
            script.record(0, self.pid, stamp, 100 - percent).record(0, other, stamp, percent)
        if driver.busy_percent:
            newest = round(unix_seconds * 1e6) // _SAMPLE_US
            stamps = range(newest - _SAMPLES + 1, newest + 1)
            script.samples(0, {stamp * _SAMPLE_US: driver.busy_percent for stamp in stamps})
        if driver.on_every_gpu:
            for gpu in range(1, driver.gpus):
                script.set(gpu, busy_percent=30).process(gpu, self.pid, 2 * _GIB, sm_percent=30)
        if driver.lost_after_seconds and passed > driver.lost_after_seconds:
            script.lose(0, unix_seconds)
        script.write(self.path)
