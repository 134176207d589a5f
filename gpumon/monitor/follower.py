"""Following one training: its processes, threads, files, cgroup and GPUs, as one reading a tick."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from gpumon.frameworks.ending import judge_ending
from gpumon.frameworks.inside import read_inside, settle
from gpumon.frameworks.loader import LoaderSources, read_loader
from gpumon.frameworks.phase import PhaseMemory, judge_phase
from gpumon.frameworks.progress import read_progress
from gpumon.frameworks.rate import ReadCounter, advance_counter, choose_rate, counter_rate, log_rate
from gpumon.frameworks.rate_bytes import BytesCounter, advance_bytes, image_read_bytes
from gpumon.frameworks.rate_delivered import DeliveredCounter, advance_delivered, delivered_rate
from gpumon.model.clock import Instant
from gpumon.model.gpu import GpusReading
from gpumon.model.host import CgroupReading, SharedMemoryReading
from gpumon.model.measure import Maybe, Measure, Missing, known
from gpumon.model.process import ProcessReading, Role, ThreadStates
from gpumon.model.reading import TrainingReading
from gpumon.model.sample import SourceError
from gpumon.model.training import Phase, Training
from gpumon.monitor.gpu_use import gpu_use
from gpumon.monitor.rank_sources import RankSources
from gpumon.monitor.source_thread import SourceThread
from gpumon.monitor.training_files import TrainingFiles
from gpumon.sources.cgroup import CgroupSource
from gpumon.sources.interpreter import InterpreterSource
from gpumon.sources.processes import ProcessSource, affinity_cores
from gpumon.sources.reporter_reading import SOURCE as REPORTER
from gpumon.sources.shm import shared_memory
from gpumon.sources.shm_batch import largest_segment_bytes
from gpumon.sources.threads import ThreadSampler, ThreadTarget, find_threads

_SLOW_SECONDS = 5.0
_PATIENCE_SECONDS = 0.2
_PIN_THREAD = "pt_data_pin"
# A zombie has ended: its parent (a notebook, a container's PID 1) has only not taken note yet.
_DEAD = frozenset("ZX")


class Follower:
    """Reads one training. `sampler` and `interpreters` are looked at by other threads and drained here."""

    def __init__(
        self,
        training: Training,
        forget: Callable[[Follower], None] = lambda _: None,
        *,
        interpreter: bool = True,
        ranks_changed: Callable[[], None] = lambda: None,
    ) -> None:
        """Open what the readings need.

        `forget` is called when the follower is closed, `ranks_changed` when `interpreters` are others.
        With `interpreter` False no other process' memory is read.
        """
        self.sampler = ThreadSampler()
        self._ranks = RankSources(training, interpreter=interpreter)
        self._ranks_changed = ranks_changed
        self._delivered = DeliveredCounter()
        self._training = training
        self._forget = forget
        self._processes = ProcessSource(training.members)
        self._cgroup = CgroupSource(training.id.pid)
        self._files = TrainingFiles(training)
        self._shm = SourceThread("shm", self._read_shm)
        self._counter = ReadCounter()
        self._bytes = BytesCounter()
        self._segment_bytes: int | None = None
        self._phase = PhaseMemory()
        self._pin_thread: bool | None = None
        self._affinity: Maybe[int] = Missing("not read")
        self._slow_due = float("-inf")
        self._oom_kills: int | None = None
        self._last: TrainingReading | None = None
        self._late: tuple[str, ...] = ()
        self._closed = False

    @property
    def interpreters(self) -> tuple[InterpreterSource, ...]:
        """What looks into the main process of each rank."""
        return self._ranks.interpreters

    def refresh(self, training: Training) -> None:
        """Take in what a new scan knows: new workers, the run directory, effective settings."""
        if training == self._training:
            return
        self._training = training
        self._processes.follow(training.members)
        self._files.refresh(training)
        if self._ranks.follow(training):
            self._ranks_changed()
        self._watch_threads()

    def read(self, now: Instant, gpus: GpusReading) -> TrainingReading:
        """Return the training's reading, or its last one with how it ended."""
        if self._last is not None and self._last.ended is not None:
            return self._last
        self._files.ask(now)
        if now.monotonic_seconds >= self._slow_due:
            self._slow_due = now.monotonic_seconds + _SLOW_SECONDS
            self._shm.ask(now)
            self._affinity = affinity_cores(self._training.id.pid)
            self._see_batches()
            self._watch_threads()
        states = self.sampler.drain(now)
        inside = self._ranks.read(now)
        processes = self._processes.read(now)
        cgroup = self._cgroup.read(now)
        files_on_time = self._files.take(now, _PATIENCE_SECONDS)
        shm, shm_on_time = self._shm.newest(0.0)
        late = (("files", files_on_time), ("shm", shm_on_time))
        self._late = tuple(name for name, on_time in late if not on_time)
        if not any(process.id == self._training.id and process.state not in _DEAD for process in processes):
            return self._end(now, cgroup)
        self._remember_kills(cgroup)
        self._last = self._compose(
            now,
            gpus,
            processes=processes,
            states=states,
            cgroup=cgroup,
            shm=shm or Missing("not read yet"),
            sources=inside,
        )
        return self._last

    def errors(self) -> tuple[SourceError, ...]:
        """Return what went wrong in the threads of this training."""
        errors = (("files", self._files.error), ("shm", self._shm.error))
        return tuple(SourceError(name, text) for name, text in errors if text)

    def late(self) -> tuple[str, ...]:
        """Return the sources that were late in the newest reading."""
        return self._late

    def close(self) -> None:
        """Give descriptors and threads back; closing twice is harmless."""
        if self._closed:
            return
        self._closed = True
        self._forget(self)
        self._files.close()
        self._shm.stop()
        self.sampler.close()
        self._ranks.close()
        self._processes.close()
        self._cgroup.close()

    def _compose(
        self,
        now: Instant,
        gpus: GpusReading,
        *,
        processes: tuple[ProcessReading, ...],
        states: tuple[ThreadStates, ...],
        cgroup: Maybe[CgroupReading],
        shm: Maybe[SharedMemoryReading],
        sources: LoaderSources,
    ) -> TrainingReading:
        """Make the reading of one tick out of its parts."""
        looks, report = sources.of(0)
        training = settle(self._training, looks)
        log, run_dir = self._files.log, self._files.run_dir
        loader = read_loader(
            training,
            states,
            processes,
            shm,
            pin_thread=self._pin_thread,
            sources=sources,
            segment_bytes=self._segment_bytes,
        )
        phase, phase_source, self._phase = judge_phase(
            training, log, run_dir, processes, loader, memory=self._phase, now=now, looks=looks
        )
        main = next(process for process in processes if process.id == training.id)
        self._delivered = advance_delivered(self._delivered, looks, phase, now)
        inside = read_inside(training, looks, report, delivered_rate(self._delivered, now), phase)
        counted = self._count_reads(main, loader.workers, phase, now)
        rate, _ = choose_rate(inside.rate, Missing("no log") if log is None else log_rate(log, now), counted)
        if phase is not Phase.TRAIN:
            rate = Missing(f"not training now: {phase.value}")
        progress = read_progress(training, log, run_dir, now, phase=phase, counted=counted, inside=inside)
        self._bytes = advance_bytes(
            self._bytes,
            training,
            processes,
            loader.workers,
            progress.images_per_second,
            phase=phase,
            now_seconds=now.monotonic_seconds,
        )
        use = gpu_use(training, gpus.gpus)
        return TrainingReading(
            training=training,
            phase=phase,
            phase_source=phase_source,
            progress=progress,
            loader=replace(loader, batches_per_second=rate, image_read_bytes=image_read_bytes(self._bytes)),
            processes=processes,
            cgroup=cgroup,
            usable_cores=_usable_cores(cgroup, self._affinity),
            affinity_cores=self._affinity,
            gpu_uuids=use.gpu_uuids,
            gpu_memory_used_bytes=use.gpu_memory_used_bytes,
            interpreter=looks if isinstance(looks, Missing) else looks.source,
            reporter=report if isinstance(report, Missing) else REPORTER,
        )

    def _count_reads(
        self, main: ProcessReading, workers: Maybe[int], phase: Phase, now: Instant
    ) -> Maybe[Measure]:
        """Return batches per second by the reads of the main process."""
        self._counter = advance_counter(
            self._counter, main, self._files.log, phase, now, delivered=self._delivered.gained
        )
        hidden = main.read_calls_per_second
        if phase is Phase.TRAIN and isinstance(hidden, Missing):
            return hidden
        return counter_rate(self._training.framework, self._counter, workers)

    def _end(self, now: Instant, cgroup: Maybe[CgroupReading]) -> TrainingReading:
        """Return the last reading with how the training ended."""
        # Its last words may have been written after the files were read.
        self._files.ask_all(now)
        self._files.take(now, _PATIENCE_SECONDS)
        reading = known(cgroup)
        kills = known(reading.memory_oom_kills) if reading is not None else None
        ended = judge_ending(
            self._training,
            self._files.log,
            self._files.run_dir,
            now.unix_seconds,
            oom_kills=max(0, (kills or 0) - (self._oom_kills or 0)) if self._oom_kills is not None else 0,
        )
        last = self._last or TrainingReading(self._training, Phase.UNKNOWN, "it ended before it was read")
        self._last = replace(last, ended=ended, phase=Phase.END, phase_source=ended.text)
        return self._last

    def _read_shm(self, now: Instant) -> Maybe[SharedMemoryReading]:
        del now
        return shared_memory(self._training.id.pid)

    def _watch_threads(self) -> None:
        """Watch every rank's main thread and all train workers; learn whether batches are pinned."""
        training = self._training
        names = find_threads(training.id.pid)
        self._pin_thread = any(name.startswith(_PIN_THREAD) for _, name in names) if names else None
        roles = (Role.MAIN, Role.RANK, Role.TRAIN_WORKER)
        watched = [training.id, *(member.id for member in training.members if member.role in roles)]
        self.sampler.watch([ThreadTarget(process, process.pid) for process in dict.fromkeys(watched)])

    def _see_batches(self) -> None:
        """Learn how large a batch is from what the workers hold: an epoch's last one may be smaller."""
        workers = self._training.pids(Role.TRAIN_WORKER)
        self._segment_bytes = max(largest_segment_bytes(workers) or 0, self._segment_bytes or 0) or None

    def _remember_kills(self, cgroup: Maybe[CgroupReading]) -> None:
        """Keep how many kills the cgroup had while the training ran."""
        reading = known(cgroup)
        if reading is not None and not isinstance(reading.memory_oom_kills, Missing):
            self._oom_kills = reading.memory_oom_kills


def _usable_cores(cgroup: Maybe[CgroupReading], affinity: Maybe[int]) -> Maybe[float]:
    """Return the cores a training may use: its affinity, or its CPU quota where that is less."""
    reading = known(cgroup)
    quota = known(reading.cpu_quota_cores) if reading is not None else None
    if isinstance(affinity, Missing):
        return affinity if quota is None else quota
    return float(affinity) if quota is None else min(float(affinity), quota)
