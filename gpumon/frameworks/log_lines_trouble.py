"""What went wrong, as a log tells it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum


class TroubleKind(str, Enum):
    """The cause that an error text names."""

    VRAM = "GPU memory"
    GPU_LIBRARY = "GPU library"
    SHM = "shared memory"
    WORKER_KILLED = "worker killed"
    WORKER_EXITED = "worker exited"
    FILES = "too many open files"
    HOST_MEMORY = "host memory"
    DISK_FULL = "disk full"
    INTERRUPTED = "interrupted"
    KILLED = "killed"
    ERROR = "error"


@dataclass(frozen=True, slots=True)
class Trouble:
    """An error in a log. `text` says it in one sentence; `line` is the line that told."""

    kind: TroubleKind
    text: str
    line: str


# In order: the first that matches wins. Texts: PyTorch and YOLOv5 as people report them.
_KNOWN: tuple[tuple[TroubleKind, re.Pattern[str], str], ...] = (
    (
        TroubleKind.VRAM,
        re.compile(r"(?:CUDA|HIP) out of memory|\bOutOfMemoryError\b|CUDA error: out of memory"),
        "the GPU ran out of memory",
    ),
    (
        TroubleKind.SHM,
        re.compile(
            r"unable to allocate shared memory\(shm\)|insufficient shared memory \(shm\)"
            r"|killed by signal: Bus error|unable to write to file </torch_"
            r"|unable to mmap \d+ bytes from file </torch_"
        ),
        "shared memory was full: a DataLoader worker could not hand over its batch",
    ),
    (
        TroubleKind.WORKER_KILLED,
        re.compile(r"DataLoader worker \(pid (?:\(s\) )?\d+\) is killed by signal: Killed"),
        "a DataLoader worker was killed, most often by the kernel for lack of memory",
    ),
    (
        TroubleKind.WORKER_EXITED,
        re.compile(
            r"DataLoader worker \(pid(?:\(s\))? [\d, ]{1,200}\) (?:exited unexpectedly|is killed by signal)"
        ),
        "a DataLoader worker died",
    ),
    (
        TroubleKind.FILES,
        re.compile(r"received 0 items of ancdata|Too many open files"),
        "too many files were open",
    ),
    (
        TroubleKind.GPU_LIBRARY,
        re.compile(
            r"CUDNN_STATUS_(?:INTERNAL_ERROR|NOT_INITIALIZED|ALLOC_FAILED)"
            r"|CUBLAS_STATUS_(?:ALLOC_FAILED|NOT_INITIALIZED)"
            r"|[Uu]nable to find (?:a valid cuDNN algorithm|an engine)"
        ),
        "cuDNN or cuBLAS failed, which is often a lack of GPU memory",
    ),
    (
        TroubleKind.HOST_MEMORY,
        re.compile(
            r"^(?:\w{1,80}\.){0,6}\w{0,80}MemoryError\b"
            r"|Cannot allocate memory|DefaultCPUAllocator: can't allocate memory"
        ),
        "the host ran out of memory",
    ),
    (TroubleKind.DISK_FULL, re.compile(r"No space left on device"), "the disk was full"),
    (TroubleKind.INTERRUPTED, re.compile(r"^KeyboardInterrupt\b"), "it was stopped with Ctrl-C"),
    (TroubleKind.KILLED, re.compile(r"^(?:Killed|Terminated)$"), "the shell says it was killed"),
)
# A line that ends a traceback: an exception's name, with or without its text.
_EXCEPTION = re.compile(r"([A-Za-z_]\w{0,80}(?:\.[A-Za-z_]\w{0,80}){0,6})(?::\s|$)")
_EXCEPTION_NAME = re.compile(r"(?:Error|Exception|Exit|Interrupt|Failed|Failure)$")
# Words that mean a message rather than an error, although the text is the same.
_HARMLESS = re.compile(r"and retrying|\bWARNING\b.*\bAutoBatch\b")
_SENTENCE_CHARACTERS = 200


def parse_trouble(line: str, *, in_traceback: bool) -> Trouble | None:
    """Return the error that a cleaned line tells, or None.

    Known texts count everywhere; any other exception only where it ends a traceback.
    """
    text = line.strip()[:1000]
    if _HARMLESS.search(text):
        return None
    for kind, pattern, sentence in _KNOWN:
        if pattern.search(text):
            return Trouble(kind, sentence, text[:_SENTENCE_CHARACTERS])
    if in_traceback and not line.startswith((" ", "\t")):
        match = _EXCEPTION.match(text)
        if match is not None and _EXCEPTION_NAME.search(match[1]):
            return Trouble(TroubleKind.ERROR, text[:_SENTENCE_CHARACTERS], text[:_SENTENCE_CHARACTERS])
    return None


def begins_traceback(line: str) -> bool:
    """Tell whether the lines that follow are a traceback."""
    return "Traceback (most recent call last)" in line


def is_harmless_traceback(line: str) -> bool:
    """Tell whether a traceback that this line belongs to ends a thread or a message, not the program."""
    return line.startswith(("Exception in thread", "Exception ignored in", "--- Logging error")) or (
        ", in _feed" in line
    )
