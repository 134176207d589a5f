"""Attaching to processes that start, fork, exec, crash and exit at random."""

from __future__ import annotations

import random
from collections import Counter

from tests.remote_python.interpreters import installed
from tests.remote_python.rounds import open_files, play_round

ROUNDS = 200


def test_processes_that_come_and_go_are_no_trouble() -> None:
    """In a few hundred rounds nothing raises, no file stays open, and every stamp is of the right program."""
    chance, tally, every = random.Random(1), Counter[str](), installed()  # noqa: S311 - no secret
    before = open_files()
    for number in range(ROUNDS):
        play_round(every[number % len(every)], chance, tally)

    assert before == open_files()
    assert tally["attached"] > ROUNDS // 4
    assert tally["stamps"] > ROUNDS // 4
