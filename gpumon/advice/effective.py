"""How many DataLoader workers a training really gets: the silent caps of each version."""

from __future__ import annotations

from dataclasses import dataclass, replace

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
    """Apply the cap of YOLOv5's create_dataloader: min(cores // divisor, batch, workers).

    A batch of 1 gets no worker.
    """
    divisor = cores_divisor("yolov5", version, gpus=cap.gpus, ranks=cap.world_size)
    limits = [(cap.asked, f"{cap.asked} asked")]
    if cap.cores is not None:
        limits.append(_share(cap.cores, divisor))
    if cap.batch is not None and cap.batch >= 0:
        limits.append((cap.batch if cap.batch > 1 else 0, f"batch {cap.batch}"))
    return _smallest(limits, "YOLOv5's cap")


def ultralytics_workers(cap: WorkerCap, *, on_cpu: bool) -> EffectiveWorkers:
    """Apply the cap of ultralytics' build_dataloader: min(cores // GPUs, workers); none without a GPU.

    It caps at the number of batches, too, which hardly any data set has fewer of than workers.
    """
    if on_cpu:
        return EffectiveWorkers(0, "ultralytics uses none without a GPU")
    limits = [(cap.asked, f"{cap.asked} asked")]
    if cap.cores is not None:
        limits.append(_share(cap.cores, cores_divisor("ultralytics", "", gpus=cap.gpus, ranks=1)))
    return _smallest(limits, "ultralytics' cap")


def cores_divisor(framework: str, version: str, *, gpus: int | None, ranks: int) -> int:
    """Return by what a framework divides the CPUs of the machine to cap the workers of one rank.

    YOLOv5 from v6.1 on and ultralytics by the GPUs that it sees (one where that is not known); v6.0 does not
    divide, v5.0 divides by the ranks (utils/dataloaders.py and datasets.py of each version).
    """
    base = yolov5.base_version(version) if framework == "yolov5" else ""
    if base == "v6.0":
        return 1
    return max(ranks if base == "v5.0" else gpus or 1, 1)


def validation_factor(framework: str, version: str, *, classifies: bool) -> int:
    """Return how many validation workers come with each train worker of a rank, all on rank 0; 0: not known.

    YOLOv5's train.py starts twice the train workers since v6.1, as many before; ultralytics (BaseTrainer)
    twice as many. Both start as many for a classifier.
    """
    if framework not in {"yolov5", "ultralytics"}:
        return 0
    if classifies or (framework == "yolov5" and not yolov5.at_least(version, "v6.1")):
        return 1
    return 2


def validation_workers(
    framework: str, version: str, cap: WorkerCap, *, classifies: bool = False, on_cpu: bool = False
) -> int:
    """Return how many validation workers rank 0 starts beside the train workers that `cap` is about.

    The cap holds for the validation's loader, too, whose batch is twice that of a rank. 0 for other
    frameworks, where none are known.
    """
    factor = validation_factor(framework, version, classifies=classifies)
    if not factor:
        return 0
    asked = replace(cap, asked=factor * cap.asked, batch=None if cap.batch is None else 2 * cap.batch)
    if framework == "ultralytics":
        return ultralytics_workers(asked, on_cpu=on_cpu).value
    return yolov5_workers(asked, version).value


def _share(cores: int, divisor: int) -> tuple[int, str]:
    return cores // divisor, f"{cores} cores" if divisor == 1 else f"{cores} cores for {divisor} GPUs"


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
