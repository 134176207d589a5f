"""The loop of a laboratory training; its command line is YOLOv5's, its --cfg a LabSpec."""

from __future__ import annotations

import argparse
import ctypes
import math
import multiprocessing
import random
import signal
import time
import warnings
import zlib
from dataclasses import replace
from pathlib import Path
from typing import Any

warnings.filterwarnings("ignore")

import torch  # noqa: E402 - the filter comes first
from torch.utils.data import DataLoader  # noqa: E402

from gpumon.sources.timeline import TimelineWriter  # noqa: E402
from tests.lab.jpeg import val as validation  # noqa: E402
from tests.lab.jpeg.data import Batches, Images  # noqa: E402
from tests.lab.jpeg.log import log  # noqa: E402
from tests.lab.jpeg.spec import GpuSpec, LabSpec, LoopSpec, read_spec  # noqa: E402
from tests.lab.jpeg.stamps import Stamps  # noqa: E402
from tests.lab.memory_fit import Unwritten, targets_of  # noqa: E402
from tests.lab.train import pretend_to_pin  # noqa: E402
from tests.lab.virtual_gpu import VirtualGpu  # noqa: E402

_PR_SET_PDEATHSIG = 1
_SPIN = bytes(1 << 18)
_ENDLESS_IMAGES = 100_000
_HEADER = (
    "epoch", "train/box_loss", "train/obj_loss", "train/cls_loss", "metrics/precision", "metrics/recall",
    "metrics/mAP_0.5", "metrics/mAP_0.5:0.95", "val/box_loss", "val/obj_loss", "val/cls_loss",
    "x/lr0", "x/lr1", "x/lr2",
)  # fmt: skip


def parse() -> argparse.Namespace:
    """Return YOLOv5's options that matter here."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--weights", default="")
    parser.add_argument("--cfg", type=Path, required=True)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--epochs", type=int, default=300)
    parser.add_argument("--batch-size", type=int, default=8)
    parser.add_argument("--imgsz", type=int, default=320)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--device", default="0")
    parser.add_argument("--project", type=Path, default=Path("runs/train"))
    parser.add_argument("--name", default="exp")
    return parser.parse_args()


def main() -> None:
    """Train until killed."""
    opt = parse()
    spec = read_spec(opt.cfg)
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    torch.set_num_threads(1)
    # Real OpenCV would take threads of its own in every worker.
    __import__("cv2").setNumThreads(0)
    save_dir = opt.project / opt.name
    (save_dir / "weights").mkdir(parents=True)
    lines = [f"{key}: {value}" for key, value in vars(opt).items() if key != "weights"]
    (save_dir / "opt.yaml").write_text("\n".join(["weights: ''", *lines, f"save_dir: {save_dir}", ""]))
    (save_dir / "hyp.yaml").write_text("lr0: 0.01\nlrf: 0.01\nmomentum: 0.937\nmosaic: 0.0\n")
    (save_dir / "results.csv").write_text(",".join(f"{name:>20s}" for name in _HEADER) + "\n")
    log("train: " + ", ".join(lines).replace(": ", "=") + "\nSIMULATED: a laboratory training")
    train(opt, spec, save_dir)


def loader(opt: argparse.Namespace, spec: LabSpec, images: int, batch_size: int, workers: int) -> Any:
    """Return a DataLoader over `images` images."""
    lock = multiprocessing.get_context("fork").Lock() if spec.loader.locked else None
    folder = Path(spec.loader.folder) if spec.loader.folder else opt.data.parent / "images" / "train"
    return DataLoader(
        Images(folder, images, opt.imgsz, spec.loader, lock),
        batch_sampler=Batches(images, batch_size, endless=spec.loader.endless),
        num_workers=workers,
        pin_memory=spec.loader.pin,
        multiprocessing_context="fork" if workers else None,
    )


def train(opt: argparse.Namespace, spec: LabSpec, save_dir: Path) -> None:
    """Train epochs of batches; validate and write a checkpoint after each."""
    if spec.loader.pin and not spec.loop.on_cpu:
        pretend_to_pin()
    batch_size, workers, loop = opt.batch_size, opt.workers, spec.loop
    nb = loop.batches or _ENDLESS_IMAGES // batch_size
    gpu, stamps = _gpu(spec.gpu, loop), Stamps(Path("waits.bin"))
    train_loader = loader(opt, spec, nb * batch_size, batch_size, workers)
    plain = replace(
        spec,
        loader=replace(
            spec.loader, slow_every=0, hang_after_seconds=0.0, read_bytes=0, ram_bytes=0, folder=""
        ),
    )
    val_loader = loader(opt, plain, max(1, loop.val_batches) * 2 * batch_size, 2 * batch_size, workers)
    log(f"Image sizes {opt.imgsz} train, {opt.imgsz} val\nUsing {workers} dataloader workers")
    log(f"Logging results to {save_dir}\nStarting training for {opt.epochs} epochs...")
    batches, val_batches = iter(train_loader), iter(val_loader)
    began, noise = time.monotonic(), random.Random(3)  # noqa: S311 - noise, not keys
    started, start_epoch, epochs = began, 0, opt.epochs
    for epoch in range(start_epoch, epochs):
        log(
            ("\n" + "%11s" * 7)
            % ("Epoch", "GPU_mem", "box_loss", "obj_loss", "cls_loss", "Instances", "Size")
        )
        if not spec.loader.endless and epoch:
            batches, val_batches = iter(train_loader), iter(val_loader)
        began = time.monotonic()
        for i in range(nb):
            ni = i + nb * epoch
            images, _ = stamps.next(batches, 0, batch_size, workers)
            elapsed = time.monotonic() - started
            targets, scale = targets_of(loop, len(images), ni, noise), _scale(loop, noise)
            if loop.hang_after_seconds and elapsed > loop.hang_after_seconds:
                multiprocessing.Event().wait()
            gpu.train(len(images), targets, scale)
            if loop.leak_bytes:
                gpu.leak(loop.leak_bytes)
            if loop.gap_seconds:
                _python_for(loop.gap_seconds)
            broken = 0 < loop.nan_after_seconds < elapsed
            losses = (math.nan,) * 3 if broken else (0.11, 0.07, 0.05)
            memory = f"{gpu.allocator.peak_reserved_bytes / 1e9:.3g}G"
            head = (f"{epoch}/{epochs - 1}", memory, *losses, targets, opt.imgsz)
            log(_bar(head, i + 1, nb, time.monotonic() - began), end="")
        log("")
        validation.run(val_batches, loop.val_batches, gpu, stamps, batch_size=2 * batch_size, workers=workers)
        _finish_epoch(save_dir, epoch, losses, loop)


def _finish_epoch(save_dir: Path, epoch: int, losses: tuple[float, ...], loop: LoopSpec) -> None:
    row = (*losses, 0.5, 0.4, 0.3, 0.2, *losses, 0.01, 0.01, 0.01)
    with (save_dir / "results.csv").open("a") as results:
        results.write(",".join([f"{epoch:>20d}", *(f"{value:20.5g}" for value in row)]) + "\n")
    save(save_dir / "weights" / "last.pt", loop)


def save(path: Path, loop: LoopSpec) -> None:
    """Write a checkpoint; on a slow disk it takes `checkpoint_seconds`."""
    torch.save({"weights": torch.zeros(1 << 20)}, _SlowFile(path, loop.checkpoint_seconds))


class _SlowFile:
    """A file on a disk that takes its time for what is written to it."""

    def __init__(self, path: Path, seconds: float) -> None:
        self._file = path.open("wb")
        self._seconds_per_byte = seconds / (4 << 20)

    def write(self, data: bytes) -> int:
        time.sleep(len(data) * self._seconds_per_byte)
        return self._file.write(data)

    def flush(self) -> None:
        self._file.flush()


def _gpu(spec: GpuSpec, loop: LoopSpec) -> VirtualGpu:
    timeline = TimelineWriter(
        Path("gpu.timeline"),
        name="Virtual GPU 12 GB",
        uuid="GPU-laboratory-0",
        memory_total_bytes=spec.total_bytes,
    )
    wait = _spin if spec.sync == "spin" or loop.on_cpu else time.sleep
    started = time.monotonic()

    def compute(seconds: float) -> tuple[float, float]:
        if spec.slower_after_seconds and time.monotonic() - started > spec.slower_after_seconds:
            seconds *= spec.slower_factor
        start = time.time()  # noqa: TID251 - the timeline is written in real time
        if not loop.on_cpu:
            timeline.begin(start)
        wait(seconds)
        return start, time.time()  # noqa: TID251

    return VirtualGpu(
        spec.cost, Unwritten() if loop.on_cpu else timeline, compute, total_bytes=spec.total_bytes,
        neighbour_bytes=spec.neighbour_bytes, neighbour_ratio=spec.neighbour_ratio,
        busy_sensors=(spec.temperature_celsius, spec.power_watts, spec.sm_clock_hertz),
    )  # fmt: skip


def _spin(seconds: float) -> None:
    """Wait as CUDA does by default: on a core, without the interpreter's lock."""
    end = time.perf_counter() + seconds
    while time.perf_counter() < end:
        zlib.crc32(_SPIN)


def _python_for(seconds: float) -> None:
    """Do what a slow callback does: run Python."""
    end, total = time.thread_time() + seconds, 0
    while time.thread_time() < end:
        total += sum(range(200))


def _scale(loop: LoopSpec, noise: random.Random) -> float:
    return (noise.randrange(10, 31) / 20) ** 2 if loop.multi_scale else 1.0


def _bar(head: tuple[object, ...], done: int, count: int, seconds: float) -> str:
    text = ("%11s" * 2 + "%11.4g" * 5) % head
    share, passed = done / count, time.strftime("%M:%S", time.gmtime(seconds))
    return f"\r{text}: {share:4.0%}|{'█' * int(10 * share):<10}| {done}/{count} {passed}"
