"""The driver's functions as asked of one GPU, and what each of their errors means."""

from __future__ import annotations

from typing import Any

from gpumon.model.measure import Maybe, Missing

# Error codes of nvml.h (NVML_ERROR_*), as nvidia-ml-py names them.
UNINITIALIZED = 1
NOT_SUPPORTED = 3
NO_PERMISSION = 4
NOT_FOUND = 6
INSUFFICIENT_SIZE = 7
DRIVER_NOT_LOADED = 9
LIBRARY_NOT_FOUND = 12
FUNCTION_NOT_FOUND = 13
GPU_IS_LOST = 15
RESET_REQUIRED = 16
LIB_RM_VERSION_MISMATCH = 18
ARGUMENT_VERSION_MISMATCH = 25
DEPRECATED = 26
GPU_NOT_FOUND = 28

# What will be answered the same way for as long as the driver runs.
_PERMANENT = frozenset({NOT_SUPPORTED, FUNCTION_NOT_FOUND, ARGUMENT_VERSION_MISMATCH, DEPRECATED})
LOST = frozenset({GPU_IS_LOST, RESET_REQUIRED, GPU_NOT_FOUND})
_ANSWERS = frozenset({0, INSUFFICIENT_SIZE})
_GONE = frozenset({UNINITIALIZED, DRIVER_NOT_LOADED, LIB_RM_VERSION_MISMATCH})

NOTHING_NEWER = Missing("the driver has nothing newer")
_UNBOUND = Missing("not known to the installed nvidia-ml-py")
_REASONS = {
    1: Missing("the driver's library was shut down"),
    2: Missing("the driver refuses the question"),
    NOT_SUPPORTED: Missing("not supported by this GPU"),
    NO_PERMISSION: Missing("no permission"),
    NOT_FOUND: NOTHING_NEWER,
    10: Missing("the driver timed out"),
    FUNCTION_NOT_FOUND: Missing("not known to this driver"),
    GPU_IS_LOST: Missing("the GPU has fallen off the bus"),
    RESET_REQUIRED: Missing("the GPU must be reset before it can be used again"),
    17: Missing("the operating system refuses the driver's call"),
    19: Missing("the GPU is in use and does not answer"),
    20: Missing("the driver is out of memory"),
    21: Missing("the driver has no data yet"),
    23: Missing("the driver is out of resources"),
    ARGUMENT_VERSION_MISMATCH: Missing("this driver speaks another version of the question"),
    DEPRECATED: Missing("withdrawn by this driver"),
    27: Missing("the GPU is not ready yet"),
    GPU_NOT_FOUND: Missing("the GPU is not there any more"),
    999: Missing("the driver reports an unknown error"),
}


class GpuLostError(Exception):
    """The GPU does not answer any more; `missing` says how the driver put it."""

    def __init__(self, missing: Missing) -> None:
        super().__init__(missing.reason)
        self.missing = missing


class DriverGoneError(Exception):
    """The driver itself does not answer any more: nvmlInit must be called again."""

    def __init__(self, code: int) -> None:
        super().__init__(reason(code).reason)
        self.code = code


def reason(code: int) -> Missing:
    """Return why there is no value, for an error code of NVML."""
    return _REASONS.get(code) or Missing(f"the driver reports error {code}")


class NvmlCalls:
    """Asks one GPU, and remembers what it cannot answer.

    A function that is not supported, not known or of another version is asked once per GPU and set of
    arguments; any other error is asked again the next time.
    """

    def __init__(self, binding: Any, handle: Any) -> None:
        self.handle = handle
        self._binding = binding
        self._error: type[Exception] = binding.NVMLError
        self._cannot: dict[tuple[str, tuple[Any, ...]], Missing] = {}
        self._pointers: dict[str, Any] = {}

    def ask(self, function: str, *arguments: Any) -> Any:
        """Return what `function` says, or Missing. Raises GpuLostError and DriverGoneError."""
        missing = self._cannot.get((function, arguments))
        if missing is not None:
            return missing
        call = getattr(self._binding, function, None)
        if call is None:
            return self._remember(function, arguments, _UNBOUND)
        try:
            return call(self.handle, *arguments)
        except self._error as error:
            return self._judge(function, arguments, int(getattr(error, "value", 999)))
        except UnicodeDecodeError:
            return Missing("the driver's text is not UTF-8")

    def direct(self, function: str, *arguments: Any) -> Maybe[int]:
        """Return the code of the C function itself, 0 or INSUFFICIENT_SIZE; any other one as Missing.

        Raises GpuLostError and DriverGoneError. For functions whose answer is a list: see nvml_structs.
        """
        return self.plain(function, self.handle, *arguments)

    def plain(self, function: str, *arguments: Any) -> Maybe[int]:
        """Do the same for a function that is asked of no GPU."""
        missing = self._cannot.get((function, ()))
        if missing is not None:
            return missing
        pointer = self._pointers.get(function)
        if pointer is None:
            try:
                pointer = self._pointers[function] = self._binding._nvmlGetFunctionPointer(function)  # noqa: SLF001 - nvitop and gpustat rest on it too
            except self._error as error:
                return self._judge(function, (), int(getattr(error, "value", 999)))
        code: int = pointer(*arguments)
        return code if code in _ANSWERS else self._judge(function, (), code)

    def ask_first(self, *functions: str, arguments: tuple[Any, ...] = ()) -> Any:
        """Return the first answer that is not missing, else the last reason: old names come last."""
        answer: Any = _UNBOUND
        for function in functions:
            answer = self.ask(function, *arguments)
            if not isinstance(answer, Missing):
                return answer
        return answer

    def forget(self) -> None:
        """Ask everything anew: what a GPU can do changes with its MIG mode."""
        self._cannot.clear()

    def _judge(self, function: str, arguments: tuple[Any, ...], code: int) -> Missing:
        if code in LOST:
            raise GpuLostError(reason(code))
        if code in _GONE:
            raise DriverGoneError(code)
        if code in _PERMANENT:
            return self._remember(function, arguments, reason(code))
        return reason(code)

    def _remember(self, function: str, arguments: tuple[Any, ...], missing: Missing) -> Missing:
        self._cannot[function, arguments] = missing
        return missing
