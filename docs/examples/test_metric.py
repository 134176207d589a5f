"""Received bytes are read, and are a measure like any other."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from gpumon.history.history import window_of
from gpumon.model.clock import Instant
from gpumon.model.document import document
from gpumon.model.measure import Missing
from gpumon.model.metrics import METRICS
from gpumon.sources.host import HostSource
from gpumon.sources.network import NetworkSource
from tests.unit.full_report import full_report

NAME = "network_received_bytes_per_second"
DEV = "Inter-|   Receive\n face |bytes    packets\n    lo: {lo} 1 0\n  eth0: {eth} 9 0\n"


def test_received_bytes_are_a_rate(tmp_path: Path) -> None:
    """Of all networks but the loopback, since the last reading."""
    file = tmp_path / "net" / "dev"
    file.parent.mkdir()
    file.write_text(DEV.format(lo=10, eth=1000), encoding="ascii")
    source = NetworkSource(str(tmp_path))
    assert isinstance(source.read(Instant(0.0, 0.0)), Missing)
    file.write_text(DEV.format(lo=99, eth=3000), encoding="ascii")
    assert source.read(Instant(4.0, 4.0)) == 500.0
    source.close()


def test_the_machine_has_it() -> None:
    """The host's source fills it, on the machine that runs the test too."""
    source = HostSource()
    source.read(Instant(0.0, 0.0))
    assert hasattr(source.read(Instant(1.0, 1.0)), NAME)
    source.close()


def test_it_is_a_measure_like_any_other() -> None:
    """The table reads it, the history keeps it, the JSON has it."""
    report = full_report()
    sample = replace(report.sample, host=replace(report.sample.host, **{NAME: 2e6}))
    metric = next(metric for metric in METRICS if metric.name == NAME)
    assert list(metric.read(sample)) == [("", 2e6)]
    column = window_of([sample]).series(NAME, "", columns=1, span_seconds=10.0)[-1]
    assert column is not None
    assert column.mean == 2e6
    assert document(replace(report, sample=sample), "0")["host"][NAME] == 2e6
