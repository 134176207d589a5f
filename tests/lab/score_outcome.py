"""What a diagnoser said on one trace, put beside the truth.

Times count from the onset: when the fault began, or the first second of training in the trace where that is
later. A trace begins when gpumon attaches.
The verdict of a trace is what is said 60 s after the onset, or at its end if it ends before.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from gpumon.history.stats import mean
from gpumon.model.measure import known
from gpumon.model.sample import Sample
from gpumon.model.training import Phase
from tests.lab.score_judgement import SILENT, Diagnoser, Judgement
from tests.lab.score_labels import family, is_alarm
from tests.lab.score_truth import Trace, Truth, TruthError, truth_of

VERDICT_SECONDS = 60.0
# Alarms closer together than this are one (as Prometheus' keep_firing_for would hold them).
HOLD_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Outcome:
    """One trace judged by one diagnoser.

    `verdicts` are (seconds, label or "") of every sample in order, `seconds` counted from the onset.
    `true_wait` is the true share of waiting in the seconds of training up to the verdict, None if not known.
    """

    trace: str
    truth: Truth
    final: Judgement
    verdicts: tuple[tuple[float, str], ...]
    true_wait: float | None = None

    @property
    def told(self) -> str:
        """The label of its verdict, or ""."""
        return self.final.verdict

    @property
    def is_right(self) -> bool:
        """Whether the verdict is one of the injected faults."""
        return self.told in self.truth.labels

    @property
    def is_right_family(self) -> bool:
        """Whether the verdict is of the family of one of the injected faults."""
        return bool(self.told) and family(self.told) in {family(label) for label in self.truth.labels}

    @property
    def is_named(self) -> bool:
        """Whether an injected fault is among all that is told: the verdict, and what is told beside it."""
        return self.is_right or any(label in self.truth.labels for label in self.final.also)

    @property
    def is_in_two(self) -> bool:
        """Whether one of its two likeliest labels is injected; also where it abstains and names two."""
        return any(label in self.truth.labels for label in self.final.labels[:2])

    @property
    def delay_seconds(self) -> float | None:
        """Seconds from the onset to the first right verdict, None where there was none."""
        return self._first(lambda label: label in self.truth.labels)

    @property
    def family_delay_seconds(self) -> float | None:
        """Seconds from the onset to the first verdict of the right family, None where there was none."""
        families = {family(label) for label in self.truth.labels}
        return self._first(lambda label: bool(label) and family(label) in families)

    @property
    def hours(self) -> float:
        """How long it was judged."""
        times = [seconds for seconds, _ in self.verdicts]
        return (times[-1] - times[0]) / 3600 if times else 0.0

    @property
    def alarms(self) -> int:
        """How often a warning began: after none, or after none for a minute."""
        count, last = 0, None
        for seconds, label in self.verdicts:
            if is_alarm(label):
                if last is None or seconds - last > HOLD_SECONDS:
                    count += 1
                last = seconds
        return count

    @property
    def alarm_seconds(self) -> int:
        """In how many of its samples a warning stood."""
        return sum(1 for _, label in self.verdicts if is_alarm(label))

    def _first(self, is_it: Callable[[str], bool]) -> float | None:
        for seconds, label in self.verdicts:
            if seconds >= 0 and is_it(label):
                return seconds
        return None


def judge(trace: Trace, make: Callable[[], Diagnoser]) -> Outcome:
    """Feed a trace to a new diagnoser. Raises TruthError where its truth is not known."""
    if not trace.about.truth:
        raise TruthError(f"{trace.name} has no truth")
    truth = truth_of(trace.about.truth)
    diagnoser = make()
    said = [
        (sample.instant.monotonic_seconds, _is_training(sample), diagnoser.see(sample))
        for sample in trace.samples()
    ]
    first = said[0][0] if said else 0.0
    begins = next((now for now, trains, _ in said if trains), first)
    onset = max(first + truth.onset_seconds, begins)
    until = [entry for entry in said if entry[0] <= onset + VERDICT_SECONDS]
    training = [now - first for now, trains, _ in until if trains and now > onset]
    return Outcome(
        trace.name,
        truth,
        until[-1][2] if until else SILENT,
        tuple((now - onset, judgement.verdict) for now, _, judgement in said),
        _true_wait(truth, training),
    )


def achieved(outcome: Outcome) -> float | None:
    """Return the images per second that the training really reaches with the advice taken, if it is known.

    Advice that changes nothing, and none at all, leave the rate as it is. Where it changes a setting that the
    points of the grid do not tell, as the batch beside the workers, nobody measured what it brings.
    """
    advice, truth = known(outcome.final.advice), outcome.truth
    changes = advice.changes if advice is not None else {}
    before = truth.settings or {}
    changed = {name for name, value in changes.items() if name not in before or before[name] != value}
    if any(not changed <= point.settings.keys() for point in truth.grid):
        return None
    return truth.rate_with(changes)


def _true_wait(truth: Truth, ends: list[float]) -> float | None:
    """Return the mean of the true waits of the seconds that end then, else that of the whole trace."""
    places = (round(end) - 1 for end in ends)
    known_waits = [truth.waits[place] for place in places if 0 <= place < len(truth.waits)]
    return mean(known_waits) if known_waits else truth.data_wait_ratio


def _is_training(sample: Sample) -> bool:
    reading = sample.training()
    return reading is not None and reading.phase is Phase.TRAIN
