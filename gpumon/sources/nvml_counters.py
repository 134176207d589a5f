"""Counters a GPU keeps: PCIe bytes, throttled time, energy, average power; one question for all."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

from gpumon.model.clock import Instant
from gpumon.model.measure import Maybe, Missing
from gpumon.sources.nvml_calls import DEPRECATED, FUNCTION_NOT_FOUND, NOT_SUPPORTED, NvmlCalls, reason
from gpumon.sources.nvml_structs import FieldBuffer

# NVML_FI_DEV_* of nvml.h.
_POWER_CAP_NS = 74
_THERMAL_NS = 75
_ENERGY_MILLIJOULES = 83
_POWER_AVERAGE_MILLIWATTS = 185
_PCIE_TRANSMITTED_BYTES = 197
_PCIE_RECEIVED_BYTES = 198
_SOFTWARE_THERMAL_NS = 269
_HARDWARE_THERMAL_NS = 270
_POWER_BRAKE_NS = 271
_FIELDS = (
    _POWER_CAP_NS,
    _THERMAL_NS,
    _ENERGY_MILLIJOULES,
    _POWER_AVERAGE_MILLIWATTS,
    _PCIE_TRANSMITTED_BYTES,
    _PCIE_RECEIVED_BYTES,
    _SOFTWARE_THERMAL_NS,
    _HARDWARE_THERMAL_NS,
    _POWER_BRAKE_NS,
)
# Errors by which a driver or GPU says it has no such field, for good; INVALID_ARGUMENT (2) is how a
# driver refuses an id it does not know.
_NO_SUCH_FIELD = {
    2: FUNCTION_NOT_FOUND,
    NOT_SUPPORTED: NOT_SUPPORTED,
    FUNCTION_NOT_FOUND: FUNCTION_NOT_FOUND,
    DEPRECATED: DEPRECATED,
}
# PCIe 6.0 x16 moves 121 GB/s each way; more than that is a counter that was reset.
_PCIE_LIMIT_BYTES_PER_SECOND = 130e9
_FIRST = Missing("a rate needs two readings")
_STRANGE = Missing("the driver's value has a type of its own")
_RESET = Missing("the counter was reset")


@dataclass(frozen=True, slots=True)
class CountersReading:
    """What the counters did since the last reading."""

    power_watts: Maybe[float]
    energy_joules: Maybe[float]
    pcie_receive_bytes_per_second: Maybe[float]
    pcie_transmit_bytes_per_second: Maybe[float]
    throttle_power_ratio: Maybe[float]
    throttle_thermal_ratio: Maybe[float]
    throttle_brake_ratio: Maybe[float]


class _Count(NamedTuple):
    value: int
    modulus: int
    unix_seconds: float
    monotonic_seconds: float


class FieldCounters:
    """Reads one GPU's field values and turns counters into rates.

    Fields the GPU does not have are left out of the question once that is known.
    """

    def __init__(self, calls: NvmlCalls) -> None:
        self._calls = calls
        self._question = FieldBuffer(_FIELDS)
        self._absent: dict[int, Missing] = {}
        self._before: dict[int, _Count] = {}

    def read(self, now: Instant) -> CountersReading:
        """Return rates over the time since the last read, and the present power and energy."""
        counts = self._counts(now)
        energy = _scaled(counts[_ENERGY_MILLIJOULES])
        if isinstance(energy, Missing):
            energy = _thousandth(self._calls.ask("nvmlDeviceGetTotalEnergyConsumption"))
        power = _scaled(counts[_POWER_AVERAGE_MILLIWATTS])
        if isinstance(power, Missing):
            power = _thousandth(self._calls.ask("nvmlDeviceGetPowerUsage"))
        reading = CountersReading(
            power,
            energy,
            self._bytes_per_second(counts, _PCIE_RECEIVED_BYTES),
            self._bytes_per_second(counts, _PCIE_TRANSMITTED_BYTES),
            self._ratio(counts, _POWER_CAP_NS),
            self._thermal_ratio(counts),
            self._ratio(counts, _POWER_BRAKE_NS),
        )
        self._before = {field: count for field, count in counts.items() if isinstance(count, _Count)}
        return reading

    def forget(self) -> None:
        """Ask for every field anew."""
        self._question = FieldBuffer(_FIELDS)
        self._absent = {}

    def _counts(self, now: Instant) -> dict[int, Maybe[_Count]]:
        counts: dict[int, Maybe[_Count]] = dict(self._absent)
        answer = self._question.ask(self._calls) if self._question.fields else []
        if isinstance(answer, Missing):
            return dict.fromkeys(_FIELDS, answer)
        for field, result, stamp_us, value, modulus in answer:
            if result == 0:
                counts[field] = (
                    _STRANGE
                    if value is None
                    else _Count(int(value), modulus, stamp_us / 1e6, now.monotonic_seconds)
                )
                continue
            counts[field] = reason(result)
            if result in _NO_SUCH_FIELD:
                self._absent[field] = counts[field] = reason(_NO_SUCH_FIELD[result])
                self._question = FieldBuffer(tuple(each for each in _FIELDS if each not in self._absent))
        return counts

    def _rate(self, counts: dict[int, Maybe[_Count]], field: int) -> Maybe[float]:
        count = counts[field]
        before = self._before.get(field)
        if isinstance(count, Missing):
            return count
        if before is None:
            return _FIRST
        seconds = count.monotonic_seconds - before.monotonic_seconds
        stamped = count.unix_seconds - before.unix_seconds
        if 0.5 * seconds < stamped < 2 * seconds:
            # The driver's own stamps: exact, as long as nobody set the clock meanwhile.
            seconds = stamped
        if seconds <= 0:
            return _FIRST
        return ((count.value - before.value) % count.modulus) / seconds

    def _bytes_per_second(self, counts: dict[int, Maybe[_Count]], field: int) -> Maybe[float]:
        rate = self._rate(counts, field)
        return _RESET if isinstance(rate, float) and rate > _PCIE_LIMIT_BYTES_PER_SECOND else rate

    def _ratio(self, counts: dict[int, Maybe[_Count]], field: int) -> Maybe[float]:
        rate = self._rate(counts, field)
        if isinstance(rate, Missing):
            return rate
        # A few per cent over one are the two clocks' difference; far over it is a reset.
        ratio = rate / 1e9
        return min(ratio, 1.0) if ratio < 2 else _RESET

    def _thermal_ratio(self, counts: dict[int, Maybe[_Count]]) -> Maybe[float]:
        software = self._ratio(counts, _SOFTWARE_THERMAL_NS)
        hardware = self._ratio(counts, _HARDWARE_THERMAL_NS)
        if isinstance(software, Missing) and isinstance(hardware, Missing):
            older = self._ratio(counts, _THERMAL_NS)
            return software if isinstance(older, Missing) else older
        known = [part for part in (software, hardware) if not isinstance(part, Missing)]
        return min(1.0, sum(known))


def _scaled(count: Maybe[_Count]) -> Maybe[float]:
    return count if isinstance(count, Missing) else count.value / 1000


def _thousandth(answer: Any) -> Maybe[float]:
    return answer if isinstance(answer, Missing) else float(answer) / 1000
