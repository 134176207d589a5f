"""Settings from flags, environment and config file."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gpumon.settings import (
    MAX_INTERVAL_SECONDS,
    MIN_INTERVAL_SECONDS,
    NAMES,
    Origin,
    Settings,
    SettingsError,
    resolve,
    resolved,
)

INTERVALS = st.floats(MIN_INTERVAL_SECONDS, MAX_INTERVAL_SECONDS)


def test_nothing_given_is_the_default() -> None:
    """Without flags, variables and file the defaults hold."""
    assert Settings() == resolve({}, {}, {})


@given(st.none() | INTERVALS, st.none() | INTERVALS, st.none() | INTERVALS)
def test_flags_win_over_variables_over_the_file(
    flag: float | None, variable: float | None, configured: float | None
) -> None:
    """The first that is given counts, in the order flag, GPUMON_*, config file, default."""
    environment = {} if variable is None else {"GPUMON_INTERVAL": repr(variable)}
    config = {} if configured is None else {"interval": configured}
    expected = next((value for value in (flag, variable, configured) if value is not None), 1.0)

    assert expected == resolve({"interval": flag}, environment, config).interval_seconds


@pytest.mark.parametrize("name", sorted(NAMES.values()))
def test_every_setting_can_be_given_as_a_variable(name: str) -> None:
    """Each setting has a GPUMON_* variable that the same word in the config file is equal to."""
    words = {
        "interval": "2",
        "thread_rate": "5",
        "gpu": "1",
        "theme": "nord",
        "notify": "osc9",
        "span": "10m",
    }
    word = words.get(name, "true")

    assert resolve({}, {}, {name: word}) == resolve({}, {f"GPUMON_{name.upper()}": word}, {})


def test_an_empty_variable_is_not_given() -> None:
    """An empty variable is how a shell takes one back."""
    assert Settings() == resolve({}, {"GPUMON_INTERVAL": "", "GPUMON_ASCII": ""}, {})


def test_a_variable_of_another_program_is_left_alone() -> None:
    """Only the names of settings are looked at, among them not the demo's."""
    assert Settings() == resolve({}, {"GPUMON_VIRTUAL_GPU": "/tmp/x", "PATH": "/bin"}, {})


@pytest.mark.parametrize("word", ["1", "true", "TRUE", "Yes", "on"])
def test_words_for_true(word: str) -> None:
    """The usual words switch something on."""
    assert resolve({}, {"GPUMON_READONLY": word}, {}).readonly


@pytest.mark.parametrize("word", ["0", "false", "False", "NO", "off"])
def test_words_for_false(word: str) -> None:
    """The usual words switch something off."""
    assert not resolve({}, {"GPUMON_MOUSE": word}, {}).mouse


def test_no_color_switches_colour_off() -> None:
    """NO_COLOR is honoured."""
    assert not resolve({}, {"NO_COLOR": "1"}, {}).color


def test_an_empty_no_color_does_not_count() -> None:
    """NO_COLOR counts when it is not empty (no-color.org)."""
    assert resolve({}, {"NO_COLOR": ""}, {}).color


@pytest.mark.parametrize(
    ("flags", "environment", "config"),
    [({"color": True}, {}, {}), ({}, {"GPUMON_COLOR": "1"}, {}), ({}, {}, {"color": True})],
)
def test_gpumons_own_settings_win_over_no_color(
    flags: dict[str, Any], environment: dict[str, str], config: dict[str, Any]
) -> None:
    """Who asks gpumon itself for colour gets it (no-color.org says so of flags and config files)."""
    assert resolve(flags, {"NO_COLOR": "1", **environment}, config).color


@pytest.mark.parametrize(
    ("flags", "environment", "config", "sentence"),
    [
        ({"interval": 0.01}, {}, {}, "--interval must be between 0.2 and 60 seconds, not 0.01"),
        ({}, {"GPUMON_INTERVAL": "90"}, {}, "GPUMON_INTERVAL must be between 0.2 and 60 seconds, not 90"),
        ({}, {}, {"interval": -1}, "interval in the config file must be between 0.2 and 60 seconds, not -1"),
        ({}, {"GPUMON_INTERVAL": "nan"}, {}, "GPUMON_INTERVAL must be between 0.2 and 60 seconds, not nan"),
        ({}, {"GPUMON_INTERVAL": "fast"}, {}, "GPUMON_INTERVAL must be a number, not 'fast'"),
        ({}, {}, {"interval": True}, "interval in the config file must be a number, not true"),
        ({}, {}, {"interval": [1]}, "interval in the config file must be a number, not [1]"),
        (
            {},
            {},
            {"interval": 10**400},
            f"interval in the config file must be a number, not 1{'0' * 58}…",
        ),
        ({"thread_rate": 51.0}, {}, {}, "--thread-rate must be between 0 and 50 a second, not 51"),
        (
            {},
            {"GPUMON_THREAD_RATE": "-1"},
            {},
            "GPUMON_THREAD_RATE must be between 0 and 50 a second, not -1",
        ),
        ({}, {"GPUMON_ASCII": "maybe"}, {}, "GPUMON_ASCII must be true or false, not 'maybe'"),
        ({}, {}, {"mouse": 2}, "mouse in the config file must be true or false, not 2"),
        ({}, {}, {"theme": ["nord"]}, "theme in the config file must be a text, not ['nord']"),
        ({}, {}, {"gpu": True}, "gpu in the config file must be a text, not true"),
        ({}, {}, {"intervall": 1}, "the config file has no setting named 'intervall'"),
    ],
)
def test_nonsense_is_told_in_one_sentence(
    flags: dict[str, Any], environment: dict[str, str], config: dict[str, Any], sentence: str
) -> None:
    """An unusable setting is named with the place it was given, what is allowed and what was there."""
    with pytest.raises(SettingsError) as caught:
        resolve(flags, environment, config)

    assert sentence == str(caught.value)


def test_a_gpu_may_be_a_number_in_the_file() -> None:
    """`gpu = 0` in TOML is a number, and means GPU 0."""
    assert resolve({}, {}, {"gpu": 0}).gpu == "0"


def test_looking_at_threads_can_be_switched_off() -> None:
    """A thread rate of 0 is allowed."""
    assert resolve({"thread_rate": 0.0}, {}, {}).thread_rate_hertz == 0.0


def test_the_command_of_on_finding_becomes_words() -> None:
    """Quotes hold a word together; nothing else of a shell is known."""
    settings = resolve({"on_finding": "tell 'a b' $HOME; x"}, {}, {})

    assert ("tell", "a b", "$HOME;", "x") == settings.on_finding_words
    assert () == Settings().on_finding_words


def test_muted_ids_are_separated_by_commas() -> None:
    """None where none are given."""
    assert {"hung", "nan-loss"} == resolve({"mute": "hung,nan-loss"}, {}, {}).muted_ids
    assert frozenset() == Settings().muted_ids


@pytest.mark.parametrize(
    ("name", "value", "sentence"),
    [
        ("notify", "loud", "--notify must be one of auto, osc9, osc777, off, not 'loud'"),
        ("mute", "a, b", "--mute must be ids of findings with commas between them, not 'a, b'"),
        ("on_finding", "tell 'me", "--on-finding is no command: no closing quotation"),
        ("on_finding", "''", "--on-finding is no command: it names no program"),
        ("on_finding", "  ", "--on-finding is no command: it names no program"),
    ],
)
def test_alert_settings_that_cannot_be_used(name: str, value: str, sentence: str) -> None:
    """One sentence that names where it was given."""
    with pytest.raises(SettingsError) as raised:
        resolve({name: value}, {}, {})

    assert sentence == str(raised.value)


def test_where_each_setting_comes_from() -> None:
    """The place that won is named, and what was given there."""
    origins = resolved(
        {"interval": "2", "color": False, "ascii": None},
        {"GPUMON_THEME": "nord", "GPUMON_MOUSE": ""},
        {"gpu": 0, "interval": 3},
    ).origins

    assert origins["interval"] == Origin("flag", "--interval")
    assert origins["color"] == Origin("flag", "--no-color")
    assert origins["theme"] == Origin("variable", "GPUMON_THEME")
    assert origins["gpu"] == Origin("file", "gpu in the config file")
    assert {"mouse", "ascii"} <= {name for name, origin in origins.items() if origin.kind == "default"}
    assert resolved({}, {"NO_COLOR": "1"}, {}).origins["color"] == Origin("variable", "NO_COLOR")


@pytest.mark.parametrize(
    "table", [{"findings.mute": "M", "quit": "q,x"}, {"findings": {"mute": "M"}, "quit": "q,x"}]
)
def test_keys_stand_in_a_table_of_the_file(table: dict[str, Any]) -> None:
    """An id with a dot is the same with quotes and without, where TOML takes the dot for a table."""
    assert (("findings.mute", "M"), ("quit", "q,x")) == resolve({}, {}, {"keys": table}).keys


@pytest.mark.parametrize(
    ("table", "sentence"),
    [
        ("q", "keys in the config file must be a table of ids and keys, not 'q'"),
        ({"quit": 1}, "quit of keys in the config file must be a text, not 1"),
        ({"findings": {"mute": True}}, "findings.mute of keys in the config file must be a text, not true"),
        (
            {"a": {"b": {"c": {"d": {"e": "x"}}}}},
            "keys in the config file has an id with more than 3 dots: 'a.b.c.d.'",
        ),
    ],
)
def test_a_table_of_keys_that_cannot_be_used(table: object, sentence: str) -> None:
    """One sentence that names the table and what is wrong in it."""
    with pytest.raises(SettingsError) as raised:
        resolve({}, {}, {"keys": table})

    assert sentence == str(raised.value)


def test_a_span_is_one_of_those_there_are() -> None:
    """The charts have no other spans."""
    with pytest.raises(SettingsError) as raised:
        resolve({}, {"GPUMON_SPAN": "7m"}, {})

    assert str(raised.value) == "GPUMON_SPAN must be one of auto, 1m, 2m, 5m, 10m, 30m, 1h, not '7m'"
