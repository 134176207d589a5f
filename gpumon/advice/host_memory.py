"""Host memory that settings need: decoded images that are kept."""

from __future__ import annotations

from gpumon.history.stats import Interval

_BYTES_PER_PIXEL = 3
# Images are kept at the training's size on their long side: 4:3 as a rule, 16:9 and squares bound them.
_ASPECT_LOW, _ASPECT, _ASPECT_HIGH = 0.5625, 0.75, 1.0
# YOLOv5 wants a tenth more to be free before it caches, else it goes on without (check_cache_ram, v7.0).
CACHE_SAFETY = 1.1


def cache_ram_need_bytes(images: int, imgsz: int, ranks: int = 1) -> Interval:
    """Return the host memory that `--cache ram` asks for, in bytes: decoded images, and a tenth more.

    Each rank keeps all images (v7.0; later versions share them out: pass 1). Low and high are for pictures
    of 16:9 and squares; pictures smaller than the image size need less. Raises ValueError for a negative
    number.

    Source: YOLOv5's load_image and check_cache_ram (v7.0). COCO's 118 287 pictures at 640 pixels: 120 GB by
    this; users report 125 to 150 GB (yolov5 issues 2237 and 2877).
    """
    if min(images, imgsz, ranks) < 0:
        raise ValueError("images, image size and ranks are not negative")
    square = CACHE_SAFETY * ranks * images * _BYTES_PER_PIXEL * imgsz**2
    return Interval(_ASPECT * square, _ASPECT_LOW * square, _ASPECT_HIGH * square)
