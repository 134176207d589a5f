"""The GPU is too hot and slows down."""

from __future__ import annotations

from gpumon.diagnosis.devices import Device, highest, looked_at
from gpumon.diagnosis.rule import Judgement, NotJudged, Rule, Silent
from gpumon.diagnosis.since import since_series
from gpumon.diagnosis.view import View
from gpumon.diagnosis.words import percent
from gpumon.model.finding import Evidence, Finding, Severity
from gpumon.model.measure import known

# Chosen: the driver's counters of time slowed by heat grow by more than 1 % of the time.
_THROTTLED_RATIO = 0.01
_METRIC = "gpu_throttle_thermal_ratio"


def judge(view: View) -> Judgement:
    """Fire where heat slowed a GPU of the training for more than 1 % of the time."""
    devices = looked_at(view)
    if isinstance(devices, NotJudged):
        return devices
    found = highest(devices, _METRIC)
    if isinstance(found, NotJudged):
        return found
    device, share = found
    if share <= _THROTTLED_RATIO:
        return Silent("no GPU of the training is slowed by heat")
    return Finding(
        RULE.id,
        RULE.severity,
        _text(device, share),
        since_series(view, _METRIC, lambda value: value > _THROTTLED_RATIO, device.newest.uuid),
        _evidence(device, share),
        lost_ratio=_lost(device, share),
    )


def _text(device: Device, share: float) -> str:
    text = f"heat slows {device.words} {percent(share)} of the time"
    celsius = device.mean("gpu_temperature_celsius")
    if celsius is not None:
        text += f": {celsius:.0f} °C"
        limit = known(device.newest.gpu_temperature_slowdown_celsius)
        if limit is not None:
            text += f", it brakes hard at {limit:.0f}"
    clock, ratio = device.mean("gpu_sm_clock_hertz"), device.clock_ratio
    if clock is not None and ratio is not None:
        text += f"; its clock is {clock / 1e6:.0f} MHz, {percent(ratio)} of its highest"
    return text


def _evidence(device: Device, share: float) -> tuple[Evidence, ...]:
    words = f"the driver counts {percent(share)} of the time as slowed by heat"
    found = [Evidence(_METRIC, share, _THROTTLED_RATIO, text=words)]
    celsius = device.mean("gpu_temperature_celsius")
    if celsius is not None:
        found.append(
            Evidence(
                "gpu_temperature_celsius",
                celsius,
                known(device.newest.gpu_temperature_slowdown_celsius),
                text=f"{celsius:.0f} °C",
            )
        )
    clock, top = device.mean("gpu_sm_clock_hertz"), known(device.newest.gpu_sm_clock_max_hertz)
    if clock is not None:
        found.append(Evidence("gpu_sm_clock_hertz", clock, top, text=f"SM clock {clock / 1e6:.0f} MHz"))
    return tuple(found)


def _lost(device: Device, share: float) -> float | None:
    """Return the share of time that the lower clock costs, at most that in which it was lowered."""
    ratio = device.clock_ratio
    return None if ratio is None else min(share, max(0.0, 1.0 - ratio))


RULE = Rule("thermal-throttle", Severity.WARNING, (_METRIC,), judge)
