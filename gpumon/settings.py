"""Settings: what the user chose. Flags win over GPUMON_* variables, these over the config file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import Any

MIN_INTERVAL_SECONDS = 0.2
MAX_INTERVAL_SECONDS = 60.0
MAX_THREAD_RATE_HERTZ = 50.0


class SettingsError(Exception):
    """A setting that cannot be used, in one sentence that names where it was given."""


@dataclass(frozen=True, slots=True)
class Settings:
    """What all front ends share. `gpu` is an index or UUID, empty for all GPUs.

    `interval_seconds` is the period of samples; `thread_rate_hertz` the mean rate of looks at the
    training's threads (0 switches them off). `interpreter` allows to read the memory of the training's
    interpreter: without it no other process' memory is touched.
    """

    interval_seconds: float = 1.0
    thread_rate_hertz: float = 20.0
    gpu: str = ""
    ascii: bool = False
    color: bool = True
    theme: str = ""
    readonly: bool = False
    low_bandwidth: bool = False
    mouse: bool = True
    interpreter: bool = True


# The name that a setting has on the command line, in GPUMON_* and in the config file.
NAMES = {
    "interval_seconds": "interval",
    "thread_rate_hertz": "thread_rate",
    "gpu": "gpu",
    "ascii": "ascii",
    "color": "color",
    "theme": "theme",
    "readonly": "readonly",
    "low_bandwidth": "low_bandwidth",
    "mouse": "mouse",
    "interpreter": "interpreter",
}


def resolve(flags: Mapping[str, Any], environment: Mapping[str, str], config: Mapping[str, Any]) -> Settings:
    """Return the settings from flags (None: not given), the environment and the parsed config file.

    An empty variable counts as not given. NO_COLOR switches colour off unless one of gpumon's own three
    places asks for it (as no-color.org says). Raises SettingsError.
    """
    unknown = sorted(set(config) - set(NAMES.values()))
    if unknown:
        raise SettingsError(f"the config file has no setting named {unknown[0]!r}")
    settings = Settings()
    if environment.get("NO_COLOR"):
        settings = replace(settings, color=False)
    chosen: dict[str, Any] = {}
    for field in fields(Settings):
        name = NAMES[field.name]
        variable = f"GPUMON_{name.upper()}"
        if flags.get(name) is not None:
            value, where = flags[name], f"--{name.replace('_', '-')}"
        elif environment.get(variable):
            value, where = environment[variable], variable
        elif name in config:
            value, where = config[name], f"{name} in the config file"
        else:
            continue
        chosen[field.name] = _convert(value, getattr(settings, field.name), where)
        _check_range(field.name, chosen[field.name], where)
    return replace(settings, **chosen)


def _convert(value: Any, default: float | str | bool, where: str) -> float | str | bool:
    """Return `value` in the type of `default`."""
    if isinstance(default, bool):
        words = {
            "1": True,
            "true": True,
            "yes": True,
            "on": True,
            "0": False,
            "false": False,
            "no": False,
            "off": False,
        }
        if isinstance(value, bool):
            return value
        if str(value).lower() in words:
            return words[str(value).lower()]
        raise SettingsError(f"{where} must be true or false, not {_written(value)}")
    if isinstance(default, float):
        try:
            if not isinstance(value, bool):
                return float(value)
        except (TypeError, ValueError):
            pass
        raise SettingsError(f"{where} must be a number, not {_written(value)}")
    if isinstance(value, bool) or not isinstance(value, str | int):
        raise SettingsError(f"{where} must be a text, not {_written(value)}")
    return str(value)


def _check_range(name: str, value: Any, where: str) -> None:
    # Not-a-number lies in no range.
    if name == "interval_seconds" and not MIN_INTERVAL_SECONDS <= value <= MAX_INTERVAL_SECONDS:
        allowed = f"{MIN_INTERVAL_SECONDS} and {MAX_INTERVAL_SECONDS:g} seconds"
        raise SettingsError(f"{where} must be between {allowed}, not {value:g}")
    if name == "thread_rate_hertz" and not 0 <= value <= MAX_THREAD_RATE_HERTZ:
        raise SettingsError(
            f"{where} must be between 0 and {MAX_THREAD_RATE_HERTZ:g} a second, not {value:g}"
        )


def _written(value: Any) -> str:
    """Return a value as it was written: TOML's truth values are lower case."""
    return str(value).lower() if isinstance(value, bool) else repr(value)
