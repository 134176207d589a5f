"""Scenarios of the run itself: its loop, its epochs, its checkpoints, how it breaks."""

from __future__ import annotations

from tests.lab.jpeg.spec import LabSpec, LoaderSpec, LoopSpec
from tests.lab.scenario import Dose, Driver, Machine, Scenario, Surroundings
from tests.lab.scenarios_data import BATCH, gpu

MIB = 1 << 20
_STEP = 0.12


def run_scenarios(machine: Machine) -> tuple[Scenario, ...]:
    """Return the scenarios; the loader keeps up in all of them."""
    steady = gpu(_STEP)

    def loops(**values: LoopSpec) -> tuple[Dose, ...]:
        return tuple(Dose(name, LabSpec(loop=loop, gpu=steady)) for name, loop in values.items())

    return (
        Scenario(
            "host-gap",
            ("host-overhead",),
            loops(
                low=LoopSpec(gap_seconds=0.02),
                middle=LoopSpec(gap_seconds=0.05),
                high=LoopSpec(gap_seconds=0.15),
            ),
        ),
        Scenario(
            "validation-heavy",
            ("validation-share",),
            loops(
                low=LoopSpec(batches=40, val_batches=25),
                middle=LoopSpec(batches=30, val_batches=45),
                high=LoopSpec(batches=15, val_batches=60),
            ),
            alone=False,
            seconds=26.0,
        ),
        Scenario(
            "slow-checkpoint",
            ("checkpoint-stall",),
            loops(
                low=LoopSpec(batches=50, checkpoint_seconds=1.0),
                middle=LoopSpec(batches=40, checkpoint_seconds=2.5),
                high=LoopSpec(batches=25, checkpoint_seconds=5.0),
            ),
            alone=False,
            seconds=26.0,
        ),
        Scenario(
            "workers-respawned",
            ("workers-respawned",),
            tuple(
                Dose(
                    name,
                    LabSpec(LoaderSpec(endless=False), LoopSpec(batches=batches, val_batches=1), steady),
                    2 * machine.cores,
                )
                for name, batches in (("low", 40), ("middle", 20), ("high", 8))
            ),
            short_lived=True,
        ),
        Scenario(
            "small-shm",
            ("shm-nearly-full",),
            tuple(
                Dose(name, LabSpec(gpu=steady), 4, around=Surroundings(shm_bytes=mib * MIB))
                for name, mib in (("low", 64), ("middle", 58), ("high", 40))
            ),
            alone=False,
        ),
        Scenario(
            "hang",
            ("hung",),
            (
                Dose(
                    "low",
                    LabSpec(gpu=steady),
                    around=Surroundings(stopped_after_seconds=5.0),
                    onset_seconds=5.0,
                ),
                Dose("middle", LabSpec(LoaderSpec(hang_after_seconds=6.0), gpu=steady)),
                Dose("high", LabSpec(loop=LoopSpec(hang_after_seconds=6.0), gpu=steady), onset_seconds=5.0),
            ),
            alone=False,
            seconds=32.0,
        ),
        Scenario(
            "nan",
            ("nan-loss",),
            loops(
                low=LoopSpec(batches=60, nan_after_seconds=12.0),
                middle=LoopSpec(batches=60, nan_after_seconds=7.0),
                high=LoopSpec(batches=60, nan_after_seconds=0.01),
            ),
            alone=False,
        ),
        Scenario(
            "on-cpu",
            ("not-on-gpu",),
            (
                Dose("low", LabSpec(loop=LoopSpec(on_cpu=True), gpu=gpu(0.1)), device="cpu"),
                Dose("high", LabSpec(loop=LoopSpec(on_cpu=True), gpu=gpu(0.3)), device="cpu"),
            ),
        ),
        Scenario(
            "host-memory",
            ("host-memory-pressure",),
            tuple(
                Dose(
                    name,
                    LabSpec(LoaderSpec(ram_bytes=mib * MIB), gpu=steady),
                    around=Surroundings(memory_bytes=1600 * MIB),
                )
                for name, mib in (("low", 515), ("middle", 540), ("high", 565))
            ),
        ),
        Scenario(
            "slow-rank",
            ("ddp-imbalance",),
            tuple(
                Dose(
                    name,
                    LabSpec(LoaderSpec(rank_seconds=seconds), gpu=steady),
                    workers=1,
                    batch_size=2 * BATCH,
                    driver=Driver(gpus=2),
                    device="0,1",
                    ranks=2,
                )
                for name, seconds in (("low", 0.015), ("middle", 0.025), ("high", 0.05))
            ),
        ),
        Scenario(
            "healthy-for-hours",
            ("compute-bound",),
            control=True,
            skipped="tests/lab/score_hours.py makes such runs on a simulated clock, none is recorded",
        ),
    )
