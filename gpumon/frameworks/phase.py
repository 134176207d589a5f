"""The phase of a training: by its frames, else its log where it is a file, else its processes and files."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from gpumon.frameworks.log_lines import LineKind
from gpumon.frameworks.log_lines_state import LogState
from gpumon.frameworks.phase_frames import INSIDE, phase_by_frames
from gpumon.frameworks.progress import epochs_done, epochs_set
from gpumon.model.clock import Instant
from gpumon.model.measure import Maybe, Missing, known
from gpumon.model.process import ProcessReading, Role
from gpumon.model.reading import LoaderReading
from gpumon.model.training import Phase, Training
from gpumon.sources.interpreter_reading import InterpreterReading
from gpumon.sources.run_dir import FileSeen, RunDirReading

_SETUP = frozenset(
    {
        LineKind.RUN_START,
        LineKind.SCAN,
        LineKind.CACHE,
        LineKind.BATCH_SIZE,
        LineKind.AMP,
        LineKind.WORKERS,
        LineKind.STARTING,
    }
)
_NOT_ASKED = Missing("its interpreter is not looked into")
_TREE = "processes, without a log"
_KEPT_SECONDS = 32.0
# The longer windows are for steps of seconds.
_BEGUN_WINDOWS_SECONDS = (4.0, 12.0, 30.0)
# Idle workers wake once in 5 s for about 0.1 ms; a clock tick is 10 ms. Two ticks in 3 s are work.
_MOVED_CPU_SECONDS = 0.02
_QUIET_CPU_SECONDS = 0.003
_HIDDEN_SECONDS = 3.0
_BEGUN_WAIT_RATIO = 0.2
_BEGUN_READS = 28.0  # two of YOLOv5's batches
_CHECKPOINT_SECONDS = 2.0
_CHECKPOINT_BYTES_PER_SECOND = 1e6
_LONGEST_CHECKPOINT_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Movement:
    """CPU seconds of train and val workers and reads of the main process in one interval."""

    monotonic_seconds: float
    train_cpu_seconds: float
    val_cpu_seconds: float
    main_reads: float


@dataclass(frozen=True, slots=True)
class PhaseMemory:
    """What the judgement of phases remembers from one reading to the next.

    `begun` tells that the training loop was seen to run; `train_froze` that the train workers have
    stood still in this validation; `since_unix_seconds` is when the phase began.
    """

    phase: Phase = Phase.UNKNOWN
    since_unix_seconds: float = 0.0
    begun: bool = False
    train_froze: bool = False
    movements: tuple[Movement, ...] = ()


@dataclass(frozen=True, slots=True)
class _Scene:
    """What one judgement sees."""

    training: Training
    log: LogState | None
    run_dir: Maybe[RunDirReading]
    main: ProcessReading | None
    loader: LoaderReading
    now: Instant


def judge_phase(
    training: Training,
    log: LogState | None,
    run_dir: Maybe[RunDirReading],
    processes: Sequence[ProcessReading],
    loader: LoaderReading,
    *,
    memory: PhaseMemory,
    now: Instant,
    looks: Maybe[InterpreterReading] = _NOT_ASKED,
) -> tuple[Phase, str, PhaseMemory]:
    """Return the phase, how it is known in a few words, and what to pass in next time.

    `looks` are those at rank 0's main thread.
    """
    main = next((row for row in processes if row.id == training.id), None)
    scene = _Scene(training, log, run_dir, main, loader, now)
    memory = replace(memory, movements=_moved(scene, processes, memory))
    if main is not None and main.state in ("T", "t"):
        return memory.phase, "paused: its main process is stopped", memory
    seen, text = phase_by_frames(looks, begun=memory.begun)
    if not memory.begun and (seen in INSIDE or (seen is Phase.UNKNOWN and _has_begun(scene, memory))):
        memory = replace(memory, begun=True)
    phase, source = _by_files(scene)
    if phase is Phase.UNKNOWN and seen is not Phase.UNKNOWN:
        phase, source = seen, text
    if phase is Phase.UNKNOWN and log is not None:
        phase, source = _by_log(log, memory)
    if phase is Phase.UNKNOWN:
        phase, source, memory = _by_tree(scene, memory)
    if phase is not memory.phase:
        memory = replace(memory, phase=phase, since_unix_seconds=now.unix_seconds, train_froze=False)
    return phase, source, memory


def _by_files(scene: _Scene) -> tuple[Phase, str]:
    if scene.log is not None and scene.log.is_completed:
        return Phase.END, "log: epochs completed"
    if scene.log is not None and scene.log.stopped_early:
        return Phase.END, "log: stopped early"
    done, epochs = epochs_done(scene.training, scene.run_dir), epochs_set(scene.training)
    if done and epochs is not None and done >= epochs:
        return Phase.END, f"results.csv has all {epochs} epochs"
    return Phase.UNKNOWN, ""


def _by_log(log: LogState, memory: PhaseMemory) -> tuple[Phase, str]:
    bar, stage = log.train_bar, log.stage_bar
    if log.newest is LineKind.TRAIN and bar is not None:
        # The first batch of a run takes seconds (TensorBoard's graph, cuDNN's choice of kernels).
        first = bar.done == 0 and memory.phase in (Phase.START, Phase.UNKNOWN)
        phase, text = (
            (Phase.START, "the first batch is not done")
            if first
            else (Phase.TRAIN, f"batch {bar.done} of {bar.total}")
        )
    elif log.newest is LineKind.VALIDATE and stage is not None:
        phase, text = (
            (Phase.CHECKPOINT, "validation is done")
            if stage.done >= stage.total
            else (Phase.VALIDATE, "validation bar")
        )
    elif log.newest is LineKind.HEADER:
        # The header of the first epoch comes before the first batch, which takes seconds.
        phase, text = (Phase.TRAIN if log.train is not None else Phase.START), "epoch header"
    elif log.newest in _SETUP:
        phase, text = Phase.START, log.newest.value
    else:
        return Phase.UNKNOWN, ""
    return phase, f"log: {text}"


def _by_tree(scene: _Scene, memory: PhaseMemory) -> tuple[Phase, str, PhaseMemory]:
    not_training = _by_members(scene, memory)
    if not_training is not None:
        return (*not_training, memory)
    val_moves = _val_cpu(memory, 3.0) >= _MOVED_CPU_SECONDS and _val_cpu(memory, 0.9) > 0
    if memory.phase is Phase.VALIDATE or val_moves:
        return _while_validating(scene, memory)
    since = scene.now.unix_seconds - memory.since_unix_seconds
    if memory.phase is Phase.CHECKPOINT and memory.train_froze and not _train_moves(memory):
        if since < _LONGEST_CHECKPOINT_SECONDS:
            return Phase.CHECKPOINT, f"{_TREE}: workers stand still after validation", memory
    elif _writes_checkpoint(scene):
        return Phase.CHECKPOINT, "last.pt is being written", memory
    return Phase.TRAIN, _TREE, memory


def _by_members(scene: _Scene, memory: PhaseMemory) -> tuple[Phase, str] | None:
    """Return a phase that the processes alone tell, or None where the loop runs with workers."""
    training = scene.training
    if scene.loader.workers == 0 and _writes_checkpoint(scene):
        return Phase.CHECKPOINT, "last.pt is being written"
    if scene.loader.workers == 0 and scene.log is not None and not memory.begun:
        return Phase.START, "the log shows no batch yet"
    if scene.loader.workers == 0:
        return Phase.UNKNOWN, "0 workers and no log: phases look alike"
    has_workers = bool(training.pids(Role.TRAIN_WORKER))
    if memory.begun:
        return None if has_workers else (Phase.UNKNOWN, "its workers are gone, and there is no log")
    if training.pids(Role.POOL):
        return Phase.START, "label scan: pool processes"
    return Phase.START, f"{_TREE}: no batch was consumed yet" if has_workers else "no DataLoader workers yet"


def _while_validating(scene: _Scene, memory: PhaseMemory) -> tuple[Phase, str, PhaseMemory]:
    working = f"{_TREE}: val workers are at work"
    if memory.phase is not Phase.VALIDATE:
        return Phase.VALIDATE, working, memory
    val_rests = _val_cpu(memory, 2.5) < _QUIET_CPU_SECONDS
    froze = memory.train_froze or _train_cpu(memory, 1.5) < _QUIET_CPU_SECONDS
    only_train_moves = _val_cpu(memory, 0.9) == 0 and _train_cpu(memory, 0.9) >= _MOVED_CPU_SECONDS / 2
    if (memory.train_froze and _train_moves(memory)) or only_train_moves or (val_rests and not froze):
        return Phase.TRAIN, _TREE, memory
    memory = replace(memory, train_froze=froze)
    if not val_rests:
        return Phase.VALIDATE, working, memory
    run_dir, now = scene.run_dir, scene.now.unix_seconds
    if isinstance(run_dir, RunDirReading) and _age(run_dir.results, now) < now - memory.since_unix_seconds:
        # `train_froze` is kept for CHECKPOINT, which ends when the train workers move again.
        after = replace(memory, phase=Phase.CHECKPOINT, since_unix_seconds=now)
        return Phase.CHECKPOINT, "results.csv has a new row, train workers stand still", after
    return Phase.VALIDATE, f"{_TREE}: all workers stand still after val workers were at work", memory


def _writes_checkpoint(scene: _Scene) -> bool:
    if isinstance(scene.run_dir, Missing) or scene.main is None:
        return False
    writes = known(scene.main.write_bytes_per_second) or 0.0
    return _age(scene.run_dir.last, scene.now.unix_seconds) < _CHECKPOINT_SECONDS and (
        scene.main.state == "D" or writes > _CHECKPOINT_BYTES_PER_SECOND
    )


def _age(file: Maybe[FileSeen], now_unix_seconds: float) -> float:
    return float("inf") if isinstance(file, Missing) else now_unix_seconds - file.unix_seconds


def _has_begun(scene: _Scene, memory: PhaseMemory) -> bool:
    log, run_dir, loader = scene.log, scene.run_dir, scene.loader
    if log is not None and log.train_bar is not None and log.train_bar.done > 0:
        return True
    if isinstance(run_dir, RunDirReading) and not isinstance(run_dir.started_unix_seconds, Missing):
        for file in (run_dir.first_batch, run_dir.results):
            if isinstance(file, FileSeen) and file.unix_seconds > run_dir.started_unix_seconds:
                return True
    waiting, looks = loader.main_waiting_samples, loader.main_samples
    if not scene.training.pids(Role.TRAIN_WORKER):
        return False  # its start waits too: for its imports, for a subprocess
    if loader.workers and looks >= 5 and waiting >= _BEGUN_WAIT_RATIO * looks:
        return True  # only the training loop waits for batches
    if scene.main is not None and isinstance(scene.main.read_calls_per_second, Missing):
        return _works_on(memory)
    return any(_consumes(memory, seconds) for seconds in _BEGUN_WINDOWS_SECONDS)


def _works_on(memory: PhaseMemory) -> bool:
    """Tell whether train workers work on and on while val workers stand still, where reads are hidden.

    Of another user's process; after the fork both kinds prefetch, and then rest until the loop begins.
    """
    newest = memory.movements[-1].monotonic_seconds
    if newest - memory.movements[0].monotonic_seconds < 2 * _HIDDEN_SECONDS:
        return False
    recent = [move for move in memory.movements if move.monotonic_seconds > newest - 2 * _HIDDEN_SECONDS]
    halves = (
        [move for move in recent if move.monotonic_seconds <= newest - _HIDDEN_SECONDS],
        [move for move in recent if move.monotonic_seconds > newest - _HIDDEN_SECONDS],
    )
    return all(
        sum(move.train_cpu_seconds for move in half) >= _MOVED_CPU_SECONDS
        and sum(move.val_cpu_seconds for move in half) < _MOVED_CPU_SECONDS / 2
        for half in halves
    )


def _consumes(memory: PhaseMemory, seconds: float) -> bool:
    """Tell whether batches were consumed in the last `seconds`.

    Prefetching after the fork moves both kinds of workers; only the loop reads batches while the val
    workers stand still.
    """
    newest = memory.movements[-1].monotonic_seconds
    recent = [move for move in memory.movements if move.monotonic_seconds > newest - seconds]
    return (
        newest - memory.movements[0].monotonic_seconds >= seconds
        and sum(move.main_reads for move in recent) >= _BEGUN_READS
        and sum(move.train_cpu_seconds for move in recent) >= _MOVED_CPU_SECONDS
        and sum(move.val_cpu_seconds for move in recent) < _MOVED_CPU_SECONDS / 2
    )


def _moved(scene: _Scene, processes: Sequence[ProcessReading], memory: PhaseMemory) -> tuple[Movement, ...]:
    at = scene.now.monotonic_seconds
    before = memory.movements[-1].monotonic_seconds if memory.movements else at
    seconds = max(at - before, 0.0)

    def cpu(role: Role) -> float:
        pids = set(scene.training.pids(role))
        return sum((known(row.cpu_busy_ratio) or 0.0) for row in processes if row.id.pid in pids) * seconds

    reads = (known(scene.main.read_calls_per_second) or 0.0) * seconds if scene.main is not None else 0.0
    kept = tuple(move for move in memory.movements if move.monotonic_seconds > at - _KEPT_SECONDS)
    return (*kept, Movement(at, cpu(Role.TRAIN_WORKER), cpu(Role.VAL_WORKER), reads))


def _train_moves(memory: PhaseMemory) -> bool:
    return _train_cpu(memory, 1.5) >= _MOVED_CPU_SECONDS / 2


def _train_cpu(memory: PhaseMemory, seconds: float) -> float:
    newest = memory.movements[-1].monotonic_seconds
    return sum(
        move.train_cpu_seconds for move in memory.movements if move.monotonic_seconds > newest - seconds
    )


def _val_cpu(memory: PhaseMemory, seconds: float) -> float:
    newest = memory.movements[-1].monotonic_seconds
    return sum(move.val_cpu_seconds for move in memory.movements if move.monotonic_seconds > newest - seconds)
