"""Two runs side by side: what differs between them, and what can be said of speed, wait and memory."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import Enum

from gpumon.advice.prior import Value
from gpumon.history.estimate import Estimate, difference, quotient
from gpumon.history.stats import Interval
from gpumon.model.measure import Maybe, Missing
from gpumon.model.proof import Proof
from gpumon.recording.runs_proof import proof_between
from gpumon.recording.runs_run import Run, RunAbout, RunSetting
from gpumon.recording.runs_statistics import peak_of, speed_of, wait_of

# Settings that make a step another piece of work: images a second of two of them are not alike.
_WORK = {"weights": "model", "cfg": "model", "imgsz": "image size", "multi_scale": "image sizes"}
_DATA = {"data": "data set"}
_ARGUMENTS_SHOWN = 12
_OWN_VARIABLES = "GPUMON_"


class Kind(str, Enum):
    """What a difference means for the speeds."""

    SETTING = "setting"
    WORK = "work"
    DATA = "data"
    HARDWARE = "hardware"
    SOFTWARE = "software"
    PLACE = "place"


@dataclass(frozen=True, slots=True)
class Difference:
    """Something that two runs differ in. `known` is False where it is not known of one of them."""

    kind: Kind
    name: str
    one: Value
    other: Value
    known: bool = True


class Verdict(str, Enum):
    """What may be said of the speeds."""

    FASTER = "faster"
    SLOWER = "slower"
    UNDECIDED = "undecided"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Comparison:
    """Run `other` against run `one`.

    `speedup` is the quotient of images per second, `wait_change` the difference of the waits as a share,
    `memory_change_bytes` that of the highest GPU memory seen. `verdict` is about the speed of `other`.
    `text` is one sentence, `warnings` are what makes it less than it seems. `proof` sets what was predicted
    in run `one` beside it, where only settings differ.
    """

    one: Run
    other: Run
    differences: tuple[Difference, ...]
    speedup: Maybe[Interval]
    wait_change: Maybe[Interval]
    memory_change_bytes: Maybe[Interval]
    verdict: Verdict
    text: str
    warnings: tuple[str, ...]
    proof: Proof | None = None


def compare(one: Run, other: Run) -> Comparison:
    """Return what can be said of `other` against `one`."""
    differences = differences_of(one.about, other.about)
    speedup = _compared(one, other, speed_of, quotient)
    verdict = _verdict(speedup)
    return Comparison(
        one,
        other,
        differences,
        speedup,
        _compared(one, other, wait_of, difference),
        _memory_change(one, other),
        verdict,
        _sentence(one, other, speedup, verdict, differences),
        _warnings(one, other, differences),
        proof_between(one, other),
    )


def differences_of(one: RunAbout, other: RunAbout) -> tuple[Difference, ...]:
    """Return what two runs differ in; circumstances first, then settings, then other arguments."""
    found = [*_circumstances(one, other)]
    names = dict.fromkeys(setting.name for about in (one, other) for setting in about.settings)
    for name in names:
        left, right = one.setting(name), other.setting(name)
        if left is not None and right is not None and left.value == right.value:
            continue
        if name == "workers_asked" and any(each.name == "workers" for each in found):
            # What was asked for differs because what is used does, or the other way round.
            continue
        kind = Kind.WORK if name in _WORK else Kind.DATA if name in _DATA else Kind.SETTING
        if kind is not Kind.SETTING and _file_name(left) == _file_name(right) is not None:
            kind = Kind.PLACE
        found.append(
            Difference(
                kind,
                name,
                None if left is None else left.value,
                None if right is None else right.value,
                known=left is not None and right is not None,
            )
        )
    found += _environment(one, other)
    return (*found, *_arguments(one, other))


def _file_name(setting: RunSetting | None) -> str | None:
    """Return the last part of a path."""
    if setting is None or not isinstance(setting.value, str):
        return None
    return setting.value.rstrip("/").rsplit("/", 1)[-1]


def _circumstances(one: RunAbout, other: RunAbout) -> list[Difference]:
    pairs: tuple[tuple[Kind, str, Value, Value], ...] = (
        (Kind.HARDWARE, "hostname", one.hostname, other.hostname),
        (Kind.HARDWARE, "gpus", ", ".join(one.gpus) or None, ", ".join(other.gpus) or None),
        (Kind.HARDWARE, "gpu_memory_total_bytes", one.gpu_memory_total_bytes, other.gpu_memory_total_bytes),
        (Kind.HARDWARE, "usable_cores", one.usable_cores, other.usable_cores),
        (Kind.HARDWARE, "simulated", one.simulated, other.simulated),
        (Kind.SOFTWARE, "driver_version", one.driver_version, other.driver_version),
        (Kind.SOFTWARE, "framework", one.framework, other.framework),
        (Kind.SOFTWARE, "framework_version", one.framework_version, other.framework_version),
        (Kind.WORK, "name", one.name, other.name),
        (Kind.SETTING, "world_size", one.world_size, other.world_size),
    )
    return [
        Difference(kind, name, left, right, known=left is not None and right is not None)
        for kind, name, left, right in pairs
        if left != right
    ]


def _environment(one: RunAbout, other: RunAbout) -> list[Difference]:
    left, right = (
        {name: value for name, value in about.environment if not name.startswith(_OWN_VARIABLES)}
        for about in (one, other)
    )
    return [
        Difference(Kind.SETTING, name, left.get(name), right.get(name))
        for name in dict.fromkeys((*left, *right))
        if left.get(name) != right.get(name)
    ]


def _arguments(one: RunAbout, other: RunAbout) -> list[Difference]:
    """Return the arguments that only one of them has, as one difference, without values of settings."""
    left, right = Counter(one.command[1:]), Counter(other.command[1:])
    only_left = _joined(_unknown_words(one, left - right))
    only_right = _joined(_unknown_words(other, right - left))
    if not only_left and not only_right:
        return []
    return [Difference(Kind.SETTING, "arguments", only_left or None, only_right or None)]


def _unknown_words(about: RunAbout, words: Counter[str]) -> list[str]:
    values = {str(setting.value) for setting in about.settings}
    return [word for word in about.command[1:] if word in words and word.split("=")[-1] not in values]


def _joined(words: Sequence[str]) -> str:
    shown = " ".join(words[:_ARGUMENTS_SHOWN])
    return f"{shown} ..." if len(words) > _ARGUMENTS_SHOWN else shown


def _compared(
    one: Run,
    other: Run,
    read: Callable[[Run], Maybe[Estimate]],
    compare: Callable[[Estimate, Estimate], Maybe[Interval]],
) -> Maybe[Interval]:
    """Return what `compare` makes of a number of both runs, or which run lacks it and why."""
    left, right = read(one), read(other)
    if isinstance(left, Missing):
        return Missing(f"run {one.id}: {left.reason}")
    if isinstance(right, Missing):
        return Missing(f"run {other.id}: {right.reason}")
    return compare(left, right)


def _memory_change(one: Run, other: Run) -> Maybe[Interval]:
    """Return the difference of the peaks seen; the interval is of what either may still reach."""
    left, right = peak_of(one), peak_of(other)
    if isinstance(left, Missing):
        return Missing(f"run {one.id}: {left.reason}")
    if isinstance(right, Missing):
        return Missing(f"run {other.id}: {right.reason}")
    for run, peak in ((one, left), (other, right)):
        if isinstance(peak.likely_high_bytes, Missing):
            return Missing(f"run {run.id}: {peak.likely_high_bytes.reason}")
    highs = [
        0.0 if isinstance(peak.likely_high_bytes, Missing) else peak.likely_high_bytes
        for peak in (left, right)
    ]
    return Interval(
        float(right.seen_bytes - left.seen_bytes), right.seen_bytes - highs[0], highs[1] - left.seen_bytes
    )


def _verdict(speedup: Maybe[Interval]) -> Verdict:
    if isinstance(speedup, Missing):
        return Verdict.UNKNOWN
    if speedup.low > 1.0:
        return Verdict.FASTER
    return Verdict.SLOWER if speedup.high < 1.0 else Verdict.UNDECIDED


def _sentence(
    one: Run, other: Run, speedup: Maybe[Interval], verdict: Verdict, differences: Sequence[Difference]
) -> str:
    if isinstance(speedup, Missing):
        return f"the speeds cannot be compared: {speedup.reason}"
    numbers = f"{speedup.value:.2f} times the images a second of run {one.id}"
    numbers += f" (90 % interval {speedup.low:.2f} to {speedup.high:.2f})"
    if verdict is Verdict.UNDECIDED:
        return f"neither run can be called faster: run {other.id} trains {numbers}"
    causes = _foreign(differences)
    text = f"run {other.id} is {verdict.value}: it trains {numbers}"
    return f"{text}; but not only settings differ ({', '.join(causes)})" if causes else text


def _foreign(differences: Sequence[Difference]) -> tuple[str, ...]:
    """Return what differs beside settings, in words."""
    words = {
        "hostname": "host",
        "gpus": "GPU",
        "gpu_memory_total_bytes": "GPU memory",
        "usable_cores": "usable cores",
        "driver_version": "driver",
        "framework_version": "version of the framework",
        "name": "program",
        "simulated": "one of them is simulated",
        **_WORK,
        **_DATA,
    }
    found = (
        words.get(each.name, each.name) for each in differences if each.kind not in (Kind.SETTING, Kind.PLACE)
    )
    return tuple(dict.fromkeys(found))


def _warnings(one: Run, other: Run, differences: Sequence[Difference]) -> tuple[str, ...]:
    found = []
    kinds = {each.kind for each in differences}
    names = {each.name for each in differences}
    if Kind.WORK in kinds:
        words = ", ".join(_foreign([each for each in differences if each.kind is Kind.WORK]))
        found.append(f"the {words} differs: an image is not the same work in both runs")
    if Kind.HARDWARE in kinds:
        found.append("the hardware differs: the difference is not that of the settings")
    if one.about.simulated or other.about.simulated:
        found.append("simulated: the speed of a virtual GPU says nothing of a real one")
    if Kind.SOFTWARE in kinds:
        found.append("driver or framework differ: they may make a difference of their own")
    moved = [each.name for each in differences if each.kind is Kind.PLACE]
    if moved:
        found.append(f"files of the same name in other folders, so they may differ: {', '.join(moved)}")
    unknown = [each.name for each in differences if not each.known]
    if unknown:
        found.append(f"not known of both runs, so it may differ: {', '.join(unknown)}")
    settings = [each for each in differences if each.kind is Kind.SETTING and each.name != "arguments"]
    if len(settings) > 1:
        found.append(f"{len(settings)} settings differ: which of them makes the difference cannot be said")
    if not differences:
        found.append("no setting differs: what differs is what two runs of one configuration differ by")
    elif not settings and "arguments" in names and not kinds - {Kind.SETTING}:
        found.append("only arguments differ that gpumon does not know")
    return (*found, *_ways_of_seeing(one, other))


def _ways_of_seeing(one: Run, other: Run) -> tuple[str, ...]:
    """Return how the two were seen differently."""
    found = []
    for what, left, right in (
        ("speed", one.about.rate_source, other.about.rate_source),
        ("wait", one.about.wait_source, other.about.wait_source),
    ):
        if left and right and left != right:
            found.append(f"the {what} is measured in different ways: {left}; {right}")
    if one.has_validation != other.has_validation:
        without = other if one.has_validation else one
        found.append(f"no validation of run {without.id} was seen, so its memory may still rise")
    first = [run for run in (one, other) if run.last_epoch == 0]
    if len(first) == 1:
        found.append(
            f"run {first[0].id} was seen in its first epoch only, where files are often read from the disk"
        )
    return tuple(found)
