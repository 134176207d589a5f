"""Host memory runs out: the kernel reclaims, swaps, or kills."""

from __future__ import annotations

from dataclasses import dataclass

from gpumon.diagnosis.host_growth import HostGrowth, host_growth_of, own_bytes
from gpumon.diagnosis.rule import Judgement, NotJudged, Rule, Silent
from gpumon.diagnosis.since import since_seen
from gpumon.diagnosis.view import View
from gpumon.diagnosis.words import bytes_of_words, bytes_words, percent, seconds_words
from gpumon.history.phases import Seen
from gpumon.history.stats import mean
from gpumon.model.finding import Evidence, Finding, Severity
from gpumon.model.measure import known, number
from gpumon.model.reading import TrainingReading
from gpumon.model.sample import Sample

# Chosen: less than 10 % of the host's memory available. A tenth of a large machine is no shortage, so
# it must be little in bytes too.
_AVAILABLE_RATIO = 0.10
_AVAILABLE_BYTES = 8 * 1024**3
# What the cgroup holds is without pages of files that were read once, but with those that were read again:
# the training's own processes must hold most of it, or it is the page cache that fills it.
_CGROUP_RATIO = 0.90
_OWN_RATIO = 0.60
# PSI: all tasks stood still for memory. systemd-oomd kills at 60 % for 30 s. A page cache that is too small
# stalls them too: only with little memory left do programs lack it.
_STALL_RATIO = 0.10
_STALL_SECONDS = 10.0
_LITTLE_RATIO = 0.25
# Growth that fills the memory only later leaves time to see whether it goes on.
_FORESEEN_SECONDS = 1800.0


@dataclass(frozen=True, slots=True)
class _Sign:
    """One sign of pressure: in words for the sentence, and as evidence."""

    words: str
    evidence: Evidence


def judge(view: View) -> Judgement:
    """Fire where host or cgroup have hardly any memory left, tasks stall for it, or some were killed."""
    signs = _signs(view)
    if signs:
        text = f"host memory runs out: {signs[0].words}{_most(view.reading)}"
        since = since_seen(view, _is_short)
        return Finding(RULE.id, RULE.severity, text, since, tuple(sign.evidence for sign in signs))
    if known(view.sample.host.memory) is None and _cgroup_share(view.reading) is None:
        return NotJudged("neither the memory of the host nor that of its cgroup is known")
    return Silent("there is memory left")


def _signs(view: View) -> list[_Sign]:
    found = (_killed(view), _cgroup(view.reading), _host(view.sample), _stalled(view), _growing(view))
    return [sign for sign in found if sign is not None]


def _is_short(pair: Seen) -> bool:
    sample, reading = pair
    return _cgroup(reading) is not None or _host(sample) is not None


def _cgroup_share(reading: TrainingReading) -> tuple[int, int] | None:
    """Return what its cgroup holds and may hold, where it has a limit."""
    cgroup = known(reading.cgroup)
    if cgroup is None:
        return None
    used, limit = known(cgroup.memory_used_bytes), known(cgroup.memory_limit_bytes)
    return (used, limit) if used is not None and limit else None


def _cgroup(reading: TrainingReading) -> _Sign | None:
    share = _cgroup_share(reading)
    if share is None or share[0] < _CGROUP_RATIO * share[1] or not _holds_most(reading, share[1]):
        return None
    used, limit = share
    words = f"its cgroup holds {bytes_of_words(used, limit)} ({percent(used / limit)} of its limit)"
    return _Sign(words, Evidence("cgroup_memory_used_bytes", float(used), _CGROUP_RATIO * limit, text=words))


def _holds_most(reading: TrainingReading, limit: int) -> bool:
    """Tell whether the training's own processes hold most of a limit, as far as is known."""
    own = own_bytes(reading)
    return own is None or own >= _OWN_RATIO * limit


def _host(sample: Sample) -> _Sign | None:
    memory = known(sample.host.memory)
    if memory is None or memory.memory_total_bytes <= 0:
        return None
    available, total = memory.memory_available_bytes, memory.memory_total_bytes
    least = min(_AVAILABLE_RATIO * total, float(_AVAILABLE_BYTES))
    if available >= least:
        return None
    swapped = f", {bytes_words(memory.swap_used_bytes)} are swapped out" if memory.swap_used_bytes else ""
    words = f"{bytes_of_words(available, total)} are available{swapped}"
    return _Sign(words, Evidence("memory_available_bytes", float(available), least, text=words))


def _stalled(view: View) -> _Sign | None:
    ratios: list[float] = []
    seconds = 0.0
    for sample, _ in reversed(view.seen):
        if seconds >= _STALL_SECONDS:
            break
        seconds += sample.interval_seconds
        stalled = number(sample.host.pressure.memory_full_ratio)
        if stalled is not None:
            ratios.append(stalled)
    if not ratios or seconds < _STALL_SECONDS or mean(ratios) < _STALL_RATIO or not _is_little(view):
        return None
    words = f"all tasks stand still for memory {percent(mean(ratios))} of the time"
    return _Sign(words, Evidence("memory_full_ratio", mean(ratios), _STALL_RATIO, text=words))


def _is_little(view: View) -> bool:
    """Tell whether host or cgroup have little memory left that no program holds."""
    share = _cgroup_share(view.reading)
    if share is not None and share[0] >= (1 - _LITTLE_RATIO) * share[1]:
        return _holds_most(view.reading, share[1])
    memory = known(view.sample.host.memory)
    if memory is None:
        return share is None
    return memory.memory_available_bytes < _LITTLE_RATIO * memory.memory_total_bytes


def _killed(view: View) -> _Sign | None:
    counts = [
        kills
        for _, reading in (view.seen[0], view.seen[-1])
        if (cgroup := known(reading.cgroup)) is not None
        and (kills := known(cgroup.memory_oom_kills)) is not None
    ]
    killed = counts[-1] - counts[0] if len(counts) > 1 else 0
    if killed <= 0:
        return None
    words = f"the kernel has killed {killed} of the processes in its cgroup"
    share = _cgroup_share(view.reading)
    return _Sign(words, Evidence("cgroup_memory_used_bytes", float(share[0] if share else 0), text=words))


def _growing(view: View) -> _Sign | None:
    """Return the growth of the training's own processes, where host or cgroup will soon be full of it."""
    growth = host_growth_of(view)
    if growth is None or not growth.fills or growth.full_in_seconds > _FORESEEN_SECONDS:
        return None
    if growth.is_caching and not _is_little(view):
        return None  # many a cache takes half of the memory, and comes to rest
    words = (
        f"the training's processes grow by {bytes_words(60 * growth.bytes_per_second)} a minute, and"
        f" {bytes_words(growth.free_bytes)} are left: full in about {seconds_words(growth.full_in_seconds)},"
        f" {_before(growth)}"
    )
    told = (
        f"{bytes_words(60 * growth.bytes_per_second)} a minute over {seconds_words(growth.watched_seconds)}"
    )
    return _Sign(words, Evidence("memory_available_bytes", growth.free_bytes, text=told))


def _before(growth: HostGrowth) -> str:
    if growth.is_caching:
        return "unless --cache ram has all images by then"
    if growth.left_seconds is None:
        return "and when it comes to rest is not known"
    left = seconds_words(growth.left_seconds)
    return (
        f"before the first epoch ends in {left}"
        if growth.is_first_epoch
        else f"and the run takes {left} more"
    )


def _most(reading: TrainingReading) -> str:
    """Return what the training's own processes hold, counted by shares, where that is known."""
    own = own_bytes(reading)
    return "" if own is None else f"; the training's own processes hold {bytes_words(own)}"


RULE = Rule("host-memory-pressure", Severity.WARNING, (), judge)
