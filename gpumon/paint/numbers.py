"""Numbers for people: fixed widths, so that nothing jumps when they change."""

from __future__ import annotations

from math import isfinite, log10

NOT_KNOWN = "–"
_DECIMAL_UNITS = ("B", "kB", "MB", "GB", "TB", "PB")
_BINARY_UNITS = ("B", "KiB", "MiB", "GiB", "TiB", "PiB")
_GIGA = 3
_MINUTE, _HOUR, _DAY = 60, 3600, 86400


def percent(ratio: float | None, width: int = 5) -> str:
    """Return `58 %`, right-aligned in `width` cells (five hold `100 %`)."""
    if ratio is None or not isfinite(ratio):
        return NOT_KNOWN.rjust(width)
    return f"{ratio * 100:.0f} %".rjust(width)


def bytes_text(value: float | None, width: int = 0) -> str:
    """Return an amount of memory, `6.8 GiB`: binary units, as nvidia-smi and the sizes on the box count."""
    return _scaled(value, 1024, _BINARY_UNITS).rjust(width)


def bytes_of(used: float | None, total: float | None) -> str:
    """Return `6.8 of 12.0 GiB`: both in the unit of the total, the first as wide as the second."""
    if total is None or not isfinite(total):
        return bytes_text(used)
    if used is None or not isfinite(used):
        return f"{NOT_KNOWN} of {bytes_text(total)}"
    whole, unit = bytes_text(total).split(" ")
    decimals = 1 if "." in whole else 0
    amount = f"{used / 1024 ** _BINARY_UNITS.index(unit):.{decimals}f}"
    return f"{amount.rjust(len(whole))} of {whole} {unit}"


def rate_text(value: float | None, width: int = 0) -> str:
    """Return a rate, `41 MB/s`: decimal units, as disks and networks count."""
    text = _scaled(value, 1000, _DECIMAL_UNITS)
    return (text if text == NOT_KNOWN else text + "/s").rjust(width)


def _scaled(value: float | None, base: int, units: tuple[str, ...]) -> str:
    """Return a number with its unit: one decimal from giga on and below ten."""
    if value is None or not isfinite(value):
        return NOT_KNOWN
    amount, unit = float(value), 0
    # Half below the next unit: what would be written as 1000 or 1024 goes up.
    while abs(amount) >= base - 0.5 and unit < len(units) - 1:
        amount /= base
        unit += 1
    decimals = 1 if unit and (unit >= _GIGA or abs(amount) < 9.95) else 0
    return f"{amount:.{decimals}f} {units[unit]}"


def duration(seconds: float | None, width: int = 0) -> str:
    """Return `43s`, `12m05s`, `8h41m` or `2d04h`."""
    if seconds is None or not isfinite(seconds) or seconds < 0:
        return NOT_KNOWN.rjust(width)
    whole = int(seconds + 0.5)
    if whole < _MINUTE:
        text = f"{whole}s"
    elif whole < _HOUR:
        text = f"{whole // _MINUTE}m{whole % _MINUTE:02d}s"
    elif whole < _DAY:
        text = f"{whole // _HOUR}h{whole % _HOUR // _MINUTE:02d}m"
    else:
        text = f"{whole // _DAY}d{whole % _DAY // _HOUR:02d}h"
    return text.rjust(width)


def span_text(seconds: float) -> str:
    """Return a round span: `30s`, `5m`, `90s`, `2m30s`, `2h`, `1d`."""
    whole = round(seconds)
    for unit, name in ((_DAY, "d"), (_HOUR, "h"), (_MINUTE, "m")):
        if whole >= unit and whole % unit == 0:
            return f"{whole // unit}{name}"
        if whole >= 2 * unit:
            return duration(whole)
    return f"{whole}s"


def quantity(value: float | None, width: int = 0) -> str:
    """Return a number with about three significant digits: `148`, `90.1`, `6.41`, `0.05`."""
    if value is None or not isfinite(value):
        return NOT_KNOWN.rjust(width)
    size = abs(value)
    decimals = 0 if size >= 99.95 or size == 0 else min(2, 2 - int(max(0.0, log10(size))))
    return f"{value:.{decimals}f}".rjust(width)


def hertz(value: float | None, width: int = 0) -> str:
    """Return `1.78 GHz` or `405 MHz`."""
    if value is None or not isfinite(value):
        return NOT_KNOWN.rjust(width)
    text = f"{value / 1e9:.2f} GHz" if value >= 999.5e6 else f"{value / 1e6:.0f} MHz"
    return text.rjust(width)


def whole(value: float | None, unit: str = "", width: int = 0) -> str:
    """Return a whole number with its unit: `61 °C`."""
    if value is None or not isfinite(value):
        return NOT_KNOWN.rjust(width)
    return (f"{value:.0f} {unit}" if unit else f"{value:.0f}").rjust(width)
