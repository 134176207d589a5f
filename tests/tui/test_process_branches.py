"""The tree of processes: everybody once, below the parent, folded where it was folded."""

from __future__ import annotations

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from gpumon.model.process import ProcessId, ProcessReading, Role
from gpumon.paint.glyphs import UNICODE
from gpumon.tui.widgets.process_branches import branches, parent_of

_PIDS = st.integers(1, 12)


def _process(pid: int, parent: int) -> ProcessReading:
    return ProcessReading(ProcessId(pid, pid), parent, Role.OTHER, "python", ("python",), "ann", "S")


@st.composite
def _families(draw: st.DrawFn) -> list[ProcessReading]:
    """Processes whose parents are any: among them, outside, themselves, or round in a circle."""
    pids = draw(st.lists(_PIDS, unique=True, max_size=12))
    return [_process(pid, draw(_PIDS)) for pid in pids]


@given(_families(), st.sets(_PIDS), st.booleans())
def test_everybody_is_shown_once_or_counted_as_folded(
    family: list[ProcessReading], folded: set[int], newest_first: bool
) -> None:
    """Rows and what is hidden below them make up all processes, whatever their parents are."""
    marks = {ProcessId(pid, pid) for pid in folded}
    found = list(branches(family, UNICODE, marks, newest_first=newest_first))
    shown = Counter(branch.process.id for branch in found)

    assert set(shown.values()) <= {1}
    assert len(family) == len(found) + sum(branch.hidden for branch in found)


@given(_families())
def test_a_parent_comes_before_its_children(family: list[ProcessReading]) -> None:
    """Who stands beside a branch has its parent above."""
    found = list(branches(family, UNICODE))
    places = {branch.process.id: place for place, branch in enumerate(found)}
    for branch in found:
        parent = parent_of(branch.process, family)
        if branch.lines and parent is not None:
            assert places[parent.id] < places[branch.process.id]


def test_lines_join_and_folding_counts_all_below() -> None:
    """Grandchildren are counted too, and come back unchanged."""
    family = [_process(1, 0), _process(2, 1), _process(3, 2), _process(4, 1)]

    assert ["", "├─ ", "│  └─ ", "└─ "] == [branch.lines for branch in branches(family, UNICODE)]
    folded = list(branches(family, UNICODE, {ProcessId(1, 1)}))
    assert [(1, 3)] == [(branch.process.id.pid, branch.hidden) for branch in folded]
    assert [1, 4, 2, 3] == [branch.process.id.pid for branch in branches(family, UNICODE, newest_first=True)]
