"""How long ranks take to sum their gradients over their GPUs in each step, by the bytes and the link."""

from __future__ import annotations

from dataclasses import dataclass

from gpumon.advice.model_memory import model_name, parameters_of
from gpumon.diagnosis.rule import NotJudged
from gpumon.diagnosis.rules.transfer_bound import link_bytes_per_second
from gpumon.diagnosis.step import step_of
from gpumon.diagnosis.verdict import recent
from gpumon.diagnosis.view import View

# DistributedDataParallel sums gradients in the type of the weights, which stay FP32 under AMP.
_GRADIENT_BYTES = 4


@dataclass(frozen=True, slots=True)
class AllReduce:
    """Seconds that the sum takes where nothing hides it, and those of a step as it is now."""

    seconds: float
    step_seconds: float

    @property
    def share(self) -> float:
        """By how much a step grows where nothing hides it; the backward pass may, in part or wholly."""
        return self.seconds / self.step_seconds

    @property
    def words(self) -> str:
        """What it takes, for a sentence."""
        return f"{1000 * self.seconds:.1f} ms of it beside a step of {1000 * self.step_seconds:.0f} ms"


def all_reduce_of(view: View, ranks: int) -> AllReduce | None:
    """Return what `ranks` GPUs take to sum the gradients of this model, None where it is not known.

    A ring sends and receives 2 (N - 1) / N of the bytes on each GPU (Patarasuk and Yuan 2009), at the
    speed of the slowest PCIe link of the machine's GPUs. NVLink, of which nothing is known here, is faster.
    """
    parameters = parameters_of(model_name(view.setting("weights"), view.setting("cfg")))
    step = step_of(recent(view))
    links = [link for gpu in view.gpus if (link := link_bytes_per_second(gpu)) is not None]
    if parameters is None or isinstance(step, NotJudged) or not step.seconds or not links or ranks < 2:
        return None
    sent = 2 * (ranks - 1) / ranks * _GRADIENT_BYTES * parameters
    return AllReduce(sent / min(links), step.seconds)
