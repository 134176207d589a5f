"""What a thread waits for, from its state, its wait channel and its system call."""

from __future__ import annotations

from enum import IntEnum
from typing import NamedTuple

from gpumon.model.measure import Maybe, Missing


class ThreadState(IntEnum):
    """The classes of gpumon.model.process.ThreadStates, as indexes of a list of counts.

    RECEIVING, a read from a Unix socket, is a sleep as any other but for who waits for a batch.
    """

    RUNNING = 0
    POLLING = 1
    FUTEX_TIMED = 2
    FUTEX_UNTIMED = 3
    DISK = 4
    REMOTE = 5
    SLEEPING = 6
    STOPPED = 7
    RECEIVING = 8


class SystemCalls(NamedTuple):
    """Numbers of the system calls that say what a thread waits for. `poll` is absent on newer machines.

    `naps` wait for nothing but time, or for several descriptors at once, whatever the kernel does in them.
    """

    poll: int | None
    ppoll: int
    futex: int
    futex_waitv: int
    restart: int
    naps: frozenset[int]


# asm/unistd_64.h, and asm-generic/unistd.h for the two others.
# naps: nanosleep, clock_nanosleep, select, pselect6, epoll_wait, epoll_pwait, as far as there are any.
_GENERIC = SystemCalls(
    poll=None, ppoll=73, futex=98, futex_waitv=449, restart=128, naps=frozenset({101, 115, 72, 22})
)
_NUMBERS = {
    "x86_64": SystemCalls(
        poll=7,
        ppoll=271,
        futex=202,
        futex_waitv=449,
        restart=219,
        naps=frozenset({35, 230, 23, 270, 232, 281}),
    ),
    "aarch64": _GENERIC,
    "riscv64": _GENERIC,
}

# torch.utils.data._utils.MP_STATUS_CHECK_INTERVAL = 5.0 s: the main process waits for a batch, and a
# worker for an index, in polls of this length on the one pipe of a multiprocessing queue.
_POLL_MILLISECONDS = 5000

# Names of kernel functions; they change between versions, so they are matched by their beginnings.
_POLL = ("poll_schedule_timeout", "do_poll", "do_sys_poll")
_FUTEX = ("futex_", "do_futex", "__futex")
_RECEIVE = "unix_stream_"
_REMOTE = (
    "rpc_",
    "__rpc_",
    "xprt_",
    "nfs",
    "request_wait_answer",
    "fuse_",
    "__fuse_",
    "ceph_",
    "cifs_",
    "smb2_",
    "wait_for_response",
    "p9_",
    "v9fs_",
    "afs_",
    "netfs_",
    "ptlrpc_",
    "osc_",
    "cl_sync_io",
)


def system_calls(machine: str) -> SystemCalls | None:
    """Return the numbers for a machine as `uname -m` names it, or None where they are not known."""
    return _NUMBERS.get(machine)


def state_letter(stat: bytes) -> str:
    """Return the state in a stat file: the letter after the last ')', or "" where there is none."""
    place = stat.rfind(b")") + 2
    return chr(stat[place]) if 1 < place < len(stat) else ""


def is_remote(wait_channel: str) -> bool:
    """Tell whether a wait channel is that of a network file system or FUSE."""
    return wait_channel.startswith(_REMOTE)


def classify_sleep(
    call: Maybe[bytes], wait_channel: Maybe[bytes] | None, numbers: SystemCalls | None
) -> ThreadState | None:
    """Return the class of a thread in state S, or None where its wait channel is needed for that.

    `call` is /proc/PID/task/TID/syscall: the number and six arguments in hex, or "running" when the
    thread has run on by now. `wait_channel` is None on the first try, which is enough for poll, futex and
    sleep: reading one file less halves the cost. Where the call cannot be read (it needs the right to trace)
    the wait channel alone decides: a poll counts as torch's, and a futex as one with a timeout, because the
    main thread of a training hardly ever waits on one without.
    """
    words = b"" if isinstance(call, Missing) else call
    fields = words.split()
    if fields[:1] == [b"running"]:
        return ThreadState.RUNNING
    if numbers is not None and len(fields) >= 5:
        try:
            number, arguments = int(fields[0]), [int(field, 16) for field in fields[1:5]]
        except ValueError:
            pass
        else:
            known = _by_call(number, arguments, numbers)
            if known is not None:
                return known
            if number != numbers.restart:
                return None if wait_channel is None else _by_channel(wait_channel, ThreadState.SLEEPING)
            return None if wait_channel is None else _by_restart(wait_channel, arguments)
    return None if wait_channel is None else _by_channel(wait_channel, None)


def _by_call(number: int, arguments: list[int], numbers: SystemCalls) -> ThreadState | None:
    """Return the class where the system call alone decides it."""
    if number == numbers.poll:
        return _poll(arguments)
    if number == numbers.ppoll:
        # Its timeout is behind a pointer: one descriptor and any timeout must do.
        return ThreadState.POLLING if arguments[1] == 1 and arguments[2] else ThreadState.SLEEPING
    if number in (numbers.futex, numbers.futex_waitv):
        return ThreadState.FUTEX_TIMED if arguments[3] else ThreadState.FUTEX_UNTIMED
    return ThreadState.SLEEPING if number in numbers.naps else None


def _poll(arguments: list[int]) -> ThreadState:
    torch_like = arguments[1] == 1 and arguments[2] == _POLL_MILLISECONDS
    return ThreadState.POLLING if torch_like else ThreadState.SLEEPING


def _by_restart(wait_channel: Maybe[bytes], arguments: list[int]) -> ThreadState:
    """Return the class of a call that goes on after SIGSTOP and SIGCONT: restart_syscall, same arguments.

    Of futexes only those with a timeout go on this way (futex_wait in kernel/futex/waitwake.c).
    """
    name = _name(wait_channel)
    if name.startswith(_POLL):
        return _poll(arguments)
    return ThreadState.FUTEX_TIMED if name.startswith(_FUTEX) else ThreadState.SLEEPING


def _by_channel(wait_channel: Maybe[bytes], otherwise: ThreadState | None) -> ThreadState:
    """Return the class by the wait channel; `otherwise` where poll and futex are ruled out already."""
    name = _name(wait_channel)
    if is_remote(name):
        return ThreadState.REMOTE
    if name.startswith(_RECEIVE):
        return ThreadState.RECEIVING
    if otherwise is not None:
        return otherwise
    if name.startswith(_POLL):
        return ThreadState.POLLING
    return ThreadState.FUTEX_TIMED if name.startswith(_FUTEX) else ThreadState.SLEEPING


def _name(wait_channel: Maybe[bytes]) -> str:
    return "" if isinstance(wait_channel, Missing) else wait_channel.decode("ascii", "replace")
