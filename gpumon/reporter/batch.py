"""The shape of a batch: how many samples, how large their images, and how many bytes they are."""

from __future__ import annotations

from collections.abc import Mapping

TYPE_CHECKING = False  # `typing` itself takes milliseconds to import
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

# Nobody's batch has its images deeper down or further back.
_DEEPEST = 3
_MOST_LOOKED_AT = 64
_ARRAYS = frozenset({"Tensor", "ndarray"})
_MOST = 2**31 - 1
_MOST_BYTES = 2**32 - 1


class BatchShape:
    """Finds the tensor of images in a batch once, and then reads only its shape.

    Of all tensors: one of four dimensions, else the first whose length is the loader's batch size, else the
    first. Reading a shape neither copies nor waits for a GPU.
    """

    __slots__ = ("_expected", "_kind", "_path", "_shape", "height", "image_bytes", "samples", "width")

    def __init__(self, expected_samples: int) -> None:
        self._expected = expected_samples
        self._kind: type | None = None
        self._path: tuple[Any, ...] | None = None
        self._shape: Any = ()
        self.samples = self.height = self.width = self.image_bytes = 0

    def look(self, batch: Any) -> int:
        """Return the samples in the batch, 0 where it holds no tensor; sets what else is told."""
        try:
            if type(batch) is not self._kind:
                self._path = self._find(batch)
                self._kind = type(batch)
            if self._path is None:
                return 0
            found = batch
            for step in self._path:
                found = found[step]
            if found.shape != self._shape:
                self._take(found.shape)
                self.image_bytes = _bytes_of(found)
        except Exception:  # noqa: BLE001 - a batch may be of the training's own classes
            # Built differently from the one before, or no tensor after all: look anew at the next one.
            self._kind = None
            self._take(())
        return self.samples

    def _take(self, shape: Any) -> None:
        self._shape = shape
        sizes = [min(int(size), _MOST) for size in shape]
        self.samples = sizes[0] if sizes else 0
        self.height, self.width = (sizes[2], sizes[3]) if len(sizes) == 4 else (0, 0)
        self.image_bytes = 0

    def _find(self, batch: Any) -> tuple[Any, ...] | None:
        """Return the steps from the batch to its tensor, None where there is none."""
        best: tuple[int, tuple[Any, ...]] | None = None
        for count, (path, shape) in enumerate(_tensors(batch, ())):
            if count >= _MOST_LOOKED_AT:
                break
            if len(shape) == 4:
                rank = 2
            elif len(shape) > 0 and shape[0] == self._expected:
                rank = 1
            else:
                rank = 0
            if best is None or rank > best[0]:
                best = rank, path
        if best is None:
            self._take(())
        return None if best is None else best[1]


def _bytes_of(tensor: Any) -> int:
    """Return the bytes of a tensor or array, 0 where it does not tell."""
    try:
        item = tensor.element_size() if hasattr(tensor, "element_size") else tensor.itemsize
        count = 1
        for size in tensor.shape:
            count *= int(size)
        return int(item) * count if 0 < int(item) * count <= _MOST_BYTES else 0
    except Exception:  # noqa: BLE001 - a tensor may be of the training's own classes
        return 0


def _tensors(item: Any, path: tuple[Any, ...]) -> Iterator[tuple[tuple[Any, ...], Any]]:
    """Yield the shape of each tensor or array in lists, tuples and mappings, with the steps to it."""
    if type(item).__name__ in _ARRAYS:
        yield path, item.shape
    elif len(path) < _DEEPEST:
        if isinstance(item, Mapping):
            for key in item:
                yield from _tensors(item[key], (*path, key))
        elif isinstance(item, (list, tuple)):
            for number, part in enumerate(item[:_MOST_LOOKED_AT]):
                yield from _tensors(part, (*path, number))
