"""The parsers of /proc/PID."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from gpumon.model.measure import Missing
from gpumon.sources.proc_fields import (
    IoCounters,
    ProcessStat,
    ProcessStatus,
    SchedStat,
    parse_io,
    parse_pss,
    parse_schedstat,
    parse_sleeps,
    parse_stat,
    parse_status,
    split_arguments,
)
from tests.sources.fake_proc import stat_line

NAMES = st.text(alphabet=st.characters(codec="utf-8", exclude_characters="\0"), max_size=15)


@pytest.mark.parametrize(
    "parse", [parse_stat, parse_status, parse_io, parse_schedstat, parse_sleeps, parse_pss]
)
@given(data=st.binary(max_size=400))
@example(data=b"1 (x) ")
@example(data=b")(")
@example(data=b"1 (a) S " + b"9" * 5000)
@example(data=b"\nUid:\n\nNSpid:\tx")
@example(data=b"\nPss:")
def test_garbage_never_raises(parse: Callable[[bytes], object], data: bytes) -> None:
    """Whatever a file holds, a parser returns its noun or Missing."""
    assert isinstance(parse(data), (tuple, int, Missing))


@given(name=NAMES)
@example(name="a) S 1 (b")
@example(name="\n) R 9 9")
@example(name="")
def test_any_name_leaves_the_fields_of_stat_in_place(name: str) -> None:
    """A process may be called anything, with parentheses, spaces and line ends."""
    stat = parse_stat(stat_line(7, name, "D", start=42, parent=3, ticks=11).encode())
    assert stat == ProcessStat(7, name.encode(), "D", 3, False, 11, 3, 42, 100, 1, b"0 0")


def test_a_stat_line_that_is_cut_is_missing() -> None:
    """A short line has no start time, and so no identity."""
    assert parse_stat(b"7 (python) S 1 7 7") == Missing("its stat file could not be understood")


def test_status_gives_user_and_pids_in_namespaces() -> None:
    """The real user, and the PIDs from outside to inside; old kernels have no NSpid."""
    text = b"Name:\tpython\nUid:\t1000\t0\t0\t0\nGid:\t1\t1\t1\t1\nNSpid:\t4100\t12\n"
    assert parse_status(text) == ProcessStatus(1000, (4100, 12))
    assert parse_status(b"Name:\tx\nUid:\t5\t5\t5\t5\n") == ProcessStatus(5, ())


def test_io_is_read_by_key() -> None:
    """The order of keys does not matter, and more keys do no harm."""
    text = (
        b"rchar: 1\nwchar: 2\nsyscr: 3\nsyscw: 4\nread_bytes: 5\nwrite_bytes: 6\ncancelled_write_bytes: 7\n"
    )
    assert parse_io(text) == IoCounters(1, 3, 5, 6)


def test_schedstat_gives_run_wait_and_turns() -> None:
    """Nanoseconds on a core, nanoseconds waiting for one, and turns on a core."""
    assert parse_schedstat(b"123 45 6\n") == SchedStat(123, 45, 6)


def test_sleeps_are_the_voluntary_switches() -> None:
    """Not the nonvoluntary ones, whose line ends alike."""
    text = b"Name:\tx\nvoluntary_ctxt_switches:\t12\nnonvoluntary_ctxt_switches:\t345\n"
    assert parse_sleeps(text) == 12
    assert isinstance(parse_sleeps(b"Name:\tx\nnonvoluntary_ctxt_switches:\t345\n"), Missing)


def test_pss_is_in_bytes() -> None:
    """smaps_rollup speaks of kB; Pss_Dirty and others are not Pss."""
    assert (
        parse_pss(b"00400000-7ff0 ---p 0 0:0 0 [rollup]\nRss: 9 kB\nPss:   3 kB\nPss_Dirty: 1 kB\n") == 3072
    )


@given(st.lists(st.binary(max_size=8).filter(lambda piece: b"\0" not in piece), max_size=6))
def test_argv_is_split_as_it_was_given(arguments: list[bytes]) -> None:
    """Empty arguments survive, also at the end."""
    data = b"".join(argument + b"\0" for argument in arguments)
    assert split_arguments(data) == (tuple(arguments), True)


def test_a_title_over_argv_is_not_exact() -> None:
    """Programs that write a title leave no NUL at the end, or many."""
    assert split_arguments(b"nginx: worker") == ((b"nginx: worker",), False)
    assert split_arguments(b"nginx: worker" + b"\0" * 40) == ((b"nginx: worker",), False)


def test_an_argv_without_end_is_cut() -> None:
    """64 KiB of NULs do not become 64 thousand arguments."""
    arguments, exact = split_arguments(b"a\0" * 30_000)
    assert (len(arguments), exact) == (4096, False)
