"""Threads of real processes, classified through the real kernel."""

from __future__ import annotations

import os
import random
import signal
import threading
from pathlib import Path

import pytest

from gpumon.model.measure import Missing
from gpumon.model.process import ProcessId, ThreadStates
from gpumon.sources.clock import SystemClock
from gpumon.sources.threads import ThreadSampler, ThreadTarget, find_threads, jittered_delay
from tests.sources.children import child_in, process_id, python_child, until_state
from tests.sources.fake_proc import at, open_descriptors, stat_line, write
from tests.sources.other_user import as_nobody

CLASSES = (
    "running",
    "polling",
    "futex_timed",
    "futex_untimed",
    "disk",
    "remote",
    "sleeping",
    "stopped",
)


def looks_at(pid: int, sampler: ThreadSampler, count: int = 5) -> dict[str, int]:
    """Return the classes seen in `count` looks at the main thread, without those never seen."""
    sampler.watch([ThreadTarget(process_id(pid), pid)])
    for _ in range(count):
        sampler.look()
    (states,) = sampler.drain(at(0))
    sampler.close()
    assert states.samples == count == sum(getattr(states, name) for name in CLASSES)
    return {name: getattr(states, name) for name in CLASSES if getattr(states, name)}


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("poll_torch", "polling"),
        ("poll_short", "sleeping"),
        ("poll_two", "sleeping"),
        ("select", "sleeping"),
        ("futex_timed", "futex_timed"),
        ("futex_untimed", "futex_untimed"),
        ("process_lock", "futex_untimed"),
        ("nanosleep", "sleeping"),
        ("pipe_read", "sleeping"),
    ],
)
def test_a_waiting_process_has_the_class_of_its_wait(kind: str, expected: str) -> None:
    """Torch's poll, locks with and without a timeout, and other sleeps are told apart."""
    with child_in(kind) as pid:
        until_state(pid, "S")
        assert looks_at(pid, ThreadSampler()) == {expected: 5}


def test_a_read_from_a_unix_socket_is_a_sleep_of_its_own_kind() -> None:
    """So a batch is handed over; it counts as a sleep for all others."""
    with child_in("socket_read") as pid:
        until_state(pid, "S")
        sampler = ThreadSampler()
        sampler.watch([ThreadTarget(process_id(pid), pid)])
        sampler.look()
        (states,) = sampler.drain(at(0))
        sampler.close()
        assert (states.samples, states.sleeping, states.receiving) == (1, 1, 1)


def test_a_spinning_process_runs() -> None:
    """State R, on a core or waiting for one."""
    with child_in("spin") as pid:
        assert looks_at(pid, ThreadSampler()) == {"running": 5}


def test_a_stopped_process_is_stopped_and_goes_on_in_its_class() -> None:
    """After SIGCONT the kernel shows restart_syscall; the class is that of the call it goes on with."""
    with child_in("poll_torch") as pid:
        until_state(pid, "S")
        os.kill(pid, signal.SIGSTOP)
        until_state(pid, "T")
        assert looks_at(pid, ThreadSampler()) == {"stopped": 5}
        os.kill(pid, signal.SIGCONT)
        until_state(pid, "S")
        assert looks_at(pid, ThreadSampler()) == {"polling": 5}


@pytest.mark.parametrize(
    ("kind", "expected"),
    [("poll_torch", "polling"), ("futex_untimed", "futex_timed"), ("nanosleep", "sleeping")],
)
def test_without_system_calls_the_wait_channel_decides(kind: str, expected: str) -> None:
    """On a machine whose numbers are not known, a futex counts as one with a timeout."""
    with child_in(kind) as pid:
        until_state(pid, "S")
        assert looks_at(pid, ThreadSampler(machine="unknown")) == {expected: 5}


@pytest.mark.parametrize(
    ("letter", "channel", "expected"),
    [
        ("D", "folio_wait_bit_common", "disk"),
        ("D", "io_schedule", "disk"),
        ("D", "0", "disk"),
        ("D", "rpc_wait_bit_killable", "remote"),
        ("S", "request_wait_answer", "remote"),
        ("t", "ptrace_stop", "stopped"),
        ("I", "0", "sleeping"),
    ],
)
def test_waits_that_need_hardware_are_read_from_a_tree(
    tmp_path: Path, letter: str, channel: str, expected: str
) -> None:
    """State D is a disk unless the kernel waits in a network file system."""
    files = {
        "7/stat": stat_line(7),
        "7/task/7/stat": stat_line(7, state=letter),
        "7/task/7/wchan": channel,
        "7/task/7/syscall": "0 0x3 0x7f 0x1 0x7f 0x0 0x0 0x7f 0x7f\n",
    }
    sampler = ThreadSampler(write(tmp_path, files), "x86_64")
    sampler.watch([ThreadTarget(ProcessId(7, 5000), 7)])
    sampler.look()
    (states,) = sampler.drain(at(0))
    sampler.close()
    assert (states.samples, getattr(states, expected)) == (1, 1)
    assert isinstance(states.cpu_busy_ratio, Missing)


def test_a_thread_without_files_is_gone(tmp_path: Path) -> None:
    """A broken tree has no thread to look at, and does not raise."""
    sampler = ThreadSampler(write(tmp_path, {"7/stat": stat_line(7), "7/task/7/stat": "garbage"}))
    sampler.watch([ThreadTarget(ProcessId(7, 5000), 7), ThreadTarget(ProcessId(7, 5000), 8)])
    sampler.look()
    assert sampler.drain(at(0)) == ()


def test_a_waiting_thread_of_another_user_is_only_known_to_sleep() -> None:
    """The kernel hides its system call and its wait channel, and shows its state."""
    with child_in("poll_torch") as child:
        until_state(child, "S")
        with as_nobody():
            assert looks_at(child if os.getuid() == 0 else 1, ThreadSampler()) == {"sleeping": 5}


def test_a_killed_process_is_reported_a_last_time() -> None:
    """What was counted before is not lost; afterwards the thread is no more."""
    sampler = ThreadSampler()
    with child_in("nanosleep") as pid:
        until_state(pid, "S")
        sampler.watch([ThreadTarget(process_id(pid), pid)])
        sampler.look()
    sampler.look()
    (last,) = sampler.drain(at(0))
    assert (last.samples, last.sleeping) == (1, 1)
    assert last.cpu_busy_ratio == Missing("the thread has ended")
    sampler.look()
    assert sampler.drain(at(1)) == ()


def test_a_pid_that_is_another_process_by_now_is_not_looked_at() -> None:
    """(PID, start time) is a process; the PID alone is not."""
    with child_in("nanosleep") as pid:
        sampler = ThreadSampler()
        sampler.watch([ThreadTarget(ProcessId(pid, process_id(pid).start_ticks - 1), pid)])
        sampler.look()
        assert sampler.drain(at(0)) == ()


def test_more_threads_than_descriptors_are_still_looked_at() -> None:
    """Threads beyond the first hundred are read without keeping descriptors."""
    with child_in("nanosleep") as pid:
        until_state(pid, "S")
        identity = process_id(pid)
        sampler = ThreadSampler()
        absent = [ThreadTarget(identity, 10_000_000 + number) for number in range(100)]
        sampler.watch([*absent, ThreadTarget(identity, pid)])
        sampler.look()
        (states,) = sampler.drain(at(0))
        sampler.close()
        assert (states.thread_id, states.sleeping) == (pid, 1)


def test_watching_anew_keeps_what_was_counted() -> None:
    """Workers come and go; the counts of those that stay are not disturbed, and no descriptor is lost."""
    before = open_descriptors()
    with child_in("nanosleep") as first, child_in("spin") as second:
        until_state(first, "S")
        sampler = ThreadSampler()
        one, two = (ThreadTarget(process_id(pid), pid) for pid in (first, second))
        sampler.watch([one])
        sampler.look()
        sampler.watch([one, two])
        sampler.look()
        assert [states.samples for states in sampler.drain(at(0))] == [2, 1]
        sampler.watch([two])
        assert [states.thread_id for states in sampler.drain(at(1))] == [second]
        sampler.close()
    assert open_descriptors() == before


def test_turns_and_sleeps_are_counted_by_the_kernel(tmp_path: Path) -> None:
    """Between two drains: 30 turns on a core in 2 s, 20 of them ended by the thread itself."""
    files = {"7/stat": stat_line(7), "7/task/7/stat": stat_line(7)}
    counts = {
        "7/task/7/schedstat": "500 500 100\n",
        "7/task/7/status": "Name:\tx\nvoluntary_ctxt_switches:\t50\nnonvoluntary_ctxt_switches:\t9\n",
    }
    sampler = ThreadSampler(write(tmp_path, files | counts), "x86_64")
    sampler.watch([ThreadTarget(ProcessId(7, 5000), 7)])
    sampler.look()
    (first,) = sampler.drain(at(0))
    assert isinstance(first.turns_per_second, Missing)
    write(
        tmp_path,
        {name: text.replace("100", "130").replace("50\nn", "70\nn") for name, text in counts.items()},
    )
    sampler.look()
    (second,) = sampler.drain(at(2))
    sampler.close()
    assert (second.turns_per_second, second.sleeps_per_second) == (15.0, 10.0)


def test_cpu_and_run_queue_shares_are_of_the_thread() -> None:
    """A spinner runs or wants to for the time that the kernel has for it; a sleeper does neither."""
    clock = SystemClock()
    with child_in("spin") as spinner, child_in("nanosleep") as sleeper:
        until_state(sleeper, "S")
        sampler = ThreadSampler()
        sampler.watch([ThreadTarget(process_id(pid), pid) for pid in (spinner, sleeper)])
        # Read around both drains and between them, since time passes in between: the most and the least.
        begin, before = clock.now(), wanted_seconds(spinner)
        first = sampler.drain(begin)
        assert first[0].cpu_busy_ratio == Missing("needs two readings")
        after_first = wanted_seconds(spinner)
        while wanted_seconds(spinner) < after_first + 0.1:
            os.sched_yield()
        before_second, end = wanted_seconds(spinner), clock.now()
        busy, idle = sampler.drain(end)
        after = wanted_seconds(spinner)
        sampler.close()
    seconds = end.monotonic_seconds - begin.monotonic_seconds
    # What it has waited in the queue is told once it runs, and may have begun before: a share is 1 at most.
    least, most = min(before_second - after_first, seconds), after - before
    assert least - 1e-6 <= shares(busy) * seconds <= most + 1e-6
    assert shares(idle) == 0.0


def wanted_seconds(pid: int) -> float:
    """Return how long a process has run or waited for a core so far, by the kernel's account."""
    ran, waited = Path(f"/proc/{pid}/schedstat").read_text().split()[:2]
    return (int(ran) + int(waited)) / 1e9


def shares(states: ThreadStates) -> float:
    """Return the share of time in which the thread ran or wanted to."""
    assert not isinstance(states.cpu_busy_ratio, Missing)
    assert not isinstance(states.run_queue_wait_ratio, Missing)
    return states.cpu_busy_ratio + states.run_queue_wait_ratio


def test_threads_are_found_by_name() -> None:
    """The pinning thread of torch has a name of its own; a hostile one is cleaned."""
    program = """
import os, sys, threading, time
def work(name):
    open(f"/proc/self/task/{threading.get_native_id()}/comm", "w").write(name)
    done.release(); time.sleep(60)
done = threading.Semaphore(0)
for name in ("pt_data_pin", "\\x1b[2Jevil"):
    threading.Thread(target=work, args=(name,), daemon=True).start(); done.acquire()
print("ready", flush=True); time.sleep(60)
"""
    with python_child(program) as child:
        threads = find_threads(child.pid)
        assert threads[0][0] == child.pid
        assert [name for _, name in threads[1:]] == ["pt_data_pin", "evil"]


def test_a_process_that_is_gone_has_no_threads() -> None:
    """Nothing raises."""
    assert find_threads(4_000_000_000) == ()


def test_looking_and_draining_at_once_loses_nothing() -> None:
    """One thread looks while another drains: every look is counted once."""
    with child_in("nanosleep") as pid:
        until_state(pid, "S")
        sampler = ThreadSampler()
        sampler.watch([ThreadTarget(process_id(pid), pid)])

        def look_often() -> None:
            for _ in range(2000):
                sampler.look()

        looker = threading.Thread(target=look_often)
        looker.start()
        counted = 0
        while looker.is_alive():
            counted += sum(states.samples for states in sampler.drain(at(0)))
        looker.join()
        counted += sum(states.samples for states in sampler.drain(at(0)))
        sampler.close()
        assert counted == 2000


def test_delays_are_uniform_around_the_period() -> None:
    """20 Hz: between 25 and 75 ms, 50 ms in the mean."""
    randomness = random.Random(7)  # noqa: S311 - no secret
    delays = [jittered_delay(20.0, randomness) for _ in range(4000)]
    assert 0.025 <= min(delays) < 0.03
    assert 0.07 < max(delays) <= 0.075
    assert abs(sum(delays) / len(delays) - 0.05) < 0.001
