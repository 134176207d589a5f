"""The monitor: one sample a second from all sources, its history, its findings, its report."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from gpumon.history.history import History
from gpumon.history.window import Window
from gpumon.model.clock import Clock, Instant
from gpumon.model.gpu import DriverReading, DriverState, GpusReading
from gpumon.model.host import HostReading
from gpumon.model.kinds import Phase
from gpumon.model.measure import Missing
from gpumon.model.report import Attachment, Report, TrainingReport
from gpumon.model.sample import Sample, SelfReading, SourceError
from gpumon.model.text import clean
from gpumon.monitor.attaching import Attaching, Found, Wish
from gpumon.monitor.heap import keep_heap_small
from gpumon.monitor.source_thread import SourceThread

if TYPE_CHECKING:
    from gpumon.model.process import ProcessId
    from gpumon.model.reading import TrainingReading
    from gpumon.model.source import Listener, Source
    from gpumon.model.training import Ended, Training
    from gpumon.monitor.following import Following
    from gpumon.monitor.priors import Load, Priors

# How long a tick waits for the sources it has asked; later ones are late.
PATIENCE_SECONDS = 0.3
# The first reading may load a driver library.
_FIRST_PATIENCE_SECONDS = 5.0
_SCAN_SECONDS_SEARCHING = 2.0
_SCAN_SECONDS_ATTACHED = 5.0
# A front end of which nothing is shown by then, as on a stalled terminal, gets its trainings all the same.
_FIRST_FRAME_SECONDS = 5.0
# Until its run directory is there: a short training may be over before the next scan otherwise.
_SCAN_SECONDS_STARTING = 1.0


@dataclass(frozen=True, slots=True)
class Parts:
    """What a monitor is made of; each is injected.

    `virtual` makes the source of a simulated training's GPU; `follow` starts following a training;
    `find` scans for trainings, given the PIDs on GPUs; `stop` ends what the parts have started.
    """

    clock: Clock
    gpus: Source[GpusReading]
    host: Source[HostReading]
    own: Source[SelfReading]
    find: Callable[[frozenset[int]], Found]
    follow: Callable[[Training], Following]
    virtual: Callable[[str, int], Source[GpusReading]]
    hostname: str
    stop: Callable[[], None] = lambda: None


class Monitor:
    """Samples in a thread of its own (`start`), or whenever `tick` is called; a Feed for front ends."""

    def __init__(
        self, parts: Parts, wish: Wish, interval_seconds: float, *, patience_seconds: float = PATIENCE_SECONDS
    ) -> None:
        """Prepare; nothing is read before the first tick, which waits longer for what may hang."""
        self._parts = parts
        self._patience_seconds = patience_seconds
        self._interval_seconds = interval_seconds
        self._gpus = SourceThread("nvml", parts.gpus.read)
        self._finder = SourceThread("scan", self._scan)
        self._attaching = Attaching(wish)
        self._history = History()
        self._following: dict[ProcessId, Following] = {}
        self._virtual: dict[str, Source[GpusReading]] = {}
        self._ended: dict[ProcessId, Ended] = {}
        self._gpu_pids: frozenset[int] = frozenset()
        self._found = Found((), is_scanned=False)
        self._next_scan_seconds = 0.0
        self._machine_until_seconds = 0.0
        self._sequence = 0
        self._failure = ""
        self._report: Report | None = None
        self._window: Window | None = None
        self._listeners: list[Listener] = []
        self._chosen_pid: int | None = None
        self._load: Load | None = None
        self._priors: Priors | None = None
        self._wake = threading.Event()
        self._closing = False
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None

    def start(self, *, machine_first: bool = False) -> None:
        """Start sampling. With `machine_first` of the machine alone, until `look_for_trainings` is called.

        All that finds, reads and judges trainings is loaded only then: it does not share the interpreter with
        what a front end has to load for its first frame. After some seconds nobody is waited for any more.
        """
        if machine_first:
            self._machine_until_seconds = self._parts.clock.now().monotonic_seconds + _FIRST_FRAME_SECONDS
        self._thread = threading.Thread(target=self._run, name="gpumon monitor", daemon=True)
        self._thread.start()

    def subscribe(self, listener: Listener) -> None:
        """Call `listener` after every tick, in the monitor's thread."""
        with self._lock:
            self._listeners.append(listener)

    def report(self) -> Report | None:
        """Return the newest report, or None before the first tick."""
        with self._lock:
            return self._report

    def window(self) -> Window | None:
        """Return the history up to the newest report, or None before the first tick."""
        with self._lock:
            return self._window

    def prior(self) -> str:
        """Return what earlier runs taught of the trainings so far, as a recording keeps it."""
        priors = self._priors
        return "" if priors is None else priors.text

    def learn_from(self, load: Load) -> None:
        """From now on ask `load` for what earlier runs taught of each training; at most once.

        It is called in a thread of its own: a slow disk delays no sample.
        """
        with self._lock:
            self._load = self._load or load

    def look_for_trainings(self) -> None:
        """Take the next sample at once, the first one that may have trainings. From any thread."""
        self._machine_until_seconds = 0.0
        self._wake.set()

    def choose(self, pid: int) -> None:
        """Attach to the training with that main PID at once."""
        with self._lock:
            self._chosen_pid = pid
        self._wake.set()

    def close(self) -> None:
        """Stop sampling and give everything back; closing twice is harmless."""
        self._closing = True
        self._wake.set()
        if self._thread is not None and self._thread is not threading.current_thread():
            self._thread.join(timeout=2.0)
        self._gpus.stop()
        self._finder.stop()
        if self._priors is not None:
            self._priors.stop()
        for following in self._following.values():
            following.close()
        self._following.clear()
        self._parts.stop()
        for source in (*self._virtual.values(), self._parts.host, self._parts.own):
            source.close()
        _, is_idle = self._gpus.newest(0.0)
        if is_idle:
            # A driver that hangs in a call is left alone: shutting it down would hang here too.
            self._parts.gpus.close()
        self._virtual.clear()

    def tick(self, late_seconds: float = 0.0) -> Report:
        """Take one sample of everything, judge it, and return the report."""
        now = self._parts.clock.now()
        first = 0.0 if self._sequence else _FIRST_PATIENCE_SECONDS
        patience = max(first, self._patience_seconds)
        self._gpus.ask(now)
        self._ask_for_scan(now)
        host = self._parts.host.read(now)
        gpus, gpus_on_time = self._gpus.newest(patience)
        attachment, scan_on_time = self._attach(patience)
        all_gpus = self._with_virtual(now, gpus)
        trainings = tuple(following.read(now, all_gpus) for following in self._following.values())
        for reading in trainings:
            if reading.ended is not None:
                self._ended[reading.training.id] = reading.ended
        late = tuple(
            name for name, on_time in (("nvml", gpus_on_time), ("scan", scan_on_time)) if not on_time
        )
        late += tuple(name for following in self._following.values() for name in following.late())
        priors = self._learning(trainings)
        if priors is not None:
            priors.take(now)
        sample = Sample(
            sequence=self._sequence,
            instant=now,
            interval_seconds=self._interval_seconds,
            hostname=self._parts.hostname,
            driver=all_gpus.driver,
            gpus=all_gpus.gpus,
            host=host,
            trainings=trainings,
            errors=self._errors() + (() if priors is None else priors.errors(now)),
            late_sources=late,
            late_seconds=late_seconds,
            self_reading=self._parts.own.read(now),
        )
        self._sequence += 1
        self._remember_gpu_pids(sample)
        self._history.append(sample)
        window = self._history.window()
        report = Report(sample, attachment, _judged(window, trainings, priors) if trainings else ())
        if priors is not None:
            priors.ask(sample)
        with self._lock:
            self._window, self._report = window, report
            listeners = tuple(self._listeners)
        for listener in listeners:
            listener()
        return report

    def _run(self) -> None:
        keep_heap_small()
        due = self._parts.clock.now().monotonic_seconds
        while not self._closing:
            try:
                self.tick(max(0.0, self._parts.clock.now().monotonic_seconds - due))
            except Exception as failure:  # noqa: BLE001 - shown with the next sample; sampling goes on
                self._failure = clean(f"{type(failure).__name__}: {failure}", 300)
            due += self._interval_seconds
            behind = self._parts.clock.now().monotonic_seconds - due
            if behind > 0:
                # A suspended or starved machine: go on from here instead of catching up in a burst.
                due += behind
            if self._wake.wait(max(0.0, -behind)):
                self._wake.clear()
                due = self._parts.clock.now().monotonic_seconds

    def _learning(self, trainings: tuple[TrainingReading, ...]) -> Priors | None:
        """Return what asks earlier runs, from the first training on; None where there is nothing to ask."""
        if self._priors is None and self._load is not None and trainings:
            # What reads recordings is loaded only where there is something to learn.
            from gpumon.monitor.priors import Priors

            self._priors = Priors(self._load)
        return self._priors

    def _scan(self, now: Instant) -> Found:
        del now
        return self._parts.find(self._gpu_pids)

    def _ask_for_scan(self, now: Instant) -> None:
        if now.monotonic_seconds < self._machine_until_seconds:
            return
        ended = any(following_id in self._ended for following_id in self._following)
        if now.monotonic_seconds < self._next_scan_seconds and not ended:
            return
        searching = self._attaching.current is None or ended
        period = _SCAN_SECONDS_SEARCHING if searching else _SCAN_SECONDS_ATTACHED
        if self._report is not None and any(map(_is_starting, self._report.sample.trainings)):
            period = _SCAN_SECONDS_STARTING
        self._next_scan_seconds = now.monotonic_seconds + period
        self._finder.ask(now)

    def _attach(self, patience: float) -> tuple[Attachment, bool]:
        """Take in the newest scan and follow what is to be followed; tell whether the scan was on time."""
        found, on_time = self._finder.newest(patience)
        fresh = found is not None and found is not self._found
        if found is not None:
            self._found = found
        with self._lock:
            chosen, self._chosen_pid = self._chosen_pid, None
        attachment = self._attaching.update(self._found, self._ended.get, chosen)
        followed = {training.id: training for training in self._attaching.followed(self._found)}
        for gone in self._following.keys() - followed.keys():
            self._following.pop(gone).close()
            self._ended.pop(gone, None)
        for identity, training in followed.items():
            if identity not in self._following:
                self._following[identity] = self._parts.follow(training)
            elif fresh:
                self._following[identity].refresh(training)
        return attachment, on_time

    def _with_virtual(self, now: Instant, gpus: GpusReading | None) -> GpusReading:
        """Return the driver's GPUs and the virtual ones of the simulated trainings."""
        if gpus is None:
            text = self._gpus.error or "the driver does not answer yet"
            gpus = GpusReading(DriverReading(DriverState.FAILED, text))
        paths = {
            training.timeline_path
            for training in self._attaching.followed(self._found)
            if training.timeline_path is not None
        }
        for path in self._virtual.keys() - paths:
            self._virtual.pop(path).close()
        for path in sorted(paths - self._virtual.keys()):
            self._virtual[path] = self._parts.virtual(path, len(gpus.gpus) + len(self._virtual))
        virtual = [source.read(now) for source in self._virtual.values()]
        if not virtual:
            return gpus
        driver = gpus.driver
        if driver.state is not DriverState.OK:
            # The virtual GPU's word first, and why there is no other.
            text = "; ".join(words for words in (virtual[0].driver.text, driver.text) if words)
            driver = replace(virtual[0].driver, text=text)
        return GpusReading(driver, (*gpus.gpus, *(gpu for reading in virtual for gpu in reading.gpus)))

    def _errors(self) -> tuple[SourceError, ...]:
        threads = (self._gpus, self._finder)
        own = tuple(SourceError(thread.name, thread.error) for thread in threads if thread.error)
        if self._failure:
            own += (SourceError("monitor", f"a sample was lost: {self._failure}"),)
        return own + tuple(error for following in self._following.values() for error in following.errors())

    def _remember_gpu_pids(self, sample: Sample) -> None:
        """Keep the PIDs on GPUs for the next scan: a process that holds one may be a training."""
        self._gpu_pids = frozenset(
            process.pid
            for gpu in sample.gpus
            if isinstance(gpu.processes, tuple)
            for process in gpu.processes
        )


def _judged(
    window: Window, trainings: tuple[TrainingReading, ...], priors: Priors | None
) -> tuple[TrainingReport, ...]:
    """Return what is to be said of each training."""
    # All rules and models: loaded with the first training, and not before the first frame of a machine.
    from gpumon.advice.advise import report_on
    from gpumon.advice.prior import NOTHING_KNOWN
    from gpumon.advice.terms import Terms

    return tuple(
        report_on(window, each.id.pid, Terms(NOTHING_KNOWN if priors is None else priors.prior(each.id)))
        for each in (reading.training for reading in trainings)
    )


def _is_starting(reading: TrainingReading) -> bool:
    """Tell whether a training is about to write its run directory."""
    return reading.phase is Phase.START and isinstance(reading.training.run_dir, Missing)
