"""What earlier runs taught of the trainings that are followed: read once each, off the path of samples."""

from __future__ import annotations

import threading
from collections.abc import Callable
from queue import SimpleQueue
from typing import TypeAlias

from gpumon.advice.prior import NOTHING_KNOWN, Prior
from gpumon.model.clock import Instant
from gpumon.model.process import ProcessId
from gpumon.model.reading import TrainingReading
from gpumon.model.sample import Sample, SourceError
from gpumon.model.text import clean
from gpumon.model.training import Phase
from gpumon.recording.codec import CodecError
from gpumon.recording.learned import Learned, as_recorded, newest_learned
from gpumon.recording.runs_run import RunsError

Load: TypeAlias = Callable[[Sample, TrainingReading], Prior]

# A training that starts does not know yet what it uses: its settings and GPUs are known when it trains.
_SETTLED_PHASES = frozenset({Phase.TRAIN, Phase.VALIDATE, Phase.CHECKPOINT})
# The driver may name its GPU some samples later; runs on another one are of little use.
_GPU_SECONDS = 10.0
# One whose phase cannot be told is asked for after so long.
_BLIND_SECONDS = 30.0
# A database that takes longer is worth a word: the advice does without it.
_SLOW_SECONDS = 10.0


class Priors:
    """Asks for the prior of each training in a thread of its own, and has it from some sample on for good.

    All methods but `text` are the monitor's own thread's. What cannot be read leaves NOTHING_KNOWN, and a
    sentence in `errors`.
    """

    def __init__(self, load: Load) -> None:
        """Prepare; `load` may take as long as it likes, and raise RunsError."""
        self._load = load
        self._first_seconds: dict[ProcessId, float] = {}
        self._trained_seconds: dict[ProcessId, float] = {}
        self._known: set[ProcessId] = set()
        self._asked: dict[ProcessId, float] = {}
        self._learned: dict[ProcessId, Learned] = {}
        self._troubles: dict[ProcessId, str] = {}
        self._text = ""
        self._wanted: SimpleQueue[tuple[Sample, TrainingReading] | None] = SimpleQueue()
        self._found: SimpleQueue[tuple[ProcessId, Prior, str]] = SimpleQueue()
        self._thread: threading.Thread | None = None

    @property
    def text(self) -> str:
        """What was learnt so far, as a recording keeps it. From any thread."""
        return self._text

    def take(self, now: Instant) -> None:
        """Take in what has been read meanwhile: it holds from this moment on."""
        is_news = False
        while not self._found.empty():
            training, prior, trouble = self._found.get()
            self._asked.pop(training, None)
            if training in self._learned:
                # It left and came back before the first answer was here: that one holds, in a replay too.
                continue
            self._troubles.pop(training, None)
            # Of one that is gone nobody asks why nothing is known.
            if trouble and training in self._first_seconds:
                self._troubles[training] = trouble
            elif prior != NOTHING_KNOWN:
                self._learned[training] = Learned(now.monotonic_seconds, prior)
                is_news = True
        if is_news:
            # First to be forgotten is one that is gone: it has hardly a sample left that is judged.
            order = sorted(self._learned.items(), key=lambda each: each[0] in self._first_seconds)
            self._learned, self._text = newest_learned(dict(order))

    def prior(self, training: ProcessId) -> Prior:
        """Return what is known of a training."""
        found = self._learned.get(training)
        return NOTHING_KNOWN if found is None else found.prior

    def ask(self, sample: Sample) -> None:
        """Ask for the trainings of a sample that were not asked for, once their settings are known."""
        now = sample.instant.monotonic_seconds
        there = {reading.training.id for reading in sample.trainings}
        for reading in sample.trainings:
            identity = reading.training.id
            first = self._first_seconds.setdefault(identity, now)
            # What was learnt of one that comes back holds since then, as it does in a recording.
            if identity in self._known or identity in self._learned or reading.ended is not None:
                continue
            if self._is_known_well(sample, reading, now - first):
                self._known.add(identity)
                self._asked[identity] = now
                self._start()
                self._wanted.put((sample, reading))
        for gone in self._first_seconds.keys() - there:
            del self._first_seconds[gone]
            self._known.discard(gone)
            self._trained_seconds.pop(gone, None)
            self._asked.pop(gone, None)
            self._troubles.pop(gone, None)

    def errors(self, now: Instant) -> tuple[SourceError, ...]:
        """Return in a sentence what could not be learnt, and what takes long."""
        found = list(dict.fromkeys(self._troubles.values()))
        if any(now.monotonic_seconds - asked > _SLOW_SECONDS for asked in self._asked.values()):
            found.append("the database of runs does not answer: nothing is known of earlier runs")
        return tuple(SourceError("runs", text) for text in found)

    def stop(self) -> None:
        """End the thread; one that hangs is left behind (it is a daemon)."""
        self._wanted.put(None)

    def _is_known_well(self, sample: Sample, reading: TrainingReading, seconds: float) -> bool:
        """Tell whether what a training uses will not become known better soon."""
        if reading.phase not in _SETTLED_PHASES:
            return seconds >= _BLIND_SECONDS
        now = sample.instant.monotonic_seconds
        trained = now - self._trained_seconds.setdefault(reading.training.id, now)
        return bool(reading.gpu_uuids) or not sample.gpus or trained >= _GPU_SECONDS

    def _start(self) -> None:
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="gpumon priors", daemon=True)
            self._thread.start()

    def _run(self) -> None:
        while (wanted := self._wanted.get()) is not None:
            self._found.put((wanted[1].training.id, *self._loaded(*wanted)))

    def _loaded(self, sample: Sample, reading: TrainingReading) -> tuple[Prior, str]:
        """Return a prior exactly as a replay will have it, or why there is none."""
        try:
            return as_recorded(self._load(sample, reading)), ""
        except (RunsError, CodecError) as error:
            return NOTHING_KNOWN, f"nothing is known of earlier runs: {clean(str(error), 300)}"
        except Exception as failure:  # noqa: BLE001 - a defect here must not end the advice; it is told
            text = f"nothing is known of earlier runs: {type(failure).__name__}: {failure}"
            return NOTHING_KNOWN, clean(text, 300)
