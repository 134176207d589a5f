"""What a finding costs, in words: for the screen and for plain lines."""

from __future__ import annotations

from gpumon.model.cost import Cost
from gpumon.model.measure import known
from gpumon.paint.numbers import duration, percent, quantity

_JOULES_PER_KWH = 3.6e6


def cost_words(cost: Cost) -> tuple[str, ...]:
    """Return what is lost: share, rate, time until the end (else in each hour), and energy.

    What is not known is left out. The amounts are estimates, and the energy is an upper bound.
    """
    words = [f"{percent(cost.lost_ratio, 0)} of the time"]
    images, seconds, joules = map(known, (cost.images_per_second, cost.lost_seconds, cost.lost_joules))
    if images is not None:
        words.append(f"~{quantity(images)} img/s")
    if seconds is None:
        words.append(f"~{duration(cost.lost_seconds_per_hour)} of each hour")
    else:
        words.append(f"~{duration(seconds)} until the end of the run")
    if joules is not None:
        words.append(f"up to {_energy(joules)}")
    return tuple(words)


def _energy(joules: float) -> str:
    """Return `0.42 kWh`, or `85 Wh` where it is little."""
    kilowatt_hours = joules / _JOULES_PER_KWH
    if kilowatt_hours < 0.1:
        return f"{quantity(kilowatt_hours * 1000)} Wh"
    return f"{quantity(kilowatt_hours)} kWh"
