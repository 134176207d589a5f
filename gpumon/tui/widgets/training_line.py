"""The top line: what is attached and how far it is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from gpumon.model.kinds import Phase
from gpumon.model.measure import Maybe, known, number
from gpumon.paint.bars import gauge
from gpumon.paint.glyphs import Glyphs, glyphs
from gpumon.paint.numbers import duration, percent
from gpumon.paint.row import Row, Span, clip, clip_left, fit, row_width
from gpumon.tui.losses import loss_mark
from gpumon.tui.widgets.finding_words import framework_name
from gpumon.tui.widgets.frame import Frame
from gpumon.tui.widgets.pane import Pane

if TYPE_CHECKING:
    from gpumon.model.reading import ProgressReading, TrainingReading
    from gpumon.model.training import Setting, Training

_PHASES = {
    Phase.START: "starting",
    Phase.VALIDATE: "validating",
    Phase.CHECKPOINT: "saving",
    Phase.END: "ending",
}
_NAME_CELLS = 20
_PATH_CELLS = 24
_BAR_CELLS = 14
_DONE_CELLS = 8  # of `at 100 %`
_ETA_CELLS = 10  # of `ETA 12m05s`
_GAP_CELLS = 3  # a dot between two blanks


@dataclass(frozen=True, slots=True)
class _Piece:
    """A part of the line; where room is short the part with the highest `rank` goes first.

    `most_cells` is what it takes when its number is longest, so that as many parts fit in every second.
    """

    rank: int
    row: Row
    apart: bool = True
    most_cells: int = 0


class TrainingLine(Pane):
    """Framework, script, PID, settings, ranks, run directory, epoch, bar and ETA in one line."""

    DEFAULT_CSS = "TrainingLine { height: 1; }"
    FRAMED = False

    def draw(self, frame: Frame, width: int, height: int) -> list[Row]:
        """Return the line."""
        del height
        glyph = glyphs(frame.view.ascii)
        reading = frame.training
        if reading is None:
            host = clip(frame.report.sample.hostname, _PATH_CELLS, glyph.ellipsis)
            pieces = [_Piece(0, (Span("gpumon", "title"),)), _Piece(1, (Span(host),))]
        else:
            pieces = _pieces(reading, glyph, ascii_only=frame.view.ascii)
            mark = loss_mark(reading.progress)
            if mark is not None:
                pieces.append(_Piece(0, (mark,)))
            if frame.is_stopped:
                pieces.append(_Piece(0, (Span("STOPPED", "warn"),)))
        simulated = frame.report.sample.driver.simulated or any(
            gpu.simulated for gpu in frame.report.sample.gpus
        )
        if simulated or (reading is not None and reading.training.simulated):
            pieces[0] = _Piece(0, (Span(" SIMULATED ", "simulated"), Span(" "), *pieces[0].row))
        if frame.view.replay is not None:
            pieces[0] = _Piece(0, (Span(" REPLAY ", "simulated"), Span(" "), *pieces[0].row))
        elif frame.view.is_recording:
            pieces[0] = _Piece(0, (Span(f"{glyph.bullet} REC", "warn"), Span(" "), *pieces[0].row))
        return [fit(_fitted(pieces, width, glyph), width)]


def _fitted(pieces: list[_Piece], width: int, glyph: Glyphs) -> Row:
    """Return as many pieces as the width holds, in their order, the most important ones first."""
    kept: set[int] = set()
    used = 1
    for _, index in sorted((piece.rank, index) for index, piece in enumerate(pieces)):
        piece = pieces[index]
        gap = 0 if index == 0 else _GAP_CELLS if piece.apart else 1
        cells = gap + max(row_width(piece.row), piece.most_cells)
        if used + cells <= width or piece.rank == 0:
            kept.add(index)
            used += cells
    return _joined([piece for index, piece in enumerate(pieces) if index in kept], glyph)


def _joined(pieces: list[_Piece], glyph: Glyphs) -> Row:
    line: list[Span] = [Span(" ")]
    for index, piece in enumerate(pieces):
        if index:
            line.append(Span(f" {glyph.dot} " if piece.apart else " ", "dim"))
        line.extend(piece.row)
    return tuple(line)


def _pieces(reading: TrainingReading, glyph: Glyphs, *, ascii_only: bool) -> list[_Piece]:
    training = reading.training
    framework = framework_name(training.framework)
    name = clip(training.name, _NAME_CELLS, glyph.ellipsis)
    pieces = [
        _Piece(0, (Span(framework, "title"),)),
        _Piece(6, (Span(name),), apart=False),
        _Piece(3, (Span(f"pid {training.id.pid}"),), apart=False),
    ]
    model = _model(training)
    if model:
        pieces.append(_Piece(5, (Span(clip(model, _NAME_CELLS, glyph.ellipsis)),)))
    settings = training.settings
    size = _setting(settings.imgsz)
    if size is not None:
        pieces.append(_Piece(8, (Span(f"{size}px"),)))
    for rank, word, setting in ((2, "batch", settings.batch_size), (2, "workers", settings.workers)):
        value = _setting(setting)
        pieces.append(_Piece(rank, (Span(f"{word} ", "dim"), Span(glyph.dash if value is None else value))))
    if training.world_size > 1:
        pieces.append(_Piece(4, (Span("ranks ", "dim"), Span(str(training.world_size)))))
    run_dir = known(training.run_dir)
    if run_dir is not None:
        shown = clip_left(_short_path(run_dir), _PATH_CELLS, glyph.ellipsis)
        pieces.append(_Piece(7, (Span(shown),)))
    if reading.ended is not None:
        return [*pieces, _Piece(0, (Span(f"ended: {reading.ended.how.value}", "warn"),))]
    return [*pieces, *_progress(training, reading.phase, reading.progress, ascii_only=ascii_only)]


def _progress(
    training: Training, phase: Phase, progress: ProgressReading, *, ascii_only: bool
) -> list[_Piece]:
    """Return phase, epoch, the bar of the epoch, and ETA."""
    glyph = glyphs(ascii_only)
    pieces: list[_Piece] = []
    if phase in _PHASES:
        pieces.append(_Piece(1, (Span(_PHASES[phase], "info"),)))
    epoch, epochs = known(progress.epoch), known(progress.epochs)
    if epoch is not None:
        # YOLOv5 counts 0/99 ... 99/99 in its own log, ultralytics 1/100 ... 100/100.
        first = 1 if training.framework == "ultralytics" else 0
        last = glyph.dash if epochs is None else f"{epochs - 1 + first}"
        text = f"{epoch + first}/{last}"
        pieces.append(_Piece(1, (Span("epoch ", "dim"), Span(text, "value"))))
    batch, batches = known(progress.batch), known(progress.batches)
    if batch is not None and batches:
        share = min(1.0, batch / batches)
        bar = gauge(share, _BAR_CELLS, ascii_only=ascii_only)
        edges = (Span(glyph.left_edge, "dim"), Span(glyph.right_edge, "dim"))
        pieces.append(_Piece(4, (edges[0], *bar, edges[1]), apart=False))
        row = (Span("at ", "dim"), Span(percent(share, 0)))
        pieces.append(_Piece(2, row, apart=False, most_cells=_DONE_CELLS))
    eta = number(progress.eta_seconds)
    if eta is not None:
        row = (Span("ETA ", "dim"), Span(duration(eta), "value"))
        pieces.append(_Piece(1, row, most_cells=_ETA_CELLS))
    return pieces


def _model(training: Training) -> str:
    """Return the name of the model: of the weights, or of the configuration it is built from."""
    for setting in (training.settings.weights, training.settings.cfg):
        value = _setting(setting)
        if value:
            return value.rsplit("/", 1)[-1].removesuffix(".pt").removesuffix(".yaml")
    return ""


def _setting(setting: Maybe[Setting]) -> str | None:
    found = known(setting)
    return None if found is None or found.value is None else str(found.value)


def _short_path(path: str) -> str:
    """Return the last three parts of a path: `runs/train/exp7`."""
    return "/".join(path.rstrip("/").split("/")[-3:])
