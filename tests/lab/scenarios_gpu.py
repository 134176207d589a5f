"""Scenarios of the GPU: its batch, its memory, its neighbours, and what only the driver can tell."""

from __future__ import annotations

from tests.lab.gpu_cost import GpuCost
from tests.lab.jpeg.spec import GIB, GpuSpec, LabSpec, LoaderSpec, LoopSpec
from tests.lab.memory_fit import tightest_bytes
from tests.lab.scenario import Counters, Dose, Driver, Proof, Scenario
from tests.lab.scenarios_data import BATCH, TARGETS, gpu

MIB = 1 << 20
_STEP = 0.12


def gpu_scenarios() -> tuple[Scenario, ...]:
    """Return the scenarios; the loader keeps up in all of them."""
    return (*_injected(), *_scripted())


def _injected() -> tuple[Scenario, ...]:
    cost = GpuCost().taking(BATCH, TARGETS, _STEP)
    dense = LoopSpec(dense_every=25, dense_factor=10.0)
    launch = GpuCost(image_seconds=0.001, launch_seconds=0.03, full_batch=40.0, wave_images=16)
    return (
        Scenario(
            "batch-too-small",
            ("batch-too-small",),
            tuple(
                Dose(name, LabSpec(gpu=GpuSpec(cost=launch)), batch_size=size)
                for name, size in (("low", 6), ("middle", 3), ("high", 2))
            ),
            alone=False,
            batch_grid=(2, 3, 6, 12, 24),
        ),
        Scenario(
            "gpu-shared",
            ("gpu-shared",),
            tuple(
                Dose(
                    name,
                    LabSpec(gpu=GpuSpec(cost=cost, neighbour_ratio=share, neighbour_bytes=3 * GIB)),
                    driver=Driver(other_process_bytes=3 * GIB, other_process_percent=round(100 * share)),
                )
                for name, share in (("low", 0.2), ("middle", 0.4), ("high", 0.6))
            ),
            alone=False,
        ),
        Scenario(
            "leak",
            ("vram-growth",),
            tuple(
                Dose(
                    name,
                    LabSpec(loop=LoopSpec(batches=20, val_batches=1, leak_bytes=mib * MIB), gpu=gpu(_STEP)),
                )
                for name, mib in (("low", 3), ("middle", 10), ("high", 25))
            ),
            alone=False,
            seconds=26.0,
        ),
        Scenario(
            "memory-at-limit",
            ("vram-at-limit",),
            tuple(
                Dose(
                    name,
                    LabSpec(
                        loop=dense,
                        gpu=GpuSpec(cost=cost, total_bytes=tightest_bytes(cost, BATCH, dense, slack)),
                    ),
                )
                for name, slack in (("low", 300 * MIB), ("middle", 120 * MIB), ("high", 20 * MIB))
            ),
            alone=False,
        ),
    )


def _scripted() -> tuple[Scenario, ...]:
    scripted = Proof.SCRIPTED
    steady = LabSpec(gpu=gpu(_STEP))

    def throttled(
        name: str, share: float, celsius: float, hertz: float, *, thermal: float = 0.0, power: float = 0.0
    ) -> Dose:
        slower = GpuSpec(
            cost=GpuCost().taking(BATCH, TARGETS, _STEP / (1 - share * 0.4)),
            temperature_celsius=celsius,
            sm_clock_hertz=hertz,
        )
        return Dose(name, LabSpec(gpu=slower), driver=Driver(thermal_ratio=thermal, power_ratio=power))

    no_amp = GpuSpec(cost=GpuCost(amp=False).taking(BATCH, TARGETS, 1.9 * _STEP))
    return (
        Scenario(
            "thermal-throttle",
            ("thermal-throttle",),
            (
                throttled("low", 0.1, 84.0, 1.6e9, thermal=0.1),
                throttled("middle", 0.4, 88.0, 1.3e9, thermal=0.4),
                throttled("high", 0.9, 93.0, 0.9e9, thermal=0.9),
            ),
            scripted,
            alone=False,
        ),
        Scenario(
            "power-capped",
            ("power-capped",),
            (
                throttled("low", 0.2, 66.0, 1.7e9, power=0.2),
                throttled("middle", 0.5, 66.0, 1.5e9, power=0.5),
                throttled("high", 0.95, 66.0, 1.2e9, power=0.95),
            ),
            scripted,
            alone=False,
        ),
        Scenario(
            "gpu-lost",
            ("gpu-lost",),
            tuple(
                Dose(name, steady, driver=Driver(gpus=2, lost_after_seconds=seconds), onset_seconds=seconds)
                for name, seconds in (("low", 14.0), ("middle", 9.0), ("high", 4.0))
            ),
            scripted,
            alone=False,
        ),
        Scenario(
            "idle-gpus",
            ("idle-gpus",),
            tuple(
                Dose(name, steady, driver=Driver(gpus=count))
                for name, count in (("low", 2), ("middle", 4), ("high", 8))
            ),
            scripted,
            alone=False,
        ),
        Scenario(
            "data-parallel",
            ("data-parallel",),
            (Dose("high", steady, driver=Driver(gpus=2, on_every_gpu=True), device="0,1"),),
            scripted,
            alone=False,
        ),
        Scenario("amp-off", ("amp-off",), (Dose("high", LabSpec(gpu=no_amp)),), scripted, alone=False),
        Scenario(
            "transfer-bound",
            ("transfer-bound",),
            (
                Dose(
                    "high",
                    LabSpec(LoaderSpec(pin=False), gpu=gpu(_STEP)),
                    driver=Driver(pcie_generation=1, pcie_bytes_per_second=3_600_000_000),
                ),
            ),
            scripted,
            alone=False,
        ),
        *_counted(no_amp),
    )


def _counted(no_amp: GpuSpec) -> tuple[Scenario, ...]:
    """Return what only hardware counters tell apart; the counters are scripted."""
    steady = LabSpec(gpu=gpu(_STEP))
    launch = GpuCost(image_seconds=0.001, launch_seconds=0.03, full_batch=40.0, wave_images=16)

    def counted(name: str, label: str, *doses: Dose) -> Scenario:
        return Scenario(name, (label,), doses, Proof.SCRIPTED, alone=False)

    return (
        counted(
            "memory-bandwidth",
            "memory-bandwidth-bound",
            *(
                Dose(name, steady, driver=Driver(counters=Counters(sm, 0.2, bandwidth)))
                for name, sm, bandwidth in (("low", 0.7, 0.62), ("middle", 0.85, 0.72), ("high", 0.9, 0.82))
            ),
        ),
        counted(
            "batch-too-small-counted",
            "batch-too-small",
            # With 12 images a fifth of the step is work, the rest launches.
            Dose(
                "low",
                LabSpec(gpu=GpuSpec(cost=launch)),
                batch_size=12,
                driver=Driver(counters=Counters(0.2, 0.07, 0.1)),
            ),
            Dose(
                "high",
                LabSpec(gpu=GpuSpec(cost=launch)),
                batch_size=4,
                driver=Driver(counters=Counters(0.06, 0.02, 0.03)),
            ),
        ),
        counted(
            "amp-off-counted",
            "amp-off",
            Dose("high", LabSpec(gpu=no_amp), driver=Driver(counters=Counters(0.92, 0.0, 0.45))),
        ),
    )
