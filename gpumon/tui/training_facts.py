"""Every number of a training that is on the screen, with how it is known."""

from __future__ import annotations

from math import isfinite

from gpumon.model.gpu import GpuReading
from gpumon.model.measure import Certainty, Maybe, Measure, Missing, known
from gpumon.model.reading import LoaderReading, ProgressReading, TrainingReading
from gpumon.model.training import Phase, Setting, Training
from gpumon.paint.glyphs import Glyphs, glyphs
from gpumon.paint.numbers import bytes_of, bytes_text, duration, percent, rate_text
from gpumon.tui.facts import BYTES, RATE, RATIO, SECONDS, Fact, Section, counted, measured, missing
from gpumon.tui.losses import results_of, running_losses
from gpumon.tui.widgets.frame import Frame
from gpumon.tui.widgets.recent import recent_loaders, recent_wait, recent_wait_by_state

_TEN_SECONDS = "last 10 s"
_SETTINGS = (
    "batch_size",
    "workers",
    "workers_asked",
    "imgsz",
    "epochs",
    "cache",
    "weights",
    "data",
    "device",
)
_SEE_ABOVE = "needs the interpreter, see above"


def disagreements(reading: TrainingReading) -> Section:
    """Return what sources say against the numbers that are shown. They are never averaged."""
    notes = (*reading.loader.notes, *place_of(reading.progress)[1])
    facts = tuple(Fact("", note, role="warn") for note in notes)
    none = Fact("", "none: no source contradicts another", role="dim")
    return Section("sources that disagree", facts or (none,))


def place_of(progress: ProgressReading) -> tuple[str, tuple[str, ...]]:
    """Return where epoch and batch are from, and what other sources say against the progress."""
    parts = tuple(part for part in progress.source.split("; ") if part)
    if known(progress.epoch) is None and known(progress.batch) is None:
        return "", parts
    return (parts[0], parts[1:]) if parts else ("", ())


def tiers(reading: TrainingReading, frame: Frame) -> Section:
    """Return what looks at the training, or why it does not."""
    training = reading.training
    state = reading.loader.data_wait_ratio_by_state
    looks = waiting = 0
    for loader in recent_loaders(frame):
        looks += loader.main_samples
        waiting += loader.main_waiting_samples
    seen = Fact("looks", f"{looks} in 10 s", source=f"{waiting} found it waiting")
    facts = [
        _tier("interpreter", reading.interpreter, "looked into"),
        _tier("reporter", reading.reporter, "reports"),
        missing("thread states", state.reason)
        if isinstance(state, Missing)
        else Fact("thread states", "looked at", source="/proc: state, wait channel, schedstat"),
        *((seen,) if looks else ()),
        _path("log", training.log_path),
        _path("run directory", training.run_dir),
        *(Fact("note", "", source=note) for note in training.notes),
    ]
    return Section("what looks at it", tuple(facts))


def rates(reading: TrainingReading, frame: Frame) -> Section:
    """Return the wait by its best source and by thread states beside it, of all ranks, and the rates."""
    loader, glyph = reading.loader, glyphs(frame.view.ascii)
    best, by_state = recent_wait(frame), recent_wait_by_state(frame)
    facts = [
        measured("data wait", best, RATIO, glyph, _ten_seconds(best)),
        measured("by thread states", by_state, RATIO, glyph, _ten_seconds(by_state)),
        *_ranks(reading.training, loader, glyph),
        measured("batches per second", loader.batches_per_second, RATE, glyph),
        measured("images per second", reading.progress.images_per_second, RATE, glyph),
        measured("full step", loader.step_seconds, SECONDS, glyph),
        measured("epoch's last step", loader.last_step_seconds, SECONDS, glyph),
    ]
    return Section("wait and rates", tuple(facts))


def progress(reading: TrainingReading) -> Section:
    """Return phase, epoch, batch and the time that is left."""
    place, now = place_of(reading.progress)[0], reading.progress
    first = _first_epoch(reading.training)
    epochs, batches = known(now.epochs), known(now.batches)
    last_epoch = "" if epochs is None else f"/{epochs - 1 + first}"
    last_batch = "" if batches is None else f"/{batches}"
    phase = (
        missing("phase", reading.phase_source or "not seen yet")
        if reading.phase is Phase.UNKNOWN
        else Fact("phase", reading.phase.value, source=reading.phase_source)
    )
    facts = (
        phase,
        counted("epoch", now.epoch, place, write=lambda epoch: f"{epoch + first}{last_epoch}"),
        counted("batch", now.batch, place, write=lambda batch: f"{batch}{last_batch}"),
        counted(
            "time left",
            now.eta_seconds,
            f"{place}, and the pace so far" if place else "the pace so far",
            write=duration,
            certainty=Certainty.ESTIMATED,
        ),
    )
    return Section("progress", facts)


def losses(reading: TrainingReading) -> Section:
    """Return the running losses and the newest row of results.csv; what is no number stands out."""
    now, first = reading.progress, _first_epoch(reading.training)
    facts = []
    for running in running_losses(now):
        of = "" if running.epoch is None else f", mean of epoch {running.epoch + first} so far"
        facts += [_result(name, value, running.source + of) for name, value in running.values]
    epoch = dict(now.results).get("epoch")
    source = "results.csv" if epoch is None else f"results.csv, epoch {epoch:g}"
    facts += [_result(name, value, source) for name, value in results_of(now)]
    if not now.results:
        where = reading.training.run_dir
        why = where.reason if isinstance(where, Missing) else "results.csv has no row yet"
        facts.append(missing("newest epoch", why))
    skipped = counted("steps skipped", now.steps_skipped_ratio, "its GradScaler", write=_percent)
    return Section("losses, mAP, learning rates", (*facts, skipped))


def loader(reading: TrainingReading, frame: Frame) -> Section:
    """Return the loader's queue, its settings and what it moves."""
    now, glyph = reading.loader, glyphs(frame.view.ascii)
    inside = known(reading.interpreter)
    own = inside or ""
    told = known(reading.reporter) or own
    seen = known(reading.training.settings.workers)
    shm = now.shm
    free: Fact = (
        missing("shm free", shm.reason)
        if isinstance(shm, Missing)
        else Fact(
            "shm free", bytes_of(shm.shm_free_bytes, shm.shm_total_bytes), "exact", "statvfs of its /dev/shm"
        )
    )
    facts = (
        counted("workers of a rank", now.workers, seen.source if seen is not None else own),
        counted("batch of a rank", now.batch_size, told),
        measured("bytes per batch", now.batch_bytes, BYTES, glyph),
        measured("read per image", now.image_read_bytes, BYTES, glyph),
        counted("batches ready", now.batches_ready, own),
        counted("tasks outstanding", now.tasks_outstanding, own),
        counted("prefetch factor", now.prefetch_factor, own),
        counted("pinned memory", now.pin_memory, own, write=_yes),
        counted("persistent workers", now.persistent_workers, own, write=_yes),
        counted("drops the last batch", now.drop_last, own, write=_yes),
        counted("last batch of an epoch", now.last_batch_size, own),
        counted("read by workers", now.read_bytes_per_second, "/proc/PID/io", write=rate_text),
        free,
        measured("shm needed", now.shm_needed_bytes, BYTES, glyph),
    )
    return Section("loader", tuple(_short(fact, reading) for fact in facts))


def gpus(reading: TrainingReading, frame: Frame) -> Section:
    """Return busy share and memory of the GPUs that the training uses."""
    used = reading.gpus(frame.report.sample.gpus) or ((frame.gpu,) if frame.gpu is not None else ())
    facts = [fact for gpu in used for fact in _gpu(gpu)]
    if not used:
        facts.append(missing("GPU", frame.report.sample.driver.text or "no GPU was found"))
    held = reading.gpu_memory_used_bytes
    is_real = not any(gpu.simulated for gpu in used)
    source = "the driver's list of processes" if is_real else "virtual GPU, simulated"
    facts.append(counted("of the training", held, source, write=bytes_text))
    return Section("GPU", tuple(facts))


def settings(reading: TrainingReading) -> Section:
    """Return what the training was started with, or what is really used, and how that is known."""
    facts = []
    for name in _SETTINGS:
        setting: Maybe[Setting] = getattr(reading.training.settings, name)
        words = name.replace("_", " ")
        if isinstance(setting, Missing):
            facts.append(missing(words, setting.reason))
        else:
            value = "not set" if setting.value in (None, "") else str(setting.value)
            facts.append(Fact(words, value, source=setting.source))
    return Section("settings", tuple(facts))


def _tier(name: str, found: Maybe[str], word: str) -> Fact:
    return missing(name, found.reason) if isinstance(found, Missing) else Fact(name, word, source=found)


def _path(name: str, path: Maybe[str]) -> Fact:
    return missing(name, path.reason) if isinstance(path, Missing) else Fact(name, "read", source=path)


def _ten_seconds(wait: Maybe[Measure]) -> str:
    return _TEN_SECONDS if isinstance(wait, Measure) and wait.certainty is Certainty.SAMPLED else ""


def _ranks(training: Training, now: LoaderReading, glyph: Glyphs) -> tuple[Fact, ...]:
    if training.world_size < 2 and isinstance(now.slowest_rank, Missing):
        return ()
    return (
        counted("slowest rank", now.slowest_rank, "the others wait for the one that waits most"),
        measured("its data wait", now.slowest_rank_data_wait_ratio, RATIO, glyph, "last second"),
        counted(
            "spread of the ranks",
            now.rank_data_wait_spread_ratio,
            "most minus least data wait, last second",
            write=_percent,
            certainty=Certainty.SAMPLED,
        ),
    )


def _gpu(gpu: GpuReading) -> tuple[Fact, ...]:
    of = f"GPU {gpu.index}"
    made_up = ", simulated" if gpu.simulated else ""
    source = gpu.gpu_busy_source + made_up
    certainty = Certainty.EXACT if gpu.simulated else Certainty.SAMPLED
    total = known(gpu.gpu_memory_total_bytes)
    return (
        counted(f"{of} busy", gpu.gpu_busy_ratio, source, write=_percent, certainty=certainty),
        counted(
            f"{of} memory",
            gpu.gpu_memory_used_bytes,
            "virtual GPU, simulated" if gpu.simulated else "nvml, all processes",
            write=lambda used: bytes_text(used) if total is None else bytes_of(used, total).strip(),
        ),
    )


def _short(fact: Fact, reading: TrainingReading) -> Fact:
    """Return a fact that lacks the interpreter with a word in place of the reason that stands above."""
    tier = reading.interpreter
    same = fact.is_missing and isinstance(tier, Missing) and fact.source == tier.reason
    return missing(fact.name, _SEE_ABOVE) if same else fact


def _first_epoch(training: Training) -> int:
    """Return what the training itself calls its first epoch: YOLOv5 counts 0/99, ultralytics 1/100."""
    return 1 if training.framework == "ultralytics" else 0


def _result(name: str, value: float, source: str) -> Fact:
    return Fact(name, f"{value:.4g}", Certainty.EXACT.value, source, "value" if isfinite(value) else "danger")


def _percent(ratio: float) -> str:
    return percent(ratio, 0)


def _yes(value: bool) -> str:
    return "yes" if value else "no"
