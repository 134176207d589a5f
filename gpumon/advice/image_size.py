"""Images that are larger than the training needs: every worker decodes pixels that are thrown away."""

from __future__ import annotations

from math import sqrt

from gpumon.advice.effects import LEAST_GAIN, rate_effect, speedup_effect
from gpumon.advice.lighter import DECODE, Heavy, images_of
from gpumon.advice.throughput import wait_after
from gpumon.diagnosis.storage import storage_of
from gpumon.diagnosis.view import View
from gpumon.diagnosis.words import bytes_words
from gpumon.history.stats import Interval
from gpumon.model.measure import Missing
from gpumon.model.suggestion import Bound, Suggestion

# Bytes of pixels to a byte of a JPEG file: YOLOv5's users find their .npy files 10 to 20 times as large.
UNPACKED, _UNPACKED_LEAST, _UNPACKED_MOST = 15.0, 10.0, 20.0
_BYTES_PER_PIXEL = 3
# By less than twice the pixels nothing is worth a copy of the data set.
_LEAST_RATIO = 2.0


def pixel_ratio(view: View) -> Interval | None:
    """Return the pixels of an image per those of the training's image size, by its file; None if not known.

    Source: the bytes that the workers read for an image, unpacked by 10 to 20, over 3 * imgsz^2.
    """
    total, images, size = storage_of(view).epoch_bytes, images_of(view), view.setting("imgsz")
    if not total or not images or not isinstance(size, int) or size <= 0:
        return None
    packed = total / images / (_BYTES_PER_PIXEL * size**2)
    return Interval(UNPACKED * packed, _UNPACKED_LEAST * packed, _UNPACKED_MOST * packed)


def resize_suggestions(view: View, heavy: Heavy) -> tuple[Suggestion, ...]:
    """Return the advice to resize the images once, before the training, where they surely are larger.

    Decoding goes with the pixels (9 ms for 640x480, 177 ms for 3200x2400 with YOLOv5's mosaic).
    """
    ratio, size = pixel_ratio(view), view.setting("imgsz")
    if ratio is None or ratio.low < _LEAST_RATIO:
        return ()
    spared = [1.0 - 1.0 / end for end in (ratio.value, ratio.low, ratio.high)]
    files = Interval(spared[0], spared[1], spared[2])
    decoding = Interval(DECODE.value * spared[0], DECODE.low * spared[1], DECODE.high * spared[2])
    gain = heavy.gain(decoding, files)
    if gain.low < LEAST_GAIN:
        return ()
    total, images = storage_of(view).epoch_bytes or 0.0, images_of(view) or 1
    text = (
        f"the images have about {sqrt(ratio.low):.1f} to {sqrt(ratio.high):.1f} times the sides of {size} px:"
        f" resized once, before the training, to {size} px on the long side they take less to decode and read"
    )
    basis = (
        f"files of {bytes_words(total / images)} on the average, 10 to 20 bytes of pixels to a byte of JPEG,"
        " and 30 to 70 % of the workers' CPU time for decoding (published): an estimate"
    )
    wait = view.wait
    return (
        Suggestion(
            setting="images",
            from_value=None,
            to_value=f"{size} px",
            text=text,
            finding=heavy.finding.id,
            bound=Bound.NONE,
            rests_on=basis,
            speedup=speedup_effect(gain),
            images_per_second=rate_effect(view, gain),
            data_wait_ratio=wait if isinstance(wait, Missing) else wait_after(wait.value, gain),
            command=Missing("no flag does it: resize a copy of the data set and train on that"),
            warnings=("labels in shares of the image, as YOLO's, stay as they are",),
        ),
    )
