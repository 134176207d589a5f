"""The way of the data: disk, workers, queue, GPU."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gpumon.model.kinds import Role
from gpumon.model.measure import Missing, known, number
from gpumon.paint.bars import gauge
from gpumon.paint.glyphs import Glyphs, glyphs
from gpumon.paint.numbers import NOT_KNOWN, bytes_of, percent, quantity, rate_text
from gpumon.paint.row import Row, Span, clip, fit, row_width
from gpumon.tui.widgets.frame import Frame
from gpumon.tui.widgets.gpu import busy_spans, wait_spans
from gpumon.tui.widgets.gpu_list import gpu_rows
from gpumon.tui.widgets.pane import Pane
from gpumon.tui.widgets.recent import recent_busy, recent_wait

if TYPE_CHECKING:
    from gpumon.model.reading import LoaderReading, TrainingReading

_LABEL_CELLS = 9
_RATE_CELLS = 10
_BAR_CELLS = 8
_SEVERAL = 2


class PipelinePane(Pane):
    """The stages of the data pipeline, one row each, from the disk to the images trained per second.

    Below them all GPUs, where there are several.
    """

    def title(self, frame: Frame) -> Row:
        """Return `pipeline`; `GPUs` where there is no training but GPUs to list."""
        return (Span("GPUs" if _lists_gpus(frame) else "pipeline", "title"),)

    def draw(self, frame: Frame, width: int, height: int) -> list[Row]:
        """Return the stages, the decisive ones first where there is no room for all."""
        glyph = glyphs(frame.view.ascii)
        reading = frame.training
        if _lists_gpus(frame):
            return gpu_rows(frame, width, height)
        if reading is None or reading.ended is not None:
            return [(), (Span(f"  {_nothing(reading)}", "dim"),)]
        loader = reading.loader
        bar_cells = max(_BAR_CELLS, min(24, width - 52))
        stages: list[tuple[int, str, Row]] = [
            (4, "disk", _disk(frame, loader)),
            (0, "workers", _workers(frame, reading, glyph, bar_cells)),
            (5, "", _worker_waits(loader)),
            (3, "queue", _queue(frame, loader)),
            (6, "shm", _shared_memory(loader)),
            (1, "loop", _wait(frame, glyph)),
            (4, "ranks", _ranks(loader, glyph)),
            (2, "GPU", _gpu(frame, glyph, bar_cells)),
            (2, "rate", _rate(reading)),
        ]
        stages = [stage for stage in stages if stage[2]]
        while len(stages) > height:
            stages.remove(max(stages, key=lambda stage: stage[0]))
        rows: list[Row] = []
        for _, word, row in stages:
            label = Span(f" {word}".ljust(_LABEL_CELLS), "dim")
            rows.append(fit((label, *row), width, ellipsis=glyph.ellipsis))
        return [*rows, *_all_gpus(frame, width, height - len(rows))]


class PipelineLine(Pane):
    """The pipeline in one line: `workers 2 busy 98 % → ready 0/4 → waits 41 % ±3 → GPU 58 %`."""

    DEFAULT_CSS = "PipelineLine { height: 1; }"
    FRAMED = False

    def draw(self, frame: Frame, width: int, height: int) -> list[Row]:
        """Return the line, without the stages that have no room."""
        del height
        glyph = glyphs(frame.view.ascii)
        reading = frame.training
        if reading is None or reading.ended is not None:
            return [(Span(f" {_nothing(reading)}", "dim"),)]
        loader = reading.loader
        read = known(loader.read_bytes_per_second)
        gpu = frame.gpu
        ratio = None if gpu is None else number(gpu.gpu_busy_ratio)
        busy = NOT_KNOWN if ratio is None else percent(ratio, 0)
        wait = known(recent_wait(frame))
        waits = (Span(f" {NOT_KNOWN}"),) if wait is None else wait_spans(wait, glyph)
        # What belongs to the stage before it has no arrow.
        stages: list[tuple[int, str, Row]] = [
            (3, "", (Span("disk ", "dim"), Span(rate_text(read, 8 if read is not None else 0)))),
            (0, glyph.arrow, _short_workers(frame, loader)),
            (5, "", _short_bar(frame)),
            (4, glyph.arrow, _ready(loader)),
            (1, glyph.arrow, (Span("waits", "dim"), *waits)),
            (2, "", _short_ranks(loader)),
            (0, glyph.arrow, (Span("GPU ", "dim"), Span(busy, "value"))),
        ]
        stages = [stage for stage in stages if stage[2]]
        while True:
            row: list[Span] = []
            for _, arrow, stage in stages:
                row += [Span(f" {arrow} " if arrow and row else " ", "dim"), *stage]
            dearest = max(rank for rank, _, _ in stages)
            if row_width(row) <= width or dearest == 0:
                return [tuple(row)]
            stages = [stage for stage in stages if stage[0] != dearest]


def _lists_gpus(frame: Frame) -> bool:
    return frame.training is None and bool(frame.report.sample.gpus)


def _all_gpus(frame: Frame, width: int, height: int) -> list[Row]:
    """Return the GPUs in the rows that are left below the stages, where there are several."""
    if len(frame.report.sample.gpus) < _SEVERAL:
        return []
    rows = gpu_rows(frame, width - _LABEL_CELLS, height)
    words = (" GPUs", *[""] * len(rows))
    return [(Span(word.ljust(_LABEL_CELLS), "dim"), *row) for word, row in zip(words, rows, strict=False)]


def _nothing(reading: TrainingReading | None) -> str:
    return "no training is attached" if reading is None else "the training has ended"


def _disk(frame: Frame, loader: LoaderReading) -> Row:
    """Return what the workers read, and the busiest disk."""
    parts: list[Span] = [Span(rate_text(known(loader.read_bytes_per_second), _RATE_CELLS), "value")]
    parts.append(Span(" read by workers", "dim"))
    disks = known(frame.report.sample.host.disks)
    if disks:
        busiest = max(disks, key=lambda disk: disk.disk_busy_ratio)
        parts += [Span(f"  {clip(busiest.name, 10)} busy", "dim"), Span(percent(busiest.disk_busy_ratio))]
    return tuple(parts)


def _workers(frame: Frame, reading: TrainingReading, glyph: Glyphs, bar_cells: int) -> Row:
    loader = reading.loader
    count = known(loader.workers)
    if count is None:
        seen = len(reading.training.pids(Role.TRAIN_WORKER))
        count = seen or None
    busy, cpu = recent_busy(frame), known(loader.worker_cpu_ratio)
    bar = gauge(busy, bar_cells, role="bar", ascii_only=frame.view.ascii)
    return (
        Span((NOT_KNOWN if count is None else str(count)).rjust(4), "value"),
        Span(" busy ", "dim"),
        Span(percent(busy), "value"),
        Span("  "),
        Span(glyph.left_edge, "dim"),
        *bar,
        Span(glyph.right_edge, "dim"),
        *(() if cpu is None else (Span(" CPU", "dim"), Span(percent(cpu, 6)))),
        *((Span(f" {loader.workers.reason}", "dim"),) if isinstance(loader.workers, Missing) else ()),
    )


def _short_workers(frame: Frame, loader: LoaderReading) -> Row:
    count = known(loader.workers)
    busy, cpu = recent_busy(frame), known(loader.worker_cpu_ratio)
    head = (Span("workers ", "dim"), Span(NOT_KNOWN if count is None else str(count), "value"))
    if busy is not None:
        return (*head, Span(" busy", "dim"), Span(percent(busy, 6)))
    return head if cpu is None else (*head, Span(" CPU", "dim"), Span(percent(cpu, 6)))


def _short_bar(frame: Frame) -> Row:
    busy = recent_busy(frame)
    return () if busy is None else gauge(busy, 4, role="bar", ascii_only=frame.view.ascii)


def _ready(loader: LoaderReading) -> Row:
    """Return `ready 3/8`: batches that the loop could take at once, of those that are loaded ahead.

    These are at most prefetch factor times workers; where that is not known, those asked for. Nothing
    where the queue cannot be looked into.
    """
    ready = known(loader.batches_ready)
    if ready is None:
        return ()
    workers, prefetch = known(loader.workers), known(loader.prefetch_factor)
    whole = workers * prefetch if workers and prefetch else known(loader.tasks_outstanding)
    of = "" if whole is None else f"/{whole}"
    shown = str(ready).rjust(len(of) - 1)
    return (Span("ready ", "dim"), Span(shown, "value"), Span(of))


def _ranks(loader: LoaderReading, glyph: Glyphs) -> Row:
    """Return the slowest of several ranks and the spread of their waits; nothing of one rank."""
    rank, wait = known(loader.slowest_rank), known(loader.slowest_rank_data_wait_ratio)
    spread = known(loader.rank_data_wait_spread_ratio)
    if rank is None or wait is None or spread is None:
        return ()
    return (
        Span("rank ", "dim"),
        Span(str(rank), "value"),
        Span(" waits most", "dim"),
        *wait_spans(wait, glyph),
        Span("  spread", "dim"),
        Span(percent(spread), "value"),
    )


def _short_ranks(loader: LoaderReading) -> Row:
    rank, wait = known(loader.slowest_rank), known(loader.slowest_rank_data_wait_ratio)
    spread = known(loader.rank_data_wait_spread_ratio)
    if rank is None or wait is None or spread is None:
        return ()
    return (
        Span(f"(rank {rank}", "dim"),
        Span(percent(wait.value), "value"),
        Span(", spread", "dim"),
        Span(percent(spread)),
        Span(")", "dim"),
    )


def _worker_waits(loader: LoaderReading) -> Row:
    """Return what else the workers do, the reasons that are there."""
    waits = (
        ("a core", known(loader.worker_run_queue_wait_ratio)),
        ("disk", known(loader.worker_disk_ratio)),
        ("remote", known(loader.worker_remote_ratio)),
        ("lock", known(loader.worker_lock_ratio)),
    )
    parts: list[Span] = []
    for word, share in waits:
        if share is None or (parts and share < 0.005):
            continue
        parts += [Span("   " if parts else "wait for: ", "dim"), Span(word, "dim"), Span(percent(share))]
    return tuple(parts)


def _queue(frame: Frame, loader: LoaderReading) -> Row:
    """Return how often the prefetch queue is full (then the workers wait for an index), and its depth."""
    busy, ready = recent_busy(frame), _ready(loader)
    return (
        Span("full", "dim"),
        Span(percent(None if busy is None else 1.0 - busy), "value"),
        Span(" of the time", "dim"),
        *((Span("  "), *ready) if ready else ()),
    )


def _shared_memory(loader: LoaderReading) -> Row:
    shm = loader.shm
    if isinstance(shm, Missing):
        return (Span(f"{NOT_KNOWN} {shm.reason}", "dim"),)
    text = bytes_of(shm.shm_free_bytes, shm.shm_total_bytes)
    low = shm.shm_free_bytes < 0.1 * shm.shm_total_bytes
    return (Span(text, "warn" if low else ""), Span(" free in /dev/shm", "dim"))


def _wait(frame: Frame, glyph: Glyphs) -> Row:
    wait = recent_wait(frame)
    if isinstance(wait, Missing):
        return (Span("waits ", "dim"), Span(NOT_KNOWN), Span(f" {wait.reason}", "dim"))
    return (Span("waits", "dim"), *wait_spans(wait, glyph), Span(" of its time for data", "dim"))


def _gpu(frame: Frame, glyph: Glyphs, bar_cells: int) -> Row:
    gpu = frame.gpu
    if gpu is None:
        return (Span(NOT_KNOWN.rjust(4)), Span(" no GPU is seen", "dim"))
    bar = gauge(number(gpu.gpu_busy_ratio), bar_cells, role="gpu", ascii_only=frame.view.ascii)
    return (
        Span("     busy ", "dim"),
        *busy_spans(gpu, frame, glyph, 5)[:1],
        Span("  "),
        Span(glyph.left_edge, "dim"),
        *bar,
        Span(glyph.right_edge, "dim"),
        *busy_spans(gpu, frame, glyph)[1:],
    )


def _rate(reading: TrainingReading) -> Row:
    rate = reading.progress.images_per_second
    batches = number(reading.loader.batches_per_second)
    if isinstance(rate, Missing):
        if batches is None:
            return (Span(NOT_KNOWN.rjust(5)), Span(f" {rate.reason}", "dim"))
        return (Span(quantity(batches, 5), "value"), Span(" batches/s", "dim"))
    mark = "~" if rate.certainty.value == "estimated" else ""
    parts = [Span((mark + quantity(rate.value)).rjust(5), "value"), Span(" img/s", "dim")]
    if batches is not None:
        parts += [Span(quantity(batches, 8)), Span(" batches/s", "dim")]
    return tuple(parts)
