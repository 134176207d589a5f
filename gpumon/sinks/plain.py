"""Reports as plain lines, for a person without a dashboard."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TextIO

from gpumon.model.cost import cost_of, power_of
from gpumon.model.gpu import GpuReading, GpuState
from gpumon.model.measure import Certainty, Measure, Missing, known, number
from gpumon.model.reading import TrainingReading
from gpumon.model.report import AttachState, Report, TrainingReport
from gpumon.model.sample import Sample
from gpumon.paint.numbers import bytes_of, bytes_text, duration, percent, quantity
from gpumon.sinks.ascii import ascii_text
from gpumon.sinks.plain_findings import evidence_lines, finding_line
from gpumon.sinks.plain_suggestions import plan_lines, proof_line, suggestion_lines

_MOST_CORES = 32


class PlainSink:
    """Writes reports as lines of text: with `machine` also GPUs, host and processes, else also evidence."""

    def __init__(self, stream: TextIO, *, machine: bool, unicode: bool = True) -> None:
        """Write to `stream`; without `unicode` only ASCII."""
        self._stream = stream
        self._machine = machine
        self._unicode = unicode

    def write(self, report: Report) -> None:
        """Write one report."""
        for line in self._lines(report):
            text = line if self._unicode else ascii_text(line)
            self._stream.write(text + "\n")
        self._stream.flush()

    def _lines(self, report: Report) -> Iterator[str]:
        sample = report.sample
        if self._machine:
            yield from _machine_lines(sample)
        for reading in sample.trainings:
            yield from _training_lines(reading, report, machine=self._machine)
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
    cores, memory = host.cores, host.memory
    text = f"CPU {percent(number(host.cpu_busy_ratio), 0)}"
    if isinstance(cores, Missing):
        text += f"  (cores: {cores.reason})"
    else:
        each = " ".join(f"{core.cpu_busy_ratio * 100:.0f}" for core in cores[:_MOST_CORES])
        text += f" of {len(cores)} cores ({each}{' ...' if len(cores) > _MOST_CORES else ''})"
    if isinstance(memory, Missing):
        text += f"  (memory: {memory.reason})"
    else:
        text += f"  memory {bytes_of(memory.memory_used_bytes, memory.memory_total_bytes).strip()}"
        if memory.swap_total_bytes:
            text += f"  swap {bytes_of(memory.swap_used_bytes, memory.swap_total_bytes).strip()}"
    yield text


def _gpu_line(gpu: GpuReading) -> str:
    head = f"GPU {gpu.index} {gpu.name}" + (" (simulated)" if gpu.simulated else "")
    if gpu.state is not GpuState.OK:
        return f"{head}: {gpu.state.value}"
    used, total = number(gpu.gpu_memory_used_bytes), number(gpu.gpu_memory_total_bytes)
    text = f"{head}: busy {percent(number(gpu.gpu_busy_ratio), 0)}"
    text += f"  VRAM {bytes_of(used, total).strip()}"
    temperature, power = number(gpu.gpu_temperature_celsius), number(gpu.gpu_power_watts)
    if temperature is not None:
        text += f"  {temperature:.0f} °C"
    if power is not None:
        text += f"  {power:.0f} W"
    for word, value in (("busy", gpu.gpu_busy_ratio), ("VRAM", gpu.gpu_memory_used_bytes)):
        if isinstance(value, Missing):
            text += f"  ({word}: {value.reason})"
    return text


def _training_lines(reading: TrainingReading, whole: Report, *, machine: bool) -> Iterator[str]:
    training = reading.training
    report = whole.of(training.id.pid)
    simulated = "  SIMULATED" if training.simulated else ""
    run = known(training.run_dir)
    yield f"{training.framework} {training.name} pid {training.id.pid}{f'  {run}' if run else ''}{simulated}"
    yield f"  {_settings_text(reading)}"
    yield f"  {_progress_text(reading)}"
    if machine:
        for process in reading.processes:
            yield (
                f"    {process.id.pid:>7} {process.role.value:<12} {process.state} "
                f"CPU {percent(number(process.cpu_busy_ratio))} "
                f"wait {percent(number(process.run_queue_wait_ratio))} "
                f"PSS {bytes_text(number(process.memory_pss_bytes), 8)}  {process.name}"
            )
    if reading.ended is not None:
        yield f"  ended: {reading.ended.text}"
    elif any(process.id == training.id and process.state in {"T", "t"} for process in reading.processes):
        yield "  STOPPED: its main process is stopped (SIGSTOP or Ctrl-Z); what is said below was before"
    if report is None:
        return
    yield from _finding_lines(reading, report, whole, with_evidence=not machine)
    if report.proof is not None:
        yield proof_line(report.proof)
    for suggestion in report.suggestions:
        yield from suggestion_lines(suggestion, in_full=not machine)
    if not machine:
        yield from plan_lines(report.plan)
    memory = report.memory
    if memory is not None and not isinstance(memory.oom_risk, Missing):
        yield f"  out-of-memory risk {memory.oom_risk.level.value}: {memory.oom_risk.text}"
    for note in training.notes:
        yield f"  note: {note}"


def _finding_lines(
    reading: TrainingReading, report: TrainingReport, whole: Report, *, with_evidence: bool
) -> Iterator[str]:
    power = power_of(reading, whole.sample.gpus)
    for finding in report.findings:
        yield finding_line(finding)
        if with_evidence:
            yield from evidence_lines(finding, cost_of(finding, reading, power))
    if report.settled or reading.ended is not None:
        return
    if not report.findings:
        yield f"  no verdict yet: {report.doubt or 'it takes some seconds of samples'}"
    elif with_evidence and report.doubt:
        yield f"  not certain yet: {report.doubt}"


def _settings_text(reading: TrainingReading) -> str:
    settings = reading.training.settings
    words = []
    unknown: dict[str, list[str]] = {}
    for name in ("batch_size", "workers", "imgsz", "epochs", "cache"):
        setting = getattr(settings, name)
        if isinstance(setting, Missing):
            unknown.setdefault(setting.reason, []).append(name)
        elif setting.value is not None:
            words.append(f"{name} {setting.value}")
    words += [f"unknown: {', '.join(names)} ({reason})" for reason, names in unknown.items()]
    return ", ".join(words)


def _progress_text(reading: TrainingReading) -> str:
    progress = reading.progress
    words = [f"phase {reading.phase.value}"]
    epoch, epochs = known(progress.epoch), known(progress.epochs)
    if epoch is not None:
        # YOLOv5 counts 0/99 ... 99/99 in its own log, ultralytics 1/100 ... 100/100.
        first = 1 if reading.training.framework == "ultralytics" else 0
        words.append(f"epoch {epoch + first}" + (f"/{epochs - 1 + first}" if epochs is not None else ""))
    batch, batches = known(progress.batch), known(progress.batches)
    if batch is not None:
        words.append(f"batch {batch}" + (f" of {batches}" if batches is not None else ""))
    if reading.ended is not None:
        # What it did in its last second, and when it would be done, is said of none that is over.
        return ", ".join(words)
    words.append(_measure_text("rate", progress.images_per_second, 1.0, "img/s"))
    words.append(_measure_text("data wait", reading.loader.data_wait_ratio, 100.0, "%"))
    eta = number(progress.eta_seconds)
    if eta is not None:
        words.append(f"ETA {duration(eta)}")
    return ", ".join(words)


def _measure_text(name: str, measure: Measure | Missing, factor: float, unit: str) -> str:
    """Return a measure with its error, or why there is none; ~ marks an estimate."""
    if isinstance(measure, Missing):
        return f"{name} unknown ({measure.reason})"
    value, error = measure.value * factor, measure.standard_error
    shown = f"{value:.0f}" if unit == "%" else quantity(value)
    # As many decimals as the value has.
    decimals = len(shown.partition(".")[2])
    around = f" ±{error * factor:.{decimals}f}" if error is not None else ""
    mark = "~" if measure.certainty is Certainty.ESTIMATED else ""
    return f"{name} {mark}{shown} {unit}{around}"
