"""A training as a window of made-up samples, with everything that its GPUs and the driver can say."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TypeVar

from gpumon.diagnosis.rule import Judgement, Rule
from gpumon.diagnosis.view import view_of
from gpumon.model.finding import Finding
from gpumon.model.gpu import DriverReading, DriverState, GpuProcess, GpuReading, GpuState
from gpumon.model.measure import Maybe, Missing
from gpumon.model.reading import LoaderReading, TrainingReading
from gpumon.model.sample import Sample
from gpumon.model.training import Setting, Training
from tests.unit.synthetic_training import GIB, PID, Scene

T = TypeVar("T")
STRANGER = 9000


@dataclass(frozen=True)
class Link:
    """A PCIe link: generation and width now and at best, and bytes a second received."""

    generation: int | None = 4
    generation_max: int = 4
    width: int = 16
    width_max: int = 16
    received: float | None = 180e6


@dataclass(frozen=True)
class GpuScene(Scene):
    """What the GPUs of a training do; defaults are a healthy RTX 3060 without hardware counters.

    `replicas` GPUs are used by the main process alike; `others` are further GPUs of the machine by how busy
    they are. GPUs with an index in `virtual` are of a simulated training beside it. From second `lost_at` on
    the GPU of the training is lost.
    """

    sm_busy: float | None = None
    tensor_busy: float | None = None
    bandwidth: float | None = None
    sm_clock: float | None = 1.8e9
    sm_clock_max: float = 2.1e9
    throttle_power: float | None = 0.0
    throttle_thermal: float | None = 0.0
    throttle_brake: float | None = 0.0
    temperature: float = 68.0
    power: float = 160.0
    link: Link = Link()
    pinned: bool | None = True
    capability: tuple[int, int] | None = (8, 6)
    gpu_name: str = "RTX 3060"
    cuda: str = "12.6"
    amp: bool | None = True
    amp_source: str = "the log: AMP checks passed"
    own_busy: float | None = None
    stranger_busy: float | None = None
    stranger_bytes: int = 0
    stranger_note: str = ""
    lists_processes: bool = True
    uses_gpu: bool = True
    replicas: int = 1
    replica_bytes: int = 3 * GIB
    others: tuple[float | None, ...] = ()
    other_total: int = 12 * GIB
    other_used: int = 0
    virtual: tuple[int, ...] = ()
    lost_at: int | None = None
    driver_state: DriverState = DriverState.OK

    def sample(self, index: int, start: float = 1000.0) -> Sample:
        """Return the sample of one second, with all GPUs of the machine."""
        driver = DriverReading(
            self.driver_state, driver_version="560.35.03", cuda_version=self.cuda, text="the driver's words"
        )
        gpus = tuple(replace(gpu, simulated=gpu.index in self.virtual) for gpu in self.all_gpus(index))
        return replace(super().sample(index, start), driver=driver, gpus=gpus)

    def all_gpus(self, index: int) -> tuple[GpuReading, ...]:
        """Return the GPUs of the training, then the others."""
        if not self.gpu:
            return ()
        own = [self.gpu_reading()]
        for place in range(1, self.replicas):
            held = (GpuProcess(PID, self.replica_bytes, self.own_busy if self.own_busy is not None else 0.0),)
            own.append(replace(own[0], index=place, uuid=f"GPU-{place}", processes=held))
        if self.lost_at is not None and index >= self.lost_at:
            gone = Missing("the GPU has fallen off the bus")
            own[0] = GpuReading(0, "GPU-0", "RTX 3060", GpuState.LOST, gpu_busy_ratio=gone, processes=gone)
        others = [
            GpuReading(
                index=self.replicas + place,
                uuid=f"GPU-other-{place}",
                name="RTX 3060",
                gpu_busy_ratio=_maybe(busy),
                gpu_memory_used_bytes=self.other_used,
                gpu_memory_total_bytes=self.other_total,
                processes=(),
            )
            for place, busy in enumerate(self.others)
        ]
        return (*own, *others)

    def gpu_reading(self) -> GpuReading:
        """Return the training's first GPU."""
        return replace(
            super().gpu_reading(),
            name=self.gpu_name,
            processes=self.listed() if self.lists_processes else Missing("hidden by the container"),
            gpu_sm_busy_ratio=_maybe(self.sm_busy),
            gpu_tensor_busy_ratio=_maybe(self.tensor_busy),
            gpu_memory_bandwidth_ratio=_maybe(self.bandwidth),
            gpu_temperature_celsius=self.temperature,
            gpu_temperature_slowdown_celsius=95.0,
            gpu_power_watts=self.power,
            gpu_power_limit_watts=170.0,
            gpu_sm_clock_hertz=_maybe(self.sm_clock),
            gpu_sm_clock_max_hertz=self.sm_clock_max,
            gpu_throttle_power_ratio=_maybe(self.throttle_power),
            gpu_throttle_thermal_ratio=_maybe(self.throttle_thermal),
            gpu_throttle_brake_ratio=_maybe(self.throttle_brake),
            gpu_pcie_generation=_maybe(self.link.generation),
            gpu_pcie_generation_max=self.link.generation_max,
            gpu_pcie_width=self.link.width,
            gpu_pcie_width_max=self.link.width_max,
            gpu_pcie_receive_bytes_per_second=_maybe(self.link.received),
            gpu_compute_capability=_maybe(self.capability),
        )

    def listed(self) -> tuple[GpuProcess, ...]:
        """Return the processes on the training's first GPU."""
        found = []
        if self.uses_gpu and self.gpu_own is not None:
            found.append(GpuProcess(PID, self.gpu_own, _maybe(self.own_busy)))
        if self.stranger_busy is not None or self.stranger_bytes:
            stranger = GpuProcess(STRANGER, self.stranger_bytes, _maybe(self.stranger_busy))
            found.append(replace(stranger, note=self.stranger_note))
        return tuple(found)

    def reading(self, index: int) -> TrainingReading:
        """Return the training in one second."""
        plain = super().reading(index)
        lost = self.lost_at is not None and index >= self.lost_at
        uuids = tuple(f"GPU-{place}" for place in range(self.replicas)) if self.gpu and self.uses_gpu else ()
        progress = replace(plain.progress, amp_enabled=_maybe(self.amp), amp_source=self.amp_source)
        return replace(plain, progress=progress, gpu_uuids=uuids[1:] if lost else uuids)

    def loader(self, index: int) -> LoaderReading:
        """Return the loader in one second."""
        return replace(super().loader(index), pin_memory=_maybe(self.pinned), batch_size=self.batch_size)

    def training(self) -> Training:
        """Return who it is."""
        plain = super().training()
        settings = replace(plain.settings, device=Setting(self.device, "argv"))
        return replace(plain, settings=settings)


def _maybe(value: T | None) -> Maybe[T]:
    return Missing("made to be missing") if value is None else value


def judged(rule: Rule, scene: GpuScene) -> Judgement:
    """Return what a rule says of a scene."""
    view = view_of(scene.window(), PID)
    assert view is not None
    return rule.judge(view)


def found(rule: Rule, scene: GpuScene) -> Finding:
    """Return the finding of a rule that must fire."""
    judgement = judged(rule, scene)
    assert isinstance(judgement, Finding), judgement
    return judgement
