"""A training of gpumon's own that looks like YOLOv5's train.py from outside, on a virtual GPU.

Started as a script with YOLOv5's flags. Real processes, real DataLoader work; only the GPU is simulated:
computing is spinning in the main thread, as CUDA's sync does, and a timeline file says when. Stdlib only.
"""

from __future__ import annotations

import argparse
import contextlib
import math
import multiprocessing
import os
import random
import sys
import threading
import time
import zlib
from pathlib import Path

# Run as a script from an installed package or from a checkout alike.
sys.path[0] = str(Path(__file__).resolve().parents[2])

from gpumon.demo.loader import DemoLoader  # noqa: E402 - needs the line above
from gpumon.demo.scenario import ModelCost, read_data, read_model  # noqa: E402
from gpumon.sources.timeline import ENVIRONMENT_VARIABLE, TimelineWriter  # noqa: E402

LIFELINE_VARIABLE = "GPUMON_DEMO_LIFELINE"
TEMPORARY_VARIABLE = "GPUMON_DEMO_TEMPORARY"
TEMPORARY_PREFIX = "gpumon-demo-"
RESERVED_BYTES = 300 << 20
SPIN = bytes(1 << 18)
COLUMNS = (
    "epoch", "train/box_loss", "train/obj_loss", "train/cls_loss", "metrics/precision", "metrics/recall",
    "metrics/mAP_0.5", "metrics/mAP_0.5:0.95", "val/box_loss", "val/obj_loss", "val/cls_loss",
    "x/lr0", "x/lr1", "x/lr2",
)  # fmt: skip


class OutOfMemoryError(RuntimeError):
    """The virtual GPU is full."""


class VirtualGpu:
    """Computes by spinning and keeps the books of memory and busy time."""

    def __init__(self, cost: ModelCost, path: Path) -> None:
        """Create the timeline at `path`."""
        self.cost = cost
        self.peak_bytes = 0
        self._timeline = TimelineWriter(
            path, name=cost.gpu_name, uuid="GPU-virtual-0", memory_total_bytes=cost.gpu_total_bytes
        )
        self._timeline.sensors(41.0, 30.0, 1.2e9)

    def hold(self, batch_size: int, factor: float, epoch: int) -> None:
        """Hold what a batch needs; memory once held stays cached, as the caching allocator keeps it."""
        cost = self.cost
        creep = int(epoch * cost.creep_bytes_per_epoch)
        need = cost.static_bytes + int(batch_size * cost.image_bytes * factor) + creep
        self.peak_bytes = max(self.peak_bytes, need)
        process = cost.context_bytes + self.peak_bytes
        if process + RESERVED_BYTES > cost.gpu_total_bytes:
            gib = 1 << 30
            free = cost.gpu_total_bytes - RESERVED_BYTES - cost.context_bytes
            msg = (
                f"CUDA out of memory. Tried to allocate {need / gib:.2f} GiB (GPU 0; "
                f"{cost.gpu_total_bytes / gib:.2f} GiB total capacity; {free / gib:.2f} GiB free)"
            )
            raise OutOfMemoryError(msg)
        self._timeline.memory(process, RESERVED_BYTES, process)

    def compute(self, images: int, factor: float = 1.0) -> None:
        """Work on a batch: spin, as CUDA's default synchronisation does (and without the GIL)."""
        seconds = (self.cost.fixed_seconds + images * self.cost.image_seconds) * factor
        start = time.time()  # noqa: TID251 - the timeline is written in real time
        self._timeline.begin(start)
        self._timeline.sensors(68.0, 160.0, 1.8e9)
        end = time.perf_counter() + seconds
        while time.perf_counter() < end:
            zlib.crc32(SPIN)
        self._timeline.end(start, time.time())  # noqa: TID251


def parse(argv: list[str] | None = None) -> argparse.Namespace:
    """Return the options: those of YOLOv5's train.py that matter here, with its spellings and defaults."""
    parser = argparse.ArgumentParser(prog="train.py")
    parser.add_argument("--weights", default="")
    parser.add_argument("--cfg", required=True)
    parser.add_argument("--data", required=True)
    parser.add_argument("--hyp", default="hyp.scratch-low.yaml")
    parser.add_argument("--epochs", type=int, default=100)
    parser.add_argument("--batch-size", type=int, default=16)
    parser.add_argument("--imgsz", "--img", "--img-size", type=int, default=640)
    parser.add_argument("--workers", type=int, default=8)
    parser.add_argument("--device", default="")
    parser.add_argument("--cache", nargs="?", const="ram")
    parser.add_argument("--project", default="runs/train")
    parser.add_argument("--name", default="exp")
    parser.add_argument("--exist-ok", action="store_true")
    parser.add_argument("--noval", action="store_true")
    parser.add_argument("--nosave", action="store_true")
    return parser.parse_args(argv)


def run_directory(opt: argparse.Namespace) -> Path:
    """Create and return the run directory: exp, exp2, exp3 ..."""
    project = Path(opt.project)
    path: Path = project / opt.name
    number = 2
    while path.exists() and not opt.exist_ok:
        path = project / f"{opt.name}{number}"
        number += 1
    (path / "weights").mkdir(parents=True, exist_ok=True)
    return path


def log(text: str, end: str = "\n") -> None:
    """Write to stderr, where YOLOv5 logs."""
    sys.stderr.write(text + end)
    sys.stderr.flush()


def train(opt: argparse.Namespace, save_dir: Path, gpu: VirtualGpu) -> None:
    """Train: epochs of batches, validation, results and checkpoint after each."""
    cost = read_data(Path(opt.data))
    batch_size = min(opt.batch_size, cost.images)
    # The cap that YOLOv5 applies silently: cores (of the machine), batch, and 0 for a batch of 1.
    cap = min(os.cpu_count() or 1, batch_size if batch_size > 1 else 0, opt.workers)
    image_bytes = 3 * opt.imgsz * opt.imgsz
    pin = os.environ.get("PIN_MEMORY", "True").lower() == "true"
    time.sleep(1.0)  # imports and model, which take a real training longer
    loader = DemoLoader(
        cost, images=cost.images, batch_size=batch_size, workers=cap, image_bytes=image_bytes, pin=pin
    )
    val = DemoLoader(
        cost,
        images=cost.val_images,
        batch_size=2 * batch_size,
        workers=min(2 * cap, os.cpu_count() or 1, 2 * batch_size),
        image_bytes=image_bytes,
        pin=pin,
    )
    log(f"Image sizes {opt.imgsz} train, {opt.imgsz} val\nUsing {cap} dataloader workers")
    log(f"Logging results to {save_dir}\nStarting training for {opt.epochs} epochs...")
    noise = random.Random(7)
    started = time.perf_counter()
    with (save_dir / "results.csv").open("w") as results:
        results.write("".join(f"{column:>20s}," for column in COLUMNS).rstrip(",") + "\n")
    for epoch in range(opt.epochs):
        losses = train_epoch(opt, loader, gpu, epoch, batch_size)
        validate(val, gpu, batch_size, epoch)
        row = (*losses, 0.5, 0.4, 0.9 - 0.5 / (epoch + 1), 0.6 - 0.4 / (epoch + 1), *losses, 0.01, 0.01, 0.01)
        with (save_dir / "results.csv").open("a") as results:
            cells = [f"{epoch:>20d}", *(f"{value * noise.uniform(0.98, 1.02):20.5g}" for value in row)]
            results.write(",".join(cells) + "\n")
        if not opt.nosave:
            (save_dir / "weights" / "last.pt").write_bytes(bytes(4 << 20))
    log(f"\n{opt.epochs} epochs completed in {(time.perf_counter() - started) / 3600:.3f} hours.")
    loader.close()
    val.close()


def train_epoch(
    opt: argparse.Namespace, loader: DemoLoader, gpu: VirtualGpu, epoch: int, batch_size: int
) -> tuple[float, float, float]:
    """Train one epoch and print its progress bar; return the losses."""
    log(("\n" + "%11s" * 7) % ("Epoch", "GPU_mem", "box_loss", "obj_loss", "cls_loss", "Instances", "Size"))
    began = time.perf_counter()
    losses = (0.0, 0.0, 0.0)
    batches = len(loader)
    for number, images in enumerate(loader):
        gpu.hold(batch_size, 1.0, epoch)
        gpu.compute(images)
        decay = math.exp(-0.05 * epoch)
        losses = (0.11 * decay, 0.07 * decay, 0.05 * decay)
        text = ("%11s" * 2 + "%11.4g" * 5) % (
            f"{epoch}/{opt.epochs - 1}", f"{gpu.peak_bytes / 1e9:.3g}G", *losses, images * 4, opt.imgsz,
        )  # fmt: skip
        share = (number + 1) / batches
        bar = "█" * int(10 * share)
        passed = time.strftime("%M:%S", time.gmtime(time.perf_counter() - began))
        log(f"\r{text}: {share:4.0%}|{bar:<10}| {number + 1}/{batches} {passed}", end="")
    log("")
    return losses


def validate(loader: DemoLoader, gpu: VirtualGpu, batch_size: int, epoch: int) -> None:
    """Validate with twice the batch and without gradients (less memory an image)."""
    head = ("%22s" + "%11s" * 6) % ("Class", "Images", "Instances", "P", "R", "mAP50", "mAP50-95")
    batches = len(loader)
    for number, images in enumerate(loader):
        gpu.hold(2 * batch_size, 0.3, epoch)
        gpu.compute(images, 0.35)
        log(f"\r{head}: {(number + 1) / batches:4.0%}|{'█' * 10}| {number + 1}/{batches} 00:00", end="")
    log("")


def watch_lifeline() -> None:
    """End this training and its workers when the process that holds the other end of a pipe is gone."""
    descriptor = os.environ.get(LIFELINE_VARIABLE)
    if descriptor is None:
        return

    def wait() -> None:
        # Nobody writes: a read returns when the last writer is gone, also when it was killed.
        os.read(int(descriptor), 1)
        for worker in multiprocessing.active_children():
            worker.kill()
        temporary = Path(os.environ.get(TEMPORARY_VARIABLE, ""))
        if temporary.name.startswith(TEMPORARY_PREFIX):
            # Exec ends the main thread, which could write again what is being removed here; a worker that
            # is just dying may still do so once.
            clear = 'rm -rf -- "$0" 2>/dev/null || { sleep 1; rm -rf -- "$0"; }'
            with contextlib.suppress(OSError):
                os.execvp("sh", ["sh", "-c", clear, str(temporary)])  # noqa: S606, S607 - POSIX has sh
        os._exit(143)

    threading.Thread(target=wait, daemon=True).start()


def main() -> None:
    """Run the training that the command line names."""
    opt = parse()
    if ENVIRONMENT_VARIABLE not in os.environ:
        # The variable is what marks a training as simulated, and only exec shows it to others.
        opt_path = Path(opt.data).resolve().with_name(f"virtual-gpu-{os.getpid()}.timeline")
        os.environ[ENVIRONMENT_VARIABLE] = str(opt_path)
        os.execv(sys.executable, [sys.executable, *sys.argv])  # noqa: S606 - this very program again
    watch_lifeline()
    save_dir = run_directory(opt)
    lines = [f"{key}: {'null' if value is None else value}" for key, value in vars(opt).items()]
    (save_dir / "opt.yaml").write_text(
        "\n".join([*lines, f"save_dir: {save_dir}"]).replace(": \n", ": ''\n") + "\n"
    )
    (save_dir / "hyp.yaml").write_text("lr0: 0.01\nlrf: 0.01\nmomentum: 0.937\nmosaic: 1.0\n")
    log("train: " + ", ".join(lines).replace(": ", "=") + "\nSIMULATED: a demo of gpumon on a virtual GPU")
    gpu = VirtualGpu(read_model(Path(opt.cfg)), Path(os.environ[ENVIRONMENT_VARIABLE]))
    train(opt, save_dir, gpu)


if __name__ == "__main__":
    main()
