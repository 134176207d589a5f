"""How many DataLoader workers a training really gets: the silent caps of each version."""

from __future__ import annotations

from dataclasses import dataclass

from gpumon.advice.knobs import yolov5


@dataclass(frozen=True, slots=True)
class WorkerCap:
    """What caps the workers of one rank.

    `asked` is what was asked for, `batch` the batch of one rank (None where it is not known), `cores`
    what os.cpu_count() says (it ignores affinity and quota), `gpus` the GPUs that the rank sees (None
    where that is not known), `world_size` the number of ranks.
    """

    asked: int
    batch: int | None = None
    cores: int | None = None
    gpus: int | None = None
    world_size: int = 1


@dataclass(frozen=True, slots=True)
class EffectiveWorkers:
    """The number of worker processes of one rank, and the words that say how it comes about."""

    value: int
    source: str


def yolov5_workers(cap: WorkerCap, version: str) -> EffectiveWorkers:
    """Apply the cap of YOLOv5's create_dataloader (facts: utils/dataloaders.py of each version).

    v6.1 and later: min(cores // GPUs, batch, workers); v6.0 does not divide, v5.0 divides by the ranks.
    A batch of 1 gets no worker.
    """
    base = yolov5.base_version(version)
    divisor = {"v5.0": cap.world_size, "v6.0": 1}.get(base, max(cap.gpus or 1, 1))
    limits = [(cap.asked, f"{cap.asked} asked")]
    if cap.cores is not None:
        share = f"{cap.cores} cores" if divisor == 1 else f"{cap.cores} cores for {divisor} GPUs"
        limits.append((cap.cores // divisor, share))
    if cap.batch is not None and cap.batch >= 0:
        limits.append((cap.batch if cap.batch > 1 else 0, f"batch {cap.batch}"))
    return _smallest(limits, "YOLOv5's cap")


def ultralytics_workers(cap: WorkerCap, *, on_cpu: bool) -> EffectiveWorkers:
    """Apply the cap of ultralytics' build_dataloader: min(cores // GPUs, workers); none without a GPU."""
    if on_cpu:
        return EffectiveWorkers(0, "ultralytics uses none without a GPU")
    limits = [(cap.asked, f"{cap.asked} asked")]
    if cap.cores is not None:
        divisor = max(cap.gpus or 1, 1)
        share = f"{cap.cores} cores" if divisor == 1 else f"{cap.cores} cores for {divisor} GPUs"
        limits.append((cap.cores // divisor, share))
    return _smallest(limits, "ultralytics' cap")


def _smallest(limits: list[tuple[int, str]], name: str) -> EffectiveWorkers:
    value = min(number for number, _ in limits)
    if value == limits[0][0]:
        return EffectiveWorkers(value, "as asked")
    binding = next(words for number, words in limits[1:] if number == value)
    return EffectiveWorkers(value, f"{name}: {binding}")


def gpus_seen(device: str | None, visible_variable: str | None, gpus: int | None) -> int | None:
    """Return how many GPUs a rank sees: by its device setting, CUDA_VISIBLE_DEVICES, or all there are.

    YOLOv5 sets CUDA_VISIBLE_DEVICES from --device before CUDA starts, so `--device 0` sees one.
    """
    wanted = (device or "").strip().lower().removeprefix("cuda:")
    if wanted in ("cpu", "mps"):
        return 0
    if wanted and wanted not in ("none", "cuda"):
        return len([part for part in wanted.strip("[]() ").split(",") if part.strip()])
    if visible_variable is not None:
        listed = [part.strip() for part in visible_variable.split(",") if part.strip()]
        return 0 if listed[:1] in (["-1"], ["NoDevFiles"], []) else len(listed)
    return gpus
