"""The images: real JPEGs, decoded, resized and recoloured by OpenCV, with what is wrong with reading them."""

from __future__ import annotations

import importlib
import itertools
import os
import random
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tests.lab.jpeg.spec import LoaderSpec

_RAM_STEP = 1 << 24


class Images:
    """A data set of `count` images, which are the files of `folder` over and over."""

    im_files: list[str]
    """As YOLOv5's data set has it, one for each image; only where it was `listed`."""

    def __init__(self, folder: Path, count: int, side: int, spec: LoaderSpec, lock: Any) -> None:
        """List the files; nothing is read."""
        self._files = sorted(str(path) for path in folder.iterdir())
        self._count = count
        self._side = side
        self._spec = spec
        self._lock = lock
        self._ram: list[bytearray] = []
        self._made = time.monotonic()

    def __len__(self) -> int:
        return self._count

    def listed(self) -> Images:
        """Keep a list of all images, and return the data set."""
        self.im_files = [self._files[number % len(self._files)] for number in range(self._count)]
        return self

    def __getitem__(self, index: int) -> tuple[Any, int]:
        spec = self._spec
        path = self._files[index % len(self._files)]
        if spec.open_seconds:
            # Latency varies: one request in twenty takes five times as long.
            late = 5.0 if index % 20 == 0 else 0.8
            time.sleep(spec.open_seconds * late)
        if spec.read_bytes:
            self._read_past_cache(index)
        if spec.ram_bytes and len(self._ram) * _RAM_STEP < spec.ram_bytes:
            self._ram.append(bytearray(os.urandom(4096)) * (_RAM_STEP // 4096))
        if 0 < spec.hang_after_seconds < time.monotonic() - self._made:
            time.sleep(1e6)
        slow = spec.slow_every and index % spec.slow_every == 0
        times = spec.decodes * (spec.slow_factor if slow else 1)
        if self._lock is not None:
            with self._lock:
                return self._decode(path, times), index % 10
        return self._decode(path, times), index % 10

    def _decode(self, path: str, times: int) -> Any:
        cv2, np, torch = (importlib.import_module(name) for name in ("cv2", "numpy", "torch"))
        content = np.frombuffer(Path(path).read_bytes(), np.uint8)
        for _ in range(times):
            image = cv2.resize(cv2.imdecode(content, cv2.IMREAD_COLOR), (self._side, self._side))
            hue, saturation, value = cv2.split(cv2.cvtColor(image, cv2.COLOR_BGR2HSV))
            shifted = cv2.merge((cv2.add(hue, 3), cv2.subtract(saturation, 5), value))
            image = cv2.cvtColor(shifted, cv2.COLOR_HSV2BGR)
        return torch.from_numpy(np.ascontiguousarray(image.transpose(2, 0, 1)))

    def _read_past_cache(self, index: int) -> None:
        """Read pieces at random places of a large file from the disk itself."""
        spec = self._spec
        places = random.Random(index)  # noqa: S311 - places, not keys
        file = os.open(spec.storage, os.O_RDONLY)
        try:
            last = max(1, os.fstat(file).st_size - spec.piece_bytes)
            os.posix_fadvise(file, 0, 0, os.POSIX_FADV_RANDOM)
            for _ in range(max(1, spec.read_bytes // spec.piece_bytes)):
                place = places.randrange(last) & ~4095
                if spec.drop_cache:
                    os.posix_fadvise(file, place, spec.piece_bytes, os.POSIX_FADV_DONTNEED)
                os.pread(file, spec.piece_bytes, place)
        finally:
            os.close(file)


class Batches:
    """Indices of batches: of one epoch, or without end as where workers live for the whole run."""

    def __init__(self, images: int, batch_size: int, *, endless: bool) -> None:
        """Shuffle with a fixed seed."""
        self._batch_size = batch_size
        self._images = images
        self._endless = endless

    def __len__(self) -> int:
        return self._images // self._batch_size

    def __iter__(self) -> Iterator[list[int]]:
        for epoch in itertools.count() if self._endless else range(1):
            order = list(range(self._images))
            random.Random(epoch).shuffle(order)  # noqa: S311 - an order, not keys
            for first in range(0, len(self) * self._batch_size, self._batch_size):
                yield order[first : first + self._batch_size]


class Repeated:
    """A batch sampler over and over, as YOLOv5 repeats its own."""

    def __init__(self, sampler: Any) -> None:
        """Take the sampler of one epoch."""
        self.sampler = sampler

    def __iter__(self) -> Iterator[list[int]]:
        while True:
            yield from self.sampler
