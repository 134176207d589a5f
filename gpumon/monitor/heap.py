"""The C library's heap of this process, which lives for weeks: what is free is given back."""

from __future__ import annotations

from contextlib import suppress

# mallopt(3), malloc.h of glibc.
_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD, _M_ARENA_MAX = -1, -3, -8
# glibc's own value; without it the first large block that is freed makes it grow, up to 32 MB.
_THRESHOLD_BYTES = 128 * 1024
_ARENAS = 2


def keep_heap_small() -> None:
    """Have the C library give large blocks back, and share its heaps among the threads.

    By default each thread gets a heap of its own, up to eight for each core, and large blocks come from
    there once one was freed: what one thread frees no other uses, and between what stays much stays free.
    Another C library than glibc is left as it is.
    """
    # Loaded by the monitor's thread, as for NVML: the first frame does not wait for it.
    with suppress(ImportError, OSError, AttributeError):
        import ctypes

        mallopt = ctypes.CDLL(None).mallopt
        mallopt(_M_ARENA_MAX, _ARENAS)
        mallopt(_M_MMAP_THRESHOLD, _THRESHOLD_BYTES)
        mallopt(_M_TRIM_THRESHOLD, _THRESHOLD_BYTES)


def give_back() -> None:
    """Have the C library give back what is free between what is in use, in pages: some milliseconds.

    By itself it gives back the end of its heap only: after some days of opened and closed screens 7 MB of it
    are free. Another C library than glibc is left as it is.
    """
    with suppress(ImportError, OSError, AttributeError):
        import ctypes

        # malloc_trim(3)
        ctypes.CDLL(None).malloc_trim(0)
