"""The seams: what a source, a framework, a feed and a sink are."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Protocol, TypeVar

from gpumon.model.clock import Instant
from gpumon.model.report import Report

if TYPE_CHECKING:
    from gpumon.model.process import ProcessSeen
    from gpumon.model.training import Training

R_co = TypeVar("R_co", covariant=True)


class Source(Protocol[R_co]):
    """Reads one thing. Never raises for what is outside: it returns Missing or states instead."""

    def read(self, now: Instant) -> R_co:
        """Return the reading at `now`; rates and ratios are since the previous call."""
        ...

    def close(self) -> None:
        """Give back descriptors and handles; closing twice is harmless."""
        ...


class Framework(Protocol):
    """Knows the trainings of one framework from outside."""

    name: str

    def find(self, processes: tuple[ProcessSeen, ...]) -> tuple[Training, ...]:
        """Return the trainings of this framework among `processes` (all processes of the machine)."""
        ...


class Sink(Protocol):
    """Writes reports somewhere."""

    def write(self, report: Report) -> None:
        """Write one report."""
        ...


Listener = Callable[[], None]
