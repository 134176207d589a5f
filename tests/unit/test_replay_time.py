"""Moments as a person writes them."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gpumon.model.clock import Instant
from gpumon.monitor.replay_time import ReplayTimeError, moment_of
from tests.unit.recorded import Recorded
from tests.unit.synthetic_training import STARVED

# From 23:59:00 local time on, for three minutes; the machine slept for an hour after the first of them.
_BEGIN = datetime(2026, 11, 25, 23, 59, tzinfo=timezone.utc).astimezone().replace(tzinfo=None)
_UNIX = _BEGIN.replace(hour=23, minute=59).astimezone().timestamp()
_SLEPT = 3600.0
_SAMPLES = tuple(
    replace(sample, instant=Instant(_UNIX + index + 0.25 + (_SLEPT if index >= 60 else 0.0), 1000.0 + index))
    for index, sample in enumerate(replace(STARVED, seconds=180).samples())
)
_RECORDED = Recorded(_SAMPLES)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("+0", 1000.0),
        ("+12", 1012.0),
        ("+12.5s", 1012.5),
        ("+1m30s", 1090.0),
        ("-0", 1179.0),
        ("-2m", 1059.0),
        ("23:59:00", 1000.0),
        ("23:59:30", 1029.0),
        ("23:59:31", 1030.0),
        ("00:30", 1059.0),
        ("01:00:30", 1089.0),
        ("1:01", 1119.0),
    ],
)
def test_moments_that_can_be_written(text: str, seconds: float) -> None:
    """Distances from both ends, and times of day, also after midnight and after a suspension."""
    assert seconds == moment_of(text, _RECORDED)


def test_a_date_with_and_without_a_zone() -> None:
    """Without a zone it is local time."""
    local = datetime.fromtimestamp(_UNIX + 20, tz=timezone.utc).astimezone()
    utc = local.astimezone(timezone.utc)

    assert 1019.0 == moment_of(f"{local:%Y-%m-%dT%H:%M:%S}", _RECORDED)
    assert 1019.0 == moment_of(f"{local:%Y-%m-%d %H:%M:%S}", _RECORDED)
    assert 1019.0 == moment_of(f"{utc:%Y-%m-%dT%H:%M:%S}Z", _RECORDED)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "noon",
        "25:00",
        "12:60",
        "+",
        "+3x",
        "-9h",
        "+180",
        "22:00",
        "2026-13-01",
        "+1m2m3m4m5m",
        "9" * 400,
    ],
)
def test_what_is_no_moment_of_the_recording_is_refused(text: str) -> None:
    """One sentence says why."""
    with pytest.raises(ReplayTimeError, match=r"is no time: write|lies outside the recording"):
        moment_of(text, _RECORDED)


@given(st.text(max_size=30))
def test_no_text_breaks_it(text: str) -> None:
    """Whatever is written, it is a moment within the recording, or it is refused."""
    try:
        seconds = moment_of(text, _RECORDED)
    except ReplayTimeError:
        return

    assert _RECORDED.first_seconds <= seconds <= _RECORDED.last_seconds
