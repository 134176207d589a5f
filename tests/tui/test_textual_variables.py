"""Variables of Textual that hold nonsense: one sentence instead of a traceback."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from textual.drivers.headless_driver import HeadlessDriver

from gpumon.settings import Settings, SettingsError
from gpumon.sources.clock import SystemClock
from gpumon.tui.run import run_dashboard
from gpumon.tui.textual_variables import check_variables
from tests.tui.fake_feed import FakeFeed


@pytest.mark.parametrize(
    ("name", "value", "reason"),
    [
        ("TEXTUAL_DRIVER", "nonsense", "no driver is there"),
        ("TEXTUAL_DRIVER", "", "no driver is there"),
        ("TEXTUAL_DRIVER", "os:path", "no driver is there"),
        ("TEXTUAL_DRIVER", "os:getcwd", "no driver is there"),
        ("TEXTUAL_COLOR_SYSTEM", "x", "there are auto, standard, 256"),
        ("TEXTUAL_COLOR_SYSTEM", "", "there are auto, standard, 256"),
        ("TEXTUAL_FPS", "1" + "0" * 400, "it is at most 1000"),
        ("TEXTUAL_LOG", "/nonexistent/log", "it cannot be written: No such file or directory"),
        ("TEXTUAL_LOG", "a\0b", "it cannot be written: embedded null byte"),
    ],
)
def test_nonsense_is_told_in_one_sentence(name: str, value: str, reason: str) -> None:
    """With the name of the variable, what it holds, as far as that is short, and what is wrong."""
    with pytest.raises(SettingsError, match=reason) as refused:
        check_variables({name: value})

    assert str(refused.value).startswith(f"the variable {name} cannot be {value[:80]!r}"[:60])
    assert len(str(refused.value)) < 200


def test_a_log_that_is_a_pipe_without_a_reader_is_not_waited_for(tmp_path: Path) -> None:
    """It would be for ever."""
    os.mkfifo(tmp_path / "log")
    with pytest.raises(SettingsError, match="cannot be written"):
        check_variables({"TEXTUAL_LOG": str(tmp_path / "log")})


@pytest.mark.parametrize(
    ("name", "value"),
    [("TEXTUAL_SCREENSHOT_LOCATION", "/nonexistent"), ("TEXTUAL_SCREENSHOT_FILENAME", "/nonexistent/x")],
)
def test_a_picture_that_cannot_be_written_is_told(name: str, value: str) -> None:
    """Only where one is asked for."""
    with pytest.raises(SettingsError, match="no picture can be written to '/nonexistent'"):
        check_variables({"TEXTUAL_SCREENSHOT": "1", name: value})
    check_variables({name: value})


def test_what_textual_passes_over_is_no_matter(tmp_path: Path) -> None:
    """Numbers that are none, and all that it can use."""
    driver = f"{HeadlessDriver.__module__}:{HeadlessDriver.__name__}"
    check_variables(
        {
            "TEXTUAL_DRIVER": driver,
            "TEXTUAL_COLOR_SYSTEM": "256",
            "TEXTUAL_FPS": "x",
            "TEXTUAL_LOG": str(tmp_path / "log"),
            "TEXTUAL_SCREENSHOT": "x",
            "TEXTUAL_ANIMATIONS": "x",
            "TEXTUAL_SLOW_THRESHOLD": "x",
            "TEXTUAL_THEME": "x",
        }
    )


def test_the_dashboard_does_not_begin_with_nonsense(capsys: pytest.CaptureFixture[str]) -> None:
    """Exit code 2, as for other settings that cannot be."""
    code = run_dashboard(FakeFeed(), Settings(), SystemClock(), {"TEXTUAL_DRIVER": "nonsense"})

    sentence = "gpumon: the variable TEXTUAL_DRIVER cannot be 'nonsense': no driver is there (MODULE:CLASS)\n"
    assert (2, ("", sentence)) == (code, tuple(capsys.readouterr()))
