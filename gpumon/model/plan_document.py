"""The plan and the proof as JSON: parts of the document of a training."""

from __future__ import annotations

from dataclasses import fields

from gpumon.model.document_values import Json, finite
from gpumon.model.finding_document import change_document, evidence_document
from gpumon.model.measure import Missing
from gpumon.model.plan import PlanStep
from gpumon.model.proof import Outcome, Proof


def plan_document(plan: tuple[PlanStep, ...]) -> list[Json]:
    """Return the steps of the guided plan, in their order."""
    return [
        {
            "name": step.name,
            "state": step.state.value,
            "text": step.text,
            "evidence": [evidence_document(evidence) for evidence in step.evidence],
            "suggestion": step.suggestion,
        }
        for step in plan
    ]


def proof_document(proof: Proof | None) -> Json | None:
    """Return what changed settings brought, or None where the training is not known from before."""
    if proof is None:
        return None
    missing: dict[str, str] = {}
    found: Json = {
        "run": proof.run,
        "earlier_run": proof.earlier_run,
        "changes": [change_document(change) for change in proof.changes],
        "settled": proof.settled,
        "text": proof.text,
    }
    for name in ("images_per_second", "data_wait_ratio", "gpu_memory_bytes"):
        outcome = getattr(proof, name)
        if isinstance(outcome, Missing):
            missing[name] = outcome.reason
            found[name] = None
        else:
            found[name] = _outcome(outcome)
    return {**found, "missing": missing}


def _outcome(outcome: Outcome) -> Json:
    found = {field.name: finite(getattr(outcome, field.name)) for field in fields(outcome)}
    return {**found, "is_as_predicted": outcome.is_as_predicted}
