"""`gpumon plan`: settings to start a training with, before anything was measured."""

from __future__ import annotations

import json
import math
import os
import re
import shlex
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from gpumon.model.text import is_clean

if TYPE_CHECKING:
    from gpumon.advice.starting_facts import StartingFacts
    from gpumon.advice.starting_point import StartingPoint

_AMOUNT = re.compile(r"(\d{1,15}(?:\.\d{1,6})?)\s*([kmgt]?i?b?)", re.IGNORECASE)
_POWERS = {"": 0, "k": 1, "m": 2, "g": 3, "t": 4}
_LEAST_BYTES, _MOST_BYTES = 256 << 20, 4 << 40


def parse_bytes(text: str) -> int:
    """Return the bytes of `12GiB`, `12GB` (decimal), `12G` (binary, as on the box) or a plain number.

    Raises ValueError for anything else.
    """
    found = _AMOUNT.fullmatch(text.strip())
    if found is None:
        raise ValueError(f"{text[:40]!r} is no amount of memory")
    unit = found[2].lower()
    base = 1000.0 if unit.endswith("b") and "i" not in unit else 1024.0
    return round(float(found[1]) * math.pow(base, _POWERS[unit[:1].replace("b", "")]))


def _gpu_memory(context: click.Context, parameter: click.Parameter, value: str | None) -> int | None:
    del context, parameter
    if value is None:
        return None
    try:
        found = parse_bytes(value)
    except ValueError:
        raise click.UsageError(f"--gpu-memory is an amount as 12GiB or 11.5GB, not {value[:40]!r}") from None
    if not _LEAST_BYTES <= found <= _MOST_BYTES:
        raise click.UsageError("--gpu-memory lies between 256MiB and 4TiB")
    return found


def _name(context: click.Context, parameter: click.Parameter, value: str | None) -> str | None:
    del context
    if value is not None and (not value or not is_clean(value) or len(value) > 4096):
        raise click.UsageError(f"--{parameter.name} is no name that can be written into a command")
    return value


@click.command("plan", context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--weights", metavar="FILE", callback=_name, help="What train.py starts from, as yolov5s.pt.")
@click.option("--cfg", metavar="FILE", callback=_name, help="The model, where training starts from scratch.")
@click.option("--imgsz", type=click.IntRange(32, 8192), default=640, show_default=True, metavar="PIXELS")
@click.option(
    "--gpu-memory", callback=_gpu_memory, metavar="SIZE", help="As 12GiB (default: ask the driver)."
)
@click.option("--data", metavar="FILE", callback=_name, help="The data.yaml: images are counted and sampled.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document (schema 1).")
@click.option("--ascii", "is_ascii", is_flag=True, help="Write ASCII characters only.")
@click.pass_context
def command(
    context: click.Context,
    /,
    *,
    weights: str | None,
    cfg: str | None,
    imgsz: int,
    gpu_memory: int | None,
    data: str | None,
    as_json: bool,
    is_ascii: bool,
) -> None:
    """Say which settings to start a YOLOv5 training with: batch, workers, cache, and what to watch.

    All of it is an estimate, from published figures and from earlier runs on this machine. Nothing is
    started, and no image is decoded. Exit code 2: an option is wrong.
    """
    named = (("weights", weights), ("cfg", cfg), ("data", data))
    files = {name: value for name, value in named if value is not None}
    if weights is None and cfg is None:
        raise click.UsageError("say which model: --weights yolov5s.pt, or --cfg yolov5s.yaml", context)
    facts, device, note = _facts(files, imgsz, gpu_memory)
    from gpumon.advice.starting_point import starting_point

    point = starting_point(facts)
    line = command_line(files, imgsz, point, device)
    if as_json:
        _print_json(facts, point, line, note)
    else:
        _print_lines(facts, point, line, note, is_ascii=is_ascii)


def _facts(
    files: dict[str, str], imgsz: int, gpu_memory: int | None
) -> tuple[StartingFacts, str | None, str]:
    """Return what is known, what to give `--device` if anything, and what went wrong with earlier runs.

    `files` are weights, cfg and data as they were given.
    """
    from gpumon.advice.model_memory import DRIVER_BYTES, model_name
    from gpumon.advice.starting_facts import GpuFacts, StartingFacts
    from gpumon.cli.plan_facts import device_of, gpu_of, gpus_here, machine_here, prior_here, visible_of
    from gpumon.frameworks.data_images import read_data
    from gpumon.model.measure import Missing
    from gpumon.recording.runs_place import runs_path

    # Whoever says the memory has as many GPUs as before, among which YOLOv5 divides the CPUs.
    gpus, why = gpus_here()
    visible = visible_of(gpus, os.environ.get("CUDA_VISIBLE_DEVICES"))
    gpu = gpu_of(visible, why)
    if gpu_memory is not None:
        gpu = GpuFacts(gpu_memory, DRIVER_BYTES, "--gpu-memory")
    model = model_name(files.get("weights"), files.get("cfg"))
    facts = StartingFacts(model, imgsz, machine_here(), gpu)
    if "data" in files:
        found = read_data(Path(files["data"]))
        if isinstance(found, Missing):
            raise click.UsageError(f"--data: {found.reason}")
        facts = replace(facts, data=found)
    prior, note = prior_here(facts, files, runs_path())
    return replace(facts, prior=prior), device_of(visible), note


def command_line(files: dict[str, str], imgsz: int, point: StartingPoint, device: str | None) -> str:
    """Return the command to start with, for a POSIX shell, in flags that all versions since 6.0 have."""
    from gpumon.advice.starting_point import BatchStart, NoRoom

    # Without it YOLOv5 takes its default weights beside a cfg.
    words = ["python", "train.py", "--weights", files.get("weights", "")]
    for name in ("cfg", "data"):
        words += [f"--{name}", files[name]] if name in files else []
    words += ["--imgsz", str(imgsz)]
    if isinstance(point.batch, BatchStart):
        words += ["--batch-size", str(point.batch.batch)]
    elif isinstance(point.batch, NoRoom):
        words += ["--batch-size", "1"]  # the default of 16 would rather fail
    words += ["--workers", str(point.workers.workers)]
    words += ["--cache", "ram"] if point.cache.ram else []
    # Without it YOLOv5 divides the CPUs among all GPUs that it sees, and uses one.
    words += ["--device", device] if device is not None else []
    return shlex.join(words)


def _print_json(facts: StartingFacts, point: StartingPoint, line: str, note: str) -> None:
    import gpumon as package
    from gpumon.cli.plan_document import plan_document

    found = plan_document(facts, point, line, note, package.__version__)
    click.echo(json.dumps(found, indent=2, allow_nan=False, ensure_ascii=True))


def _print_lines(facts: StartingFacts, point: StartingPoint, line: str, note: str, *, is_ascii: bool) -> None:
    from gpumon.sinks.plain_plan import plan_lines

    encoding = (sys.stdout.encoding or "").lower().replace("-", "")
    for text in plan_lines(facts, point, line, note):
        shown = text.replace("–", "-").encode("ascii", "replace").decode()
        click.echo(shown if is_ascii or encoding != "utf8" else text)
