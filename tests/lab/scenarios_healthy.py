"""Negative controls: nothing is the matter, whatever it looks like."""

from __future__ import annotations

from dataclasses import replace

from tests.lab.gpu_cost import GpuCost
from tests.lab.jpeg.spec import GpuSpec, LabSpec, LoaderSpec, LoopSpec
from tests.lab.scenario import Counters, Dose, Driver, Machine, Scenario, Surroundings
from tests.lab.scenarios_data import BATCH, TARGETS, gpu

_HEALTHY = ("compute-bound",)


def healthy_scenarios(machine: Machine) -> tuple[Scenario, ...]:
    """Return the healthy runs; a warning on any of them is a false alarm."""
    loading = BATCH * machine.decode_seconds
    epochs = LoopSpec(batches=80, val_batches=4, checkpoint_seconds=0.2)
    large = replace(gpu(0.25), cost=GpuCost().taking(BATCH, TARGETS, 0.25))
    scaled = GpuSpec(cost=GpuCost().taking(BATCH, TARGETS, 0.09))

    def healthy(name: str, *doses: Dose, alone: bool = True, sealed: bool = False) -> Scenario:
        return Scenario(f"healthy-{name}", _HEALTHY, doses, control=True, alone=alone, sealed=sealed)

    return (
        healthy(
            "steady",
            Dose("spin", LabSpec(gpu=gpu(2 * loading, "spin"))),
            Dose("sleep", LabSpec(gpu=gpu(2 * loading))),
            Dose("spare", LabSpec(gpu=gpu(4 * loading)), workers=2 * machine.cores),
        ),
        healthy(
            "epochs",
            Dose("spin", LabSpec(loop=epochs, gpu=gpu(2 * loading, "spin"))),
            Dose("sleep", LabSpec(loop=epochs, gpu=gpu(2 * loading))),
        ),
        healthy("busy-neighbour", Dose("one", LabSpec(gpu=gpu(4 * loading)), around=Surroundings(burners=1))),
        healthy(
            "multi-scale", Dose("one", LabSpec(loop=LoopSpec(multi_scale=True), gpu=scaled)), alone=False
        ),
        healthy(
            "dense",
            Dose("one", LabSpec(loop=LoopSpec(dense_every=20, dense_factor=12), gpu=gpu(0.1))),
            alone=False,
        ),
        healthy("large-steps", Dose("one", LabSpec(LoaderSpec(decodes=2), gpu=large)), alone=False),
        healthy(
            "counted",
            *(
                Dose(name, LabSpec(gpu=gpu(0.12)), driver=Driver(counters=Counters(*shares)))
                for name, shares in (("one", (0.9, 0.45, 0.35)), ("two", (0.8, 0.3, 0.45)))
            ),
            alone=False,
        ),
        healthy(
            "small-gap", Dose("one", LabSpec(loop=LoopSpec(gap_seconds=0.002), gpu=gpu(0.1))), alone=False
        ),
    )
