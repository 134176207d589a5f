"""A plan before a run as plain lines."""

from __future__ import annotations

from collections.abc import Iterator

from gpumon.advice.starting_facts import StartingFacts
from gpumon.advice.starting_point import BatchStart, NoRoom, StartingPoint, usable_words
from gpumon.history.stats import Interval
from gpumon.model.measure import Missing, known
from gpumon.paint.numbers import bytes_text, quantity

_INDENT = 9


def plan_lines(facts: StartingFacts, point: StartingPoint, command: str, note: str = "") -> Iterator[str]:
    """Yield the lines of a plan; every number comes with its range and what it rests on."""
    yield f"To start {facts.model} at {facts.imgsz} pixels. All of it is an estimate: nothing was measured."
    yield from _known(facts)
    yield ""
    yield from _batch(point)
    yield _line("workers", f"{point.workers.workers}: {point.workers.text}")
    prepared = point.workers.prepared
    if not isinstance(prepared, Missing):
        yield _line(
            "", f"they prepare about {_range(prepared)} images/s (by timings of the real YOLOv5 elsewhere)"
        )
    need = point.cache.need
    words = "" if isinstance(need, Missing) else f" (needs {_bytes(need)})"
    yield _line("cache", f"{'ram' if point.cache.ram else 'none'}: {point.cache.text}{words}")
    yield ""
    yield command
    yield ""
    yield "Watch then:"
    for text in point.watch:
        yield f"- {text}"
    if note:
        yield note


def _known(facts: StartingFacts) -> Iterator[str]:
    gpu, machine = facts.gpu, facts.machine
    if isinstance(gpu, Missing):
        yield _line("GPU", gpu.reason)
    else:
        name = f"{gpu.name}, " if gpu.name else ""
        taken = f"{bytes_text(gpu.taken_bytes)} of it taken"
        yield _line("GPU", f"{name}{bytes_text(gpu.total_bytes)}, {taken} ({gpu.source})")
    limit = f" ({machine.limited_by})" if machine.limited_by else ""
    free = bytes_text(known(machine.memory_available_bytes))
    yield _line("machine", f"{usable_words(machine)}{limit}, {free} of memory free")
    data = known(facts.data)
    if data is not None:
        sizes = f", {_mean_size(data.sizes)} pixels on average of {len(data.sizes)}" if data.sizes else ""
        yield _line("images", f"{'' if data.is_whole else 'at least '}{data.images}{sizes}")


def _batch(point: StartingPoint) -> Iterator[str]:
    batch = point.batch
    if isinstance(batch, NoRoom):
        smaller = "a smaller model or --imgsz needs less"
        yield _line("batch", f"1, which may fail: {batch.reason}; {smaller}")
    elif not isinstance(batch, BatchStart):
        yield _line("batch", f"not known: {batch.reason}. YOLOv5's default is 16: let gpumon look at it")
    else:
        yield _line("batch", f"{batch.batch}: about {_bytes(batch.peak)} at the peak")
        yield _line("", f"up to {batch.safe} is safe, {batch.likely} likely; rests on {batch.rests_on}")
    seen = point.seen
    if seen is not None:
        low, high = quantity(seen.images_per_second_low), quantity(seen.images_per_second_high)
        yield _line(
            "seen",
            f"an earlier run of this training made {quantity(seen.images_per_second)} images/s ({low}–{high})"
            f" with {seen.workers} workers and a batch of {seen.batch_size}",
        )


def _line(name: str, text: str) -> str:
    return f"{name:<{_INDENT}}{text}"


def _range(interval: Interval) -> str:
    return f"{quantity(interval.value)} ({quantity(interval.low)}–{quantity(interval.high)})"


def _bytes(interval: Interval) -> str:
    value, low, high = map(bytes_text, (interval.value, interval.low, interval.high))
    return value if low == high else f"{value} ({low}–{high})"


def _mean_size(sizes: tuple[tuple[int, int], ...]) -> str:
    width, height = (sum(size[side] for size in sizes) / len(sizes) for side in (0, 1))
    return f"{width:.0f}x{height:.0f}"
