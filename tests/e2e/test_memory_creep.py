"""A demo whose memory grows until it is full: nothing is measured, so it may run beside other tests."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from gpumon.demo import launch
from gpumon.model.suggestion import OomRisk, RiskLevel
from gpumon.model.training import Ending
from tests.e2e.demo_runs import scenario
from tests.lab.watch import Look, Watch

# Epochs of 0.9 s: full after about 20 s.
_CREEP_BYTES = 400 << 20


def test_memory_creep_is_told_before_it_is_full(tmp_path: Path) -> None:
    """Growing memory is a risk that rises, found while some is left, and the end is told as out of memory."""
    creep = scenario("memory-creep")
    quick = replace(
        creep,
        data=replace(creep.data, images=320),
        model=replace(creep.model, creep_bytes_per_epoch=_CREEP_BYTES),
    )
    with launch.start(quick, tmp_path) as demo, Watch(demo.process.pid) as watch:
        found = watch.until(lambda look: "vram-at-limit" in _ids(look), 40)
        ended = watch.until_ended(40)
    assert "grows steadily" in next(f.text for f in found.judged.findings if f.id == "vram-at-limit")
    risks = [look.judged.memory.oom_risk for look in watch.looks if look.judged.memory is not None]
    levels = [risk.level for risk in risks if isinstance(risk, OomRisk)]
    assert (levels[0], levels[-1]) == (RiskLevel.LOW, RiskLevel.HIGH)
    assert (ended.how, ended.text) == (Ending.CRASHED, "it crashed: the GPU ran out of memory (log)")
    print(f"memory-creep: told {watch.looks[-1].seconds - found.seconds:.0f} s before the end")


def _ids(look: Look) -> list[str]:
    return [finding.id for finding in look.judged.findings]
