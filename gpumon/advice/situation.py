"""What the steps of the plan are told from: a training with its findings and suggestions."""

from __future__ import annotations

from dataclasses import dataclass

from gpumon.advice.changing import is_change
from gpumon.advice.prior import Prior
from gpumon.diagnosis.order import STANDSTILLS, WAITS
from gpumon.diagnosis.rules import ddp_imbalance
from gpumon.diagnosis.verdict import VERDICTS
from gpumon.diagnosis.view import View
from gpumon.model.finding import Finding
from gpumon.model.suggestion import MemoryOutlook, Suggestion

# What is changed together as a pair; under other settings a changed batch belongs to these.
_PAIRED = frozenset({"workers", "batch_size"})
_WAITS = frozenset({ddp_imbalance.RULE.id, *(rule.id for rule in WAITS)})
_VERDICTS = frozenset(rule.id for rule in (*STANDSTILLS, *VERDICTS))


@dataclass(frozen=True, slots=True)
class Situation:
    """One look at a training. `suggestions` are those of the report: a step points at one by its index."""

    view: View
    findings: tuple[Finding, ...]
    suggestions: tuple[Suggestion, ...]
    outlook: MemoryOutlook
    prior: Prior

    def finding(self, *ids: str) -> Finding | None:
        """Return the first finding with one of these ids."""
        return next((finding for finding in self.findings if finding.id in ids), None)

    @property
    def starved(self) -> Finding | None:
        """The finding that says that the loop waits for data, of one rank or of all."""
        return next((finding for finding in self.findings if finding.id in _WAITS), None)

    @property
    def blocked(self) -> Finding | None:
        """The finding that comes before every step: it does not compute where it should, or not at all."""
        return self.finding("hung", "not-on-gpu")

    @property
    def verdict(self) -> Finding | None:
        """The finding that says what limits the training."""
        return next((finding for finding in self.findings if finding.id in _VERDICTS), None)

    def change(self, *settings: str) -> tuple[int, Suggestion] | None:
        """Return the first suggestion that changes one of these settings, with its index.

        Workers and batch are also found where the one is changed together with the other.
        """
        for index, suggestion in enumerate(self.suggestions):
            if suggestion.setting in settings and is_change(suggestion):
                return index, suggestion
        if _PAIRED.isdisjoint(settings):
            return None
        for index, suggestion in enumerate(self.suggestions):
            if suggestion.setting not in _PAIRED:
                continue
            if any(change.setting in settings for change in suggestion.together):
                return index, suggestion
        return None

    def unchanged(self, setting: str) -> tuple[int, Suggestion] | None:
        """Return the suggestion that says that no other value of a setting would help, with its index."""
        for index, suggestion in enumerate(self.suggestions):
            if suggestion.setting == setting and not is_change(suggestion):
                return index, suggestion
        return None

    @property
    def batch(self) -> int | None:
        """The total batch, or None where it is not known."""
        batch = self.view.setting("batch_size")
        return batch if isinstance(batch, int) and not isinstance(batch, bool) and batch > 0 else None

    @property
    def next_batch(self) -> int | None:
        """The total batch that is suggested, or None where the present one stays."""
        found = self.change("batch_size")
        if found is None:
            return None
        suggestion = found[1]
        if suggestion.setting == "batch_size":
            value = suggestion.to_value
        else:
            value = next(one.to_value for one in suggestion.together if one.setting == "batch_size")
        return value if isinstance(value, int) else None
