"""Who holds which memory, and what is left: the GPU's, the host's, /dev/shm and the cgroup's, as rows."""

from __future__ import annotations

from gpumon.model.gpu import GpuReading, GpuState
from gpumon.model.host import CgroupReading, MemoryReading, SharedMemoryReading
from gpumon.model.measure import Maybe, Missing, known
from gpumon.model.reading import TrainingReading
from gpumon.model.suggestion import MemoryOutlook, RiskLevel
from gpumon.paint.bars import gauge
from gpumon.paint.numbers import bytes_of, bytes_text, duration, percent
from gpumon.paint.row import Row, Span, row_width
from gpumon.tui.widgets.frame import Frame
from gpumon.tui.wrap import wrap

_NAME_CELLS = 15
_GAUGE_CELLS = 20
# With a blank for a third digit, so that amounts begin in one column.
_BYTES_CELLS = 8
_LIMIT = "without what the driver and others hold"
_RISK_ROLES = {RiskLevel.LOW: "good", RiskLevel.ELEVATED: "warn", RiskLevel.HIGH: "danger"}


def memory_rows(frame: Frame, width: int) -> list[Row]:
    """Return all that is known about memory, a section each."""
    training = frame.training
    report = frame.training_report
    rows: list[Row] = []
    if frame.gpu is not None:
        rows += _gpu_rows(frame.gpu, training, width)
    else:
        rows += [_head("GPU memory"), *_word(frame.report.sample.driver.text or "no GPU was found", width)]
    if training is not None:
        outlook = report.memory if report is not None else None
        rows += [(), _head(f"outlook{_where(frame, training)}"), *_outlook_rows(outlook, width)]
    if len(frame.report.sample.gpus) > 1:
        rows += [(), _head("all GPUs"), *_each_gpu_rows(frame)]
    rows += [(), _head("host memory"), *_host_rows(frame.report.sample.host.memory, width, frame.view.ascii)]
    if training is not None:
        rows += [(), _head("/dev/shm of the training")]  # noqa: S108 (a word on the screen)
        rows += _shm_rows(training.loader.shm, training, width, frame.view.ascii)
        rows += [(), _head("cgroup of the training"), *_cgroup_rows(training.cgroup, width, frame.view.ascii)]
    return rows


def _where(frame: Frame, training: TrainingReading) -> str:
    """Return on which of several GPUs a training is: another one may be looked at."""
    gpus = frame.report.sample.gpus
    indices = ", ".join(str(gpu.index) for gpu in training.gpus(gpus))
    return f" on GPU {indices}" if len(gpus) > 1 and indices else ""


def _gpu_rows(gpu: GpuReading, training: TrainingReading | None, width: int) -> list[Row]:
    rows = [
        _head(f"GPU {gpu.index} {gpu.name}"),
        _amount("used", gpu.gpu_memory_used_bytes, gpu.gpu_memory_total_bytes),
        _amount("driver's own", gpu.gpu_memory_reserved_bytes),
        *_slice_rows(gpu, training),
    ]
    if isinstance(gpu.processes, Missing):
        return [*rows, *_word(f"processes: {gpu.processes.reason}", width)]
    members = set(training.training.pids()) if training is not None else set()
    for process in sorted(gpu.processes, key=lambda item: -(known(item.gpu_memory_used_bytes) or 0)):
        mine = process.pid in members
        held = process.gpu_memory_used_bytes
        who = "the training" if mine else f"another process ({process.kind})"
        note = f"  {process.note}" if process.note else ""
        amount = f"not known: {held.reason}" if isinstance(held, Missing) else _bytes(held)
        text = amount if isinstance(held, Missing) else f"{amount}  {who}"
        name = Span(f"  {f'pid {process.pid}':<{_NAME_CELLS}} ", "dim")
        rows.append((name, Span(text, "vram" if mine else "others"), Span(note, "dim")))
    if not gpu.processes:
        rows.append((Span("  no process holds memory on it", "dim"),))
    return rows


def _each_gpu_rows(frame: Frame) -> list[Row]:
    """Return what is in use of each GPU: ranks of one training should be alike."""
    rows: list[Row] = []
    for gpu in frame.report.sample.gpus:
        name, total = f"GPU {gpu.index}", known(gpu.gpu_memory_total_bytes)
        if gpu.state is not GpuState.OK:
            rows.append((_name(name), Span(gpu.state.value, "danger")))
        elif total is None:
            rows.append(_amount(name, gpu.gpu_memory_used_bytes))
        else:
            rows.append(_share(name, known(gpu.gpu_memory_used_bytes), total, frame.view.ascii))
    return rows


def _slice_rows(gpu: GpuReading, training: TrainingReading | None) -> list[Row]:
    """Return the MIG devices of a GPU: a training can take no more than what its own slice has."""
    members = set(training.training.pids()) if training is not None else set()
    rows = []
    for number, part in enumerate(gpu.slices):
        is_own = bool(members.intersection(known(part.pids) or ()))
        row = _amount(f"slice {number}", part.gpu_memory_used_bytes, part.gpu_memory_total_bytes)
        rows.append((*row, Span("  the training's" if is_own else "", "vram")))
    return rows


def _outlook_rows(outlook: MemoryOutlook | None, width: int) -> list[Row]:
    if outlook is None:
        return _word("not known yet: gpumon has not seen enough of the training", width)
    rows = [_amount("peak seen", outlook.peak_bytes), _amount("limit", outlook.limit_bytes)]
    if not isinstance(outlook.limit_bytes, Missing):
        beside = (*rows[-1], Span(f"  {_LIMIT}", "dim"))
        if row_width(beside) <= width:
            rows[-1] = beside
        else:
            rows += _under(_LIMIT, width)
    risk = outlook.oom_risk
    if isinstance(risk, Missing):
        rows += _word(f"risk of running out: {risk.reason}", width)
    else:
        odds = f"~{percent(risk.probability, 0)}" if risk.probability >= 0.01 else "below 1 %"
        # As a rule the sentence below begins with the odds.
        text = risk.level.value if odds.lstrip("~") in risk.text else f"{risk.level.value}, {odds}"
        rows.append((_name("risk"), Span(text, _RISK_ROLES[risk.level])))
        rows += _under(risk.text, width)
        rows += _under(f"rests on {risk.rests_on}" if risk.rests_on else "", width)
    full = known(outlook.full_in_seconds)
    if full is not None:
        rows.append((_name("full in"), Span(f"~{duration(full)}", "danger")))
    batch = outlook.largest_safe_batch
    if isinstance(batch, Missing):
        rows += _word(f"largest batch that fits: {batch.reason}", width)
    else:
        low, high = outlook.largest_safe_batch_low, outlook.largest_safe_batch_high
        interval = "" if low is None or high is None or low == high else f" ({low} to {high})"
        rows.append((_name("largest batch"), Span(f"~{batch}{interval}", "value")))
        rows += _under(f"rests on {outlook.batch_rests_on}" if outlook.batch_rests_on else "", width)
    return rows


def _host_rows(memory: Maybe[MemoryReading], width: int, ascii_only: bool) -> list[Row]:
    if isinstance(memory, Missing):
        return _word(memory.reason, width)
    rows = [_share("in use", memory.memory_used_bytes, memory.memory_total_bytes, ascii_only)]
    if memory.swap_total_bytes:
        rows.append(_share("swap", memory.swap_used_bytes, memory.swap_total_bytes, ascii_only))
    else:
        rows.append((_name("swap"), Span("none", "dim")))
    return rows


def _shm_rows(
    shm: Maybe[SharedMemoryReading], training: TrainingReading, width: int, ascii_only: bool
) -> list[Row]:
    if isinstance(shm, Missing):
        return _word(shm.reason, width)
    used = shm.shm_total_bytes - shm.shm_free_bytes
    rows = [_share("in use", used, shm.shm_total_bytes, ascii_only)]
    needed = known(training.loader.shm_needed_bytes)
    if needed is not None:
        rows.append((_name("loader needs"), Span(f"~{bytes_text(needed.value)}", "value")))
    return rows


def _cgroup_rows(cgroup: Maybe[CgroupReading], width: int, ascii_only: bool) -> list[Row]:
    if isinstance(cgroup, Missing):
        return _word(cgroup.reason, width)
    limit, used = cgroup.memory_limit_bytes, known(cgroup.memory_used_bytes)
    if isinstance(limit, Missing):
        rows = _word(f"limit: {limit.reason}", width)
    elif limit is None:
        rows = [(_name("in use"), Span(f"{_bytes(used)}, no limit", "value"))]
    else:
        rows = [_share("in use", used, limit, ascii_only)]
    kills = known(cgroup.memory_oom_kills)
    if kills:
        rows.append((_name("OOM kills"), Span(str(kills), "danger")))
    return rows


def _head(text: str) -> Row:
    return (Span(text, "title"),)


def _name(text: str) -> Span:
    return Span(f"  {text:<{_NAME_CELLS}} ", "dim")


def _word(text: str, width: int) -> list[Row]:
    return wrap(text, width, "dim", "  ")


def _under(text: str, width: int) -> list[Row]:
    """Return a text below a value; nothing for an empty one."""
    return wrap(text, width, "dim", " " * (_NAME_CELLS + 3)) if text else []


def _amount(name: str, value: Maybe[int], total: Maybe[int] | None = None) -> Row:
    if isinstance(value, Missing):
        return (_name(name), Span(f"not known: {value.reason}", "dim"))
    whole = known(total)
    return (_name(name), Span(_bytes(value) if whole is None else bytes_of(value, whole), "value"))


def _bytes(value: float | None) -> str:
    return bytes_text(value, _BYTES_CELLS)


def _share(name: str, used: float | None, total: float, ascii_only: bool) -> Row:
    ratio = used / total if used is not None and total > 0 else None
    role = "danger" if ratio is not None and ratio >= 0.95 else "bar"
    bar = gauge(ratio, _GAUGE_CELLS, role=role, ascii_only=ascii_only)
    return (_name(name), *bar, Span(f" {percent(ratio)}  {bytes_of(used, total)}", "value"))
