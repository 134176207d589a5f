"""The /proc/stat that the benchmark writes for a machine of many cores."""

from __future__ import annotations

from pathlib import Path

from gpumon.model.clock import Instant
from gpumon.model.measure import Missing
from gpumon.sources.host import HostSource
from tests.bench.many_cores import stat_text


def test_each_core_has_its_own_share_and_the_file_keeps_its_length(tmp_path: Path) -> None:
    """As gpumon reads it, second by second."""
    path = tmp_path / "stat"
    path.write_bytes(stat_text(128, 0.0, "intr 1\n"))
    source = HostSource(str(tmp_path), str(tmp_path))
    source.read(Instant(0.0, 0.0))
    for second in (1.0, 2.0, 3.0, 4.0):
        text = stat_text(128, second, "intr 1\n")
        assert len(text) == path.stat().st_size
        path.write_bytes(text)
        cores = source.read(Instant(second, second)).cores
        assert not isinstance(cores, Missing)
        shares = {round(core.cpu_busy_ratio, 2) for core in cores}
        assert len(cores) == 128
        assert len(shares) > 16
        assert all(0.0 <= core.cpu_busy_ratio <= 1.0 for core in cores)
    source.close()
