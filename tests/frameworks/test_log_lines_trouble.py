"""Error texts of PyTorch and YOLOv5 as logs hold them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gpumon.frameworks.log_lines_trouble import TroubleKind, is_harmless_traceback, parse_trouble


@pytest.mark.parametrize(
    ("line", "kind"),
    [
        (
            "torch.cuda.OutOfMemoryError: CUDA out of memory. Tried to allocate 20 MiB (GPU 0; 8 GiB)",
            TroubleKind.VRAM,
        ),
        ("RuntimeError: CUDA out of memory. Tried to allocate 20.00 MiB", TroubleKind.VRAM),
        ("torch.OutOfMemoryError: CUDA out of memory. GPU 0 has a total capacity of 8 GiB", TroubleKind.VRAM),
        ("RuntimeError: cuDNN error: CUDNN_STATUS_INTERNAL_ERROR", TroubleKind.GPU_LIBRARY),
        ("RuntimeError: Unable to find a valid cuDNN algorithm to run convolution", TroubleKind.GPU_LIBRARY),
        ("RuntimeError: CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling", TroubleKind.GPU_LIBRARY),
        (
            "RuntimeError: DataLoader worker (pid 41) is killed by signal: Bus error. It is possible that",
            TroubleKind.SHM,
        ),
        (
            "ERROR: Unexpected bus error. This might be caused by insufficient shared memory (shm).",
            TroubleKind.SHM,
        ),
        (
            "RuntimeError: unable to allocate shared memory(shm) for file </torch_9>: No space left",
            TroubleKind.SHM,
        ),
        ("RuntimeError: DataLoader worker (pid 41) is killed by signal: Killed. ", TroubleKind.WORKER_KILLED),
        ("RuntimeError: DataLoader worker (pid(s) 41, 42) exited unexpectedly", TroubleKind.WORKER_EXITED),
        ("RuntimeError: received 0 items of ancdata", TroubleKind.FILES),
        ("OSError: [Errno 24] Too many open files", TroubleKind.FILES),
        ("MemoryError", TroubleKind.HOST_MEMORY),
        ("numpy.core._exceptions._ArrayMemoryError: Unable to allocate 3 GiB", TroubleKind.HOST_MEMORY),
        ("OSError: [Errno 28] No space left on device", TroubleKind.DISK_FULL),
        ("KeyboardInterrupt", TroubleKind.INTERRUPTED),
        ("Killed", TroubleKind.KILLED),
        ("AssertionError: Dataset not found", TroubleKind.ERROR),
        ("subprocess.CalledProcessError: Command failed", TroubleKind.ERROR),
    ],
)
def test_known_errors_are_named(line: str, kind: TroubleKind) -> None:
    """Each text that people report is told apart by its cause."""
    trouble = parse_trouble(line, in_traceback=True)
    assert trouble is not None
    assert trouble.kind is kind


def test_exception_outside_of_a_traceback_is_a_message() -> None:
    """Loggers print names of exceptions too: only a traceback's end is an error."""
    assert parse_trouble("ValueError: ignored", in_traceback=False) is None


def test_lines_of_a_traceback_are_no_error_themselves() -> None:
    """Source lines are indented and may name exceptions."""
    assert parse_trouble("    raise RuntimeError(message)", in_traceback=True) is None


def test_retry_with_a_smaller_batch_is_no_trouble() -> None:
    """An ultralytics training that halves its batch goes on."""
    line = "CUDA out of memory with batch=16. Reducing to batch=8 and retrying (1/3)."
    assert parse_trouble(line, in_traceback=False) is None


def test_tracebacks_of_threads_and_destructors_are_harmless() -> None:
    """They end nothing."""
    assert is_harmless_traceback("Exception in thread Thread-3 (plot_images):")
    assert is_harmless_traceback(
        "Exception ignored in: <function _MultiProcessingDataLoaderIter.__del__ at 0x7f>"
    )
    assert not is_harmless_traceback("Traceback (most recent call last):")


@given(st.text(max_size=400))
def test_garbage_never_raises(text: str) -> None:
    """Any text is an error that is known here or none."""
    parse_trouble(text, in_traceback=False)
    parse_trouble(text, in_traceback=True)
    is_harmless_traceback(text)
