"""Questions whose answer is a list of NVML's structs, asked once each with a kept buffer.

pynvml's own functions ask twice (for the size, then for the list), and its structs have a
`__getattribute__` written in Python: 0.4 us a field, 5 us a process. So the C functions that pynvml has
loaded are called here, and the structs are unpacked as the bytes they are. The layouts are NVML's binary
interface, as pynvml declares it.
"""

from __future__ import annotations

from ctypes import byref, c_int, c_uint, c_ulonglong, c_void_p, create_string_buffer
from struct import Struct

from gpumon.model.measure import Maybe, Missing
from gpumon.sources.nvml_calls import INSUFFICIENT_SIZE, NvmlCalls

_PROCESS = Struct("I4xQ8x")  # nvmlProcessInfo_v2_t: PID, memory, (GPU instance, compute instance)
# Drivers 535.43 to 535.86 wrote 32 bytes a process under the same version: leave them the room.
_PROCESS_ROOM = 40
_FIELD_VALUE = Struct("IIqqIIQ")  # nvmlFieldValue_t: id, scope, stamp, latency, value type, result, value
_SAMPLE = Struct("QQ")  # nvmlSample_t: stamp, value
_RECORD = Struct("I4xQI12x")  # nvmlProcessUtilizationSample_t: PID, stamp, SM, (memory, encoder, decoder)
_GPM_HEAD = Struct("IIPP")  # nvmlGpmMetricsGet_t: version, count, sample, sample, (metrics)
_GPM_METRIC = Struct("IId24x")  # nvmlGpmMetric_t: id, result, value, (three texts)
_GPM_VERSION = 1
_GPM_MOST_METRICS = 512  # NVML_GPM_METRIC_MAX is 477 in nvidia-ml-py 13.615
_BITS = Struct("Q")
# nvmlValueType_t -> how the 8 bytes of nvmlValue_t are read.
_VALUES = (Struct("d"), Struct("I4x"), Struct("L"), Struct("Q"), Struct("q"), Struct("i4x"), Struct("H6x"))
_UNSIGNED_INT = 1
_UNSIGNED_LONG_LONG = 3
_UTILIZATION_SAMPLES = 1  # NVML_GPU_UTILIZATION_SAMPLES
_NOT_AVAILABLE = 0xFFFFFFFFFFFFFFFF
_TRIES = 3
_OUTGROWN = Missing("the driver's list grows faster than it can be read")


class ProcessBuffer:
    """Asks for a list of processes, as (PID, bytes or None where the driver does not tell)."""

    def __init__(self) -> None:
        self._room = 32
        self._buffer = create_string_buffer(self._room * _PROCESS_ROOM)

    def ask(self, calls: NvmlCalls, function: str) -> Maybe[list[tuple[int, int | None]]]:
        """Return what `function` (nvmlDeviceGet...RunningProcesses_v2 or _v3) lists, or why not."""
        for _ in range(_TRIES):
            count = c_uint(self._room)
            code = calls.direct(function, byref(count), self._buffer)
            if isinstance(code, Missing):
                return code
            if code != INSUFFICIENT_SIZE:
                size = min(count.value, self._room) * _PROCESS.size
                found = _PROCESS.iter_unpack(memoryview(self._buffer)[:size])
                return [(pid, None if used == _NOT_AVAILABLE else used) for pid, used in found]
            self._room = count.value * 2 + 5
            self._buffer = create_string_buffer(self._room * _PROCESS_ROOM)
        return _OUTGROWN


class SampleBuffer:
    """Asks for utilisation samples, as (stamp in microseconds, percent or None for an unknown type)."""

    def __init__(self) -> None:
        self._room = 0
        self._buffer = create_string_buffer(0)

    def ask(self, calls: NvmlCalls, last_seen_us: int) -> Maybe[list[tuple[int, float | None]]]:
        """Return the samples newer than `last_seen_us`, oldest first, or why there are none."""
        value_type, count = c_uint(), c_uint(self._room)
        stamp = c_ulonglong(last_seen_us)
        question = (
            "nvmlDeviceGetSamples",
            c_uint(_UTILIZATION_SAMPLES),
            stamp,
            byref(value_type),
            byref(count),
        )
        if not self._room:
            # Without a buffer the driver tells how many samples it keeps: that does not change.
            code = calls.direct(*question, None)
            if isinstance(code, Missing):
                return code
            self._room = max(count.value, 1)
            self._buffer = create_string_buffer(self._room * _SAMPLE.size)
            count.value = self._room
        code = calls.direct(*question, self._buffer)
        if isinstance(code, Missing):
            return code
        if code == INSUFFICIENT_SIZE:
            self._room = 0
            return _OUTGROWN
        found = memoryview(self._buffer)[: min(count.value, self._room) * _SAMPLE.size]
        return [(stamp, _value(value_type.value, bits)) for stamp, bits in _SAMPLE.iter_unpack(found)]


class RecordBuffer:
    """Asks for utilisation per process, as (PID, stamp in microseconds, SM percent)."""

    def __init__(self) -> None:
        self._room = 32
        self._buffer = create_string_buffer(self._room * _RECORD.size)

    def ask(self, calls: NvmlCalls, last_seen_us: int) -> Maybe[list[tuple[int, int, int]]]:
        """Return the records newer than `last_seen_us`, or why there are none."""
        for _ in range(_TRIES):
            count, stamp = c_uint(self._room), c_ulonglong(last_seen_us)
            code = calls.direct("nvmlDeviceGetProcessUtilization", self._buffer, byref(count), stamp)
            if isinstance(code, Missing):
                return code
            if code != INSUFFICIENT_SIZE:
                found = memoryview(self._buffer)[: min(count.value, self._room) * _RECORD.size]
                return list(_RECORD.iter_unpack(found))
            self._room = max(count.value, self._room) * 2
            self._buffer = create_string_buffer(self._room * _RECORD.size)
        return _OUTGROWN


class FieldBuffer:
    """Asks for field values, as (id, result, stamp in microseconds, value or None, modulus).

    The value is None where its type is unknown; the modulus is where its counter wraps.
    """

    def __init__(self, fields: tuple[int, ...]) -> None:
        self.fields = fields
        self._count = c_int(len(fields))
        self._buffer = create_string_buffer(len(fields) * _FIELD_VALUE.size)
        for position, field in enumerate(fields):
            _FIELD_VALUE.pack_into(self._buffer, position * _FIELD_VALUE.size, field, 0, 0, 0, 0, 0, 0)

    def ask(self, calls: NvmlCalls) -> Maybe[list[tuple[int, int, int, float | None, int]]]:
        """Return the value of every field with its own result, or why nothing could be asked."""
        code = calls.direct("nvmlDeviceGetFieldValues", self._count, self._buffer)
        if code != 0:
            return code if isinstance(code, Missing) else _OUTGROWN
        return [
            (field, result, stamp, _value(kind, bits), 1 << (32 if kind == _UNSIGNED_INT else 64))
            for field, _, stamp, _, kind, result, bits in _FIELD_VALUE.iter_unpack(self._buffer)
        ]


class GpmBuffer:
    """Asks for hardware counters, as (metric, result, value): means between two samples of a GPU.

    The samples belong to the driver: `open` takes them, `close` gives them back.
    """

    def __init__(self, metrics: tuple[int, ...]) -> None:
        self._count = len(metrics)
        # The whole struct: a driver may clear all of it.
        self._buffer = create_string_buffer(_GPM_HEAD.size + _GPM_MOST_METRICS * _GPM_METRIC.size)
        for position, metric in enumerate(metrics):
            place = _GPM_HEAD.size + position * _GPM_METRIC.size
            _GPM_METRIC.pack_into(self._buffer, place, metric, 0, 0.0)
        self._older, self._newer = c_void_p(), c_void_p()

    def open(self, calls: NvmlCalls) -> Missing | None:
        """Take two samples' room from the driver; return why that cannot be."""
        for room in (self._older, self._newer):
            code = calls.plain("nvmlGpmSampleAlloc", byref(room))
            if isinstance(code, Missing):
                return code
        return None

    def sample(self, calls: NvmlCalls) -> Missing | None:
        """Let the newest sample become the older one and take a new one; return why that cannot be."""
        code = calls.direct("nvmlGpmSampleGet", self._older)
        if isinstance(code, Missing):
            return code
        self._older, self._newer = self._newer, self._older
        return None

    def ask(self, calls: NvmlCalls) -> Maybe[list[tuple[int, int, float]]]:
        """Return the counters between the two newest samples, or why there are none."""
        older, newer = self._older.value or 0, self._newer.value or 0
        _GPM_HEAD.pack_into(self._buffer, 0, _GPM_VERSION, self._count, older, newer)
        code = calls.plain("nvmlGpmMetricsGet", self._buffer)
        if isinstance(code, Missing):
            return code
        size = self._count * _GPM_METRIC.size
        found = memoryview(self._buffer)[_GPM_HEAD.size : _GPM_HEAD.size + size]
        return list(_GPM_METRIC.iter_unpack(found))

    def close(self, calls: NvmlCalls) -> None:
        """Give the samples' room back to the driver."""
        for room in (self._older, self._newer):
            if room.value:
                calls.plain("nvmlGpmSampleFree", room)
                room.value = None


def _value(value_type: int, bits: int) -> float | None:
    if value_type == _UNSIGNED_INT:
        return bits & 0xFFFFFFFF
    if value_type == _UNSIGNED_LONG_LONG:
        return bits
    if value_type >= len(_VALUES):
        return None
    value: float = _VALUES[value_type].unpack(_BITS.pack(bits))[0]
    return value
