"""What a watch tells to be over."""

from __future__ import annotations

from gpumon.model.finding import Severity
from gpumon.model.report import Report
from gpumon.model.training import Ending
from gpumon.monitor.episodes import Episodes
from gpumon.monitor.onsets import Onsets
from gpumon.sinks.endings import End, Endings, Over
from tests.tui.fakes import MAIN_PID
from tests.unit.told import WARNING, finding, told


class _Watch:
    """What follows findings, their begins and their ends, as a watch does."""

    def __init__(self) -> None:
        self._episodes = Episodes()
        self._onsets = Onsets()
        self._endings = Endings()

    def read(self, report: Report) -> list[Over | End]:
        """Take in a report; return what is over."""
        self._episodes.read(report)
        for alert in self._onsets.read(report):
            self._endings.begin(alert)
        return list(self._endings.read(report, self._episodes.all()))


def test_a_finding_is_over_after_a_minute_without_it() -> None:
    """Once, with the moment from which it was gone."""
    watch = _Watch()
    watch.read(told(0))
    found = [(second, watch.read(told(second, WARNING))) for second in (1, 2, 3)]
    found += [(second, watch.read(told(second))) for second in (4, 40, 63, 64, 65, 200)]
    ((second, (over,)),) = [(second, ends) for second, ends in found if ends]

    assert second == 64
    assert isinstance(over, Over)
    assert (WARNING, 3.0) == (over.episode.id, over.episode.lasted_seconds(over.report.sample.instant))


def test_one_that_is_back_within_the_minute_goes_on() -> None:
    """Neither its end nor a second begin is told."""
    watch = _Watch()
    seconds = [(1, True), (5, False), (50, True), (51, False), (100, False), (110, True)]

    assert [] == [
        over
        for second, is_there in seconds
        for over in watch.read(told(second, *([WARNING] if is_there else [])))
    ]


def test_what_was_not_told_to_begin_is_not_told_to_be_over() -> None:
    """Findings of severity info raise no alert, and have no end."""
    watch = _Watch()
    info = finding("compute-bound", Severity.INFO)
    reports = [told(1, info), told(2), told(100)]

    assert [] == [over for report in reports for over in watch.read(report)]


def test_the_end_of_a_training_ends_its_findings_at_once() -> None:
    """Its findings first, then itself; each once."""
    watch = _Watch()
    watch.read(told(1, WARNING))
    over, end = watch.read(told(2, WARNING, ended=True))

    assert isinstance(over, Over)
    assert isinstance(end, End)
    ended = end.reading.ended
    assert (WARNING, MAIN_PID) == (over.episode.id, end.reading.training.id.pid)
    assert ended is not None
    assert ended.how is Ending.FINISHED
    assert [] == watch.read(told(3, WARNING, ended=True))
