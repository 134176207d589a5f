"""The power limit, the power brake or a setting keeps the GPU's clock far below what it can do."""

from __future__ import annotations

from gpumon.diagnosis.devices import Device, looked_at
from gpumon.diagnosis.rule import Judgement, NotJudged, Rule, Silent
from gpumon.diagnosis.since import since_series
from gpumon.diagnosis.view import View
from gpumon.diagnosis.words import percent
from gpumon.model.finding import Evidence, Finding, Severity
from gpumon.model.measure import known

# A power cap alone is what full load looks like; it costs something where the clock is far below its highest
# (chosen: 85 %) for a share of the time that matters.
_CAPPED_RATIO, _CLOCK_RATIO = 0.10, 0.85
# The power brake halves the clock or worse, and no sound machine pulls it.
_BRAKED_RATIO = 0.01
_POWER, _BRAKE, _CLOCK = "gpu_throttle_power_ratio", "gpu_throttle_brake_ratio", "gpu_sm_clock_hertz"


def judge(view: View) -> Judgement:
    """Fire where power limits a GPU often and its clock is low, or where the power brake is pulled."""
    devices = looked_at(view)
    if isinstance(devices, NotJudged):
        return devices
    capped: list[tuple[float, float, Device]] = []
    reason = ""
    for device in devices:
        braked = device.mean(_BRAKE)
        if braked is not None and braked > _BRAKED_RATIO:
            return _braked(view, device, braked)
        share, ratio = device.mean(_POWER), device.clock_ratio
        if share is None or ratio is None:
            reason = device.why_not(_POWER if share is None else _CLOCK)
        elif share >= _CAPPED_RATIO and ratio < _CLOCK_RATIO:
            capped.append((share, ratio, device))
    if capped:
        share, ratio, device = max(capped, key=lambda each: (each[0], -each[2].newest.index))
        return _capped(view, device, share, ratio)
    if reason:
        return NotJudged(f"how far power limits the clock is not known: {reason}")
    return Silent("power does not keep the clock of a GPU below 85 %")


def _capped(view: View, device: Device, share: float, ratio: float) -> Finding:
    limit = known(device.newest.gpu_power_limit_watts)
    by = "its power limit" + (f" of {limit:.0f} W" if limit is not None else "")
    text = (
        f"{by} slows {device.words} {percent(share)} of the time: its clock is {percent(ratio)} of its"
        " highest"
    )
    return Finding(
        RULE.id,
        RULE.severity,
        text,
        since_series(view, _POWER, lambda value: value >= _CAPPED_RATIO, device.newest.uuid),
        _evidence(device, _POWER, share, _CAPPED_RATIO),
        lost_ratio=min(share, max(0.0, 1.0 - ratio)),
    )


def _braked(view: View, device: Device, share: float) -> Finding:
    text = (
        f"the power brake slows {device.words} {percent(share)} of the time: its power supply is overloaded"
    )
    return Finding(
        RULE.id,
        Severity.WARNING,
        text,
        since_series(view, _BRAKE, lambda value: value > _BRAKED_RATIO, device.newest.uuid),
        _evidence(device, _BRAKE, share, _BRAKED_RATIO),
        lost_ratio=None if device.clock_ratio is None else min(share, max(0.0, 1.0 - device.clock_ratio)),
    )


def _evidence(device: Device, metric: str, share: float, threshold: float) -> tuple[Evidence, ...]:
    words = f"the driver counts {percent(share)} of the time as slowed by power"
    found = [Evidence(metric, share, threshold, text=words)]
    clock, top = device.mean(_CLOCK), known(device.newest.gpu_sm_clock_max_hertz)
    if clock is not None and top:
        words = f"SM clock {clock / 1e6:.0f} of {top / 1e6:.0f} MHz"
        found.append(Evidence(_CLOCK, clock, _CLOCK_RATIO * top, text=words))
    watts = device.mean("gpu_power_watts")
    if watts is not None:
        limit = known(device.newest.gpu_power_limit_watts)
        found.append(Evidence("gpu_power_watts", watts, limit, text=f"{watts:.0f} W"))
    return tuple(found)


RULE = Rule("power-capped", Severity.INFO, (_POWER, _CLOCK), judge)
