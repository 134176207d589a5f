"""Numbers for people: fixed widths, so that nothing jumps when they change."""

from __future__ import annotations

from math import isfinite, log10

NOT_KNOWN = "–"
_BYTE_UNITS = ("B", "kB", "MB", "GB", "TB", "PB")
_MINUTE, _HOUR, _DAY = 60, 3600, 86400


def percent(ratio: float | None, width: int = 5) -> str:
    """Return `58 %`, right-aligned in `width` cells (five hold `100 %`)."""
    if ratio is None or not isfinite(ratio):
        return f"{NOT_KNOWN} %".rjust(width)
    return f"{ratio * 100:.0f} %".rjust(width)


def bytes_text(value: float | None, width: int = 0) -> str:
    """Return `6.8 GB` (decimal units, as YOLOv5's own log counts): one decimal from GB on and below ten."""
    if value is None or not isfinite(value):
        return NOT_KNOWN.rjust(width)
    amount, unit = float(value), 0
    # 999.95 kB would round up to 1000 kB.
    while abs(amount) >= 999.5 and unit < len(_BYTE_UNITS) - 1:
        amount /= 1000
        unit += 1
    decimals = 1 if unit and (unit >= 3 or abs(amount) < 9.95) else 0
    return f"{amount:.{decimals}f} {_BYTE_UNITS[unit]}".rjust(width)


def bytes_of(used: float | None, total: float | None) -> str:
    """Return `6.8 of 12.0 GB`: both in the unit of the total."""
    if total is None or not isfinite(total) or used is None:
        return f"{bytes_text(used)} of {bytes_text(total)}"
    whole = bytes_text(total)
    unit = _BYTE_UNITS.index(whole.split(" ")[1])
    decimals = 1 if "." in whole else 0
    digits = len(whole.split(" ")[0])
    return f"{f'{used / 1000**unit:.{decimals}f}'.rjust(digits)} of {whole}"


def rate_text(value: float | None, width: int = 0) -> str:
    """Return `41 MB/s`."""
    if value is None:
        return NOT_KNOWN.rjust(width)
    return (bytes_text(value) + "/s").rjust(width)


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
    """Return a round span: `30s`, `5m`, `90s`, `2h`, `1d`."""
    whole = round(seconds)
    for unit, name in ((_DAY, "d"), (_HOUR, "h"), (_MINUTE, "m")):
        if whole >= unit and whole % unit == 0:
            return f"{whole // unit}{name}"
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
