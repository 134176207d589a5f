"""Reports that tell of chosen findings at chosen seconds."""

from __future__ import annotations

from dataclasses import replace

from gpumon.model.finding import Finding, Severity
from gpumon.model.report import Report, TrainingReport
from gpumon.model.training import Ended, Ending
from tests.tui.fakes import MAIN_PID, START_UNIX_SECONDS, fake_report

WARNING = "starved-too-few-workers"


def finding(name: str = WARNING, severity: Severity = Severity.WARNING, text: str = "it waits") -> Finding:
    """Return a finding of that id."""
    return Finding(name, severity, text, START_UNIX_SECONDS)


def told(second: int, *findings: Finding | str, ended: bool = False) -> Report:
    """Return the report of that second; a name is a warning of that id."""
    report = fake_report("starved", second=second)
    found = tuple(finding(each) if isinstance(each, str) else each for each in findings)
    sample = report.sample
    if ended:
        over = Ended(Ending.FINISHED, "100 of 100 epochs", sample.instant.unix_seconds)
        sample = replace(sample, trainings=(replace(sample.trainings[0], ended=over),))
    return replace(report, sample=sample, trainings=(TrainingReport(MAIN_PID, found, settled=True),))
