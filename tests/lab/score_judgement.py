"""What a diagnoser says at one second, and the protocol of diagnosers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from gpumon.history.stats import Interval
from gpumon.model.measure import Maybe, Missing
from gpumon.model.sample import Sample
from tests.lab.score_truth import Value

_NOT_TOLD = Missing("it does not say")


@dataclass(frozen=True, slots=True)
class Advice:
    """Settings to change, and the promised factor on images per second with its interval if it has one."""

    changes: Mapping[str, Value]
    speedup: Maybe[Interval] = _NOT_TOLD


@dataclass(frozen=True, slots=True)
class Judgement:
    """What is the matter: ids of findings, the likeliest first. `also` are told beside the verdict as sure.

    `abstains` tells that the first is no verdict: the labels are then only what it would ask about next.
    `wait` is the share of time that waits for data; `fed_speedup` the factor on the rate that an infinitely
    fast loader would bring. An advice to change nothing has no changes; Missing is no advice at all.
    """

    labels: tuple[str, ...] = ()
    abstains: bool = False
    also: tuple[str, ...] = ()
    wait: Maybe[float] = _NOT_TOLD
    fed_speedup: Maybe[float] = _NOT_TOLD
    advice: Maybe[Advice] = _NOT_TOLD

    @property
    def verdict(self) -> str:
        """The label it stands for, or "" where it abstains."""
        return "" if self.abstains or not self.labels else self.labels[0]


SILENT = Judgement(abstains=True)


class Diagnoser(Protocol):
    """Sees the samples of one trace in their order; a new one is made for every trace."""

    def see(self, sample: Sample) -> Judgement:
        """Take in the next sample and return what is the matter now."""
        ...
