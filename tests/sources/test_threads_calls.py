"""What is remembered of the system calls of threads, so that a look is one read."""

from __future__ import annotations

import os
import signal
from pathlib import Path

from gpumon.model.process import ProcessId
from gpumon.sources.threads import ThreadSampler, ThreadTarget
from tests.sources.children import child_in, process_id, until_state
from tests.sources.fake_proc import at, stat_line, write


def test_a_process_that_is_stopped_while_it_is_looked_at_is_noticed_soon() -> None:
    """It shows the system call that it was stopped in: its state is read at every eighth look."""
    with child_in("poll_torch") as pid:
        until_state(pid, "S")
        sampler = ThreadSampler()
        sampler.watch([ThreadTarget(process_id(pid), pid)])
        for _ in range(3):
            sampler.look()
        os.kill(pid, signal.SIGSTOP)
        until_state(pid, "T")
        for _ in range(20):
            sampler.look()
        (states,) = sampler.drain(at(0))
        sampler.close()
        assert states.samples == 23 == states.polling + states.stopped
        assert states.stopped >= 20 - 7


def test_a_thread_that_wakes_is_seen_to_run_at_once(tmp_path: Path) -> None:
    """What a thread waited for is of no account when it runs on, and again later."""
    root = write(tmp_path, {"7/stat": stat_line(7), "7/task/7/stat": stat_line(7)})
    call = tmp_path / "7/task/7/syscall"
    sampler = ThreadSampler(root, "x86_64")
    sampler.watch([ThreadTarget(ProcessId(7, 5000), 7)])
    poll, futex = "7 0x7f 0x1 0x1388 0x1 0x0 0x0 0x7f 0x7f\n", "202 0x7f 0x189 0x0 0x0 0x0 0x0 0x7f 0x7f\n"
    for text in (poll, poll, "running\n", futex, "running\n", poll):
        call.write_text(text)
        sampler.look()
    (states,) = sampler.drain(at(0))
    sampler.close()
    assert (states.polling, states.running, states.futex_untimed) == (3, 2, 1)


def test_what_is_remembered_of_system_calls_is_bounded(tmp_path: Path) -> None:
    """A thread that waits with other arguments each time fills no memory, and is classified all the same."""
    root = write(tmp_path, {"7/stat": stat_line(7), "7/task/7/stat": stat_line(7)})
    call = tmp_path / "7/task/7/syscall"
    sampler = ThreadSampler(root, "x86_64")
    sampler.watch([ThreadTarget(ProcessId(7, 5000), 7)])
    for number in range(600):
        call.write_text(f"7 {number:#x} 0x1 0x1388 0x1 0x0 0x0 0x7f 0x7f\n")
        sampler.look()
    (states,) = sampler.drain(at(0))
    assert (states.samples, states.polling) == (600, 600)
    assert len(sampler._known) <= 256
    sampler.drain(at(1))
    assert len(sampler._known) == 1
    sampler.close()


def test_a_thread_that_runs_is_not_asked_for_its_state_each_time(tmp_path: Path) -> None:
    """Its system call says that it runs; what the state would say comes at the eighth look."""
    root = write(
        tmp_path,
        {
            "7/stat": stat_line(7),
            "7/task/7/stat": stat_line(7, state="R"),
            "7/task/7/syscall": "running\n",
        },
    )
    sampler = ThreadSampler(root, "x86_64")
    sampler.watch([ThreadTarget(ProcessId(7, 5000), 7)])
    sampler.look()
    (tmp_path / "7/task/7/stat").write_text(stat_line(7, state="T"))
    for _ in range(8):
        sampler.look()
    (states,) = sampler.drain(at(0))
    sampler.close()
    assert (states.running, states.stopped) == (8, 1)
