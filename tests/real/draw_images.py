"""A script for the real environment's Python: draws JPEGs of coloured rectangles with their YOLO labels.

usage: draw_images.py FOLDER WIDTH HEIGHT DISTINCT TRAIN_COUNT VAL_COUNT SEED
"""

from __future__ import annotations

import importlib
import os
import sys
from pathlib import Path
from typing import Any

CLASSES = 3
RECTANGLES = 4


def main(folder: Path, size: tuple[int, int], distinct: int, counts: dict[str, int], seed: int) -> None:
    """Draw `distinct` images, then link them under as many names as each split asks for."""
    cv2, np = importlib.import_module("cv2"), importlib.import_module("numpy")
    random = np.random.default_rng(seed)
    drawn = folder / "drawn"
    drawn.mkdir()
    for index in range(distinct):
        image, labels = _draw(cv2, np, random, *size)
        cv2.imwrite(str(drawn / f"{index}.jpg"), image, [cv2.IMWRITE_JPEG_QUALITY, 90])
        (drawn / f"{index}.txt").write_text("".join(labels))
    for split, count in counts.items():
        for kind, suffix in (("images", "jpg"), ("labels", "txt")):
            (folder / kind / split).mkdir(parents=True)
            for index in range(count):
                # Hard links: many images to the training, few on the disk and in the page cache.
                os.link(
                    drawn / f"{index % distinct}.{suffix}", folder / kind / split / f"{index:05d}.{suffix}"
                )
    names = "".join(f"  {index}: colour{index}\n" for index in range(CLASSES))
    (folder / "data.yaml").write_text(
        f"path: {folder}\ntrain: images/train\nval: images/val\nnc: {CLASSES}\nnames:\n{names}"
    )


def _draw(cv2: Any, np: Any, random: Any, width: int, height: int) -> tuple[Any, list[str]]:
    # Noise at a quarter of the size, enlarged: JPEGs with the weight of photographs, not of drawings.
    noise = random.integers(90, 160, (height // 4, width // 4, 3), dtype=np.uint8)
    image = cv2.resize(noise, (width, height), interpolation=cv2.INTER_LINEAR)
    labels = []
    for _ in range(RECTANGLES):
        kind = int(random.integers(CLASSES))
        wide, high = random.uniform(0.15, 0.4, 2)
        x, y = random.uniform(wide / 2, 1 - wide / 2), random.uniform(high / 2, 1 - high / 2)
        corners = [
            (int((x + sign * wide / 2) * width), int((y + sign * high / 2) * height)) for sign in (-1, 1)
        ]
        colour = [0, 0, 0]
        colour[kind] = 255
        cv2.rectangle(image, corners[0], corners[1], colour, thickness=-1)
        labels.append(f"{kind} {x:.5f} {y:.5f} {wide:.5f} {high:.5f}\n")
    return image, labels


if __name__ == "__main__":
    _folder, *_numbers = sys.argv[1:]
    _width, _height, _distinct, _train, _val, _seed = map(int, _numbers)
    main(Path(_folder), (_width, _height), _distinct, {"train": _train, "val": _val}, _seed)
