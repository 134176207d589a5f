"""What is told again in the same words is kept once."""

from __future__ import annotations

from copy import deepcopy
from dataclasses import dataclass
from math import copysign
from typing import Any

from gpumon.recording.backlog import BacklogKeeper
from gpumon.recording.sharing import shared
from tests.recording.scene import ReportFeed, report_at


@dataclass(frozen=True)
class _Word:
    text: str
    number: float = 1.5
    inner: _Word | None = None
    more: tuple[_Word, ...] = ()


def _text(of: str) -> str:
    """Return a text that is no other's object."""
    return "".join(list(of))


def test_what_is_wholly_equal_is_the_earlier_one() -> None:
    """Also where it was made anew."""
    old = (_Word(_text("it waits"), more=(_Word(_text("for data")),)),)
    new = (_Word(_text("it waits"), more=(_Word(_text("for data")),)),)

    assert new[0] is not old[0]
    assert shared(new, old) is old


def test_of_what_differs_the_equal_parts_are_shared() -> None:
    """A number changes each second, and the sentence beside it does not."""
    old = _Word(_text("it waits"), 0.5, _Word(_text("for data")))
    new = _Word(_text("it waits"), 0.25, _Word(_text("for data")))

    found = shared(new, old)
    assert new == found
    assert found.text is old.text
    assert found.inner is old.inner


def test_what_became_more_or_less_keeps_its_length() -> None:
    """A finding comes or goes."""
    one, two = (_Word(_text("a")),), (_Word(_text("a")), _Word(_text("b")))

    for new, old in ((one, two), (two, one), ((), two), (one, ())):
        found = shared(new, old)
        assert new == found
        assert all(item is there for item, there in zip(found, old, strict=False))


def test_values_that_are_equal_but_not_the_same_stay_what_they_are() -> None:
    """A recording writes 1 and 1.0, 0.0 and -0.0 in different ways."""
    pairs: tuple[tuple[Any, Any], ...] = ((1, 1.0), (True, 1), (-0.0, 0.0), (0.0, -0.0))
    for new, old in pairs:
        (found,) = shared((new,), (old,))
        assert type(new) is type(found)
        assert copysign(1, new) == copysign(1, found)


def test_equal_words_of_two_samples_are_kept_once() -> None:
    """The keeper of the hour has hundreds of reports, which say the same for minutes."""
    feed = ReportFeed()
    feed.show(report_at(0))
    keeper = BacklogKeeper(feed)
    newest = deepcopy(report_at(1))
    feed.show(newest)

    (_, before), (_, after) = keeper._told
    assert (newest.attachment, newest.trainings) == after
    assert newest.trainings[0] is not before[1][0]
    assert after[1][0] is before[1][0]
