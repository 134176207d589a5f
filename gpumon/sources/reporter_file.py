"""A reporter's file as it is read: bytes that anybody may have written, parsed without trusting them."""

from __future__ import annotations

from dataclasses import dataclass

from gpumon.model.measure import Maybe, Missing
from gpumon.model.text import clean
from gpumon.reporter import wire

_NOT_ONE = Missing("its report could not be understood")
_OTHER_VERSION = Missing("its reporter is of another version of gpumon")


@dataclass(frozen=True, slots=True)
class LoaderCounts:
    """One DataLoader as its record tells; 0 stands for unknown in the settings and in the shape."""

    serial: int
    batches_per_pass: int
    workers: int
    batch_size: int
    prefetch_factor: int
    bits: int
    entered_ns: int
    optimizer_steps: int
    batches: int
    samples: int
    wait_ns: int
    step_ns: int
    steps: int
    left_ns: int
    passes: int
    pass_batches: int
    batch_samples: int
    height: int
    width: int
    image_bytes: int = 0
    last_ns: int = 0
    last_steps: int = 0
    last_samples: int = 0

    @property
    def loop_ns(self) -> int:
        """Time in the loop over this loader up to the last batch, without what came between its passes."""
        return self.wait_ns + self.step_ns

    @property
    def newest_ns(self) -> int:
        """When `next()` was last entered or left."""
        return max(self.entered_ns, self.left_ns)

    @property
    def is_waiting(self) -> bool:
        """Whether `next()` lasts still."""
        return self.entered_ns > self.left_ns


@dataclass(frozen=True, slots=True)
class CudaCounts:
    """PyTorch's allocator on one device, in bytes; when it was read."""

    allocated_bytes: int
    reserved_bytes: int
    allocated_peak_bytes: int
    reserved_peak_bytes: int
    retries: int
    out_of_memory_errors: int
    device: int
    read_ns: int


@dataclass(frozen=True, slots=True)
class ReportCounts:
    """A whole report. `error` says why the reporter has given up, and is empty while it works."""

    pid: int
    start_ticks: int
    opened_ns: int
    heartbeat_ns: int
    hooks: int
    optimizer_steps: int
    scaler_steps: int
    scaler_skips: int
    fused_scaler_steps: int
    is_cuda_silent: bool
    cuda: CudaCounts | None
    error: str
    loaders: tuple[LoaderCounts, ...]


def parse_report(before: bytes, content: bytes, after: bytes) -> Maybe[ReportCounts] | None:
    """Parse a report that was read three times in a row; None where it changed in between (read again).

    Counts are taken from `content`, and `before` and `after` prove that they belong together and that nothing
    came between `content` and `after`. Raises nothing, whatever the bytes are.
    """
    if min(len(before), len(content), len(after)) < wire.FILE_BYTES:
        return _NOT_ONE
    magic, version, loaders, pid, _, start_ticks, opened_ns = wire.HEADER.unpack_from(content)
    if magic != wire.MAGIC:
        return _NOT_ONE
    if version != wire.VERSION or loaders != wire.LOADERS:
        return _OTHER_VERSION
    triple = (before, content, after)
    if not _is_steady(triple, wire.CUDA_TURN):
        return None
    found: list[LoaderCounts] = []
    for number in range(wire.LOADERS):
        offset = wire.HEADER_BYTES + number * wire.LOADER_BYTES
        # ENTERED too: whether it waits must be known for the moment in which the clock was read.
        words = (
            wire.SERIAL,
            wire.TURN,
            wire.ENTERED,
            wire.LAST_STEPS_AT,
            wire.LAST_STEPS_AT + wire.WORD.size,
        )
        if not all(_is_steady(triple, offset + word) for word in words):
            return None
        loader = _loader(content, offset)
        if loader is not None:
            found.append(loader)
    return ReportCounts(
        pid=pid,
        start_ticks=start_ticks,
        opened_ns=opened_ns,
        heartbeat_ns=_word(content, wire.HEARTBEAT),
        hooks=_word(content, wire.HOOKS),
        optimizer_steps=_word(content, wire.OPTIMIZER_STEPS),
        scaler_steps=_word(content, wire.SCALER_STEPS),
        scaler_skips=_word(content, wire.SCALER_SKIPS),
        fused_scaler_steps=_word(content, wire.FUSED_SCALER_STEPS),
        is_cuda_silent=_word(content, wire.CUDA_SILENT) != 0,
        cuda=_cuda(content),
        error=_text(content[wire.ERROR : wire.ERROR + wire.ERROR_BYTES]),
        loaders=tuple(found),
    )


def _is_steady(triple: tuple[bytes, bytes, bytes], offset: int) -> bool:
    first, second, third = (piece[offset : offset + wire.WORD.size] for piece in triple)
    return first == second == third


def _word(content: bytes, offset: int) -> int:
    value: int = wire.WORD.unpack_from(content, offset)[0]
    return value


def _loader(content: bytes, offset: int) -> LoaderCounts | None:
    serial = _word(content, offset + wire.SERIAL)
    if serial == 0:
        return None
    turn = _word(content, offset + wire.TURN)
    settings = wire.SETTINGS.unpack_from(content, offset + wire.SETTINGS_AT)
    counts = wire.COUNTS.unpack_from(content, offset + wire.COUNTS_AT + turn % 2 * wire.COUNTS.size)
    entered_ns = _word(content, offset + wire.ENTERED)
    optimizer_steps = _word(content, offset + wire.LOADER_OPTIMIZER_STEPS)
    last = wire.LAST_STEPS.unpack_from(content, offset + wire.LAST_STEPS_AT)
    return LoaderCounts(*(serial, *settings, entered_ns, optimizer_steps, *counts, *last))


def _cuda(content: bytes) -> CudaCounts | None:
    turn = _word(content, wire.CUDA_TURN)
    if turn == 0:
        return None
    return CudaCounts(*wire.CUDA.unpack_from(content, wire.CUDA_COPIES + turn % 2 * wire.CUDA.size))


def _text(padded: bytes) -> str:
    return clean(padded.split(b"\0", 1)[0].decode("utf-8", "replace"), wire.ERROR_BYTES)
