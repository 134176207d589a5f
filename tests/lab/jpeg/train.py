"""The loop of a laboratory training; its command line is YOLOv5's, its --cfg a LabSpec.

Under torch's launcher each rank has a loader and a virtual GPU of its own; --batch-size is for all of them.
"""

from __future__ import annotations

import argparse
import ctypes
import math
import multiprocessing
import random
import signal
import time
import warnings
from dataclasses import replace
from pathlib import Path
from typing import Any

warnings.filterwarnings("ignore")

import torch  # noqa: E402 - the filter comes first
from torch.utils.data import BatchSampler, DataLoader, RandomSampler  # noqa: E402

from tests.lab.jpeg import ranks  # noqa: E402
from tests.lab.jpeg import val as validation  # noqa: E402
from tests.lab.jpeg.checkpoint import save  # noqa: E402
from tests.lab.jpeg.data import Batches, Images, Repeated  # noqa: E402
from tests.lab.jpeg.gpu import make_gpu, python_for  # noqa: E402
from tests.lab.jpeg.log import add_result, begin_run, log, log_bar, log_header  # noqa: E402
from tests.lab.jpeg.spec import LabSpec, LoaderSpec, LoopSpec, read_spec  # noqa: E402
from tests.lab.jpeg.stamps import Stamps, stamps_of  # noqa: E402
from tests.lab.memory_fit import targets_of  # noqa: E402
from tests.lab.train import pretend_to_pin  # noqa: E402

_PR_SET_PDEATHSIG = 1
_ENDLESS_IMAGES = 100_000


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
    if ranks.rank() == 0:
        begin_run(save_dir, vars(opt))
    ranks.join()
    train(opt, spec, save_dir)


def loader(
    opt: argparse.Namespace, spec: LoaderSpec, images: int, batch_size: int, *, all_of_them: bool = False
) -> Any:
    """Return a DataLoader over `images` images; without `all_of_them` over whole batches only."""
    lock = multiprocessing.get_context("fork").Lock() if spec.locked else None
    folder = Path(spec.folder) if spec.folder else opt.data.parent / "images" / "train"
    found = Images(folder, images, opt.imgsz, spec, lock)
    sampler: Any = Batches(images, batch_size, endless=spec.endless)
    if all_of_them:
        order = RandomSampler(found.listed(), generator=torch.Generator().manual_seed(0))
        sampler = BatchSampler(order, batch_size, drop_last=False)
        sampler = Repeated(sampler) if spec.endless else sampler
    return DataLoader(
        found,
        batch_sampler=sampler,
        num_workers=opt.workers,
        pin_memory=spec.pin,
        multiprocessing_context="fork" if opt.workers else None,
    )


def train(opt: argparse.Namespace, spec: LabSpec, save_dir: Path) -> None:
    """Train epochs of batches; validate and write a checkpoint after each."""
    if spec.loader.pin and not spec.loop.on_cpu:
        pretend_to_pin()
    rank, loop, workers = ranks.rank(), spec.loop, opt.workers
    batch_size = opt.batch_size // ranks.count()
    nb = -(-loop.images // batch_size) if loop.images else loop.batches or _ENDLESS_IMAGES // batch_size
    amp = spec.gpu.cost.amp and not loop.on_cpu
    if rank == 0 and not loop.on_cpu:
        log(f"AMP: checks {'passed' if amp else 'failed, disabling Automatic Mixed Precision'}")
    gpu, stamps = make_gpu(spec.gpu, rank, on_cpu=loop.on_cpu), Stamps(Path(stamps_of(rank)))
    own = replace(spec.loader, open_seconds=spec.loader.open_seconds + rank * spec.loader.rank_seconds)
    # Only the training's loader has the fault.
    sound = replace(own, slow_every=0, hang_after_seconds=0.0, read_bytes=0, ram_bytes=0, folder="")
    count = loop.images or nb * batch_size
    train_loader = loader(opt, own, count, batch_size, all_of_them=bool(loop.images))
    val_loader = loader(opt, sound, max(1, loop.val_batches) * 2 * batch_size, 2 * batch_size)
    log(f"Image sizes {opt.imgsz} train, {opt.imgsz} val\nUsing {workers * ranks.count()} dataloader workers")
    log(f"Logging results to {save_dir}\nStarting training for {opt.epochs} epochs...")
    batches, val_batches = iter(train_loader), iter(val_loader)
    noise = random.Random(3)  # noqa: S311 - noise, not keys
    started, start_epoch, epochs = time.monotonic(), 0, opt.epochs
    for epoch in range(start_epoch, epochs):
        if not spec.loader.endless and epoch:
            batches, val_batches = iter(train_loader), iter(val_loader)
        log_header()
        began = time.monotonic()
        for i in range(nb):
            ni = i + nb * epoch
            images, _ = stamps.next(batches, 0, batch_size, workers)
            elapsed = time.monotonic() - started
            targets, scale = targets_of(loop, len(images), ni, noise), _scale(loop, noise)
            if 0 < loop.hang_after_seconds < elapsed:
                multiprocessing.Event().wait()
            gpu.train(len(images), targets, scale)
            ranks.meet()
            if loop.leak_bytes:
                gpu.leak(loop.leak_bytes)
            if loop.gap_seconds:
                python_for(loop.gap_seconds)
            broken = 0 < loop.nan_after_seconds < elapsed
            losses = (math.nan,) * 3 if broken else (0.11, 0.07, 0.05)
            memory = f"{gpu.allocator.peak_reserved_bytes / 1e9:.3g}G"
            if rank == 0:
                head = (f"{epoch}/{epochs - 1}", memory, *losses, targets, opt.imgsz)
                log_bar(head, i + 1, nb, time.monotonic() - began)
        log("")
        validation.run(val_batches, loop.val_batches, gpu, stamps, batch_size=2 * batch_size, workers=workers)
        if rank == 0:
            add_result(save_dir, epoch, losses)
            save(save_dir / "weights" / "last.pt", loop.checkpoint_seconds)


def _scale(loop: LoopSpec, noise: random.Random) -> float:
    return (noise.randrange(10, 31) / 20) ** 2 if loop.multi_scale else 1.0
