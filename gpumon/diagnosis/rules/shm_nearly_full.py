"""The training's /dev/shm has no room for the batches that workers hand over in it."""

from __future__ import annotations

from gpumon.diagnosis.rule import Judgement, NotJudged, Rule, Silent
from gpumon.diagnosis.since import since_seen
from gpumon.diagnosis.view import View
from gpumon.diagnosis.words import bytes_words, percent
from gpumon.history.phases import Seen
from gpumon.model.finding import Evidence, Finding, Severity
from gpumon.model.host import SharedMemoryReading
from gpumon.model.measure import Measure, Missing, known, number

# A hang was measured at 90 % full. A large /dev/shm at 90 % has room all the same, so both must hold:
# less than a tenth free, and less than the next batches of two workers need.
_FREE_RATIO = 0.10
_FREE_BATCHES = 4


def judge(view: View) -> Judgement:
    """Fire where /dev/shm is nearly full, or smaller than the batches in flight will need."""
    shm = view.reading.loader.shm
    if isinstance(shm, Missing):
        return NotJudged(f"the training's /dev/shm is not known: {shm.reason}")
    if view.workers == 0:
        return Silent("no workers, so nothing goes through /dev/shm")
    if shm.shm_total_bytes <= 0:
        return NotJudged("the training's /dev/shm has no size")
    needed = known(view.reading.loader.shm_needed_bytes)
    batch = _batch_bytes(view)
    nearly_full = _is_nearly_full(shm, batch)
    too_small = needed is not None and (needed.low or needed.value) > shm.shm_total_bytes
    if not nearly_full and not too_small:
        return Silent(f"{bytes_words(shm.shm_free_bytes)} of /dev/shm are free")
    if nearly_full:
        text = (
            f"the training's /dev/shm is nearly full: {bytes_words(shm.shm_free_bytes)} of"
            f" {bytes_words(shm.shm_total_bytes)} free{_needs(needed)}; a worker without room dies or hangs"
            " the training"
        )
    else:
        text = (
            "the training's /dev/shm is too small: the batches in flight need about"
            f" {bytes_words(needed.value if needed else 0)} and it has {bytes_words(shm.shm_total_bytes)}"
        )
    evidence = Evidence(
        "shm_free_bytes",
        float(shm.shm_free_bytes),
        _FREE_RATIO * shm.shm_total_bytes,
        text=f"{percent(shm.shm_free_bytes / shm.shm_total_bytes)} of /dev/shm free",
    )

    def full(pair: Seen) -> bool:
        reading = known(pair[1].loader.shm)
        return reading is not None and (too_small or _is_nearly_full(reading, batch))

    return Finding(RULE.id, RULE.severity, text, since_seen(view, full), (evidence,))


def _needs(needed: Measure | None) -> str:
    """Return what full queues need: 2 batches a worker, of training and of validation."""
    if needed is None or needed.value <= 0:
        return ""
    low, high = needed.low or needed.value, needed.high or needed.value
    span = bytes_words(low) if low == high else f"{bytes_words(low)} to {bytes_words(high)}"
    return f", and full queues need {span}"


def _is_nearly_full(shm: SharedMemoryReading, batch: int | None) -> bool:
    if shm.shm_free_bytes >= _FREE_RATIO * shm.shm_total_bytes:
        return False
    return batch is None or shm.shm_free_bytes < _FREE_BATCHES * batch


def _batch_bytes(view: View) -> int | None:
    """Return the bytes of one batch of one rank, as seen, else 3 bytes a pixel (YOLOv5 hands over uint8)."""
    seen = number(view.reading.loader.batch_bytes)
    if seen:
        return int(seen)
    size, batch = view.setting("imgsz"), view.setting("batch_size")
    if not isinstance(size, int) or not isinstance(batch, int) or size <= 0 or batch <= 0:
        return None
    return 3 * size * size * max(1, batch // view.ranks)


RULE = Rule("shm-nearly-full", Severity.CRITICAL, ("shm_free_bytes",), judge)
