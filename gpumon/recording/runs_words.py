"""The numbers of runs in words: what the table, the comparison and the dashboard write."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

from gpumon.advice.prior import Value
from gpumon.diagnosis.words import percent
from gpumon.history.estimate import wait_interval
from gpumon.history.stats import Interval
from gpumon.model.measure import Maybe, Missing, known
from gpumon.model.proof import Proof
from gpumon.paint.numbers import NOT_KNOWN, bytes_text, duration, quantity
from gpumon.recording.runs_compare import Comparison, Difference
from gpumon.recording.runs_place import how_it_ended
from gpumon.recording.runs_run import Run, RunEnd
from gpumon.recording.runs_statistics import peak_of, speed_of, wait_of

_MODEL_CHARACTERS = 24
_VALUE_CHARACTERS = 36


class Words(NamedTuple):
    """A number, and its 90 % interval or what else limits it: empty where there is none."""

    value: str
    limits: str = ""

    def joined(self) -> str:
        """Return `148 (147–148)`."""
        return f"{self.value} ({self.limits})" if self.limits else self.value


_UNKNOWN = Words(NOT_KNOWN)


def seen_text(run: Run) -> str:
    """Return when gpumon saw it first, `2026-11-25 14:35` in the zone of this machine."""
    return datetime.fromtimestamp(run.first_seen_unix_seconds).astimezone().strftime("%Y-%m-%d %H:%M")


def program_text(run: Run) -> str:
    """Return `yolov5 train.py`, with "simulated" in front where it is."""
    words = ["simulated"] if run.about.simulated else []
    return " ".join([*words, run.about.framework, cut(run.about.name, _MODEL_CHARACTERS)])


def model_text(run: Run) -> str:
    """Return model and image size, `yolov5s.pt 640`; empty where neither is known."""
    words = []
    for name in ("weights", "cfg"):
        setting = run.about.setting(name)
        if setting is not None and setting.value:
            words.append(cut(str(setting.value).rsplit("/", 1)[-1], _MODEL_CHARACTERS))
            break
    imgsz = run.about.setting("imgsz")
    if imgsz is not None and imgsz.value is not None:
        words.append(cut(str(imgsz.value), _MODEL_CHARACTERS))
    return " ".join(words)


def training_text(run: Run) -> str:
    """Return program, model and image size."""
    return f"{program_text(run)} {model_text(run)}".rstrip()


def setting_text(run: Run, name: str) -> str:
    """Return the value of a setting."""
    setting = run.about.setting(name)
    return NOT_KNOWN if setting is None else value_text(setting.value)


def value_text(value: Value) -> str:
    """Return a value; of a long one, as a path, the end."""
    if value is None:
        return "not set"
    text = str(value)
    return text if len(text) <= _VALUE_CHARACTERS else f"…{text[1 - _VALUE_CHARACTERS :]}"


def cut(text: str, limit: int) -> str:
    """Return the beginning of a text, of at most `limit` characters."""
    return text if len(text) <= limit else f"{text[: limit - 1]}…"


def speed_words(run: Run) -> Words:
    """Return images per second."""
    speed = speed_of(run)
    if isinstance(speed, Missing):
        return _UNKNOWN
    found = speed.interval()
    return Words(quantity(found.value), f"{quantity(max(0.0, found.low))}–{quantity(found.high)}")


def wait_words(run: Run) -> Words:
    """Return the share of steady training that waits for data."""
    wait = wait_of(run)
    if isinstance(wait, Missing):
        return _UNKNOWN
    found = wait_interval(wait)
    return Words(percent(found.value), f"{100 * found.low:.1f}–{100 * found.high:.1f}")


def memory_words(run: Run) -> Words:
    """Return the peak of GPU memory: a lower bound until a validation was seen."""
    peak = peak_of(run)
    if isinstance(peak, Missing):
        return _UNKNOWN
    seen, high = bytes_text(peak.seen_bytes), peak.likely_high_bytes
    return Words(f"≥ {seen}") if isinstance(high, Missing) else Words(seen, f"up to ~{bytes_text(high)}")


def followed_text(run: Run) -> str:
    """Return how long it was followed, and through which epochs."""
    epochs = ""
    if run.first_epoch is not None and run.last_epoch is not None:
        one = run.first_epoch == run.last_epoch
        epochs = f", epoch {run.first_epoch}" if one else f", epochs {run.first_epoch} to {run.last_epoch}"
    return f"{duration(run.seen_seconds)}, {duration(run.steady_seconds)} steady{epochs}"


def end_text(run: Run, boot: str) -> str:
    """Return how it ended, in one or three words; `boot` is this one."""
    end, _ = how_it_ended(run, boot)
    return "running" if end is RunEnd.OPEN else end.value.replace("-", " ")


def difference_words(each: Difference) -> tuple[str, str]:
    """Return the two values of something that two runs differ in."""
    absent = NOT_KNOWN if not each.known else "not set"
    one, other = (_of_two(each, value, absent) for value in (each.one, each.other))
    return one, other


def _of_two(each: Difference, value: Value, absent: str) -> str:
    if each.name == "gpu_memory_total_bytes":
        return bytes_text(value) if isinstance(value, int) else NOT_KNOWN
    return absent if value is None else value_text(value)


def factor_words(speedup: Maybe[Interval]) -> Words:
    """Return `×1.63` and its interval."""
    if isinstance(speedup, Missing):
        return _UNKNOWN
    return Words(f"×{speedup.value:.2f}", f"{speedup.low:.2f}–{speedup.high:.2f}")


def points_words(change: Maybe[Interval]) -> Words:
    """Return a change of shares, `-7.1 points`, and its interval."""
    if isinstance(change, Missing):
        return _UNKNOWN
    return Words(f"{100 * change.value:+.1f} points", f"{100 * change.low:+.1f} to {100 * change.high:+.1f}")


def bytes_words(change: Maybe[Interval]) -> Words:
    """Return a change of memory, `+0.4 GiB`, and its interval."""
    if isinstance(change, Missing):
        return _UNKNOWN
    low, high = _signed(change.low), _signed(change.high)
    number, unit = low.split(" ")
    # One unit is enough where both have it.
    return Words(_signed(change.value), f"{number if high.endswith(f' {unit}') else low} to {high}")


def predicted_words(comparison: Comparison) -> tuple[tuple[str, Words], ...]:
    """Return the label and the words of what was predicted of the second run, for each thing that was."""
    proof = comparison.proof
    if proof is None:
        return ()
    found = []
    for label, outcome, words, limit in (
        ("images/s", proof.images_per_second, quantity, quantity),
        ("wait for data", proof.data_wait_ratio, percent, _points),
        ("GPU memory", proof.gpu_memory_bytes, bytes_text, bytes_text),
    ):
        if isinstance(outcome, Missing) or outcome.predicted is None:
            continue
        low, high = limit(outcome.predicted_low or 0.0), limit(outcome.predicted_high or 0.0)
        found.append((label, Words(words(outcome.predicted), f"{low}–{high}")))
    return tuple(found)


def _points(ratio: float) -> str:
    return f"{100 * ratio:.1f}"


def brought_words(proof: Proof | None) -> str:
    """Return `×1.62 of run 3, predicted ×1.64`; empty without a proof of the speed."""
    rate = None if proof is None else known(proof.images_per_second)
    if proof is None or rate is None or rate.before <= 0:
        return ""
    text = f"×{rate.achieved / rate.before:.2f} of run {proof.earlier_run}"
    return text if rate.predicted is None else f"{text}, predicted ×{rate.predicted / rate.before:.2f}"


def proof_text(proof: Proof) -> str:
    """Return what the settings brought in one sentence, and whether it is as predicted."""
    rate = known(proof.images_per_second)
    if rate is None or rate.is_as_predicted is None or not proof.settled:
        return proof.text
    if rate.is_as_predicted:
        return f"{proof.text}: as predicted"
    is_less = rate.achieved < (rate.predicted or 0.0)
    return f"{proof.text}: {'less' if is_less else 'more'} than predicted"


def _signed(amount: float) -> str:
    sign = "-" if amount < 0 else "+"
    return f"{sign}{bytes_text(abs(amount))}"
