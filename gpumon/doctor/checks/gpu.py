"""What each GPU answers: what matters, and what is a nicety."""

from __future__ import annotations

from collections.abc import Iterator

from gpumon.doctor.check import Check, Remedy, State, Tier
from gpumon.doctor.checks.driver import DMESG, REBOOT, driver_check
from gpumon.doctor.facts import Facts
from gpumon.doctor.rights import HOST_PIDS, as_root
from gpumon.model.gpu import GpuReading, GpuState
from gpumon.model.measure import Missing

# What the verdict and the outlook on memory need.
ESSENTIAL = {
    "busy": ("gpu_busy_ratio",),
    "memory": ("gpu_memory_used_bytes", "gpu_memory_total_bytes"),
    "processes": ("processes",),
}
OPTIONAL = {
    "fine_busy": ("busy_sample_period_seconds",),
    "memory_busy": ("gpu_memory_busy_ratio",),
    "memory_reserved": ("gpu_memory_reserved_bytes",),
    "temperature": ("gpu_temperature_celsius", "gpu_temperature_slowdown_celsius"),
    "power": ("gpu_power_watts", "gpu_power_limit_watts"),
    "energy": ("gpu_energy_joules",),
    "clocks": (
        "gpu_sm_clock_hertz",
        "gpu_sm_clock_max_hertz",
        "gpu_memory_clock_hertz",
    ),
    "fan": ("gpu_fan_ratio",),
    "pcie_link": (
        "gpu_pcie_generation",
        "gpu_pcie_generation_max",
        "gpu_pcie_width",
        "gpu_pcie_width_max",
    ),
    "pcie_traffic": ("gpu_pcie_receive_bytes_per_second", "gpu_pcie_transmit_bytes_per_second"),
    "throttling": (
        "gpu_throttle_power_ratio",
        "gpu_throttle_thermal_ratio",
        "gpu_throttle_brake_ratio",
        "gpu_throttle_reasons",
    ),
    "hardware_counters": ("gpu_sm_busy_ratio", "gpu_tensor_busy_ratio", "gpu_memory_bandwidth_ratio"),
    "ecc": ("gpu_ecc_corrected_errors", "gpu_ecc_uncorrected_errors"),
    "performance_state": ("gpu_performance_state",),
    "mig": ("gpu_mig_mode",),
    "compute_capability": ("gpu_compute_capability",),
}
_NEWER_BINDING = Remedy("install the newest binding", "pip install --upgrade nvidia-ml-py")


def gpu_checks(facts: Facts) -> Iterator[Check]:
    """Yield the driver and its GPUs; virtual GPUs of simulated trainings are one line."""
    yield driver_check(facts)
    for gpu in facts.gpus:
        subject = f"GPU {gpu.index} {gpu.name}"
        if gpu.simulated:
            text = f"{gpu.name}, of a simulated training"
            yield Check("gpu.virtual", Tier.GPU, f"GPU {gpu.index}", State.OK, text)
        elif gpu.state is not GpuState.OK:
            reason = gpu.gpu_busy_ratio
            text = reason.reason if isinstance(reason, Missing) else gpu.state.value
            yield Check("gpu.device", Tier.GPU, "device", State.MISSING, text, subject, (DMESG, REBOOT))
        else:
            yield from _functions(gpu, subject, facts)


def _functions(gpu: GpuReading, subject: str, facts: Facts) -> Iterator[Check]:
    for groups, is_essential in ((ESSENTIAL, True), (OPTIONAL, False)):
        for name, fields in groups.items():
            missing = [value for field in fields if isinstance(value := getattr(gpu, field), Missing)]
            title = name.replace("_", " ")
            if not missing:
                yield _known(gpu, name, title, subject)
                continue
            reason = missing[0].reason
            text = reason if len(missing) == len(fields) else f"in part: {reason}"
            state = State.LIMITED if is_essential else State.NOTE
            yield Check(f"gpu.{name}", Tier.GPU, title, state, text, subject, _helps(reason, facts))


def _known(gpu: GpuReading, name: str, title: str, subject: str) -> Check:
    if name == "processes" and isinstance(gpu.processes, tuple):
        hidden = sorted({process.note for process in gpu.processes if "another namespace" in process.note})
        if hidden:
            return Check("gpu.processes", Tier.GPU, title, State.LIMITED, hidden[0], subject, (HOST_PIDS,))
    return Check(f"gpu.{name}", Tier.GPU, title, State.OK, "", subject)


def _helps(reason: str, facts: Facts) -> tuple[Remedy, ...]:
    if "nvidia-ml-py" in reason:
        return (_NEWER_BINDING,)
    if "no permission" in reason:
        return (as_root(facts.rights),)
    if "not known to this driver" in reason or "another version of the question" in reason:
        return (Remedy("a newer driver tells it"),)
    if "timed out" in reason or "does not answer" in reason or "fallen off" in reason:
        return (DMESG,)
    return ()
