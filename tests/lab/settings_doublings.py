"""A script: published rates of a GPU at batches that double, beside what a line through two of them promises.

usage: python -m tests.lab.settings_doublings

t(B) = t0 + t1 * B through two batches predicts the next one. A GPU that fills brings less than that. The two
are a batch and half of it, and then any smaller one, as the last batch of an epoch is.
"""

from __future__ import annotations

from dataclasses import dataclass
from statistics import median

# Images per second: AutoBatch's logs (YOLOv5s on an A100, yolov5 pull request 5092; YOLOv5m at 416 pixels on
# an RTX 3070, issue 9287); Swin relative to its batch of 8 (Gao et al., ICSE'24).
PUBLISHED = {
    "YOLOv5s, A100": {1: 24.0, 2: 53.0, 4: 104.0, 8: 200.0, 16: 347.0},
    "YOLOv5m at 416, RTX 3070": {1: 17.0, 2: 59.0, 4: 108.0, 8: 199.0, 16: 243.0},
    "Swin": {8: 1.0, 16: 1.79, 32: 2.51, 64: 2.94, 128: 3.32, 256: 3.41},
}


# Below it a smaller batch says little of what is beyond the larger one.
LEAST_PART = 1 / 4


@dataclass(frozen=True, slots=True)
class Doubling:
    """What doubling the batch `now` promised by a line through it and a smaller one, and what it brought."""

    model: str
    small: int
    now: int
    small_rate: float
    now_rate: float
    promised: float
    brought: float

    @property
    def share(self) -> float:
        """The part of the promised gain that came."""
        return (self.brought - 1.0) / (self.promised - 1.0)


def doublings() -> tuple[Doubling, ...]:
    """Return all published doublings before which there are two batches."""
    return tuple(one for one in lines() if one.now == 2 * one.small)


def lines() -> tuple[Doubling, ...]:
    """Return all published doublings before which there is a smaller batch, by each of these."""
    return tuple(
        Doubling(
            model,
            small,
            now,
            rates[small],
            rate,
            _promised(small / rates[small], now / rate, small / now),
            rates[2 * now] / rate,
        )
        for model, rates in PUBLISHED.items()
        for now, rate in rates.items()
        for small in rates
        if small < now and 2 * now in rates
    )


def _promised(small_seconds: float, now_seconds: float, part: float) -> float:
    """Return the factor for twice the batch now, of whose images the small one has `part`."""
    # No image takes less than no time: a step that got shorter is all launches.
    each = max(0.0, (now_seconds - small_seconds) / (1.0 - part))
    return 2.0 * now_seconds / (now_seconds + each)


def main() -> None:
    """Print the doublings, and how much of the promised gains came."""
    print("| model | batch | promised by the line | brought | part of the gain |")
    print("|---|---|---|---|---|")
    for one in lines():
        change = f"{one.small}, {one.now} -> {2 * one.now}"
        print(f"| {one.model} | {change} | {one.promised:.2f} | {one.brought:.2f} | {one.share:.2f} |")
    every = lines()
    print(f"\n{_summary('doublings by half the batch', doublings())}")
    near = tuple(one for one in every if one.small >= LEAST_PART * one.now)
    far = tuple(one for one in every if one.small < LEAST_PART * one.now)
    print(_summary("by a quarter of it, or more", near))
    print(_summary("by less", far))


def _summary(words: str, found: tuple[Doubling, ...]) -> str:
    shares = [one.share for one in found]
    return f"{len(found)} {words}: median {median(shares):.2f} ({min(shares):.2f} to {max(shares):.2f})"


if __name__ == "__main__":
    main()
