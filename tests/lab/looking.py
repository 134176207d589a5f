"""A recorder started on a training, with what happens around it meanwhile."""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_CHECKOUT = Path(__file__).parents[2]
# Counters of the driver grow in steps of this: small beside the second between two samples.
_BEAT_SECONDS = 0.2


class RunFailedError(RuntimeError):
    """The run made no recording, or none that can be used; with the end of what was printed."""


@dataclass(frozen=True, slots=True)
class Looking:
    """Who is looked at for how long, where its stamps are, and in which environment gpumon looks."""

    pid: int
    seconds: float
    stamps: Path
    environ: Mapping[str, str]

    def record(self, truth: Mapping[str, Any], path: Path, meanwhile: Callable[[], None]) -> dict[str, Any]:
        """Write the recording; return the truth with the measured figures. Raises RunFailedError."""
        truth_path = path.with_suffix(".truth")
        truth_path.write_text(json.dumps(truth))
        words = [str(self.pid), str(self.seconds), str(self.stamps), str(truth_path), str(path)]
        with subprocess.Popen(
            [sys.executable, "-m", "tests.lab.record", *words],
            cwd=_CHECKOUT,
            env=self.environ,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        ) as looker:
            while looker.poll() is None:
                meanwhile()
                with contextlib.suppress(subprocess.TimeoutExpired):
                    looker.wait(_BEAT_SECONDS)
            said = looker.stdout.read() if looker.stdout else ""
        truth_path.unlink()
        if looker.returncode or not path.exists():
            raise RunFailedError(said[-2000:])
        first, *others = said.splitlines()
        if others:
            print("\n".join(others), flush=True)
        found: dict[str, Any] = json.loads(first)
        return found
