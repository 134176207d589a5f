"""Numbers for people."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gpumon.paint.numbers import (
    bytes_of,
    bytes_text,
    duration,
    hertz,
    percent,
    quantity,
    rate_text,
    span_text,
    whole,
)

GIB = 1024**3
NUMBERS = st.none() | st.floats(allow_nan=True, allow_infinity=True)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "–"),
        (0, "0 B"),
        (1023, "1023 B"),
        (1024**2 - 1, "1.0 MiB"),
        (58 * 1024**2, "58 MiB"),
        (12 * GIB, "12.0 GiB"),
        (6.84 * GIB, "6.8 GiB"),
        (1.5 * 1024 * GIB, "1.5 TiB"),
    ],
)
def test_memory_is_binary(value: float | None, text: str) -> None:
    """Memory is counted as nvidia-smi counts it."""
    assert text == bytes_text(value)


@pytest.mark.parametrize(
    ("value", "text"), [(None, "–"), (41e6, "41 MB/s"), (999_600, "1.0 MB/s"), (2.5e9, "2.5 GB/s")]
)
def test_rates_are_decimal(value: float | None, text: str) -> None:
    """Rates are counted as disks count."""
    assert text == rate_text(value)


def test_both_numbers_have_the_unit_of_the_total() -> None:
    """A used amount below one unit of the total is not given in a unit of its own."""
    assert " 0.5 of 12.0 GiB" == bytes_of(GIB / 2, 12 * GIB)
    assert "– of 12.0 GiB" == bytes_of(None, 12 * GIB)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (None, "–"),
        (-1, "–"),
        (43.4, "43s"),
        (59.6, "1m00s"),
        (725, "12m05s"),
        (31_260, "8h41m"),
        (3 * 86400 + 7200, "3d02h"),
    ],
)
def test_durations(seconds: float | None, text: str) -> None:
    """A duration has its two largest units."""
    assert text == duration(seconds)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (30, "30s"),
        (90, "90s"),
        (270, "4m30s"),
        (300, "5m"),
        (5400, "90m"),
        (7200, "2h"),
        (9000, "2h30m"),
        (86400, "1d"),
    ],
)
def test_spans(seconds: float, text: str) -> None:
    """A round span has one unit, or two where one would be a number to be reckoned with."""
    assert text == span_text(seconds)


@pytest.mark.parametrize(
    ("value", "text"), [(148.2, "148"), (90.13, "90.1"), (6.414, "6.41"), (0.05, "0.05"), (0, "0")]
)
def test_quantities_have_three_digits(value: float, text: str) -> None:
    """A number has about three significant digits."""
    assert text == quantity(value)


def test_clocks_and_whole_numbers() -> None:
    """Clocks are in GHz from one on; whole numbers carry their unit."""
    assert "1.78 GHz" == hertz(1.777e9)
    assert "405 MHz" == hertz(405e6)
    assert "61 °C" == whole(61.2, "°C")


@given(NUMBERS)
def test_any_number_is_one_printable_text(value: float | None) -> None:
    """Not a number, infinite and missing are a dash; nothing raises."""
    texts = (
        percent(value),
        bytes_text(value),
        rate_text(value),
        bytes_of(value, value),
        duration(value),
        quantity(value),
        hertz(value),
        whole(value, "W"),
    )
    assert all(text.isprintable() and text for text in texts)


@given(st.floats(0, 1))
def test_shares_have_a_fixed_width(ratio: float) -> None:
    """Every share takes five cells, so that nothing beside it moves."""
    assert 5 == len(percent(ratio))
