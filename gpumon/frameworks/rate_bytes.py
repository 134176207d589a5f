"""Bytes read of files for each image: learnt while the rate is known, from what the loader reads."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from gpumon.model.measure import Certainty, Maybe, Measure, Missing, known, number
from gpumon.model.process import ProcessReading, Role
from gpumon.model.training import Phase, Training

_LEAST_IMAGES = 200.0
_MOST_IMAGES = 20_000.0
_NOT_YET = Missing(f"fewer than {_LEAST_IMAGES:.0f} images were counted")


@dataclass(frozen=True, slots=True)
class BytesCounter:
    """What the loader of rank 0 has read while it trained, and how many images that were.

    `teacher` is the source of the rate by which they were counted.
    """

    read_bytes: float = 0.0
    images: float = 0.0
    teacher: str = ""
    at_seconds: float | None = None


def advance_bytes(
    counter: BytesCounter,
    training: Training,
    processes: Sequence[ProcessReading],
    workers: Maybe[int],
    images_per_second: Maybe[Measure],
    *,
    phase: Phase,
    now_seconds: float,
) -> BytesCounter:
    """Return `counter` with what was read since the last reading, where a rate that is no estimate is known.

    Without workers the main process reads the files itself.
    """
    before = counter.at_seconds
    if phase is not Phase.TRAIN:
        return replace(counter, at_seconds=None)
    counter = replace(counter, at_seconds=now_seconds)
    rate = known(images_per_second)
    if before is None or rate is None or rate.certainty is Certainty.ESTIMATED or rate.value <= 0:
        return counter
    role = Role.MAIN if workers == 0 else Role.TRAIN_WORKER
    readers = {member.id for member in training.members if member.role is role and not member.rank}
    reads = [number(process.read_characters_per_second) for process in processes if process.id in readers]
    if not reads or None in reads:
        return counter
    seconds = max(now_seconds - before, 0.0)
    read = counter.read_bytes + sum(one or 0.0 for one in reads) * seconds
    images = counter.images + rate.value / max(training.world_size, 1) * seconds
    # Halved once they are many, so that other images (multi-scale, another folder) are followed.
    half = 2 if images > _MOST_IMAGES else 1
    return replace(
        counter, read_bytes=read / half, images=images / half, teacher=rate.source.partition(",")[0]
    )


def image_read_bytes(counter: BytesCounter) -> Maybe[Measure]:
    """Return the bytes read for an image, page cache included; missing before 200 images were counted."""
    if counter.images < _LEAST_IMAGES:
        return _NOT_YET
    source = f"reads of the loader, images by {counter.teacher}"
    return Measure(counter.read_bytes / counter.images, Certainty.SAMPLED, source)
