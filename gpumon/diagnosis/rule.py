"""What a rule is, and what it may answer."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

from gpumon.diagnosis.view import View
from gpumon.model.finding import Finding, Severity


@dataclass(frozen=True, slots=True)
class Silent:
    """The rule looked and it does not hold."""

    reason: str = ""


@dataclass(frozen=True, slots=True)
class NotJudged:
    """The rule could not look: what is missing, as a short lower-case sentence."""

    reason: str


Judgement: TypeAlias = Finding | Silent | NotJudged


@dataclass(frozen=True, slots=True)
class Rule:
    """One id of the design with how it is judged.

    `needs` are the names in METRICS without which it cannot be judged. `judge` is a pure function of the
    view. Its page, for people, is `rules/<id with underscores>.md`.
    """

    id: str
    severity: Severity
    needs: tuple[str, ...]
    judge: Callable[[View], Judgement]

    @property
    def page(self) -> str:
        """The name of its page beside it."""
        return self.id.replace("-", "_") + ".md"
