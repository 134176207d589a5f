"""A PID that a user gives, where it is that of a thread."""

from __future__ import annotations

import os
import threading

from gpumon.monitor.build import process_of


def test_a_thread_means_its_process() -> None:
    """Htop shows threads like processes, and people copy what it shows."""
    told = threading.Event()
    thread = threading.Thread(target=told.wait)
    thread.start()
    try:
        assert thread.native_id is not None
        assert process_of(thread.native_id) == os.getpid()
    finally:
        told.set()
        thread.join()


def test_a_process_and_what_is_gone_stay_as_they_are() -> None:
    """The number is handed on."""
    assert process_of(os.getpid()) == os.getpid()
    assert process_of(2**22 + 1) == 2**22 + 1
