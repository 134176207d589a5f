"""Reports as plain lines, for a person without a dashboard."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TextIO

from gpumon.model.finding import Severity
from gpumon.model.gpu import GpuReading, GpuState
from gpumon.model.measure import Measure, Missing, known, number
from gpumon.model.reading import TrainingReading
from gpumon.model.report import AttachState, Report, TrainingReport
from gpumon.model.sample import Sample
from gpumon.model.suggestion import Effect, Suggestion
from gpumon.model.training import Setting

_WORDS = {Severity.INFO: "ok", Severity.WARNING: "WARNING", Severity.CRITICAL: "CRITICAL"}


class PlainSink:
    """Writes reports as lines of text; `machine` also writes GPUs, host and processes."""

    def __init__(self, stream: TextIO, *, machine: bool, unicode: bool = True) -> None:
        """Write to `stream`; without `unicode` only ASCII."""
        self._stream = stream
        self._machine = machine
        self._unicode = unicode

    def write(self, report: Report) -> None:
        """Write one report."""
        for line in self._lines(report):
            text = line if self._unicode else _ascii(line)
            self._stream.write(text + "\n")
        self._stream.flush()

    def _lines(self, report: Report) -> Iterator[str]:
        sample = report.sample
        if self._machine:
            yield from _machine_lines(sample)
        for reading in sample.trainings:
            yield from _training_lines(reading, report.of(reading.training.id.pid), machine=self._machine)
        if not sample.trainings:
            yield report.attachment.text
            if report.attachment.state is AttachState.CHOOSING:
                for training in report.attachment.candidates:
                    yield f"  {training.id.pid}  {training.framework} {training.name}"
        for error in sample.errors:
            yield f"{error.source}: {error.text}"


def _machine_lines(sample: Sample) -> Iterator[str]:
    driver = sample.driver
    if not sample.gpus:
        yield f"GPU: {driver.text or driver.state.value}"
    elif driver.text:
        yield f"driver: {driver.text}"
    for gpu in sample.gpus:
        yield _gpu_line(gpu)
    host = sample.host
    memory = known(host.memory)
    cores = known(host.cores) or ()
    text = f"CPU {len(cores)} cores {_percent(number(host.cpu_busy_ratio))}"
    if cores:
        text += " (" + " ".join(f"{core.cpu_busy_ratio * 100:.0f}" for core in cores[:32])
        text += " ...)" if len(cores) > 32 else ")"
    if memory is not None:
        text += (
            f"  memory {_gigabytes(memory.memory_used_bytes)} of {_gigabytes(memory.memory_total_bytes)} GB"
        )
        if memory.swap_total_bytes:
            text += f"  swap {_gigabytes(memory.swap_used_bytes)} of {_gigabytes(memory.swap_total_bytes)} GB"
    yield text


def _gpu_line(gpu: GpuReading) -> str:
    head = f"GPU {gpu.index} {gpu.name}" + (" (simulated)" if gpu.simulated else "")
    if gpu.state is not GpuState.OK:
        return f"{head}: {gpu.state.value}"
    used, total = number(gpu.gpu_memory_used_bytes), number(gpu.gpu_memory_total_bytes)
    text = f"{head}: busy {_percent(number(gpu.gpu_busy_ratio))}"
    text += f"  VRAM {_gigabytes(used)} of {_gigabytes(total)} GB"
    temperature, power = number(gpu.gpu_temperature_celsius), number(gpu.gpu_power_watts)
    if temperature is not None:
        text += f"  {temperature:.0f} °C"
    if power is not None:
        text += f"  {power:.0f} W"
    if isinstance(gpu.gpu_busy_ratio, Missing):
        text += f"  (busy: {gpu.gpu_busy_ratio.reason})"
    return text


def _training_lines(
    reading: TrainingReading, report: TrainingReport | None, *, machine: bool
) -> Iterator[str]:
    training = reading.training
    simulated = "  SIMULATED" if training.simulated else ""
    run = known(training.run_dir)
    yield f"{training.framework} {training.name} pid {training.id.pid}{f'  {run}' if run else ''}{simulated}"
    yield f"  {_settings_text(reading)}"
    yield f"  {_progress_text(reading)}"
    if machine:
        for process in reading.processes:
            yield (
                f"    {process.id.pid:>7} {process.role.value:<12} {process.state} "
                f"CPU {_percent(number(process.cpu_busy_ratio)):>5} "
                f"wait {_percent(number(process.run_queue_wait_ratio)):>5} "
                f"PSS {_gigabytes(number(process.memory_pss_bytes))} GB  {process.name}"
            )
    if reading.ended is not None:
        yield f"  ended: {reading.ended.text}"
    if report is None:
        return
    for finding in report.findings:
        yield f"  {_WORDS[finding.severity]} {finding.id}: {finding.text}"
    for suggestion in report.suggestions:
        yield from _suggestion_lines(suggestion)
    memory = report.memory
    if memory is not None and not isinstance(memory.oom_risk, Missing):
        yield f"  out-of-memory risk {memory.oom_risk.level.value}: {memory.oom_risk.text}"
    for note in training.notes:
        yield f"  note: {note}"


def _settings_text(reading: TrainingReading) -> str:
    settings = reading.training.settings
    words = []
    for name in ("batch_size", "workers", "imgsz", "epochs", "cache"):
        setting = getattr(settings, name)
        if isinstance(setting, Setting) and setting.value is not None:
            words.append(f"{name} {setting.value}")
        elif isinstance(setting, Missing):
            words.append(f"{name} unknown ({setting.reason})")
    return ", ".join(words)


def _progress_text(reading: TrainingReading) -> str:
    progress = reading.progress
    words = [f"phase {reading.phase.value}"]
    epoch, epochs = known(progress.epoch), known(progress.epochs)
    if epoch is not None:
        words.append(f"epoch {epoch}" + (f" of {epochs}" if epochs is not None else ""))
    batch, batches = known(progress.batch), known(progress.batches)
    if batch is not None:
        words.append(f"batch {batch}" + (f" of {batches}" if batches is not None else ""))
    words.append(f"{_measure_text(progress.images_per_second, 1.0, ' img/s')}")
    wait = reading.loader.data_wait_ratio
    words.append(f"data wait {_measure_text(wait, 100.0, ' %')}")
    eta = number(progress.eta_seconds)
    if eta is not None:
        words.append(f"ETA {int(eta // 3600)}h{int(eta % 3600 // 60):02d}m")
    return ", ".join(words)


def _measure_text(measure: Measure | Missing, factor: float, unit: str) -> str:
    if isinstance(measure, Missing):
        return f"–{unit} ({measure.reason})"
    error = measure.standard_error
    around = f" ±{error * factor:.0f}" if error is not None else ""
    mark = "~" if measure.certainty.value == "estimated" else ""
    return f"{mark}{measure.value * factor:.0f}{unit}{around}"


def _suggestion_lines(suggestion: Suggestion) -> Iterator[str]:
    yield f"  → {suggestion.text}"
    rate = suggestion.images_per_second
    gain = suggestion.speedup if isinstance(rate, Missing) else rate
    if isinstance(gain, Effect):
        unit = "times the speed" if isinstance(rate, Missing) else "img/s"
        yield (
            f"    {gain.now:.3g} → {gain.predicted:.3g} {unit} ({gain.low:.3g}–{gain.high:.3g}, estimated), "
            f"bound: {suggestion.bound.value}"
        )
    yield f"    rests on: {suggestion.rests_on}"
    for warning in suggestion.warnings:
        yield f"    mind: {warning}"
    if isinstance(suggestion.command, Missing):
        yield f"    no command: {suggestion.command.reason}"
    else:
        yield f"    {suggestion.command}"


def _percent(ratio: float | None) -> str:
    return "–" if ratio is None else f"{ratio * 100:.0f} %"


def _gigabytes(amount: float | None) -> str:
    return "–" if amount is None else f"{amount / 1e9:.1f}"


def _ascii(text: str) -> str:
    table = str.maketrans({"→": ">", "–": "-", "±": "+-", "×": "x", "·": "-", "°": " "})
    return text.translate(table).encode("ascii", "replace").decode()
