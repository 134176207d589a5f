"""The page on the doctor: every check is explained."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from gpumon.doctor.check import State, Tier
from gpumon.doctor.examine import EXIT_CODES, Health, examine
from gpumon.doctor.facts import Place
from gpumon.model.gpu import GpuState
from gpumon.model.measure import Missing
from gpumon.model.sample import SourceError
from tests.doctor.scene import FACTS, GPU, PROCESS

PAGE = (Path(__file__).resolve().parents[2] / "docs/doctor.md").read_text(encoding="utf-8")
PLACES = tuple(Place(name, "/x", Missing("not known")) for name in ("data", "run directory"))
SCENES = (
    replace(FACTS, processes=(replace(PROCESS, places=PLACES),), errors=(SourceError("nvml", "odd"),)),
    replace(FACTS, processes=(replace(PROCESS, is_gone=True),)),
    replace(FACTS, gpus=(replace(GPU, simulated=True), replace(GPU, state=GpuState.LOST))),
)
# Details of a GPU stand together in one row.
DETAILS = {"gpu.fine_busy", "gpu.memory_busy", "gpu.memory_reserved", "gpu.energy", "gpu.fan"} | {
    "gpu.pcie_traffic",
    "gpu.ecc",
    "gpu.performance_state",
    "gpu.mig",
    "gpu.compute_capability",
}


def test_every_check_stands_on_the_page() -> None:
    """Whoever meets an id can look it up."""
    ids = {check.id for scene in SCENES for check in examine(scene).checks}

    assert DETAILS == {name for name in ids if f"`{name}`" not in PAGE}


def test_every_state_and_exit_code_stands_on_the_page() -> None:
    """The words and numbers that scripts compare."""
    words = [state.value for state in State] + [health.value for health in Health]

    assert [] == [word for word in words if f"`{word}`" not in PAGE]
    assert [] == [code for code in EXIT_CODES.values() if f"\n| {code} | `" not in PAGE]


def test_every_tier_begins_an_id_on_the_page() -> None:
    """Tiers are not words of their own: they begin the ids."""
    assert [] == [tier.value for tier in Tier if f"`{tier.value}." not in PAGE]
