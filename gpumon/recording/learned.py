"""What earlier runs taught of trainings, as it stands in a recording: by training, and from when on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from gpumon.advice.prior import NOTHING_KNOWN, Prior
from gpumon.model.clock import Instant
from gpumon.model.process import ProcessId
from gpumon.recording.codec import CodecError
from gpumon.recording.kept_value import KeptValue, from_line, to_line

# Trainings of one recording of which something is kept.
MOST_TRAININGS = 32
# As it stands in the head of a recording, JSON within JSON; a head may have 4 MiB in all
# (gpumon.recording.schema), of which the command line and the settings take some.
MOST_LEARNED_CHARACTERS = 3 << 20
# Bytes, images a second, and everything else that is counted here.
_LARGEST = 1 << 60
_PRIORS: KeptValue[Prior] = KeptValue(Prior)


@dataclass(frozen=True, slots=True)
class Learned:
    """The prior of one training; reports use it from `from_seconds` (monotonic) on, when it had been read."""

    from_seconds: float
    prior: Prior


@dataclass(frozen=True, slots=True)
class AllLearned:
    """What a recording holds of it. `trouble` says in one sentence why it cannot be used."""

    of_training: Mapping[ProcessId, Learned] = field(default_factory=dict)
    trouble: str = ""

    def prior(self, training: ProcessId, now: Instant) -> Prior:
        """Return what was known of a training at a moment."""
        found = self.of_training.get(training)
        if found is None or now.monotonic_seconds < found.from_seconds:
            return NOTHING_KNOWN
        return found.prior


def as_recorded(prior: Prior) -> Prior:
    """Return a prior as a recording gives it back. Raises CodecError for one that cannot be recorded."""
    return _checked(_PRIORS.read(_PRIORS.text(prior)))


def newest_learned(learned: Mapping[ProcessId, Learned]) -> tuple[dict[ProcessId, Learned], str]:
    """Return the last ones of what was learnt, as many as a recording can give back, and their text.

    Raises CodecError.
    """
    kept: list[tuple[ProcessId, Learned]] = []
    parts: list[str] = []
    # The braces and what quotes the whole.
    characters = 4
    for training, each in tuple(learned.items())[: -MOST_TRAININGS - 1 : -1]:
        part = _part(training, each)
        # Its own quotes stand for the comma.
        characters += len(to_line(part))
        if characters > MOST_LEARNED_CHARACTERS:
            break
        kept.append((training, each))
        parts.append(part)
    return dict(reversed(kept)), _joined(parts[::-1])


def learned_text(learned: Mapping[ProcessId, Learned]) -> str:
    """Return what was learnt as JSON: an object by PID and start time. Raises CodecError."""
    return _joined([_part(training, each) for training, each in learned.items()])


def _joined(parts: list[str]) -> str:
    return "{" + ",".join(parts) + "}" if parts else ""


def _part(training: ProcessId, learned: Learned) -> str:
    """Return what was learnt of one training as its part of the object."""
    plain = {"from_seconds": learned.from_seconds, **_PRIORS.plain(learned.prior)}
    return f'"{training.pid}:{training.start_ticks}":{to_line(plain)}'


@lru_cache(maxsize=2)
def read_learned(text: str) -> AllLearned:
    """Return what a recording says was learnt; of one without it, or with a broken one, nothing."""
    if not text:
        return AllLearned()
    try:
        return AllLearned(_all(from_line(text, MOST_LEARNED_CHARACTERS)))
    except CodecError as error:
        return AllLearned(trouble=f"what earlier runs taught is broken in this recording: {error}")


def _all(plain: Any) -> dict[ProcessId, Learned]:
    if type(plain) is not dict or len(plain) > MOST_TRAININGS:
        raise CodecError(f"it is not about up to {MOST_TRAININGS} trainings")
    return dict(_one(key, each) for key, each in plain.items())


def _one(key: str, plain: Any) -> tuple[ProcessId, Learned]:
    pid, _, ticks = key.partition(":")
    if not (pid.isascii() and pid.isdigit() and ticks.isascii() and ticks.isdigit() and len(key) <= 40):
        raise CodecError("a training in it has no PID")
    if type(plain) is not dict or "from_seconds" not in plain:
        raise CodecError("it does not say from when on it holds")
    seconds = plain["from_seconds"]
    # Not isfinite: JSON may have an integer that is too large for a float. NaN is in no range.
    if type(seconds) not in {int, float} or not -_LARGEST <= seconds <= _LARGEST:
        raise CodecError("the moment from which it holds is no number")
    prior = _PRIORS.value_of({name: item for name, item in plain.items() if name != "from_seconds"})
    return ProcessId(int(pid), int(ticks)), Learned(float(seconds), _checked(prior))


def _checked(prior: Prior) -> Prior:
    """Return a prior whose numbers can be worked with. Raises CodecError for any other."""
    sizes = (*(seen.batch_size for seen in prior.memory), *(seen.batch_size for seen in prior.rates))
    counts = (*(seen.workers for seen in prior.rates), *(seen.peak_bytes for seen in prior.memory))
    if not all(1 <= size <= _LARGEST for size in sizes) or not all(
        0 <= count <= _LARGEST for count in counts
    ):
        raise CodecError("a size in it is out of range")
    factors = [number for seen in prior.proofs for number in (seen.predicted, seen.achieved)]
    factors += [seen.images_per_second for seen in prior.rates]
    if not all(0.0 < factor <= _LARGEST for factor in factors):
        raise CodecError("a factor or a rate in it is out of range")
    ranges = [
        (seen.images_per_second_low, seen.images_per_second, seen.images_per_second_high)
        for seen in prior.rates
    ]
    earlier = prior.earlier
    if earlier is not None:
        found = (earlier.images_per_second, earlier.data_wait_ratio, earlier.gpu_memory_bytes)
        ranges += [(each.low, each.value, each.high) for each in found if each is not None]
    if not all(0.0 <= low <= value <= high <= _LARGEST for low, value, high in ranges):
        raise CodecError("an interval in it is none")
    return prior
