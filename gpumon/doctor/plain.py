"""An examination for a person: the verdict, what helps, then every check by its tier."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from gpumon.doctor.check import Check, Remedy, State, Tier
from gpumon.doctor.examine import Examination, Health
from gpumon.paint.row import Row, Span, text_width
from gpumon.paint.wrap import wrap

_HEADS = {Health.OK: "HEALTHY", Health.LIMITED: "LIMITED", Health.NOTHING: "NOTHING TO READ"}
_STATE_CELLS = 9
_TITLE_CELLS = 18
# Below this many cells the second column is not worth its place.
_NARROW = 60
_TIERS = {Tier.GPU: "GPU", Tier.CGROUP: "cgroup"}


@dataclass(frozen=True, slots=True)
class _Line:
    """Checks that say the same, as one line."""

    titles: tuple[str, ...]
    check: Check
    number: int | None


@dataclass(frozen=True, slots=True)
class _Help:
    """Remedies that serve one or more checks, under a number."""

    number: int
    checks: tuple[Check, ...]
    remedies: tuple[Remedy, ...]


def rows(examination: Examination, width: int) -> list[Row]:
    """Return the rows of an examination, each of at most `width` cells but for commands, which stay whole.

    The roles are "ok", "note", "limited", "missing", "head" and "command".
    """
    found: list[Row] = []
    role = {Health.OK: "ok", Health.LIMITED: "limited", Health.NOTHING: "missing"}[examination.health]
    verdict = (Span(_HEADS[examination.health], role), Span(f"  {examination.text}"))
    found += wrap(verdict, width, indent=2)
    for note in examination.notes:
        found += wrap((Span(f"  {note}"),), width, indent=2)
    helps = _helps(examination.checks)
    needed = [each for each in helps if any(check.is_short for check in each.checks)]
    possible = [each for each in helps if each not in needed]
    found += _section("What helps", needed, width)
    numbers = {each.remedies: each.number for each in helps}
    heading = None
    # One refusal needs no table: the verdict has said it.
    lines = () if examination.health is Health.NOTHING else _lines(examination.checks, numbers)
    for line in lines:
        here = _heading(line.check, is_alone=len(examination.pids) < 2)
        if here != heading:
            heading = here
            found += [(), (Span(here, "head"),)]
        found += _line_rows(line, width)
    found += _section("Not needed, but possible", possible, width)
    return found


def _helps(checks: Sequence[Check]) -> list[_Help]:
    """Return the remedies, each set once: what falls short first, in the order of the checks."""
    groups: dict[tuple[Remedy, ...], list[Check]] = {}
    for check in sorted(checks, key=lambda check: not check.is_short):
        if check.remedies and check.state is not State.OK:
            groups.setdefault(check.remedies, []).append(check)
    return [
        _Help(number, tuple(of), remedies) for number, (remedies, of) in enumerate(groups.items(), start=1)
    ]


def _section(title: str, helps: Sequence[_Help], width: int) -> Iterator[Row]:
    if not helps:
        return
    yield ()
    yield (Span(title, "head"),)
    for each in helps:
        names = dict.fromkeys(check.title for check in each.checks)
        subjects = dict.fromkeys(check.subject for check in each.checks if check.subject)
        of = f" ({', '.join(subjects)})" if subjects else ""
        number = f"  {each.number}".ljust(5)
        yield from wrap((Span(number, "head"), Span(f"{', '.join(names)}{of}")), width, indent=5)
        for place, remedy in enumerate(each.remedies):
            word = "or " if place else ""
            yield from wrap(
                (Span(f"     {word}{remedy.text}{':' if remedy.command else ''}"),), width, indent=7
            )
            if remedy.command:
                # A command is copied whole: the terminal may break it, gpumon does not.
                yield (Span("       "), Span(remedy.command, "command"))


def _lines(checks: Sequence[Check], numbers: dict[tuple[Remedy, ...], int]) -> Iterator[_Line]:
    """Yield the checks of one heading after the other; those that say the same become one line."""
    merged: dict[tuple[object, ...], list[Check]] = {}
    order = list(dict.fromkeys(map(_heading, checks)))
    for check in sorted(checks, key=lambda check: order.index(_heading(check))):
        # What was read is said in its own line, unless it is only that it was.
        alone = check.title if check.state is State.OK and check.text else ""
        key = (_heading(check), check.state, check.text, check.remedies, alone)
        merged.setdefault(key, []).append(check)
    for of in merged.values():
        first = of[0]
        number = numbers.get(first.remedies) if first.state is not State.OK else None
        yield _Line(tuple(dict.fromkeys(check.title for check in of)), first, number)


def _heading(check: Check, *, is_alone: bool = False) -> str:
    """Return the heading a check stands under: its tier, and of what, unless there is only one process."""
    tier = _TIERS.get(check.tier, check.tier.value.capitalize())
    if check.tier in (Tier.GPU, Tier.PROCESS):
        return check.subject[:1].upper() + check.subject[1:] if check.subject else tier
    return f"{tier} of {check.subject}" if check.subject and not is_alone else tier


def _broken(text: str, room: int) -> str:
    """Return the text with blanks in words that no row could hold, as paths: nothing of them is lost."""
    room = max(room, 8)
    pieces: list[str] = []
    for word in text.split(" "):
        pieces += [word[at : at + room] for at in range(0, len(word), room)] or [""]
    return " ".join(pieces)


def _line_rows(line: _Line, width: int) -> Iterator[Row]:
    check = line.check
    state = Span(f"  {check.state.value}".ljust(_STATE_CELLS + 1), check.state.value)
    titles = ", ".join(line.titles)
    text = check.text
    if line.number is not None:
        text = f"{text}\N{NO-BREAK SPACE}[{line.number}]" if text else f"[{line.number}]"
    indent = _STATE_CELLS + 1
    if not text:
        yield from wrap((state, Span(titles)), width, indent=indent)
        return
    if text_width(titles) < _TITLE_CELLS and width >= _NARROW:
        # Two columns while the title fits into the first.
        head = titles + " " * (_TITLE_CELLS - text_width(titles))
        left = indent + _TITLE_CELLS
        yield from wrap((state, Span(head), Span(_broken(text, width - left))), width, indent=left)
        return
    said = Span(_broken(f"{titles}: {text}", width - indent - 2))
    yield from wrap((state, said), width, indent=indent + 2)
