"""Advice on how several GPUs are driven: a process for each of them (DDP) instead of one for all."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from gpumon.advice.knobs.command import Value
from gpumon.advice.knobs.ddp import with_ranks
from gpumon.advice.restart import restart_warnings
from gpumon.advice.terms import Terms
from gpumon.diagnosis.cores import cores_of, limit_words
from gpumon.diagnosis.rules.data_parallel import driven_by_one
from gpumon.diagnosis.verdict import recent
from gpumon.diagnosis.view import View
from gpumon.model.finding import Finding
from gpumon.model.measure import Maybe, Missing, known
from gpumon.model.suggestion import Bound, Change, GoOn, Suggestion

_NO_FIGURE = Missing("how much of a step DataParallel takes for itself cannot be seen from outside")
_BASIS = (
    "YOLOv5's own advice: DataParallel copies the model and gathers the results in each step, DDP only sums"
    " the gradients"
)


def advise_ddp(view: View, findings: tuple[Finding, ...], terms: Terms) -> tuple[Suggestion, ...]:
    """Return the command with a process for each GPU, where one process drives several (data-parallel)."""
    finding = next((finding for finding in findings if finding.id == "data-parallel"), None)
    if finding is None:
        return ()
    devices = _devices(view)
    ranks = len(devices)
    if ranks < 2:
        return ()
    changes: dict[str, Value] = {"device": ",".join(devices)}
    together = [Change("world_size", view.ranks, ranks), *device_changes(view, ",".join(devices))]
    warnings = ["--batch-size is the total of all processes, --workers counts for each of them"]
    batch = view.setting("batch_size")
    if not isinstance(batch, int) or batch < 1:
        command: Maybe[str] = Missing(f"the total batch is not known; it has to be divisible by {ranks}")
        return (_suggestion(view, finding, ranks, command, command, warnings=tuple(warnings)),)
    # AutoBatch (-1) is not allowed with several processes: the batch it chose is written out.
    even = batch - batch % ranks
    if even < 1:
        return ()
    changes["batch_size"] = even
    if even != batch:
        together.append(Change("batch_size", batch, even))
    workers = _workers(view, ranks)
    if workers is not None:
        changes["workers"] = workers[1]
        together.append(Change("workers", *workers))
        cores = cores_of(view)
        bound = "" if cores is None else f" on {limit_words(cores)}"
        warnings.append(f"{ranks} times {workers[0]} workers would crowd one another{bound}")
    command, go_on = launched(view, ranks, changes, terms)
    return (
        _suggestion(view, finding, ranks, command, go_on, together=tuple(together), warnings=tuple(warnings)),
    )


def launched(
    view: View, ranks: int, changes: Mapping[str, Value], terms: Terms
) -> tuple[Maybe[str], Maybe[GoOn]]:
    """Return the command that starts the training as `ranks` processes with `changes`, and how to go on."""
    training = with_ranks(view.reading.training, ranks)
    if isinstance(training, Missing):
        return training, training
    return terms.rewrite(training, changes), terms.go_on(replace(view.reading, training=training), changes)


def device_changes(view: View, devices: str) -> tuple[Change, ...]:
    """Return the change of `device` that goes with another launcher; none where it is the same already.

    ultralytics has no launcher: there the device is what is suggested.
    """
    now = view.setting("device")
    if view.reading.training.framework == "ultralytics" or str(now) == devices:
        return ()
    return (Change("device", None if now == "" else now, devices),)


def _suggestion(
    view: View,
    finding: Finding,
    ranks: int,
    command: Maybe[str],
    go_on: Maybe[GoOn] | Maybe[str],
    *,
    together: tuple[Change, ...] = (),
    warnings: tuple[str, ...] = (),
) -> Suggestion:
    return Suggestion(
        setting="launcher",
        from_value="DataParallel",
        to_value="DDP",
        text=f"a process for each of the {ranks} GPUs (DDP) instead of one for all of them (DataParallel)",
        finding=finding.id,
        bound=Bound.NONE,
        rests_on=_BASIS,
        speedup=_NO_FIGURE,
        images_per_second=_NO_FIGURE,
        command=command,
        together=together,
        warnings=(*warnings, *restart_warnings(view)),
        go_on=go_on if isinstance(go_on, (Missing, GoOn)) else _NO_FIGURE,
    )


def _devices(view: View) -> tuple[str, ...]:
    """Return the GPUs for --device: those it was given, else those that its process works on.

    Where CUDA_VISIBLE_DEVICES says which there are, they count from 0.
    """
    text = str(view.setting("device") or "").strip("[]() ").replace("cuda:", "")
    given = tuple(part.strip() for part in text.split(",") if part.strip().isdecimal())
    if len(given) > 1:
        return given
    working = driven_by_one(recent(view))
    if any(name == "CUDA_VISIBLE_DEVICES" for name, _ in view.reading.training.environment):
        return tuple(map(str, range(len(working))))
    return tuple(str(device.newest.index) for device in working)


def _workers(view: View, ranks: int) -> tuple[int, int] | None:
    """Return (now, then) where as many workers for each rank as now would not have a core each."""
    workers, cores = known(view.workers), cores_of(view)
    if not workers or cores is None or ranks * workers <= max(cores.usable, ranks):
        return None
    return workers, max(1, int(cores.usable) // ranks)
