"""Mixed precision is off on a GPU that has tensor cores; with the checklist that people go through."""

from __future__ import annotations

from dataclasses import dataclass

from gpumon.diagnosis.devices import Device, devices_of
from gpumon.diagnosis.rule import Judgement, NotJudged, Rule, Silent
from gpumon.diagnosis.since import since_seen
from gpumon.diagnosis.starvation import STARVED_RATIO
from gpumon.diagnosis.view import FIRST_SECONDS, View
from gpumon.diagnosis.words import percent, wait_words
from gpumon.history.phases import Seen
from gpumon.model.finding import Evidence, Finding, Severity
from gpumon.model.gpu import GpuReading
from gpumon.model.measure import Missing, known

# Tensor cores came with compute capability 7.0 (Volta); PyTorch's profiler plugin hints at AMP from there on.
_TENSOR_CORES = (7, 0)
# Cards of compute capability 7.5 that have none all the same.
_WITHOUT_TENSOR_CORES = "GTX 16"
# The guide to AMP in YOLOv5 asks for CUDA 11.1 or newer.
_CUDA = (11, 1)
# Tensor cores at work less than this are as good as unused, while the SMs are not idle.
_TENSOR_RATIO, _SM_RATIO = 0.01, 0.30


@dataclass(frozen=True, slots=True)
class _Precision:
    """Whether AMP is on (None: nobody tells) and says who, and the share of time tensor cores work."""

    device: Device
    capability: tuple[int, int]
    enabled: bool | None
    source: str
    tensor: float | None

    @property
    def is_off(self) -> bool:
        if self.enabled is not None or self.tensor is None:
            return self.enabled is False
        active = self.device.mean("gpu_sm_busy_ratio")
        return self.tensor < _TENSOR_RATIO and active is not None and active >= _SM_RATIO

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
    checklist = _checklist(view, precision.capability)
    enabled = view.reading.progress.amp_enabled

    def holds(pair: Seen) -> bool:
        return pair[1].progress.amp_enabled == enabled

    return Finding(
        RULE.id,
        RULE.severity,
        f"{precision.words}: {checklist}",
        since_seen(view, holds),
        _evidence(view, precision, checklist),
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
    return _Precision(device, capability, known(progress.amp_enabled), progress.amp_source, tensor)


def _capability(gpu: GpuReading) -> tuple[int, int] | Silent | NotJudged:
    """Return the compute capability of a GPU with tensor cores."""
    capability = gpu.gpu_compute_capability
    if _WITHOUT_TENSOR_CORES in gpu.name:
        return Silent(f"a {gpu.name} has no tensor cores")
    if isinstance(capability, Missing):
        return NotJudged(f"whether the GPU has tensor cores is not known: {capability.reason}")
    if capability < _TENSOR_CORES:
        return Silent(f"compute capability {capability[0]}.{capability[1]}: the GPU has no tensor cores")
    return capability


def _evidence(view: View, precision: _Precision, checklist: str) -> tuple[Evidence, ...]:
    found = []
    if precision.tensor is not None:
        words = f"tensor cores are at work {percent(precision.tensor)} of the time"
        found.append(Evidence("gpu_tensor_busy_ratio", precision.tensor, _TENSOR_RATIO, text=words))
    wait = view.wait
    if not isinstance(wait, Missing):
        found.append(
            Evidence("data_wait_ratio", wait.value, STARVED_RATIO, wait.low, wait.high, text=checklist)
        )
    return tuple(found)


def _checklist(view: View, capability: tuple[int, int]) -> str:
    """Return the answers to what people are told to check where AMP brings nothing."""
    driver, wait = view.sample.driver, view.wait
    parts = [f"tensor cores yes (compute capability {capability[0]}.{capability[1]})"]
    cuda, named = known(driver.cuda_version), known(driver.driver_version)
    version = _version(cuda)
    if version is not None:
        enough = "yes" if version >= _CUDA else "no, 11.1 is needed"
        parts.append(f"driver for CUDA {cuda} {enough}" + (f" ({named})" if named else ""))
    if not isinstance(wait, Missing):
        limit = "no" if wait.high < STARVED_RATIO else "yes, so AMP would gain less"
        parts.append(f"CPU the bottleneck {limit} (wait for data {wait_words(wait)})")
    return "; ".join(parts)


def _version(text: str | None) -> tuple[int, int] | None:
    major, _, minor = (text or "").partition(".")
    return (int(major), int(minor)) if major.isdecimal() and minor.isdecimal() else None


RULE = Rule("amp-off", Severity.INFO, (), judge)
