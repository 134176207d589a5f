"""A short soak: a day of minutes with everything in it that a week has."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from tests.soak.ledger import Ledger

ROOT = Path(__file__).resolve().parents[2]
_DAY_SECONDS = 240


def _soak(ledger: Path, days: int) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [
            *(sys.executable, "-m", "tests.soak", "--day-seconds", str(_DAY_SECONDS), "--interval", "2"),
            *("--days", str(days), "--keys", str(300 * days), "--minutes", "1", "--resume", str(ledger)),
        ],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )


def test_a_day_of_four_minutes_goes_by_without_a_defect(tmp_path: Path) -> None:
    """Trainings, troubles, jumps of the clock, sizes and 300 keys: nothing fails and nothing is lost."""
    path = tmp_path / "soak.json"
    finished = _soak(path, 1)

    assert (0, "") == (finished.returncode, finished.stderr)
    ledger = Ledger.load(path)
    assert {} == ledger.defects
    assert _DAY_SECONDS // 2 == ledger.samples
    assert 295 <= ledger.keys <= 300
    assert ledger.trainings >= 14
    assert 24 == ledger.resizes
    assert len(ledger.screens) >= 8
    assert 0 < ledger.recorded <= ledger.samples
    assert "all is well" in finished.stdout
