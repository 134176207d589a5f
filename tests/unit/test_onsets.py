"""Which findings raise an alert, and how often."""

from __future__ import annotations

from gpumon.model.finding import Severity
from gpumon.model.report import Report
from gpumon.monitor.onsets import Onsets
from tests.unit.told import WARNING, finding, told

_OTHER = "starved-local-disk"


def _alerts(*reports: Report, muted: frozenset[str] = frozenset()) -> list[tuple[int, str]]:
    """Return (second, id) of each alert."""
    onsets = Onsets()
    return [
        (report.sample.sequence, alert.finding.id)
        for report in reports
        for alert in onsets.read(report, muted)
    ]


def test_a_warning_alerts_when_it_begins() -> None:
    """Once, however long it stays."""
    assert [(2, WARNING)] == _alerts(told(1), *(told(second, WARNING) for second in range(2, 200)))


def test_information_raises_no_alert() -> None:
    """Only findings of severity warning and above do."""
    info = finding("compute-bound", Severity.INFO)
    critical = finding("nan-loss", Severity.CRITICAL)

    assert [(3, "nan-loss")] == _alerts(told(2, info), told(3, info, critical))


def test_what_comes_and_goes_alerts_once() -> None:
    """A finding that is away for less than a minute was not over."""
    assert [(1, WARNING)] == _alerts(
        *(told(second, *([WARNING] if second % 50 == 1 else [])) for second in range(1, 300))
    )


def test_after_a_minute_without_it_alerts_again() -> None:
    """What comes back after a minute is news."""
    assert [(1, WARNING), (62, WARNING)] == _alerts(told(1, WARNING), told(2), told(62, WARNING))


def test_a_verdict_that_wavers_tells_each_cause_once() -> None:
    """While the training waits for data, its cause may change back and forth for hours."""
    reports = (told(second, WARNING if second // 100 % 2 else _OTHER) for second in range(1000))

    assert [(0, _OTHER), (100, WARNING)] == _alerts(*reports)


def test_a_muted_finding_raises_no_alert() -> None:
    """Nor later, when it is no longer muted while it is still there."""
    onsets = Onsets()
    first = onsets.read(told(1, WARNING, "vram-growth"), {WARNING})
    later = onsets.read(told(2, WARNING), set())

    assert ["vram-growth"] == [alert.finding.id for alert in first]
    assert later == ()


def test_information_that_becomes_a_warning_alerts() -> None:
    """It begins when it becomes serious."""
    mild = finding("unclear", Severity.INFO)

    assert [(2, "unclear")] == _alerts(told(1, mild), told(2, "unclear"))


def test_the_findings_of_an_ended_training_raise_none() -> None:
    """Nothing can be done about them any more."""
    assert [] == _alerts(told(1, WARNING, ended=True))


def test_an_alert_is_one_line() -> None:
    """Its id, then its sentence."""
    (alert,) = Onsets().read(told(1, WARNING))

    assert alert.text == f"{WARNING}: it waits"
