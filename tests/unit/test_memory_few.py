"""A few images are reached in one step, where no line through memory is needed."""

from __future__ import annotations

import pytest

from tests.unit.synthetic_training import GIB, Scene
from tests.unit.test_memory import model


@pytest.mark.parametrize(
    ("own", "batch", "framework", "largest"),
    [
        (1.0, 1, "yolov5", 8),
        (2.0, 2, "yolov5", 8),
        (2.0, 1, "yolov5", 5),
        (1.0, 1, "torch", 2),
        (2.0, 4, "yolov5", 8),
        (8.0, 1, "yolov5", 1),
    ],
    ids=["all fits", "from 2", "less fits", "it does not accumulate", "as far as twice", "full"],
)
def test_few_images_are_reached_at_once_where_they_fit_in_proportion(
    own: float, batch: int, framework: str, largest: int
) -> None:
    """Up to 8 images whose memory fits even if all of the peak goes with the batch: no line is trusted."""
    scene = Scene(gpu_own=int(own * GIB), batch_size=batch, framework=framework)
    found = model(scene)
    assert found.largest(safe=True) == largest
    assert largest <= 2 * batch or found.bytes_at(largest).high >= largest / batch * own * GIB
