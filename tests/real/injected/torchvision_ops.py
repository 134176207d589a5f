"""The operators that torchvision's CUDA build cannot register beside a torch for the CPU.

PyPI's torchvision is built for CUDA. With a CPU torch its library does not load, and then its import fails:
`RuntimeError: operator torchvision::nms does not exist`. YOLOv5 and ultralytics need nms only.
"""

from __future__ import annotations

import importlib
from typing import Any


def after_import(extension: Any) -> None:
    """Define nms and qnms in NumPy, unless the real operators were loaded."""
    if extension._has_ops():
        return
    library = importlib.import_module("torch.library").Library("torchvision", "DEF")
    library.define("nms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
    library.define("qnms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
    library.impl("nms", _nms, "CPU")
    extension._stand_in_library = library  # the operators live as long as this object
    extension._assert_has_ops = _no_check


def _no_check() -> None:
    return None


def _nms(boxes: Any, scores: Any, iou_threshold: float) -> Any:
    """The indices of the boxes (x1, y1, x2, y2) kept by greedy non-maximum suppression, best score first."""
    np = importlib.import_module("numpy")
    x1, y1, x2, y2 = boxes.detach().double().numpy().T
    areas = (x2 - x1) * (y2 - y1)
    order = scores.detach().double().numpy().argsort(kind="stable")[::-1]
    kept = []
    while order.size:
        best, rest = order[0], order[1:]
        kept.append(int(best))
        width = np.minimum(x2[best], x2[rest]) - np.maximum(x1[best], x1[rest])
        height = np.minimum(y2[best], y2[rest]) - np.maximum(y1[best], y1[rest])
        shared = np.clip(width, 0, None) * np.clip(height, 0, None)
        order = rest[~(shared > iou_threshold * (areas[best] + areas[rest] - shared))]
    return importlib.import_module("torch").tensor(kept, dtype=boxes.new_empty(0).long().dtype)
