"""The workers of a training: how many it is expected to have, and how many it really has."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from gpumon.advice.effective import (
    EffectiveWorkers,
    WorkerCap,
    gpus_seen,
    ultralytics_workers,
    validation_factor,
    yolov5_workers,
)
from gpumon.frameworks.process_tree import Machine
from gpumon.frameworks.roles import WorkerPlan
from gpumon.model.measure import Maybe, known
from gpumon.model.process import Role
from gpumon.model.training import Member, Setting, Settings


@dataclass(frozen=True, slots=True)
class WorkerContext:
    """What decides about the workers of a training: its settings, its version, its machine.

    `visible_devices` is CUDA_VISIBLE_DEVICES as it was at the start.
    """

    framework: str
    version: str
    settings: Settings
    machine: Machine
    task: str = "detect"
    world_size: int = 1
    visible_devices: str | None = None

    def effective(self) -> EffectiveWorkers | None:
        """Return the workers of one rank by the rules of the framework; None where nothing is asked."""
        return self._capped(1, 1)

    def gpus(self) -> int | None:
        """Return how many GPUs a rank sees; None where that is not known."""
        return gpus_seen(_text(self.settings.device), self.visible_devices, self.machine.visible_gpus)

    def plan(self, *, names_workers: bool | None) -> WorkerPlan:
        """Return how many train and val workers are expected."""
        factor = self._val_factor()
        train, val = self._capped(1, 1), self._capped(factor, 2)
        is_torch = self.framework == "torch"
        return WorkerPlan(
            train=None if train is None else train.value,
            val=None if val is None or is_torch else val.value,
            asked=_number(self.settings.workers_asked),
            val_factor=factor,
            val_first=self.framework == "yolov5" and _is_set(self.settings.image_weights),
            names_workers=names_workers,
            is_capped=not is_torch,
        )

    def _val_factor(self) -> int:
        """Return how many times the train workers the val loader is given; 1 where that is not known."""
        return validation_factor(self.framework, self.version, classifies=self.task == "classify") or 1

    def _capped(self, workers_factor: int, batch_factor: int) -> EffectiveWorkers | None:
        asked = _number(self.settings.workers_asked)
        if asked is None or asked < 0:
            return None
        if self.framework == "torch":
            return EffectiveWorkers(asked, "as asked")
        batch = _number(self.settings.batch_size)
        gpus = self.gpus()
        cap = WorkerCap(
            asked=asked * workers_factor,
            batch=None if batch is None else batch // max(self.world_size, 1) * batch_factor,
            cores=self.machine.cores,
            gpus=gpus,
            world_size=self.world_size,
        )
        if self.framework == "ultralytics":
            return ultralytics_workers(cap, on_cpu=gpus == 0)
        return yolov5_workers(cap, self.version)


def settle_workers(
    settings: Settings, effective: EffectiveWorkers | None, members: Iterable[Member]
) -> Settings:
    """Return the settings with the effective workers: those seen, else those that the rules give."""
    workers = [member for member in members if member.role is Role.TRAIN_WORKER]
    ranks = {member.rank for member in workers}
    seen = len(workers) // max(len(ranks), 1)
    if seen:
        noun = "process" if seen == 1 else "processes"
        each = " per rank" if len(ranks) > 1 else ""
        return replace(settings, workers=Setting(seen, f"{seen} worker {noun} seen{each}"))
    asked = settings.workers_asked
    if effective is None or not isinstance(asked, Setting):
        return replace(settings, workers=asked)
    if effective.value == asked.value:
        return replace(settings, workers=asked)
    return replace(settings, workers=Setting(effective.value, effective.source))


def _number(setting: Maybe[Setting]) -> int | None:
    value = known(setting)
    return value.value if value is not None and type(value.value) is int else None


def _text(setting: Maybe[Setting]) -> str | None:
    value = known(setting)
    return None if value is None or value.value is None else str(value.value)


def _is_set(setting: Maybe[Setting]) -> bool:
    value = known(setting)
    return value is not None and bool(value.value)
