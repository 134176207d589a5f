"""A script: published rates of a GPU at batches that double, beside what a line through two of them promises.

usage: python -m tests.lab.settings_doublings

t(B) = t0 + t1 * B through two batches predicts the next one. A GPU that fills brings less than that.
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


@dataclass(frozen=True, slots=True)
class Doubling:
    """What doubling the batch `now` promised by a line through it and half of it, and what that brought."""

    model: str
    now: int
    half_rate: float
    now_rate: float
    promised: float
    brought: float

    @property
    def share(self) -> float:
        """The part of the promised gain that came."""
        return (self.brought - 1.0) / (self.promised - 1.0)


def doublings() -> tuple[Doubling, ...]:
    """Return all published doublings before which there are two batches."""
    return tuple(
        Doubling(model, now, rates[now // 2], rate, _promised(rates[now // 2], rate), rates[2 * now] / rate)
        for model, rates in PUBLISHED.items()
        for now, rate in rates.items()
        if now // 2 in rates and 2 * now in rates
    )


def _promised(half_rate: float, now_rate: float) -> float:
    """Return the factor for twice the batch now, in units of which the steps took 0.5 / rate and 1 / rate."""
    half, now = 0.5 / half_rate, 1.0 / now_rate
    # No image takes less than no time: a step that got shorter is all launches.
    return 2.0 * now / (now + max(0.0, 2.0 * (now - half)))


def main() -> None:
    """Print the doublings, and how much of the promised gains came."""
    print("| model | batch | promised by the line | brought | part of the gain |")
    print("|---|---|---|---|---|")
    found = doublings()
    for one in found:
        change = f"{one.now // 2}, {one.now} -> {2 * one.now}"
        print(f"| {one.model} | {change} | {one.promised:.2f} | {one.brought:.2f} | {one.share:.2f} |")
    shares = [one.share for one in found]
    print(f"\n{len(found)} doublings: median {median(shares):.2f} ({min(shares):.2f} to {max(shares):.2f})")


if __name__ == "__main__":
    main()
