"""Mixed precision is off on a GPU that has tensor cores; with the checklist that people go through."""

from __future__ import annotations

from dataclasses import dataclass

from gpumon.diagnosis.amp_checklist import TENSOR_CORES, TENSOR_RATIO, amp_checklist
from gpumon.diagnosis.devices import Device, devices_of
from gpumon.diagnosis.rule import Judgement, NotJudged, Rule, Silent
from gpumon.diagnosis.since import since_seen
from gpumon.diagnosis.view import FIRST_SECONDS, View
from gpumon.diagnosis.words import percent
from gpumon.history.phases import Seen
from gpumon.model.finding import Evidence, Finding, Severity
from gpumon.model.gpu import GpuReading
from gpumon.model.measure import Missing, known

# Cards of compute capability 7.5 that have none all the same.
_WITHOUT_TENSOR_CORES = "GTX 16"
# So busy SMs are not idle.
_SM_RATIO = 0.30
_MEASURED = frozenset({"gpu_tensor_busy_ratio", "data_wait_ratio"})


@dataclass(frozen=True, slots=True)
class _Precision:
    """Whether AMP is on (None: nobody tells) and says who, and the share of time tensor cores work."""

    device: Device
    enabled: bool | None
    source: str
    tensor: float | None

    @property
    def is_off(self) -> bool:
        if self.enabled is not None or self.tensor is None:
            return self.enabled is False
        active = self.device.mean("gpu_sm_busy_ratio")
        return self.tensor < TENSOR_RATIO and active is not None and active >= _SM_RATIO

    @property
    def words(self) -> str:
        if self.enabled is False:
            return f"mixed precision (AMP) is off, says {self.source}, on {self.device.newest.name}"
        return (
            f"the tensor cores of {self.device.words} are at work only {percent(self.tensor or 0.0)} of the"
            " time, so mixed precision (AMP) seems to be off"
        )


def judge(view: View) -> Judgement:
    """Fire where AMP is off, or no tensor core works, on a GPU that has them."""
    precision = _precision(view)
    if not isinstance(precision, _Precision):
        return precision
    if not precision.is_off:
        return Silent("AMP is on" if precision.enabled else "tensor cores are at work")
    checklist = amp_checklist(view)
    enabled = view.reading.progress.amp_enabled

    def holds(pair: Seen) -> bool:
        return pair[1].progress.amp_enabled == enabled

    return Finding(
        RULE.id,
        RULE.severity,
        f"{precision.words}: {'; '.join(item.text for item in checklist)}",
        since_seen(view, holds),
        _evidence(checklist),
    )


def _precision(view: View) -> _Precision | Silent | NotJudged:
    if view.steady_seconds < FIRST_SECONDS:
        return NotJudged(f"only {view.steady_seconds:.0f} s of steady training seen")
    devices = devices_of(view)
    if not devices:
        return NotJudged("its GPU is not known") if view.on_gpu else Silent("the training uses no GPU")
    device = devices[0]
    capability = _capability(device.newest)
    if not isinstance(capability, tuple):
        return capability
    progress, tensor = view.reading.progress, device.mean("gpu_tensor_busy_ratio")
    if isinstance(progress.amp_enabled, Missing) and tensor is None:
        return NotJudged(f"whether AMP is on is not known: {progress.amp_enabled.reason}")
    return _Precision(device, known(progress.amp_enabled), progress.amp_source, tensor)


def _capability(gpu: GpuReading) -> tuple[int, int] | Silent | NotJudged:
    """Return the compute capability of a GPU with tensor cores."""
    capability = gpu.gpu_compute_capability
    if _WITHOUT_TENSOR_CORES in gpu.name:
        return Silent(f"a {gpu.name} has no tensor cores")
    if isinstance(capability, Missing):
        return NotJudged(f"whether the GPU has tensor cores is not known: {capability.reason}")
    if capability < TENSOR_CORES:
        return Silent(f"compute capability {capability[0]}.{capability[1]}: the GPU has no tensor cores")
    return capability


def _evidence(checklist: tuple[Evidence, ...]) -> tuple[Evidence, ...]:
    """Return the items that are measured again and again; the others are in the text."""
    return tuple(item for item in checklist if item.metric in _MEASURED)


RULE = Rule("amp-off", Severity.INFO, (), judge)
