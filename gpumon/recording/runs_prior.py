"""The prior of a training: what the database of runs holds of runs like it, within bounds."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from gpumon.advice.prior import NOTHING_KNOWN, EarlierRun, Prior, SeenMemory, SeenProof, SeenRate
from gpumon.advice.proof import taught_by
from gpumon.history.estimate import wait_interval
from gpumon.model.measure import Missing
from gpumon.model.reading import TrainingReading
from gpumon.model.sample import Sample
from gpumon.recording.runs_about import about_run
from gpumon.recording.runs_alike import (
    is_change_of,
    is_same_or_unknown,
    is_same_training,
    is_same_work,
)
from gpumon.recording.runs_place import how_it_ended, started_unix_seconds
from gpumon.recording.runs_proof import earlier_run
from gpumon.recording.runs_reach import is_there
from gpumon.recording.runs_run import BrokenRunError, Run, RunAbout, RunEnd, RunProcess
from gpumon.recording.runs_statistics import peak_of, speed_of, wait_of

if TYPE_CHECKING:
    from gpumon.recording.runs import RunsDatabase

# Of the newest runs some hundred descriptions are looked at, and so many of each kind are taken.
_MOST_LOOKED_AT = 500
MOST_SEEN = 50
# Three blocks of 10 s: with fewer there is no interval (gpumon.history.estimate).
LEAST_STEADY_SECONDS = 30.0
_PATIENCE_SECONDS = 5.0
# A run was seen until its end, and the next one starts: a process that was there before is no restart.
_OVERLAP_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class AtHand:
    """The training that a prior is asked for. `started_unix_seconds` is None where that is not known."""

    process: RunProcess
    about: RunAbout
    started_unix_seconds: float | None = None


def load_prior(
    path: Path,
    boot: str,
    sample: Sample,
    reading: TrainingReading,
    *,
    patience_seconds: float = _PATIENCE_SECONDS,
    started: Callable[[int], float | None] = started_unix_seconds,
) -> Prior:
    """Return what the database at `path` teaches of a training; nothing where there is none.

    Takes as long as the disk does, and so long where another program holds the file. `started` tells when a
    process began by its start time in ticks, on the clock of the samples. Raises RunsError for a database
    that cannot be read.
    """
    # Loads SQLite: only where it is needed.
    from gpumon.recording.runs import RunsDatabase

    if not is_there(path):
        return NOTHING_KNOWN
    identity = reading.training.id
    at_hand = AtHand(
        RunProcess(boot, identity.pid, identity.start_ticks),
        about_run(sample, reading, None, None),
        started(identity.start_ticks),
    )
    database = RunsDatabase(path, readonly=True, patience_seconds=patience_seconds)
    try:
        return prior_of(database, at_hand)
    finally:
        database.close()


def prior_of(database: RunsDatabase, at_hand: AtHand) -> Prior:
    """Return what the runs in a database teach of a training: the newest 50 of each kind, never itself.

    Runs that cannot be understood teach nothing. Raises RunsError.
    """
    abouts = {}
    own: int | None = None
    for number, process, about in database.abouts(_MOST_LOOKED_AT):
        if process == at_hand.process:
            own = number
        else:
            abouts[number] = (process, about)
    memory: list[SeenMemory] = []
    rates: list[SeenRate] = []
    earlier: EarlierRun | None = None
    for number, (process, about) in abouts.items():
        is_whole = len(memory) >= MOST_SEEN and len(rates) >= MOST_SEEN
        if is_whole or not is_same_work(about, at_hand.about):
            continue
        run = _run(database, number)
        if run is None:
            continue
        memory += _memory(run, at_hand.about) if len(memory) < MOST_SEEN else ()
        rates += _rate(run, at_hand.about) if len(rates) < MOST_SEEN else ()
        if earlier is None and _is_before(run, process, at_hand) and is_change_of(at_hand.about, about):
            earlier = earlier_run(run)
    proofs = _proofs(database, {number: about for number, (_, about) in abouts.items()}, at_hand.about)
    return Prior(tuple(memory), tuple(rates), proofs, earlier, own)


def _run(database: RunsDatabase, number: int) -> Run | None:
    """Return a run; None where it is gone meanwhile, or cannot be understood."""
    with suppress(BrokenRunError):
        return database.run(number)
    return None


def _is_before(run: Run, process: RunProcess, at_hand: AtHand) -> bool:
    """Tell whether a run was over when the training at hand began, and was seen for long enough."""
    if run.steady_seconds < LEAST_STEADY_SECONDS:
        return False
    boot, ticks = at_hand.process.boot, at_hand.process.start_ticks
    if process.boot == boot and process.start_ticks >= ticks:
        return False
    started = at_hand.started_unix_seconds
    if started is not None and run.last_seen_unix_seconds > started + _OVERLAP_SECONDS:
        return False
    return how_it_ended(run, boot)[0] is not RunEnd.OPEN


def _memory(run: Run, about: RunAbout) -> Iterable[SeenMemory]:
    """Return the peak of one rank, of a run on the same GPU with the same needs."""
    gpus, ranks = run.about.gpus, max(1, run.about.world_size)
    batch = _whole(run.about, "batch_size")
    peak = peak_of(run)
    # One process on several GPUs (DataParallel) divides its batch: that is no rank.
    if not gpus or gpus[:1] != about.gpus[:1] or len(gpus) != ranks:
        return ()
    if not all(is_same_or_unknown(run.about, about, name) for name in ("amp", "optimizer")):
        return ()
    if batch is None or batch < ranks or isinstance(peak, Missing):
        return ()
    return (SeenMemory(batch // ranks, peak.seen_bytes // ranks, run.has_validation),)


def _rate(run: Run, about: RunAbout) -> Iterable[SeenRate]:
    """Return the speed of a run of the same training on as many GPUs."""
    same_size = (run.about.gpus, run.about.world_size) == (about.gpus, about.world_size)
    if not same_size or not is_same_training(run.about, about):
        return ()
    speed, wait, ranks = speed_of(run), wait_of(run), max(1, run.about.world_size)
    batch, workers = _whole(run.about, "batch_size"), _whole(run.about, "workers")
    if isinstance(speed, Missing) or speed.value <= 0 or batch is None or batch < ranks or workers is None:
        return ()
    cache = run.about.setting("cache")
    found = speed.interval()
    return (
        SeenRate(
            workers,
            batch // ranks,
            None if cache is None or not cache.value else str(cache.value),
            found.value,
            max(0.0, found.low),
            found.high,
            None if isinstance(wait, Missing) else wait_interval(wait).value,
        ),
    )


def _proofs(database: RunsDatabase, abouts: dict[int, RunAbout], at_hand: RunAbout) -> tuple[SeenProof, ...]:
    """Return what changes brought on this machine; one that was proved again counts once."""
    found: dict[object, SeenProof] = {}
    for number, proof in database.proofs(_MOST_LOOKED_AT):
        about = abouts.get(number)
        if about is None or (about.hostname, about.simulated) != (at_hand.hostname, at_hand.simulated):
            continue
        taught = taught_by(proof)
        if taught is not None and len(found) < MOST_SEEN:
            found.setdefault((proof.earlier_run, proof.changes), taught)
    return tuple(found.values())


def _whole(about: RunAbout, name: str) -> int | None:
    setting = about.setting(name)
    if setting is None or isinstance(setting.value, bool) or not isinstance(setting.value, int):
        return None
    return setting.value if setting.value >= 0 else None
