"""Training bars of a log that leave nothing behind: those between two others of the same second."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

_ELAPSED = r"((?:\d{1,3}:)?\d\d:\d\d)"
# A training bar as tqdm draws it, with nothing but numbers in front and behind. Whatever matches is one to
# `parse_line`, too, with these numbers.
_PLAIN_BAR = re.compile(
    r"\s*(\d{1,7}/\d{1,7})\s+\d[\d.]*G(?:\s+\d+(?:\.\d+)?(?:e[+-]\d+)?){0,16}\s*:\s{0,4}\d{1,3}%"
    r"\|[^|]{0,400}\|\s{0,3}(\d{1,12})/(\d{1,12}) "
    rf"(?:\[{_ELAPSED}<[\d:?]{{1,12}}, {{0,3}}[\d.?]{{1,12}}(?:it/s|s/it)\]|{_ELAPSED})\s*"
)


def without_overtaken(lines: Iterable[str]) -> Iterator[str]:
    """Yield the lines that the state of a log depends on.

    It keeps the newest training bar, and of each second the first one. A quick training draws tens of bars
    a second. To parse one takes several times as long as to see that it lies between two others of its epoch
    and second, with no fewer batches done than the one before.
    """
    before: tuple[str, ...] = ()
    done_before = 0
    held: str | None = None
    for line in lines:
        match = _PLAIN_BAR.fullmatch(line)
        bar: tuple[str, ...] = ()
        done = 0
        if match is not None:
            epoch, number, total, elapsed, elapsed_alone = match.groups()
            bar, done = (epoch, total, elapsed or elapsed_alone), int(number)
        is_later = bool(bar) and bar == before and 0 < done_before <= done
        if held is not None and not is_later:
            yield held
        held = line if is_later else None
        if held is None:
            yield line
        before, done_before = bar, done
    if held is not None:
        yield held
