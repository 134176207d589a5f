"""Trainings on a simulated clock: healthy hours, longer than any trace of the library, and waits that begin.

Batches go through the queue model of PyTorch's DataLoader (in-order delivery, two ahead per worker) with
services that vary and have a tail; gpumon's looks at the main thread are drawn from it at 20 a second, with
their jitter. Every epoch ends with a validation and a checkpoint, in which the workers fill their queues.
Nothing is read of a machine: these controls say how often chance alone raises an alarm, not how often a real
machine does.
"""

from __future__ import annotations

import json
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from random import Random

from gpumon.model.sample import Sample
from gpumon.model.training import Phase
from tests.lab.score_truth import HEALTHY
from tests.unit.synthetic_training import HEALTHY as SCENE
from tests.unit.synthetic_training import LOOKS, Scene

HOUR = 3600
_START_SECONDS = 8
_AHEAD = 2
# A validation waits for data too: its batches are twice as large and take the GPU less time.
_VALIDATION_BUSY = 0.6
_LONGEST_SERVICE_SECONDS = 30.0


@dataclass(frozen=True, slots=True)
class LongAbout:
    """What a simulated run says about itself."""

    truth: str


@dataclass(frozen=True, slots=True)
class Course:
    """What happened, as (start, end) in seconds: waits, steps of the GPU, work, gaps.

    Waits, steps and gaps are in order and apart; work is in the order of its ends.
    """

    waits: list[tuple[float, float]]
    steps: list[tuple[float, float]]
    work: list[tuple[float, float]]
    gaps: list[tuple[float, float, Phase]]


@dataclass(frozen=True)
class LongRun:
    """An hour, or `seconds`, of a healthy training whose numbers are drawn from `seed`.

    With `slower_from` its batches take longer to load from that second on: then it waits for 20 to 60 % of
    its time, for want of workers.
    """

    seed: int
    seconds: int = HOUR
    slower_from: int | None = None

    @property
    def name(self) -> str:
        """What it is called in a score."""
        return f"healthy-hours-{self.seed}" if self.slower_from is None else f"onset-{self.seed}"

    @property
    def about(self) -> LongAbout:
        """Its truth: nothing is the matter, or too few workers from some second on."""
        if self.slower_from is not None:
            onset = {
                "scenario": self.name,
                "labels": ["starved-too-few-workers"],
                "proof": "simulated",
                "onset_seconds": float(self.slower_from),
            }
            return LongAbout(json.dumps(onset))
        waited = sum(
            min(end, self.seconds) - start for start, end in self.course.waits if start < self.seconds
        )
        gaps = sum(end - start for start, end, _ in self.course.gaps)
        truth = {
            "scenario": self.name,
            "labels": [HEALTHY],
            "control": True,
            "proof": "simulated",
            "data_wait_ratio": waited / max(self.seconds - gaps, 1.0),
        }
        return LongAbout(json.dumps(truth))

    @cached_property
    def course(self) -> Course:
        """The whole run, batch by batch."""
        random = Random(self.seed)  # noqa: S311 - a reproducible draw
        step = random.uniform(0.05, 0.4)
        workers = self.workers
        # The loader could do 1.03 to 2 times what the GPU takes.
        service = step * workers / random.uniform(1.03, 2.0)
        spread, epoch = random.uniform(0.05, 0.25), random.randrange(200, 1200)
        # Drawn apart, so that the healthy hours stay what they are.
        wait = Random(self.seed + 2).uniform(0.2, 0.6)  # noqa: S311 - a reproducible draw
        slow_service = step * workers / (1.0 - wait)
        slower_from = float("inf") if self.slower_from is None else float(self.slower_from)
        taken: list[float] = []
        free = [float(_START_SECONDS)] * workers
        course = Course([], [], [], [(0.0, float(_START_SECONDS), Phase.START)])
        now, number = float(_START_SECONDS), 0
        while now < self.seconds:
            issued = taken[number - _AHEAD * workers] if number >= _AHEAD * workers else float(_START_SECONDS)
            # One batch in 500 takes four times as long: a picture as large as they come.
            begins = max(free[number % workers], issued)
            usual = service if begins < slower_from else slow_service
            needs = usual * random.lognormvariate(0.0, spread) * (4.0 if random.random() < 0.002 else 1.0)
            done = begins + needs
            free[number % workers] = done
            course.work.append((done - needs, done))
            if done > now:
                course.waits.append((now, done))
                now = done
            taken.append(now)
            takes = step * random.uniform(0.97, 1.03)
            course.steps.append((now, now + takes))
            now, number = now + takes, number + 1
            if number % epoch == 0:
                validated = now + epoch * step * random.uniform(0.03, 0.15)
                saved = validated + random.uniform(0.1, 1.5)
                course.gaps.extend(((now, validated, Phase.VALIDATE), (validated, saved, Phase.CHECKPOINT)))
                now = saved
        course.work.sort(key=lambda span: span[1])
        return course

    @property
    def workers(self) -> int:
        """How many workers it has: 2 to 6."""
        return 2 + self.seed % 5

    def samples(self) -> Iterator[Sample]:
        """Yield a sample a second."""
        random = Random(self.seed + 1)  # noqa: S311 - a reproducible draw
        course = self.course
        for second in range(1, self.seconds + 1):
            start, end = second - 1.0, float(second)
            looks = [start + (index + random.random()) / LOOKS for index in range(LOOKS)]
            phase = self._phase(end)
            waiting = sum(1 for look in looks if _inside(course.waits, look))
            worked = _work_between(course.work, start, end) / self.workers
            scene: Scene = replace(
                SCENE,
                # As many looks of this second as were counted.
                wait=(waiting + 0.5) / LOOKS,
                workers=self.workers,
                idle=max(0.0, 1.0 - worked),
                cpu=min(1.0, worked),
                gpu_busy=_VALIDATION_BUSY if phase is Phase.VALIDATE else _overlap(course.steps, start, end),
                rate=None,
                batch_rate=None,
                batch=self._batch(end),
                batches=10_000,
                phases=(phase,),
            )
            sample = scene.sample(0)
            instant = replace(sample.instant, unix_seconds=1.7e9 + second, monotonic_seconds=1000.0 + second)
            yield replace(sample, sequence=second, instant=instant)

    def _batch(self, now: float) -> int:
        """Return how many steps have begun since the last gap."""
        course = self.course
        since = max((end for _, end, _ in course.gaps if end <= now), default=0.0)
        begun = bisect_right(course.steps, now, key=lambda step: step[0])
        return begun - bisect_right(course.steps, since, key=lambda step: step[0])

    def _phase(self, now: float) -> Phase:
        gaps = self.course.gaps
        place = bisect_right(gaps, now, key=lambda gap: gap[0]) - 1
        return gaps[place][2] if place >= 0 and now < gaps[place][1] else Phase.TRAIN


def _inside(spans: list[tuple[float, float]], moment: float) -> bool:
    place = bisect_right(spans, moment, key=lambda span: span[0]) - 1
    return place >= 0 and moment < spans[place][1]


def _overlap(spans: list[tuple[float, float]], start: float, end: float) -> float:
    """Return the share of a stretch that sorted spans cover."""
    place = max(0, bisect_right(spans, start, key=lambda span: span[0]) - 1)
    covered = 0.0
    while place < len(spans) and spans[place][0] < end:
        covered += max(0.0, min(end, spans[place][1]) - max(start, spans[place][0]))
        place += 1
    return min(1.0, covered / (end - start))


def _work_between(work: list[tuple[float, float]], start: float, end: float) -> float:
    """Return the seconds of work within a stretch."""
    place, done = bisect_right(work, start, key=lambda span: span[1]), 0.0
    while place < len(work) and work[place][1] < end + _LONGEST_SERVICE_SECONDS:
        begun, ended = work[place]
        done += max(0.0, min(end, ended) - max(start, begun))
        place += 1
    return done
