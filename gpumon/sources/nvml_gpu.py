"""One GPU behind a kept handle: what is asked every tick, every 5 seconds, and once."""

from __future__ import annotations

from typing import Any

from gpumon.model.clock import Instant
from gpumon.model.gpu import GpuReading, GpuState
from gpumon.model.measure import Maybe, Missing
from gpumon.model.text import clean
from gpumon.sources.nvml_busy import BusyBuffer
from gpumon.sources.nvml_calls import NvmlCalls
from gpumon.sources.nvml_counters import FieldCounters
from gpumon.sources.nvml_gpm import GpmCounters
from gpumon.sources.nvml_pids import PidMap
from gpumon.sources.nvml_processes import ProcessList
from gpumon.sources.nvml_slices import MigDevice, device_memory, mig_devices

SLOW_SECONDS = 5.0
_TEMPERATURE_GPU = 0
_THRESHOLD_SLOWDOWN = 1
_CLOCK_SM = 1
_CLOCK_MEMORY = 2
_ECC_CORRECTED = 0
_ECC_UNCORRECTED = 1
_ECC_VOLATILE = 0
_NO_PERFORMANCE_STATE = 32  # NVML_PSTATE_UNKNOWN
_UNKNOWN_UINT = 0xFFFFFFFF
# nvmlClocksEventReason* of nvml.h, in the words of nvidia-smi.
_THROTTLE_REASONS = (
    (0x1, "idle"),
    (0x2, "application clocks"),
    (0x4, "power cap"),
    (0x8, "hardware slowdown"),
    (0x10, "sync boost"),
    (0x20, "software thermal slowdown"),
    (0x40, "hardware thermal slowdown"),
    (0x80, "hardware power brake"),
    (0x100, "display clocks"),
    (0x200, "board limit"),
    (0x400, "reliability"),
)


class NvmlGpu:
    """Reads one GPU; raises GpuLostError and DriverGoneError from `read`, and nothing else."""

    def __init__(self, binding: Any, handle: Any, index: int, pids: PidMap, *, is_wsl: bool) -> None:
        self._binding = binding
        self._calls = NvmlCalls(binding, handle)
        self._busy = BusyBuffer(self._calls)
        self._counters = FieldCounters(self._calls)
        self._gpm = GpmCounters(self._calls)
        self._processes = ProcessList(self._calls, pids, is_wsl=is_wsl)
        self._slow: dict[str, Any] = {}
        self._slow_read_at: float | None = None
        self._devices: tuple[MigDevice, ...] = ()
        self.index = index
        self.uuid = _text(self._calls.ask("nvmlDeviceGetUUID"), f"gpu-{index}")
        self.name = _text(self._calls.ask("nvmlDeviceGetName"), f"GPU {index}")
        self._compute_capability: Maybe[tuple[int, int]] = self._calls.ask(
            "nvmlDeviceGetCudaComputeCapability"
        )

    def read(self, now: Instant) -> GpuReading:
        """Return everything this GPU says at `now`."""
        self._read_slow(now)
        ask = self._calls.ask
        mig = self._slow["gpu_mig_mode"] is True
        used, reserved, total = device_memory(self._binding, self._calls)
        busy = self._busy.read(now, mig=mig)
        counters = self._counters.read(now)
        gpm = self._gpm.read(now, mig=mig)
        listed = self._processes.read(now, total, busy.ratio, tuple(device.calls for device in self._devices))
        return GpuReading(
            index=self.index,
            uuid=self.uuid,
            name=self.name,
            gpu_busy_ratio=busy.ratio,
            busy_samples=busy.samples,
            busy_sample_period_seconds=busy.period_seconds,
            gpu_busy_source=busy.source,
            gpu_memory_busy_ratio=busy.memory_ratio,
            gpu_sm_busy_ratio=gpm.sm_busy_ratio,
            gpu_tensor_busy_ratio=gpm.tensor_busy_ratio,
            gpu_memory_bandwidth_ratio=gpm.memory_bandwidth_ratio,
            gpu_memory_used_bytes=used,
            gpu_memory_reserved_bytes=reserved,
            gpu_memory_total_bytes=total,
            processes=listed.processes,
            slices=tuple(
                device.read(self._binding, pids)
                for device, pids in zip(self._devices, listed.pids, strict=True)
            ),
            gpu_temperature_celsius=self._temperature(),
            gpu_power_watts=counters.power_watts,
            gpu_energy_joules=counters.energy_joules,
            gpu_sm_clock_hertz=_hertz(ask("nvmlDeviceGetClockInfo", _CLOCK_SM)),
            gpu_memory_clock_hertz=_hertz(ask("nvmlDeviceGetClockInfo", _CLOCK_MEMORY)),
            gpu_pcie_receive_bytes_per_second=counters.pcie_receive_bytes_per_second,
            gpu_pcie_transmit_bytes_per_second=counters.pcie_transmit_bytes_per_second,
            gpu_throttle_power_ratio=counters.throttle_power_ratio,
            gpu_throttle_thermal_ratio=counters.throttle_thermal_ratio,
            gpu_throttle_brake_ratio=counters.throttle_brake_ratio,
            gpu_throttle_reasons=self._throttle_reasons(),
            gpu_performance_state=self._performance_state(),
            gpu_compute_capability=self._compute_capability,
            **self._slow,
        )

    def close(self) -> None:
        """Give back what the driver lent; before the driver is shut down."""
        self._gpm.close()

    def lost(self, missing: Missing, state: GpuState = GpuState.LOST) -> GpuReading:
        """Return the reading of this GPU while it does not answer, with the reason everywhere."""
        return silent(self.index, self.uuid, self.name, state, missing)

    def _temperature(self) -> Maybe[float]:
        celsius = self._calls.ask_first(
            "nvmlDeviceGetTemperatureV", "nvmlDeviceGetTemperature", arguments=(_TEMPERATURE_GPU,)
        )
        return celsius if isinstance(celsius, Missing) else float(celsius)

    def _throttle_reasons(self) -> Maybe[tuple[str, ...]]:
        mask = self._calls.ask_first(
            "nvmlDeviceGetCurrentClocksEventReasons", "nvmlDeviceGetCurrentClocksThrottleReasons"
        )
        if isinstance(mask, Missing):
            return mask
        return tuple(name for bit, name in _THROTTLE_REASONS if mask & bit) if mask else ()

    def _performance_state(self) -> Maybe[int]:
        state = self._calls.ask("nvmlDeviceGetPerformanceState")
        if isinstance(state, Missing):
            return state
        return Missing("the driver does not know it") if state == _NO_PERFORMANCE_STATE else int(state)

    def _read_slow(self, now: Instant) -> None:
        at = self._slow_read_at
        # Half a second of slack: a tick that is a little early must not make it six seconds.
        if at is not None and now.monotonic_seconds - at < SLOW_SECONDS - 0.5:
            return
        self._slow_read_at = now.monotonic_seconds
        mig = self._mig_mode()
        if self._slow and mig != self._slow["gpu_mig_mode"]:
            # What a GPU can answer depends on its MIG mode.
            self._calls.forget()
            self._counters.forget()
            self._gpm.forget()
            self._processes.forget()
        self._devices = mig_devices(self._binding, self._calls) if mig is True else ()
        ask = self._calls.ask
        self._slow = {
            "gpu_mig_mode": mig,
            "gpu_temperature_slowdown_celsius": self._slowdown(),
            "gpu_power_limit_watts": _watts(ask("nvmlDeviceGetEnforcedPowerLimit")),
            "gpu_sm_clock_max_hertz": _hertz(ask("nvmlDeviceGetMaxClockInfo", _CLOCK_SM)),
            "gpu_fan_ratio": _ratio(ask("nvmlDeviceGetFanSpeed")),
            "gpu_pcie_generation": _count(ask("nvmlDeviceGetCurrPcieLinkGeneration")),
            "gpu_pcie_generation_max": _count(ask("nvmlDeviceGetMaxPcieLinkGeneration")),
            "gpu_pcie_width": _count(ask("nvmlDeviceGetCurrPcieLinkWidth")),
            "gpu_pcie_width_max": _count(ask("nvmlDeviceGetMaxPcieLinkWidth")),
            "gpu_ecc_corrected_errors": ask("nvmlDeviceGetTotalEccErrors", _ECC_CORRECTED, _ECC_VOLATILE),
            "gpu_ecc_uncorrected_errors": ask("nvmlDeviceGetTotalEccErrors", _ECC_UNCORRECTED, _ECC_VOLATILE),
        }

    def _mig_mode(self) -> Maybe[bool]:
        modes = self._calls.ask("nvmlDeviceGetMigMode")
        return modes if isinstance(modes, Missing) else modes[0] == 1

    def _slowdown(self) -> Maybe[float]:
        celsius = self._calls.ask("nvmlDeviceGetTemperatureThreshold", _THRESHOLD_SLOWDOWN)
        if not isinstance(celsius, Missing):
            return float(celsius)
        # Hopper and Blackwell tell the distance to the limit instead of the limit.
        margin, present = self._calls.ask("nvmlDeviceGetMarginTemperature"), self._temperature()
        if isinstance(margin, Missing) or isinstance(present, Missing):
            return celsius
        return present + float(margin)


def silent(index: int, uuid: str, name: str, state: GpuState, missing: Missing) -> GpuReading:
    """Return the reading of a GPU that says nothing, with the reason in every measure."""
    measures = [
        field
        for field in GpuReading.__dataclass_fields__
        if field.startswith("gpu_") and field != "gpu_busy_source"
    ]
    answers: dict[str, Any] = dict.fromkeys([*measures, "processes", "busy_sample_period_seconds"], missing)
    return GpuReading(index=index, uuid=uuid, name=name, state=state, **answers)


def _text(answer: Any, otherwise: str) -> str:
    return otherwise if isinstance(answer, Missing) else clean(str(answer), limit=96)


def _hertz(megahertz: Any) -> Maybe[float]:
    return megahertz if isinstance(megahertz, Missing) else megahertz * 1e6


def _watts(milliwatts: Any) -> Maybe[float]:
    return milliwatts if isinstance(milliwatts, Missing) else milliwatts / 1000


def _ratio(percent: Any) -> Maybe[float]:
    return percent if isinstance(percent, Missing) else percent / 100


def _count(answer: Any) -> Maybe[int]:
    if isinstance(answer, Missing):
        return answer
    return Missing("the driver does not know it") if answer == _UNKNOWN_UINT else int(answer)
