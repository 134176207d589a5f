"""Ten thousand processes that come and go: python -m tests.remote_python.stress [ROUNDS [SEED]]."""

from __future__ import annotations

import random
import sys
import time
from collections import Counter

from tests.remote_python.interpreters import installed
from tests.remote_python.rounds import open_files, play_round, resident_bytes

ROUNDS = 10_000


def main(rounds: int, seed: int) -> None:
    """Play the rounds and print what happened. Stops at the first number from a wrong process."""
    chance, tally, every = random.Random(seed), Counter[str](), installed()  # noqa: S311 - no secret
    for number in range(min(100, rounds)):
        play_round(every[number % len(every)], chance, tally)
    files, resident, started = open_files(), resident_bytes(), time.monotonic()
    longest = 0.0
    for number in range(rounds):
        begun = time.monotonic()
        play_round(every[number % len(every)], chance, tally)
        longest = max(longest, time.monotonic() - begun)
    names = ", ".join(map(str, every))
    print(f"{rounds} rounds with {names} in {time.monotonic() - started:.0f} s, seed {seed}")
    for name, count in tally.most_common():
        print(f"  {count:8} {name}")
    print(f"  longest round    {longest:.2f} s")
    print(f"  open files       {files} -> {open_files()}")
    print(f"  resident memory  {resident / 2**20:.1f} MiB -> {resident_bytes() / 2**20:.1f} MiB")


if __name__ == "__main__":
    given = [int(word) for word in sys.argv[1:3]]
    main(*given, *(ROUNDS, 1)[len(given) :])
