"""Cores that stand together where there are more of them than rows."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from gpumon.model.core_list import MOST_CORES, core_list, core_numbers
from gpumon.paint.core_groups import Domains, core_groups

CORES = tuple(range(128))
# Two sockets of four caches with eight cores each; second threads are numbered after all first ones.
CACHES: Domains = tuple(
    (cache // 4, (*range(cache * 8, cache * 8 + 8), *range(64 + cache * 8, 72 + cache * 8)))
    for cache in range(8)
)


def test_each_core_has_a_row_where_there_are_enough() -> None:
    """Domains change nothing then."""
    assert core_groups((3, 5), 2, ((0, (3,)), (1, (5,)))).members == ((0,), (1,))


def test_the_cores_of_a_cache_stand_together() -> None:
    """Both threads of each core, a row for each cache."""
    groups = core_groups(CORES, 10, CACHES)
    assert groups.by == "L3"
    assert groups.members == tuple(members for _, members in CACHES)


def test_a_cache_has_several_rows_where_there_is_room() -> None:
    """As many as each of them can have."""
    groups = core_groups(CORES, 20, CACHES)
    assert [len(group) for group in groups.members] == [8] * 16
    assert groups.members[:2] == (tuple(range(8)), tuple(range(64, 72)))


def test_nodes_stand_together_where_the_caches_are_too_many() -> None:
    """Whole caches of a node share a row."""
    groups = core_groups(CORES, 5, CACHES)
    assert groups.by == "node"
    assert [len(group) for group in groups.members] == [32] * 4
    assert set(groups.members[0]) == {*CACHES[0][1], *CACHES[1][1]}


def test_neighbours_stand_together_where_nothing_parts_them() -> None:
    """One cache for all, none known, or lists that leave a core out."""
    plain = core_groups(CORES, 20)
    assert (plain.by, [len(group) for group in plain.members]) == ("", [8] * 16)
    assert core_groups(CORES, 20, ((0, CORES),)) == plain
    assert core_groups(CORES, 20, CACHES[1:]) == plain


@given(
    st.lists(st.integers(0, 300), min_size=1, max_size=300, unique=True).map(sorted).map(tuple),
    st.integers(1, 60),
    st.integers(1, 40),
    st.integers(1, 5),
)
def test_every_core_is_in_one_group_and_the_groups_have_room(
    cores: tuple[int, ...], rows: int, size: int, caches: int
) -> None:
    """Whatever cores are online."""
    domains: Domains = tuple(
        (number % caches, tuple(cores[first : first + size]))
        for number, first in enumerate(range(0, len(cores), size))
    )
    groups = core_groups(cores, rows, domains)
    assert sorted(position for group in groups.members for position in group) == list(range(len(cores)))
    assert len(groups.members) <= rows
    if groups.by == "L3":
        parts = [{cores.index(core) for core in members} for _, members in domains]
        assert all(any(set(group) <= part for part in parts) for group in groups.members)


@given(st.sets(st.integers(0, MOST_CORES - 1), min_size=1, max_size=200).map(sorted))
def test_a_list_of_cores_reads_back(cores: list[int]) -> None:
    """As the kernel writes it."""
    assert core_numbers(core_list(cores)) == tuple(cores)


@given(st.one_of(st.text(max_size=40), st.sampled_from(["0-9999999", "5-2", "-", "1,,2", "0-8192", "²"])))
def test_what_is_no_list_is_bounded(text: str) -> None:
    """It may come from a file of anybody's."""
    assert len(core_numbers(text)) <= MOST_CORES


def test_nonsense_is_no_list() -> None:
    """Half of one is none either."""
    for text in ("", "0-9999999", "5-2", "-", "1,,2", "0-8192", "²", "0 1"):
        assert core_numbers(text) == ()
