"""The JSON that everything else is built on (schema 1): one serializer for every output.

Numbers, never strings with units. A reading that cannot be had, or that is no finite number, is null, and
its reason stands under its name in the nearest `missing`. Where there is no `missing` (results, evidence,
effects) a number that is not finite is its name: "nan", "inf" or "-inf". A Measure is an object with its
certainty and source. Times are RFC 3339.
"""

from __future__ import annotations

from dataclasses import fields
from typing import Any

from gpumon.model.cost import cost_of, power_of
from gpumon.model.document_values import Json, finite, plain, rfc3339
from gpumon.model.finding_document import finding_document, suggestion_document
from gpumon.model.gpu import GpuProcess, GpuReading
from gpumon.model.host import HostReading, MemoryReading, SharedMemoryReading
from gpumon.model.measure import Missing
from gpumon.model.plan_document import plan_document, proof_document
from gpumon.model.process import ProcessReading
from gpumon.model.reading import LossesReading, TrainingReading
from gpumon.model.report import Report, TrainingReport
from gpumon.model.suggestion import MemoryOutlook
from gpumon.model.training import Setting, Settings

SCHEMA = 1

# Written elsewhere in the document, or too fine for it.
_GPU_LEFT_OUT = {"processes", "slices", "busy_samples", "state", "simulated", "index", "uuid", "name"}
_PROCESS_LEFT_OUT = {"id", "parent_pid", "role", "name", "command", "user", "state"}


def document(report: Report, version: str) -> Json:
    """Return the whole report as JSON-ready values."""
    sample = report.sample
    missing: dict[str, str] = {}
    driver = sample.driver
    simulated = driver.simulated or any(gpu.simulated for gpu in sample.gpus)
    return {
        "schema": SCHEMA,
        "gpumon": version,
        "timestamp": rfc3339(sample.instant.unix_seconds),
        "hostname": sample.hostname,
        "simulated": simulated or any(reading.training.simulated for reading in sample.trainings),
        "driver": {
            "state": driver.state.value,
            "text": driver.text,
            "driver_version": plain("driver_version", driver.driver_version, missing),
            "cuda_version": plain("cuda_version", driver.cuda_version, missing),
            "missing": missing,
        },
        "gpus": [_gpu(gpu) for gpu in sample.gpus],
        "host": _host(sample.host),
        "trainings": [
            _training(reading, report.of(reading.training.id.pid), sample.gpus)
            for reading in sample.trainings
        ],
        "errors": [{"source": error.source, "text": error.text} for error in sample.errors],
        "late_sources": list(sample.late_sources),
        "self": _fields(sample.self_reading, set()),
    }


def _fields(noun: Any, left_out: set[str]) -> Json:
    """Return the fields of a dataclass of plain readings, with their own `missing`."""
    missing: dict[str, str] = {}
    found = {
        field.name: plain(field.name, getattr(noun, field.name), missing)
        for field in fields(noun)
        if field.name not in left_out
    }
    return {**found, "missing": missing}


def _gpu(gpu: GpuReading) -> Json:
    found: Json = {"index": gpu.index, "uuid": gpu.uuid, "name": gpu.name, "state": gpu.state.value}
    found.update(simulated=gpu.simulated, **_fields(gpu, _GPU_LEFT_OUT))
    if isinstance(gpu.processes, Missing):
        found["missing"]["processes"] = gpu.processes.reason
        found["processes"] = None
    else:
        found["processes"] = [_gpu_process(process) for process in gpu.processes]
    found["slices"] = [_fields(part, set()) for part in gpu.slices]
    return found


def _gpu_process(process: GpuProcess) -> Json:
    return _fields(process, set())


def _host(host: HostReading) -> Json:
    missing: dict[str, str] = {}
    found: Json = {"cpu_busy_ratio": plain("cpu_busy_ratio", host.cpu_busy_ratio, missing)}
    for name, value in (("cores", host.cores), ("disks", host.disks), ("core_domains", host.core_domains)):
        if isinstance(value, Missing):
            missing[name] = value.reason
            found[name] = None
        else:
            found[name] = [
                {field.name: finite(getattr(item, field.name)) for field in fields(item)} for item in value
            ]
    found.update(_parts(MemoryReading, host.memory, missing))
    found["pressure"] = _fields(host.pressure, set())
    found["physical_cores"] = plain("physical_cores", host.physical_cores, missing)
    found["load_1_minute"] = plain("load_1_minute", host.load_1_minute, missing)
    found["missing"] = missing
    return found


def _parts(kind: type[Any], noun: Any, missing: dict[str, str]) -> Json:
    """Return the fields of a noun of that kind; of a missing one all are None for its reason."""
    return {
        field.name: plain(
            field.name, noun if isinstance(noun, Missing) else getattr(noun, field.name), missing
        )
        for field in fields(kind)
    }


def _settings(settings: Settings, missing: dict[str, str]) -> tuple[Json, Json]:
    """Return the settings that are known, and where each is known from."""
    values: Json = {}
    sources: Json = {}
    for field in fields(settings):
        setting = getattr(settings, field.name)
        values[field.name] = plain(f"settings.{field.name}", setting, missing)
        if isinstance(setting, Setting):
            sources[field.name] = setting.source
    return values, sources


def _process(process: ProcessReading) -> Json:
    return {
        "pid": process.id.pid,
        "parent_pid": process.parent_pid,
        "role": process.role.value,
        "name": process.name,
        "user": process.user,
        "state": process.state,
        **_fields(process, _PROCESS_LEFT_OUT),
    }


def _training(reading: TrainingReading, report: TrainingReport | None, gpus: tuple[GpuReading, ...]) -> Json:
    training = reading.training
    missing: dict[str, str] = {}
    values, sources = _settings(training.settings, missing)
    loader = _fields(reading.loader, {"worker_states", "shm"})
    loader.update(_parts(SharedMemoryReading, reading.loader.shm, loader["missing"]))
    _rename(loader, "read_bytes_per_second", "loader_read_bytes_per_second")
    cgroup = reading.cgroup
    return {
        "pid": training.id.pid,
        "framework": training.framework,
        "framework_version": plain("framework_version", training.framework_version, missing),
        "name": training.name,
        "simulated": training.simulated,
        "command": list(training.command),
        "run_dir": plain("run_dir", training.run_dir, missing),
        "log_path": plain("log_path", training.log_path, missing),
        "world_size": training.world_size,
        "settings": values,
        "settings_sources": sources,
        "processes": [_process(process) for process in reading.processes],
        "phase": reading.phase.value,
        "phase_source": reading.phase_source,
        "progress": {
            **_fields(reading.progress, {"results", "losses"}),
            "results": {name: finite(value) for name, value in reading.progress.results},
            "losses": [_losses(losses) for losses in reading.progress.losses],
        },
        "loader": loader,
        "cgroup": plain("cgroup", cgroup, missing) if isinstance(cgroup, Missing) else _fields(cgroup, set()),
        "usable_cores": plain("usable_cores", reading.usable_cores, missing),
        "affinity_cores": plain("affinity_cores", reading.affinity_cores, missing),
        "interpreter": plain("interpreter", reading.interpreter, missing),
        "reporter": plain("reporter", reading.reporter, missing),
        "gpu_uuids": list(reading.gpu_uuids),
        "training_gpu_memory_used_bytes": plain(
            "training_gpu_memory_used_bytes", reading.gpu_memory_used_bytes, missing
        ),
        "memory": _memory(report.memory if report else None),
        "settled": report.settled if report else False,
        "doubt": report.doubt if report else "",
        "findings": _findings(reading, report, gpus) if report else [],
        "suggestions": [suggestion_document(suggestion) for suggestion in report.suggestions]
        if report
        else [],
        "plan": plan_document(report.plan) if report else [],
        "proof": proof_document(report.proof if report else None),
        "ended": None
        if reading.ended is None
        else {
            "how": reading.ended.how.value,
            "text": reading.ended.text,
            "timestamp": rfc3339(reading.ended.unix_seconds),
        },
        "notes": list(training.notes),
        "missing": missing,
    }


def _findings(reading: TrainingReading, report: TrainingReport, gpus: tuple[GpuReading, ...]) -> list[Json]:
    power = power_of(reading, gpus)
    return [finding_document(finding, cost_of(finding, reading, power)) for finding in report.findings]


def _losses(losses: LossesReading) -> Json:
    return {
        "source": losses.source,
        "epoch": losses.epoch,
        "is_validation": losses.is_validation,
        "values": {name: finite(value) for name, value in losses.values},
    }


def _rename(found: Json, name: str, metric: str) -> None:
    """Give a field the name that it has in METRICS, where its own is another measure's name."""
    for holder in (found, found["missing"]):
        if name in holder:
            holder[metric] = holder.pop(name)


def _memory(outlook: MemoryOutlook | None) -> Json | None:
    if outlook is None:
        return None
    missing: dict[str, str] = {}
    risk, batch = outlook.oom_risk, outlook.largest_safe_batch
    found: Json = {
        "oom_risk": plain("oom_risk", risk, missing)
        if isinstance(risk, Missing)
        else {
            "probability": finite(risk.probability),
            "level": risk.level.value,
            "certainty": "estimated",
            "text": risk.text,
            "rests_on": risk.rests_on,
        },
        "peak_bytes": plain("peak_bytes", outlook.peak_bytes, missing),
        "limit_bytes": plain("limit_bytes", outlook.limit_bytes, missing),
        "full_in_seconds": plain("full_in_seconds", outlook.full_in_seconds, missing),
        "largest_safe_batch": plain("largest_safe_batch", batch, missing)
        if isinstance(batch, Missing)
        else {
            "value": batch,
            "low": outlook.largest_safe_batch_low,
            "high": outlook.largest_safe_batch_high,
            "rests_on": outlook.batch_rests_on,
            "certainty": "estimated",
        },
    }
    return {**found, "missing": missing}
