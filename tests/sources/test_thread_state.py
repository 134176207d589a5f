"""What a thread waits for, by what the kernel says of it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gpumon.model.measure import Missing
from gpumon.sources.thread_state import ThreadState, classify_sleep, is_remote, state_letter, system_calls

X86 = system_calls("x86_64")
ARM = system_calls("aarch64")
REST = b" 0x0 0x0 0x7ffe803a0ca8 0x7f8"
UNREADABLE = Missing("no permission")

# (machine, /proc/PID/task/TID/syscall, wait channel) as real kernels write them.
CASES = [
    (
        X86,
        b"7 0x7f8fa37a45f0 0x1 0x1388 0x1" + REST,
        b"poll_schedule_timeout.constprop.0",
        ThreadState.POLLING,
    ),
    (X86, b"7 0x7f8fa37a45f0 0x1 0x7530 0x1" + REST, b"poll_schedule_timeout", ThreadState.SLEEPING),
    (X86, b"7 0x7f8fa37a45f0 0x2 0x1388 0x1" + REST, b"poll_schedule_timeout", ThreadState.SLEEPING),
    (X86, b"7 0x7f8fa37a45f0 0x1 0xffffffff 0x1" + REST, b"do_sys_poll", ThreadState.SLEEPING),
    (X86, b"271 0x7f8fa37a45f0 0x1 0x7ffc 0x0" + REST, b"poll_schedule_timeout", ThreadState.POLLING),
    (X86, b"271 0x7f8fa37a45f0 0x1 0x0 0x0" + REST, b"poll_schedule_timeout", ThreadState.SLEEPING),
    (X86, b"202 0x563bccee98b0 0x89 0x0 0x7ffcf24767c0" + REST, b"futex_do_wait", ThreadState.FUTEX_TIMED),
    (X86, b"202 0x55ceb0cc0e00 0x189 0x0 0x0" + REST, b"futex_do_wait", ThreadState.FUTEX_UNTIMED),
    (X86, b"449 0x55ceb0cc0e00 0x1 0x0 0x7ffc" + REST, b"futex_wait_multiple", ThreadState.FUTEX_TIMED),
    (X86, b"230 0x1 0x1 0x7fff8cba6890 0x0" + REST, b"hrtimer_nanosleep", ThreadState.SLEEPING),
    (X86, b"0 0x3 0x7f851aebb3b0 0x1 0x7f85" + REST, b"anon_pipe_read", ThreadState.SLEEPING),
    (X86, b"0 0x3 0x7f851aebb3b0 0x1 0x7f85" + REST, b"rpc_wait_bit_killable", ThreadState.REMOTE),
    (X86, b"257 0x3 0x7f851aebb3b0 0x1 0x7f85" + REST, b"request_wait_answer", ThreadState.REMOTE),
    (X86, b"270 0x4 0x7ffd 0x0 0x0" + REST, b"poll_schedule_timeout", ThreadState.SLEEPING),
    (X86, b"219 0x7f8fa37a45f0 0x1 0x1388 0x1" + REST, b"poll_schedule_timeout", ThreadState.POLLING),
    (X86, b"219 0x563bccee98b0 0x89 0x0 0x7ffc" + REST, b"futex_do_wait", ThreadState.FUTEX_TIMED),
    (X86, b"219 0x1 0x1 0x7fff 0x0" + REST, b"hrtimer_nanosleep", ThreadState.SLEEPING),
    (X86, b"running", b"0", ThreadState.RUNNING),
    (ARM, b"73 0xffff 0x1 0xffffd 0x0" + REST, b"poll_schedule_timeout", ThreadState.POLLING),
    (ARM, b"98 0xffff 0x189 0x0 0x0" + REST, b"futex_wait_queue", ThreadState.FUTEX_UNTIMED),
    (ARM, b"7 0xffff 0x1 0x1388 0x0" + REST, b"hrtimer_nanosleep", ThreadState.SLEEPING),
    (X86, UNREADABLE, b"poll_schedule_timeout.constprop.0", ThreadState.POLLING),
    (X86, UNREADABLE, b"futex_wait_queue_me", ThreadState.FUTEX_TIMED),
    (X86, UNREADABLE, b"nfs4_wait_clnt_recover", ThreadState.REMOTE),
    (X86, UNREADABLE, b"pipe_read", ThreadState.SLEEPING),
    (X86, UNREADABLE, b"0", ThreadState.SLEEPING),
    (X86, UNREADABLE, UNREADABLE, ThreadState.SLEEPING),
    (None, b"7 0x7f8fa37a45f0 0x1 0x7530 0x1" + REST, b"poll_schedule_timeout", ThreadState.POLLING),
]


@pytest.mark.parametrize(("numbers", "call", "channel", "expected"), CASES)
def test_each_wait_has_its_class(
    numbers: object, call: bytes | Missing, channel: bytes | Missing, expected: ThreadState
) -> None:
    """The same function of the kernel means different things with different arguments."""
    assert numbers is None or numbers in (X86, ARM)
    assert expected == classify_sleep(call, channel, X86 if numbers is X86 else ARM if numbers else None)


def test_poll_futex_and_sleep_need_no_wait_channel() -> None:
    """The first try is enough for them, which spares a read; others ask for the wait channel."""
    assert classify_sleep(b"230 0x1 0x1 0x7fff8cba6890 0x0" + REST, None, X86) == ThreadState.SLEEPING
    assert classify_sleep(b"7 0x7f 0x1 0x1388 0x1" + REST, None, X86) == ThreadState.POLLING
    assert classify_sleep(b"0 0x3 0x7f 0x1 0x7f" + REST, None, X86) is None
    assert classify_sleep(UNREADABLE, None, X86) is None


def test_machines_of_unknown_numbers_have_none() -> None:
    """There the wait channel decides alone."""
    assert system_calls("sparc64") is None


@given(st.binary(max_size=80), st.binary(max_size=40))
def test_garbage_never_raises(call: bytes, channel: bytes) -> None:
    """Whatever the files hold, a sleeping thread gets a class."""
    assert isinstance(classify_sleep(call, channel, X86), ThreadState)


@given(st.binary(max_size=60))
def test_a_broken_stat_file_has_no_letter(data: bytes) -> None:
    """One character, or none."""
    assert len(state_letter(data)) <= 1


def test_the_letter_comes_after_the_last_parenthesis() -> None:
    """A thread may be called ") R (x"."""
    assert state_letter(b"7 () R (x) D 1 7") == "D"


def test_remote_file_systems_are_known_by_their_wait_channels() -> None:
    """The wait on a page of the page cache is not among them: it is the same for a local disk."""
    names = [
        "rpc_wait_bit_killable",
        "fuse_get_req",
        "cifs_call_async",
        "folio_wait_bit_common",
        "io_schedule",
    ]
    assert [is_remote(name) for name in names] == [True, True, True, False, False]
