"""A process that looks like a YOLOv5 training from inside, and goes on step by step as it is told.

Its loader lies in torch/utils/data/dataloader.py, its loop in train.py, its validation in val.py. It says
where it is ("wait", "compute", "validate", "save"), reads a line, and goes on.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from gpumon.model.process import ProcessId
from tests.remote_python.children import until_waiting
from tests.sources.children import process_id

# Of a loader whose tasks may be neither outstanding nor received out of turn: two are not outstanding once a
# batch was delivered, and one of them has data.
_PLAIN = """
from step import step
from torch.utils.data.dataloader import _MultiProcessingDataLoaderIter
def batches():
    found = _MultiProcessingDataLoaderIter()
    found.{}, found._tasks_outstanding = {}, 1
    return found
def fit(num_epochs):
    for epoch in range(num_epochs):
        for number, batch in enumerate(batches()):
            step("compute")
fit(3)
"""
# A loop that asks two iterators itself, both its variables.
_BY_HAND = """
from step import step
from torch.utils.data.dataloader import _MultiProcessingDataLoaderIter
def validate(batches):
    step("validate")
    next(batches)
def fit(num_epochs):
    batches, val_batches = _MultiProcessingDataLoaderIter(), _MultiProcessingDataLoaderIter()
    for epoch in range(num_epochs):
        for _ in range(3):
            next(batches)
            step("compute")
        validate(val_batches)
fit(3)
"""
_FILES = {
    # A package hides an installed one of the same name.
    "torch/__init__.py": "",
    "torch/utils/__init__.py": "",
    "torch/utils/data/__init__.py": "",
    "step.py": """
import sys
def step(word):
    sys.stdout.write(word + "\\n")
    sys.stdout.flush()
    sys.stdin.readline()
""",
    "torch/utils/data/dataloader.py": """
import collections
from step import step
class Files:
    def __init__(self): self.im_files = ["image"] * 13
class RandomSampler:
    def __init__(self): self.data_source, self._num_samples = Files(), None
class BatchSampler:
    batch_size = None
    def __init__(self): self.batch_size, self.sampler, self.drop_last = 8, RandomSampler(), False
class Repeat:
    def __init__(self, sampler): self.sampler = sampler
class Queue:
    def __init__(self): self.queue = collections.deque([1, 2, 3])
class _MultiProcessingDataLoaderIter:
    def __init__(self):
        self._num_yielded = self._rcvd_idx = 0
        self._send_idx, self._tasks_outstanding, self._dataset_kind = 4, 3, 0
        self._num_workers, self._prefetch_factor = 2, 2
        self._pin_memory, self._persistent_workers, self._drop_last = True, False, False
        self._index_sampler = Repeat(BatchSampler())
        self._data_queue, self._task_info = Queue(), {0: (0,), 1: (1, "data"), 2: (0,), 3: (1,)}
    def __iter__(self): return self
    def __next__(self):
        step("wait")
        self._num_yielded += 1
        self._rcvd_idx += 1
        return self._rcvd_idx
class DataLoader:
    def __init__(self): self.iterator = _MultiProcessingDataLoaderIter()
    def __iter__(self):
        for _ in range(2):
            yield next(self.iterator)
""",
    "torch/serialization.py": """
from step import step
def save(): step("save")
""",
    "val.py": """
from step import step
from torch.utils.data.dataloader import DataLoader
def run():
    step("validate")
    next(iter(DataLoader()))
""",
    "train.py": """
import types
import val
from step import step
from torch.serialization import save
from torch.utils.data.dataloader import DataLoader
NAN = float("nan")
class Bar:
    def __init__(self, batches): self.batches, self.desc = batches, ""
    def __iter__(self): return self.batches
def train(opt):
    epochs, batch_size, imgsz, start_epoch, nw = opt.epochs, 16, 64, 0, 100
    train_loader = DataLoader()
    nb = 2
    for epoch in range(start_epoch, epochs):
        pbar = Bar(enumerate(train_loader))
        for i, _ in pbar:
            ni = i + nb * epoch
            numbers = "%11.4g" * 5 % (0.1, NAN, 0.2, 9, 64)
            pbar.desc = f"{f'{epoch}/{epochs - 1}':>11}{'0G':>11}{numbers}: "
            accumulate, amp = 4.0, True
            step("compute")
        val.run()
        save()
step("setup")
train(types.SimpleNamespace(epochs=3, workers=5))
step("after")
""",
    "plain.py": _PLAIN.format("_dataset_kind", 1),
    "unordered.py": _PLAIN.format("_in_order", False),
    "by_hand.py": _BY_HAND,
}


@dataclass(frozen=True, slots=True)
class SteppedTraining:
    """The process, standing still wherever it was told to go."""

    process: subprocess.Popen[str]

    @property
    def id(self) -> ProcessId:
        """Its identity."""
        return process_id(self.process.pid)

    def until(self, word: str) -> None:
        """Go on until the process says `word`, and has come to rest there."""
        assert self.process.stdout is not None
        assert self.process.stdin is not None
        said = ""
        while said != word:
            if said:
                self.process.stdin.write("\n")
                self.process.stdin.flush()
            said = self.process.stdout.readline().rstrip("\n")
            assert said, f"it ended before {word!r}"
        until_waiting(self.process.pid)

    def step(self) -> None:
        """Let it go on to the next place, whatever that is."""
        assert self.process.stdin is not None
        self.process.stdin.write("\n")
        self.process.stdin.flush()

    def end(self) -> None:
        """Kill it."""
        self.process.kill()
        self.process.wait()


@contextmanager
def stepped_training(
    folder: Path, python: str = sys.executable, script: str = "train.py"
) -> Iterator[SteppedTraining]:
    """Start one whose files lie in `folder`: `plain.py` has a loop of its own straight over an iterator."""
    for name, text in _FILES.items():
        file = folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    process = subprocess.Popen(
        [python, str(folder / script)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        encoding="utf-8",
    )
    try:
        yield SteppedTraining(process)
    finally:
        process.kill()
        process.wait()
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.close()
        process.stdout.close()
