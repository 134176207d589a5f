"""The way from host memory to the GPU is the limit: a slow link, or memory that is not pinned."""

from __future__ import annotations

from dataclasses import dataclass

from gpumon.diagnosis.devices import Device, looked_at
from gpumon.diagnosis.rule import Judgement, NotJudged, Rule, Silent
from gpumon.diagnosis.since import since_series
from gpumon.diagnosis.view import View
from gpumon.diagnosis.words import bytes_words, percent
from gpumon.model.finding import Evidence, Finding, Severity
from gpumon.model.gpu import GpuReading
from gpumon.model.measure import Missing, known, number
from gpumon.model.training import Setting

# Bytes a second and lane by PCIe generation, after line coding (PCI-SIG).
_LANE_BYTES_PER_SECOND = {1: 250e6, 2: 500e6, 3: 984.6e6, 4: 1969.2e6, 5: 3938.5e6, 6: 7563e6}
# Headers of the packets leave about 85 % of that; memory that is not pinned is copied twice and reaches
# about half (NVIDIA's bandwidthTest on common hosts: 6 of 12 GB/s on generation 3).
_PAYLOAD_SHARE, _PAGEABLE_SHARE = 0.85, 0.5
# Half of the time in transfers is the limit whatever the reason; a tenth is worth a word where a setting or
# a slot is to blame (published gain of pinning: 3 to 15 %, Gao et al., ICSE 2024).
_LIMIT_RATIO, _BLAMED_RATIO = 0.50, 0.10
# A GPU that idles lowers its link's generation to save power.
_LOADED_RATIO = 0.50
_METRIC = "gpu_pcie_receive_bytes_per_second"


@dataclass(frozen=True, slots=True)
class _Link:
    """A GPU's link: bytes a second received, what it can carry now and at its best, and its words."""

    received: float
    is_estimated: bool
    now: float
    best: float
    words: str

    def busy(self, *, pinned: bool) -> float:
        """The share of time in transfers."""
        return min(1.0, self.received / (self.now * (1.0 if pinned else _PAGEABLE_SHARE)))

    @property
    def is_narrowed(self) -> bool:
        return self.now < 0.99 * self.best


def judge(view: View) -> Judgement:
    """Fire where transfers take half of the time, or a tenth and the link or the memory is to blame."""
    devices = looked_at(view)
    if isinstance(devices, NotJudged):
        return devices
    pinned = _is_pinned(view)
    reason = ""
    worst: tuple[_Link, Device] | None = None
    for device in devices:
        link = _link(view, device, len(devices))
        if isinstance(link, str):
            reason = link
        elif worst is None or link.busy(pinned=pinned) > worst[0].busy(pinned=pinned):
            worst = (link, device)
    if worst is None:
        return NotJudged(f"how busy the link to the GPU is is not known: {reason}")
    link, device = worst
    share = link.busy(pinned=pinned)
    narrowed = link.is_narrowed and (device.mean("gpu_busy_ratio") or 0.0) >= _LOADED_RATIO
    blamed = narrowed or not pinned
    if share < (_BLAMED_RATIO if blamed else _LIMIT_RATIO):
        return Silent(f"transfers to the GPU take {percent(share)} of the time")
    return _finding(view, device, link, share, pinned=pinned, narrowed=narrowed)


def _finding(
    view: View, device: Device, link: _Link, share: float, *, pinned: bool, narrowed: bool
) -> Finding:
    about = "about " if link.is_estimated else ""
    text = (
        f"transfers to {device.words} take {about}{percent(share)} of the time: it receives"
        f" {about}{bytes_words(link.received)}/s over {link.words}"
    )
    reasons = []
    if narrowed:
        reasons.append(f"the link could carry {link.best / link.now:.0f} times as much")
    if not pinned:
        reasons.append("the loader does not pin its memory, which halves the speed")
    if reasons:
        text += "; " + ", and ".join(reasons)
    threshold = _LIMIT_RATIO if not reasons else _BLAMED_RATIO
    carried = link.now * (1.0 if pinned else _PAGEABLE_SHARE)
    evidence = Evidence(
        _METRIC,
        link.received,
        threshold * carried,
        text=f"{percent(share)} of the {bytes_words(carried)}/s that can be reached",
    )

    def holds(value: float) -> bool:
        return value >= threshold * carried

    since = since_series(view, _METRIC, holds, device.newest.uuid)
    lost = share * (1.0 - link.now / link.best) if pinned else share
    return Finding(RULE.id, RULE.severity, text, since, (evidence,), lost_ratio=lost if reasons else None)


def _link(view: View, device: Device, devices: int) -> _Link | str:
    gpu = device.newest
    generation, width = known(gpu.gpu_pcie_generation), known(gpu.gpu_pcie_width)
    lane = _LANE_BYTES_PER_SECOND.get(generation or 0)
    if lane is None or not width:
        return device.why_not("gpu_pcie_generation") if generation is None else "its width is not known"
    best_lane = _LANE_BYTES_PER_SECOND.get(known(gpu.gpu_pcie_generation_max) or 0, lane)
    best_width = known(gpu.gpu_pcie_width_max) or width
    now = _PAYLOAD_SHARE * lane * width
    received = device.mean(_METRIC)
    is_estimated = received is None
    if received is None:
        received = _image_bytes(view, devices)
    if received is None:
        return device.why_not(_METRIC)
    best = max(now, _PAYLOAD_SHARE * best_lane * best_width)
    words = f"PCIe {generation}.0 x{width}"
    return _Link(received, is_estimated, now, best, words)


def link_bytes_per_second(gpu: GpuReading) -> float | None:
    """Return what the PCIe link of a GPU carries at its best, or None where it is not known.

    At its best, because a GPU that idles lowers the generation of its link to save power.
    """
    generation = known(gpu.gpu_pcie_generation_max) or known(gpu.gpu_pcie_generation)
    lane, width = _LANE_BYTES_PER_SECOND.get(generation or 0), known(gpu.gpu_pcie_width)
    return None if lane is None or not width else _PAYLOAD_SHARE * lane * width


def _image_bytes(view: View, devices: int) -> float | None:
    """Return the bytes of images a second that go to one GPU, by their batches."""
    batch = number(view.reading.loader.batch_bytes)
    rate = view.pooled(lambda reading: _value(reading.loader.batches_per_second))
    return None if batch is None or rate is None else batch * rate * view.ranks / devices


def _value(measure: object) -> float | Missing:
    value = getattr(measure, "value", None)
    return value if isinstance(value, float) else Missing("not known")


def _is_pinned(view: View) -> bool:
    """Tell whether the loader pins its memory; it does unless somebody says otherwise."""
    told = known(view.reading.loader.pin_memory)
    if told is not None:
        return told
    setting = known(view.reading.training.settings.pin_memory)
    return not (isinstance(setting, Setting) and setting.value is False)


RULE = Rule("transfer-bound", Severity.WARNING, (), judge)
