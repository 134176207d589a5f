"""One finding for each cause, and the ones that cost most first."""

from __future__ import annotations

from gpumon.diagnosis.ranking import ranked
from gpumon.model.finding import Finding, Severity


def finding(name: str, severity: Severity = Severity.WARNING, lost: float | None = None) -> Finding:
    """Return a finding without evidence."""
    return Finding(name, severity, "text", 0.0, lost_ratio=lost)


def ids(verdict: str, *beside: Finding) -> list[str]:
    """Return what is told, in its order."""
    return [found.id for found in ranked(finding(verdict), beside)]


def test_the_verdict_comes_first() -> None:
    """Also before what is graver."""
    assert ids("compute-bound", finding("nan-loss", Severity.CRITICAL)) == ["compute-bound", "nan-loss"]


def test_gpu_memory_that_is_critical_comes_before_a_verdict_on_the_speed() -> None:
    """Nobody needs more images a second in a run that ends in a minute; a hung one stays hung."""
    growth, limit = finding("vram-growth", Severity.CRITICAL), finding("vram-at-limit")
    assert ids("starved-lock", limit, growth) == ["vram-growth", "starved-lock", "vram-at-limit"]
    assert ids("hung", growth) == ["hung", "vram-growth"]


def test_without_a_verdict_the_others_are_told() -> None:
    """A danger needs no verdict."""
    assert [one.id for one in ranked(None, [finding("nan-loss")])] == ["nan-loss"]
    assert ranked(None, []) == ()


def test_the_others_are_ranked_by_what_they_cost() -> None:
    """Critical ones first, then the seconds lost, then severity."""
    found = ids(
        "compute-bound",
        finding("power-capped", Severity.INFO),
        finding("vram-at-limit"),
        finding("validation-share", Severity.INFO, lost=0.3),
        finding("checkpoint-stall", lost=0.5),
        finding("shm-nearly-full", Severity.CRITICAL),
    )
    assert found[1:] == [
        "shm-nearly-full",
        "checkpoint-stall",
        "validation-share",
        "vram-at-limit",
        "power-capped",
    ]


def test_what_follows_from_a_standstill_is_not_told() -> None:
    """A hung training's GPU idles, and its checkpoints take no share of anything; dangers stay."""
    found = ids(
        "hung",
        finding("checkpoint-stall"),
        finding("idle-gpus", Severity.INFO),
        finding("shm-nearly-full", Severity.CRITICAL),
    )
    assert found == ["hung", "shm-nearly-full"]


def test_what_follows_from_a_wait_is_not_told() -> None:
    """A power cap does not matter to a GPU that waits."""
    assert ids("starved-lock", finding("power-capped"), finding("vram-growth")) == [
        "starved-lock",
        "vram-growth",
    ]


def test_a_parent_beside_the_verdict_counts_too() -> None:
    """A lost GPU is not called idle as well."""
    assert ids("compute-bound", finding("idle-gpus"), finding("gpu-lost", Severity.CRITICAL)) == [
        "compute-bound",
        "gpu-lost",
    ]


def test_nothing_is_told_twice() -> None:
    """What is the verdict is not told beside it."""
    assert ids("hung", finding("hung")) == ["hung"]
