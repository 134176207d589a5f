"""How the tests are dealt out to the workers of `pytest -n 2`. Without xdist nothing of this is used."""

from __future__ import annotations

from xdist.scheduler import LoadScopeScheduling

# Trainings whose wait is measured, and one that has to be found again by itself: one after the other.
WATCHED = tuple(f"tests/lab/test_{one}.py" for one in ("ddp", "read_counter", "ready", "reported"))


class ByFile(LoadScopeScheduling):  # type: ignore[misc]  # xdist tells no types
    """A worker takes the tests of one file at a time, or all of WATCHED."""

    def _split_scope(self, nodeid: str) -> str:
        file = nodeid.partition("::")[0]
        return "watched" if file in WATCHED else file
