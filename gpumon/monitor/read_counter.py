"""The batch rate of a training from the reads of its main process."""

from __future__ import annotations

from gpumon.frameworks.log_lines_state import LogState
from gpumon.frameworks.rate import Calibration, calibrate, counter_rate
from gpumon.model.clock import Instant
from gpumon.model.measure import Maybe, Measure, Missing
from gpumon.model.process import ProcessReading
from gpumon.model.training import Phase


class ReadCounter:
    """The batch rate from the main process' reads, calibrated by the log where there is one."""

    def __init__(self) -> None:
        self._calibration = Calibration()
        self._before: tuple[Instant, int | None] | None = None

    def read(
        self,
        framework: str,
        main: ProcessReading,
        log: LogState | None,
        now: Instant,
        *,
        phase: Phase,
        workers: Maybe[int],
    ) -> Maybe[Measure]:
        """Return batches per second since the last reading."""
        batch = log.train_bar.done if log is not None and log.train_bar is not None else None
        before, self._before = self._before, (now, batch)
        if before is None:
            return Missing("needs two readings")
        seconds = now.monotonic_seconds - before[0].monotonic_seconds
        reads = main.read_calls_per_second
        if phase is Phase.TRAIN and batch is not None and before[1] is not None and batch > before[1]:
            total = reads if isinstance(reads, Missing) else reads * seconds
            self._calibration = calibrate(self._calibration, total, batch - before[1])
        return counter_rate(framework, main, seconds, self._calibration, phase=phase, workers=workers)
