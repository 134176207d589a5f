"""Made-up traces: samples of the synthetic training with a truth, for tests of the scoring."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

from gpumon.model.sample import Sample
from tests.unit.synthetic_training import HEALTHY, STARVED, Scene

TWO_WORKERS = {"workers": 2}
# What the starved training of the synthetic scenes would do: 8 cores, a GPU that takes 152 images a second.
GRID = [
    {"settings": {"workers": count}, "images_per_second": rate}
    for count, rate in ((1, 45.0), (2, 90.0), (4, 150.0), (8, 152.0))
]
STARVED_TRUTH = {
    "scenario": "few",
    "labels": ["starved-too-few-workers"],
    "data_wait_ratio": 0.41,
    "images_per_second": 90.0,
    "fed_images_per_second": 152.5,
    "settings": TWO_WORKERS,
    "grid": GRID,
}
HEALTHY_TRUTH = {"scenario": "healthy", "labels": ["compute-bound"], "data_wait_ratio": 0.0}


@dataclass(frozen=True)
class MadeUpAbout:
    """What a made-up trace says about itself."""

    truth: str


@dataclass(frozen=True)
class MadeUpTrace:
    """A trace of scenes that follow each other."""

    name: str
    scenes: Sequence[Scene]
    truth: dict[str, object] = field(default_factory=dict)

    @property
    def about(self) -> MadeUpAbout:
        """What it says about itself."""
        return MadeUpAbout(json.dumps(self.truth) if self.truth else "")

    def samples(self) -> Iterator[Sample]:
        """Yield the seconds of all scenes in a row."""
        passed = 0
        for scene in self.scenes:
            for sample in scene.samples():
                moment = replace(
                    sample.instant, unix_seconds=1.7e9 + passed, monotonic_seconds=1000.0 + passed
                )
                yield replace(sample, sequence=passed, instant=moment)
                passed += 1


def starved(seconds: int = 30, **truth: object) -> MadeUpTrace:
    """Return a starved training."""
    return MadeUpTrace("few-high", (replace(STARVED, seconds=seconds),), {**STARVED_TRUTH, **truth})


def healthy(seconds: int = 30, **truth: object) -> MadeUpTrace:
    """Return a healthy one."""
    return MadeUpTrace("healthy", (replace(HEALTHY, seconds=seconds),), {**HEALTHY_TRUTH, **truth})
