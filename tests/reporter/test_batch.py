"""Finding the images in a batch."""

from __future__ import annotations

from collections import OrderedDict, UserDict
from typing import Any, NamedTuple

import pytest

from gpumon.reporter.batch import BatchShape


class Tensor:
    """As the reporter sees one: a class of that name with a shape."""

    def __init__(self, *shape: int) -> None:
        self.shape = shape


class Pair(NamedTuple):
    """A batch with names."""

    label: Any
    image: Any


IMAGES, LABELS = Tensor(4, 3, 24, 40), Tensor(17, 6)
BATCHES: dict[str, tuple[Any, tuple[int, int, int]]] = {
    "tensor": (IMAGES, (4, 24, 40)),
    "yolov5": ((IMAGES, LABELS, ("a.jpg",) * 4, (None,) * 4), (4, 24, 40)),
    "ultralytics": ({"im_file": ("a.jpg",), "cls": Tensor(17, 1), "img": IMAGES}, (4, 24, 40)),
    "named": (Pair(LABELS, IMAGES), (4, 24, 40)),
    "nested": ([[LABELS, {"deep": IMAGES}]], (4, 24, 40)),
    "mapping": (UserDict({"x": LABELS, "y": IMAGES}), (4, 24, 40)),
    "ordered": (OrderedDict(b=LABELS, a=IMAGES), (4, 24, 40)),
    "text": ({"lengths": Tensor(9), "input_ids": Tensor(4, 512)}, (4, 0, 0)),
    "other size": ([Tensor(2, 7)], (2, 0, 0)),
    "video": ([Tensor(2, 3, 8, 24, 40)], (2, 0, 0)),
    "scalar": ([Tensor()], (0, 0, 0)),
    "none": (["a", 1, None], (0, 0, 0)),
    "nothing": (None, (0, 0, 0)),
    "empty": ([], (0, 0, 0)),
    "too deep": ([[[[IMAGES]]]], (0, 0, 0)),
    "too far": ([None] * 100 + [IMAGES], (0, 0, 0)),
}


@pytest.mark.parametrize("what", BATCHES)
def test_the_images_are_found(what: str) -> None:
    """The tensor of four dimensions, else that of the loader's batch size, else the first; twice the same."""
    batch, expected = BATCHES[what]
    shape = BatchShape(4)
    first = shape.look(batch)

    assert expected == (first, shape.height, shape.width)
    assert expected == (shape.look(batch), shape.height, shape.width)


def test_a_smaller_last_batch_and_another_size() -> None:
    """The last batch of an epoch and multi-scale training change the shape from batch to batch."""
    shape = BatchShape(4)
    seen = [
        (shape.look([Tensor(*sizes), LABELS]), shape.height, shape.width)
        for sizes in ((4, 3, 24, 40), (4, 3, 32, 48), (1, 3, 32, 48))
    ]

    assert [(4, 24, 40), (4, 32, 48), (1, 32, 48)] == seen


class Bytes(Tensor):
    """One whose numbers have a size."""

    def __init__(self, size: int, *shape: int) -> None:
        super().__init__(*shape)
        self.size = size

    def element_size(self) -> int:
        """As torch's tensors tell it."""
        return self.size


Bytes.__name__ = "Tensor"


@pytest.mark.parametrize(
    ("batch", "expected"),
    [
        ([Bytes(1, 4, 3, 24, 40), LABELS], 4 * 3 * 24 * 40),
        ([Bytes(4, 2, 3, 24, 40)], 4 * 2 * 3 * 24 * 40),
        ([Bytes(8, 2**20, 3, 2**10, 2**10)], 0),
        ([IMAGES], 0),
        ([], 0),
    ],
)
def test_the_bytes_of_the_images(batch: list[Any], expected: int) -> None:
    """Numbers times their size; unknown where the tensor does not tell, or has more than fits."""
    shape = BatchShape(4)
    shape.look(batch)

    assert expected == shape.image_bytes


def test_batches_of_changing_structure() -> None:
    """A batch of another type, or with its images elsewhere, is looked through anew."""
    shape = BatchShape(4)
    looked = [shape.look(batch) for batch in ([IMAGES], {"x": IMAGES}, {"y": IMAGES}, {"y": IMAGES})]

    # Where its place is empty, the one batch counts for nothing.
    assert [4, 4, 0, 4] == looked


def test_a_cycle_ends() -> None:
    """A list that holds itself is looked through to a depth."""
    batch: list[Any] = []
    batch.append(batch)

    assert BatchShape(4).look(batch) == 0
