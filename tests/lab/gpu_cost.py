"""What a batch costs the virtual GPU: seconds, and the sizes of the tensors of a step.

None of it is the advisor's own model, which is linear in the batch: throughput saturates, work comes in
waves, the loss costs by the number of targets, and memory is what an allocator makes of a list of tensors.
The sizes are those of a detector like YOLOv5s at 640 pixels; with them the reserved memory grows by about
0.2 GB an image, as public AutoBatch logs say.
"""

from __future__ import annotations

import math
import random
from dataclasses import dataclass, replace

MIB = 1 << 20
# Channels and stride of the layers whose outputs are kept for the backward pass, and how many of them.
_LAYERS = (
    (32, 2, 3), (64, 4, 9), (128, 8, 14), (256, 16, 20), (512, 32, 10), (128, 16, 6), (64, 8, 6),
    (128, 16, 6), (256, 32, 6),
)  # fmt: skip
_HALF, _FULL = 2, 4
_LOSS_BYTES_PER_TARGET = 300_000
_VALIDATION_LAYERS_KEPT = 2


@dataclass(frozen=True, slots=True)
class GpuCost:
    """A model on a GPU.

    `image_seconds` is what an image costs on a full GPU; `full_batch` is where throughput has reached 63 %
    of it; `wave_images` fit at once, so that time grows in steps; `noise_ratio` is the spread of a batch.
    """

    image_seconds: float = 0.004
    launch_seconds: float = 0.003
    full_batch: float = 6.0
    wave_images: int = 4
    target_seconds: float = 6e-6
    noise_ratio: float = 0.03
    amp: bool = True
    parameters: int = 7_200_000
    adam: bool = False
    imgsz: int = 640
    width: float = 1.0
    context_bytes: int = 420 * MIB

    def seconds(self, images: int, targets: int, scale: float, noise: random.Random) -> float:
        """Return what a training step of that batch takes; `scale` is the ratio of pixels to `imgsz`'s."""
        ideal = self.mean_seconds(images, targets, scale)
        slow = 1.6 if noise.random() < 0.005 else 1.0
        return ideal * slow * math.exp(noise.gauss(0.0, self.noise_ratio))

    def mean_seconds(self, images: int, targets: int, scale: float = 1.0) -> float:
        """Return it without noise."""
        waves = -(-images // self.wave_images) * self.wave_images
        # Waves of a larger batch overlap: half of the last one's waste is hidden.
        work = (images + 0.5 * (waves - images)) * scale
        busy_seconds = work * self.image_seconds / (1.0 - math.exp(-work / self.full_batch))
        slower = 1.0 if self.amp else 1.9
        return self.launch_seconds + busy_seconds * slower + targets * self.target_seconds

    def taking(self, images: int, targets: int, seconds: float) -> GpuCost:
        """Return the same model on a GPU where a batch of that size takes `seconds` on average."""
        fixed = self.launch_seconds + targets * self.target_seconds
        now = self.mean_seconds(images, targets) - fixed
        return replace(self, image_seconds=self.image_seconds * max(seconds - fixed, 1e-4) / now)

    def static_tensors(self) -> list[int]:
        """Return the tensors that live as long as the training: weights, momentum, averaged weights."""
        copies = 3 + (1 if self.adam else 0)
        sizes = [_share(self.parameters, part) * _FULL for part in range(40)]
        return [size for size in sizes for _ in range(copies)]

    def gradients(self) -> list[int]:
        """Return the gradients, which the first backward pass makes and the optimizer's step keeps."""
        return [_share(self.parameters, part) * _FULL for part in range(40)]

    def activations(self, images: int, scale: float) -> list[int]:
        """Return what the forward pass keeps for the backward pass, in the order in which it is made."""
        sizes = []
        for channels, stride, count in _LAYERS:
            pixels = (self.imgsz / stride) ** 2 * scale * self.width
            whole = int(images * channels * pixels)
            # With AMP convolutions keep halves; what normalises and activates keeps one in three in full.
            sizes += [whole * (_HALF if self.amp and layer % 3 else _FULL) for layer in range(count)]
        return sizes

    def casts(self) -> list[int]:
        """Return AMP's copies of the weights in halves; nothing without AMP."""
        return [_share(self.parameters, part) * _HALF for part in range(40)] if self.amp else []

    def loss_tensors(self, targets: int) -> list[int]:
        """Return what matching the targets needs, for a moment."""
        return [max(512, targets * _LOSS_BYTES_PER_TARGET // part) for part in (2, 3, 6)]

    def kept_in_validation(self) -> int:
        """Return how many layers' outputs live at once without gradients."""
        return _VALIDATION_LAYERS_KEPT


def _share(parameters: int, part: int) -> int:
    """Return the parameters of one of 40 layers: later ones have more."""
    return max(128, int(parameters * (part + 1) / 820))
