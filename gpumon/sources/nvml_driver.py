"""Opening the driver: the binding, nvmlInit, versions; and a clear sentence where that fails."""

from __future__ import annotations

from pathlib import Path
from types import ModuleType
from typing import Any

from gpumon.model.gpu import DriverReading, DriverState
from gpumon.model.measure import Maybe, Missing
from gpumon.model.text import clean
from gpumon.sources.nvml_calls import (
    DRIVER_NOT_LOADED,
    GPU_IS_LOST,
    LIB_RM_VERSION_MISMATCH,
    LIBRARY_NOT_FOUND,
    NO_PERMISSION,
    UNINITIALIZED,
    reason,
)

_NO_BINDING = "the Python package nvidia-ml-py is not installed: pip install nvidia-ml-py"
_UNOFFICIAL = (
    "the pynvml that is installed is not NVIDIA's nvidia-ml-py, or an old one: "
    "pip uninstall pynvml nvidia-ml-py3; pip install --force-reinstall nvidia-ml-py"
)
NO_GPUS = "the NVIDIA driver is loaded but sees no GPU"
_WSL = "WSL: the driver does not tell memory and utilisation per process"
# What this source cannot do without, and what the unofficial packages and old versions lack.
_NEEDED = ("nvmlInit", "NVMLError", "nvmlDeviceGetHandleByIndex", "_nvmlGetFunctionPointer", "nvmlMemory_v2")
_FAILURES = {
    UNINITIALIZED: (DriverState.NOT_LOADED, "the NVIDIA driver was shut down; looking for it every 5 s"),
    NO_PERMISSION: (
        DriverState.NO_PERMISSION,
        "no permission to use the NVIDIA driver: may this user open /dev/nvidiactl and /dev/nvidia*?",
    ),
    DRIVER_NOT_LOADED: (
        DriverState.NOT_LOADED,
        "the NVIDIA driver is installed but its kernel module is not loaded (modprobe nvidia; see dmesg)",
    ),
    LIBRARY_NOT_FOUND: (
        DriverState.ABSENT,
        "no NVIDIA driver here (libnvidia-ml.so.1 not found); a container needs --gpus all",
    ),
    GPU_IS_LOST: (
        DriverState.FAILED,
        "a GPU has fallen off the bus; the driver cannot start (see dmesg: Xid)",
    ),
    LIB_RM_VERSION_MISMATCH: (
        DriverState.MISMATCHED,
        "the NVIDIA driver's module and library differ in version, as after an update: reboot",
    ),
}


def load_binding() -> ModuleType | DriverReading:
    """Return the module pynvml, or why it cannot be used."""
    try:
        import pynvml
    except ImportError:
        return DriverReading(DriverState.FAILED, _NO_BINDING)
    except SyntaxError:
        # nvidia-ml-py3 and its kin, written for another Python.
        return DriverReading(DriverState.FAILED, _UNOFFICIAL)
    module: ModuleType = pynvml
    return module


def check_binding(binding: ModuleType) -> DriverReading | None:
    """Return why `binding` cannot be used, None if it can."""
    if all(hasattr(binding, name) for name in _NEEDED):
        return None
    return DriverReading(DriverState.FAILED, _UNOFFICIAL)


def failed(code: int) -> DriverReading:
    """Return the state of a driver that answers with this error."""
    if code in _FAILURES:
        return DriverReading(*_FAILURES[code])
    return DriverReading(DriverState.FAILED, f"the NVIDIA driver cannot be used: {reason(code).reason}")


def opened(binding: Any, *, is_wsl: bool) -> DriverReading:
    """Return the reading of a driver that has just been initialised."""
    driver_version = _system(binding, "nvmlSystemGetDriverVersion")
    cuda = _system(binding, "nvmlSystemGetCudaDriverVersion_v2")
    # 12060 is 12.6.
    cuda_version = cuda if isinstance(cuda, Missing) else f"{cuda // 1000}.{cuda % 1000 // 10}"
    return DriverReading(
        DriverState.OK,
        _WSL if is_wsl else "",
        driver_version if isinstance(driver_version, Missing) else clean(str(driver_version), limit=80),
        cuda_version,
        is_wsl,
    )


def detect_wsl(kernel_release: Path = Path("/proc/sys/kernel/osrelease")) -> bool:
    """Tell whether this is the Windows Subsystem for Linux, by the kernel's release."""
    try:
        with kernel_release.open("rb") as file:
            return b"microsoft" in file.read(256).lower()
    except OSError:
        return False  # no such file: no WSL, whose kernels all have it


def _system(binding: Any, function: str) -> Maybe[Any]:
    call = getattr(binding, function, None)
    if call is None:
        return Missing("not known to the installed nvidia-ml-py")
    try:
        return call()
    except binding.NVMLError as error:
        return reason(int(getattr(error, "value", 999)))
    except UnicodeDecodeError:
        return Missing("the driver's text is not UTF-8")
