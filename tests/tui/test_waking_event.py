"""An event that wakes up who polls."""

from __future__ import annotations

import select
from collections.abc import Iterator

import pytest

from gpumon.tui.waking_event import WakingEvent


@pytest.fixture
def event() -> Iterator[WakingEvent]:
    """An event that is given back."""
    made = WakingEvent()
    yield made
    made.close()


def _is_readable(event: WakingEvent) -> bool:
    poll = select.poll()
    poll.register(event, select.POLLIN)
    return bool(poll.poll(0))


def test_who_polls_sees_that_it_is_set(event: WakingEvent) -> None:
    """The descriptor is readable from `set` to `clear`, however often it was set."""
    seen = [_is_readable(event)]
    event.set()
    event.set()
    seen.append(_is_readable(event))
    event.clear()
    seen.append(_is_readable(event))
    assert [False, True, False] == seen


def test_a_closed_one_is_still_an_event(event: WakingEvent) -> None:
    """After its descriptor was given back it is set and cleared as any, and touches no descriptor."""
    event.close()
    event.set()
    assert event.is_set()
    event.clear()
    assert not event.is_set()
    assert event.fileno() == -1
