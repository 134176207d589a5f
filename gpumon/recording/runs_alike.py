"""Which runs are of one training, of one model, and which of them another one is a change of."""

from __future__ import annotations

from gpumon.advice.prior import Value
from gpumon.advice.proof import changes_between
from gpumon.recording.runs_run import RunAbout

# More or fewer cores than half of one are another machine for a loader.
_SAME_CORES = 0.5


def settings_of(about: RunAbout) -> dict[str, Value]:
    """Return the settings of a run that were known, and its number of ranks, by name."""
    return {**{setting.name: setting.value for setting in about.settings}, "world_size": about.world_size}


def is_change_of(about: RunAbout, earlier: RunAbout) -> bool:
    """Tell whether a training is the same as an earlier run, with other settings.

    The same is: the same program and work on this machine, from one working directory (or in one run
    directory, as after --resume).
    """
    same_place = about.directory is not None and about.directory == earlier.directory
    if not (is_same_training(about, earlier) and (same_place or _is_same_run_dir(about, earlier))):
        return False
    return bool(changes_between(settings_of(earlier), settings_of(about)))


def is_same_training(one: RunAbout, other: RunAbout) -> bool:
    """Tell whether two runs are one program on one machine with one kind of GPU: only settings differ."""
    return (
        is_same_work(one, other)
        and one.name == other.name
        and one.hostname == other.hostname
        and one.gpus[:1] == other.gpus[:1]
        and _is_same_file(one, other, "data")
        and _is_same_number(one.usable_cores, other.usable_cores)
    )


def is_same_work(one: RunAbout, other: RunAbout) -> bool:
    """Tell whether two runs train the same model on images of the same size."""
    if (one.framework, one.simulated) != (other.framework, other.simulated):
        return False
    if not _is_same_run_dir(one, other) and not _is_same_model(one, other):
        return False
    return all(is_same_or_unknown(one, other, name) for name in ("imgsz", "multi_scale"))


def is_same_or_unknown(one: RunAbout, other: RunAbout, name: str) -> bool:
    """Tell whether two runs do not differ in a setting, as far as it is known of both."""
    left, right = one.setting(name), other.setting(name)
    return left is None or right is None or left.value == right.value


def _is_same_run_dir(one: RunAbout, other: RunAbout) -> bool:
    # A training that is resumed names its checkpoint as weights; its run directory stays.
    return one.run_dir is not None and one.run_dir == other.run_dir


def _is_same_model(one: RunAbout, other: RunAbout) -> bool:
    names = [(_file_name(about, "weights"), _file_name(about, "cfg")) for about in (one, other)]
    return names[0] == names[1] and any(names[0])


def _is_same_file(one: RunAbout, other: RunAbout, name: str) -> bool:
    """Tell whether two files have one name; what they hold is not looked at."""
    if _is_same_run_dir(one, other):
        return True
    return _file_name(one, name) == _file_name(other, name)


def _is_same_number(one: float | None, other: float | None) -> bool:
    return one is None or other is None or abs(one - other) <= _SAME_CORES


def _file_name(about: RunAbout, name: str) -> str:
    setting = about.setting(name)
    if setting is None or not isinstance(setting.value, str):
        return ""
    return setting.value.rstrip("/").rsplit("/", 1)[-1]
