"""How many of a training's newest optimizer steps its GradScaler skipped, from one report to the next."""

from __future__ import annotations

from gpumon.model.measure import Maybe, Missing
from gpumon.sources.reporter_file import ReportCounts

NO_SCALER = Missing("no GradScaler is used")
_LEAST_STEPS = 20


class StepsWatch:
    """Steps of a GradScaler and those that it skipped, from look to look."""

    def __init__(self) -> None:
        """Have seen nothing yet."""
        self._marks: tuple[tuple[int, int], ...] = ()

    def see(self, counts: ReportCounts) -> None:
        """Take in a report."""
        mark = (counts.scaler_steps, counts.scaler_skips)
        if self._marks and (mark[0] < self._marks[-1][0] or mark[1] < self._marks[-1][1]):
            self._marks = ()
        if not self._marks or mark != self._marks[-1]:
            self._marks = (*self._marks, mark)
        # The newest mark that lies far enough back, and those after it.
        old = [number for number, one in enumerate(self._marks) if mark[0] - one[0] >= _LEAST_STEPS]
        self._marks = self._marks[old[-1] if old else 0 :]

    @property
    def skipped_ratio(self) -> Maybe[float]:
        """The share of the newest steps that was skipped; missing before 20 steps were seen."""
        if not self._marks or not self._marks[-1][0]:
            return NO_SCALER
        steps, skips = (self._marks[-1][place] - self._marks[0][place] for place in (0, 1))
        if steps < _LEAST_STEPS:
            return Missing(f"fewer than {_LEAST_STEPS} optimizer steps were seen")
        return min(1.0, skips / steps)
