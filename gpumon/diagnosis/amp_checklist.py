"""The checklist that people go through where mixed precision brings nothing, ticked from what is seen."""

from __future__ import annotations

from gpumon.diagnosis.devices import devices_of
from gpumon.diagnosis.starvation import STARVED_RATIO
from gpumon.diagnosis.view import View
from gpumon.diagnosis.words import percent, wait_words
from gpumon.model.finding import Evidence
from gpumon.model.measure import Missing, known

# Tensor cores came with compute capability 7.0 (Volta); PyTorch's profiler plugin hints at AMP from there on.
TENSOR_CORES = (7, 0)
# Tensor cores at work less than this are as good as unused.
TENSOR_RATIO = 0.01
# The guide to AMP in YOLOv5 asks for CUDA 11.1 or newer.
_CUDA = (11, 1)


def amp_checklist(view: View) -> tuple[Evidence, ...]:
    """Return the items that can be answered, each with its number, its limit and "yes" or "no" in words.

    Capability and CUDA version are written as one number: 8.6, 12.4. What cannot be read is left out.
    """
    found = [_capability(view), _tensor_activity(view), _cuda(view), _bottleneck(view)]
    return tuple(item for item in found if item is not None)


def is_starved(view: View) -> bool:
    """Tell whether the loop surely waits for data more than what counts as a bottleneck."""
    wait = view.wait
    return not isinstance(wait, Missing) and wait.low > STARVED_RATIO


def _capability(view: View) -> Evidence | None:
    devices = devices_of(view)
    capability = known(devices[0].newest.gpu_compute_capability) if devices else None
    if capability is None:
        return None
    answer = "yes" if capability >= TENSOR_CORES else "no, it came with 7.0"
    words = f"tensor cores: {answer} (compute capability {_dotted(capability)})"
    return Evidence("gpu_compute_capability", _decimal(capability), _decimal(TENSOR_CORES), text=words)


def _tensor_activity(view: View) -> Evidence | None:
    devices = devices_of(view)
    share = devices[0].mean("gpu_tensor_busy_ratio") if devices else None
    if share is None:
        return None
    answer = "yes" if share >= TENSOR_RATIO else "no"
    words = f"tensor cores at work: {answer} ({percent(share)} of the time)"
    return Evidence("gpu_tensor_busy_ratio", share, TENSOR_RATIO, text=words)


def _cuda(view: View) -> Evidence | None:
    driver = view.sample.driver
    major, _, minor = (known(driver.cuda_version) or "").partition(".")
    if not (major.isdecimal() and minor.isdecimal()):
        return None
    version = int(major), int(minor)
    answer = "yes" if version >= _CUDA else f"no, {_dotted(_CUDA)} is needed"
    named = known(driver.driver_version)
    words = f"driver for CUDA {_dotted(version)}: {answer}" + (f" ({named})" if named else "")
    return Evidence("cuda_version", _decimal(version), _decimal(_CUDA), text=words)


def _bottleneck(view: View) -> Evidence | None:
    wait = view.wait
    if isinstance(wait, Missing):
        return None
    if wait.high < STARVED_RATIO:
        answer = "no"
    else:
        answer = "yes, so AMP gains less" if is_starved(view) else "not certain"
    words = f"the CPU is the bottleneck: {answer} (wait for data {wait_words(wait)})"
    return Evidence("data_wait_ratio", wait.value, STARVED_RATIO, wait.low, wait.high, words)


def _dotted(version: tuple[int, int]) -> str:
    return f"{version[0]}.{version[1]}"


def _decimal(version: tuple[int, int]) -> float:
    return float(_dotted(version))
