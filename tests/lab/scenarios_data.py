"""Scenarios where batches come late: workers, cores, storage, locks.

A dose is the share of time that the training is meant to wait. With L seconds of loading a batch and a GPU
that takes L * (1 - wait) for it, a starved training waits just so long; the truth is what was measured.
"""

from __future__ import annotations

from dataclasses import replace

from tests.lab.gpu_cost import GpuCost
from tests.lab.jpeg.spec import GpuSpec, LabSpec, LoaderSpec, LoopSpec
from tests.lab.scenario import Dose, Machine, Scenario, Surroundings

BATCH = 8
TARGETS = BATCH * 7
MIB = 1 << 20
WAITS = {"low": 0.12, "middle": 0.3, "high": 0.6}
# Two decodes an image: loading outweighs what handing over a batch costs.
_DECODES = 2
# Workers that outnumber two cores lose about a third of the rate (docs/rules/starved-too-many-workers.md).
_CROWDING = 1.45
_FREE = Surroundings()


def gpu(seconds: float, sync: str = "sleep") -> GpuSpec:
    """Return a GPU that takes so long for a batch."""
    return GpuSpec(cost=GpuCost().taking(BATCH, TARGETS, max(seconds, 0.005)), sync=sync)


def data_scenarios(machine: Machine) -> tuple[Scenario, ...]:
    """Return the scenarios in which the loader is the limit, and those that cannot run here."""
    image = machine.decode_seconds * _DECODES
    batch, cores = BATCH * image, machine.cores
    plain = LoaderSpec(decodes=_DECODES)

    def doses(
        loading: float,
        workers: int,
        around: Surroundings = _FREE,
        loader: LoaderSpec = plain,
        gap: float = 0.0,
    ) -> tuple[Dose, ...]:
        return tuple(
            Dose(
                name,
                LabSpec(loader, LoopSpec(gap_seconds=gap), gpu(loading * (1 - wait))),
                workers,
                around=around,
            )
            for name, wait in WAITS.items()
        )

    few = max(1, cores // 2)
    grid = tuple(sorted({1, 2, 3, cores, 2 * cores}))
    burnt = Surroundings(burners=cores)
    return (
        Scenario("too-few-workers", ("starved-too-few-workers",), doses(batch / few, few), grid=grid),
        Scenario("cores-exhausted", ("starved-cpu-exhausted",), doses(batch / cores, cores), grid=grid),
        Scenario(
            "cores-exhausted-affinity",
            ("starved-cpu-exhausted",),
            doses(batch, 1, Surroundings(cores=1)),
            sealed=True,
        ),
        Scenario("cpu-quota", ("starved-cpu-quota",), doses(batch / 0.8, 2, Surroundings(quota_cores=0.8))),
        Scenario(
            "too-many-workers",
            ("starved-too-many-workers", "starved-cpu-exhausted"),
            doses(batch / cores * _CROWDING, 4 * cores),
            grid=grid,
        ),
        Scenario("neighbours", ("starved-neighbours",), doses(2 * batch / cores, cores, burnt)),
        Scenario("lock", ("starved-lock",), doses(batch, 2 * cores, loader=replace(plain, locked=True))),
        Scenario("no-workers", ("starved-no-workers",), _without_workers(batch, plain)),
        Scenario("slow-samples", ("starved-slow-samples",), _slow_samples(batch / cores, cores)),
        Scenario("local-disk", ("starved-local-disk",), _disk(machine)),
        Scenario(
            "remote-storage",
            ("starved-remote-storage", "starved-too-few-workers"),
            _remote(machine),
            alone=False,
        ),
        Scenario(
            "mix-few-workers-host-gap",
            ("starved-too-few-workers", "host-overhead"),
            doses(batch / few, few, gap=0.15 * batch / few)[1:],
        ),
        Scenario(
            "mix-neighbours-quota",
            ("starved-cpu-quota", "starved-neighbours"),
            doses(2 * batch, 2, Surroundings(quota_cores=0.6, burners=1))[2:],
            sealed=True,
        ),
        Scenario("page-cache", ("starved-page-cache", "starved-local-disk"), _page_cache(machine)),
        Scenario("remote-storage-fuse", ("starved-remote-storage",), _fuse(machine), alone=False),
    )


def _without_workers(batch: float, loader: LoaderSpec) -> tuple[Dose, ...]:
    return tuple(
        Dose(name, LabSpec(loader, gpu=gpu(batch * (1 - wait) / wait)), workers=0)
        for name, wait in WAITS.items()
    )


def _slow_samples(loading: float, workers: int) -> tuple[Dose, ...]:
    """One image in a hundred costs much more; on average the workers keep up all the same."""
    return tuple(
        Dose(
            name,
            LabSpec(LoaderSpec(decodes=1, slow_every=100, slow_factor=factor), gpu=gpu(1.1 * loading)),
            workers,
        )
        for name, factor in (("low", 30), ("middle", 60), ("high", 100))
    )


def _disk(machine: Machine) -> tuple[Dose, ...]:
    loading = BATCH * machine.decode_seconds / machine.cores
    return tuple(
        Dose(
            name,
            LabSpec(
                LoaderSpec(read_bytes=mib * MIB, storage="storage.bin", drop_cache=True),
                gpu=gpu(1.3 * loading),
            ),
            machine.cores,
            around=Surroundings(storage_bytes=512 * MIB),
        )
        for name, mib in (("low", 1), ("middle", 4), ("high", 24))
    )


def _remote(machine: Machine) -> tuple[Dose, ...]:
    """Opening takes a mean of L seconds; two workers wait for it most of the time."""
    return tuple(
        Dose(
            name,
            LabSpec(
                LoaderSpec(open_seconds=0.04),
                gpu=gpu((0.04 + machine.decode_seconds) * BATCH / 2 * (1 - wait)),
            ),
        )
        for name, wait in WAITS.items()
    )


def _fuse(machine: Machine) -> tuple[Dose, ...]:
    """The same latency in a file system, which the kernel tells apart from sleep."""
    loading = BATCH / machine.cores * machine.decode_seconds
    return tuple(
        Dose(
            name,
            LabSpec(LoaderSpec(folder="remote"), gpu=gpu(2 * loading)),
            machine.cores,
            around=Surroundings(open_seconds=seconds),
        )
        for name, seconds in (("low", 0.006), ("middle", 0.012), ("high", 0.04))
    )


def _page_cache(machine: Machine) -> tuple[Dose, ...]:
    """Files that the machine could cache, and a limit of memory under which it cannot."""
    loading = BATCH * machine.decode_seconds / machine.cores
    return tuple(
        Dose(
            name,
            LabSpec(LoaderSpec(read_bytes=mib * MIB, storage="storage.bin"), gpu=gpu(1.3 * loading)),
            machine.cores,
            around=Surroundings(storage_bytes=1024 * MIB, memory_bytes=1100 * MIB),
        )
        for name, mib in (("low", 1), ("middle", 4), ("high", 24))
    )
