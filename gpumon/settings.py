"""Settings: what the user chose. Flags win over GPUMON_* variables, these over the config file."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields, replace
from typing import Any, Literal, NamedTuple

MIN_INTERVAL_SECONDS = 0.2
MAX_INTERVAL_SECONDS = 60.0
MAX_THREAD_RATE_HERTZ = 50.0
# How much of a wrong value is shown.
_MOST_WRITTEN = 60
NOTIFICATIONS = ("auto", "osc9", "osc777", "off")
# How much time the charts show at first, in words and in seconds; `auto` grows with what there is to show.
SPANS: Mapping[str, float] = {
    "1m": 60.0,
    "2m": 120.0,
    "5m": 300.0,
    "10m": 600.0,
    "30m": 1800.0,
    "1h": 3600.0,
}
# The table of the config file that gives other keys to the dashboard.
KEYS_TABLE = "keys"
# Ids of findings with commas between them.
_IDS = re.compile(r"[a-z][a-z0-9-]*(,[a-z][a-z0-9-]*)*")
# No id of a binding has more.
_MOST_DOTS = 3


class SettingsError(Exception):
    """A setting that cannot be used, in one sentence that names where it was given."""


@dataclass(frozen=True, slots=True)
class Settings:
    """What all front ends share. `gpu` is an index or UUID, empty for all GPUs.

    `interval_seconds` is the period of samples; `thread_rate_hertz` the mean rate of looks at the
    training's threads (0 switches them off). `interpreter` allows to read the memory of the training's
    interpreter: without it no other process' memory is touched.

    When a finding of severity warning or above begins, `bell` rings the bell of the terminal, `notify` (one
    of NOTIFICATIONS) asks it for a desktop notification, and `on_finding` is a command that is run with the
    finding on its stdin. `mute` are the ids of findings that raise no alert, with commas between them.

    The dashboard begins with charts of `span` (one of SPANS, or `auto`) and with processes in
    `process_order`. `keys` are the ids of its bindings with the keys that the user gave them, which only
    the config file can; whether there are such bindings and keys, the dashboard tells.
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
    bell: bool = True
    notify: str = "auto"
    on_finding: str = ""
    mute: str = ""
    span: str = "auto"
    process_order: str = "tree"
    keys: tuple[tuple[str, str], ...] = ()

    @property
    def on_finding_words(self) -> tuple[str, ...]:
        """The command of `on_finding` as the words it is started with: no shell sees it."""
        return tuple(shlex.split(self.on_finding))

    @property
    def muted_ids(self) -> frozenset[str]:
        """The ids in `mute`."""
        return frozenset(self.mute.split(",")) if self.mute else frozenset()


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
    "bell": "bell",
    "notify": "notify",
    "on_finding": "on_finding",
    "mute": "mute",
    "span": "span",
    "process_order": "process_order",
}


class Origin(NamedTuple):
    """Where a setting comes from: the kind of place, and its words there (`--theme`, `GPUMON_THEME`)."""

    kind: Literal["flag", "variable", "file", "default"]
    words: str = ""


DEFAULT = Origin("default")


@dataclass(frozen=True, slots=True)
class Resolved:
    """Settings, and by name (see NAMES) where each comes from."""

    settings: Settings
    origins: Mapping[str, Origin]


def resolve(flags: Mapping[str, Any], environment: Mapping[str, str], config: Mapping[str, Any]) -> Settings:
    """Return the settings from flags (None: not given), the environment and the parsed config file.

    An empty variable counts as not given. NO_COLOR switches colour off unless one of gpumon's own three
    places asks for it (as no-color.org says). Raises SettingsError.
    """
    return resolved(flags, environment, config).settings


def resolved(flags: Mapping[str, Any], environment: Mapping[str, str], config: Mapping[str, Any]) -> Resolved:
    """Return the same settings as `resolve`, with where each comes from. Raises SettingsError."""
    unknown = sorted(set(config) - set(NAMES.values()) - {KEYS_TABLE})
    if unknown:
        raise SettingsError(f"the config file has no setting named {unknown[0]!r}")
    settings = Settings()
    origins = dict.fromkeys(NAMES.values(), DEFAULT)
    if environment.get("NO_COLOR"):
        settings = replace(settings, color=False)
        origins["color"] = Origin("variable", "NO_COLOR")
    chosen: dict[str, Any] = {"keys": tuple(sorted(_keys(config.get(KEYS_TABLE, {}))))}
    for field in fields(Settings):
        if field.name not in NAMES:
            continue
        name = NAMES[field.name]
        variable = f"GPUMON_{name.upper()}"
        if flags.get(name) is not None:
            value = flags[name]
            no = "no-" if value is False else ""
            origin = Origin("flag", f"--{no}{name.replace('_', '-')}")
        elif environment.get(variable):
            value, origin = environment[variable], Origin("variable", variable)
        elif name in config:
            value, origin = config[name], Origin("file", f"{name} in the config file")
        else:
            continue
        chosen[field.name] = _convert(value, getattr(settings, field.name), origin.words)
        _check_range(field.name, chosen[field.name], origin.words)
        origins[name] = origin
    return Resolved(replace(settings, **chosen), origins)


def _keys(table: Any, prefix: str = "") -> Iterator[tuple[str, str]]:
    """Yield ids of bindings and their keys. An id with a dot may stand without quotes: TOML nests it then."""
    where = f"{KEYS_TABLE} in the config file"
    if prefix.count(".") > _MOST_DOTS:
        raise SettingsError(f"{where} has an id with more than {_MOST_DOTS} dots: {prefix[:40]!r}")
    if not isinstance(table, Mapping):
        raise SettingsError(f"{where} must be a table of ids and keys, not {_written(table)}")
    for name, value in table.items():
        if isinstance(value, Mapping):
            yield from _keys(value, f"{prefix}{name}.")
        elif isinstance(value, str):
            yield f"{prefix}{name}", value
        else:
            raise SettingsError(f"{prefix}{name} of {where} must be a text, not {_written(value)}")


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
        except (TypeError, ValueError, OverflowError):
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
    allowed_words = {"notify": NOTIFICATIONS, "span": ("auto", *SPANS)}.get(name)
    if allowed_words is not None and value not in allowed_words:
        raise SettingsError(f"{where} must be one of {', '.join(allowed_words)}, not {value!r}")
    if name == "mute" and value and not _IDS.fullmatch(value):
        raise SettingsError(f"{where} must be ids of findings with commas between them, not {value!r}")
    if name == "on_finding" and value:
        _check_command(value, where)


def _check_command(value: str, where: str) -> None:
    try:
        words = shlex.split(value)
    except ValueError as error:
        raise SettingsError(f"{where} is no command: {str(error).lower()}") from None
    if not words or not words[0]:
        raise SettingsError(f"{where} is no command: it names no program")


def _written(value: Any) -> str:
    """Return a value as it was written, at most 60 characters: TOML's truth values are lower case."""
    text = str(value).lower() if isinstance(value, bool) else repr(value)
    return text if len(text) <= _MOST_WRITTEN else f"{text[: _MOST_WRITTEN - 1]}…"
