"""A soak: `python -m tests.soak [--days 7] [--minutes 40] [--keys 100000] [--resume FILE]`.

The real monitor, history, diagnosis, advice, recording, database of runs and dashboard (without a terminal)
live through simulated days on an injected clock: trainings come and go, a GPU is lost, the driver is
reloaded, its library raises, /proc cannot be read, the disk of the recording is full, clocks jump, the
terminal changes its size, and keys are pressed at random. Printed is a line for each day and what is not as
it has to be; the exit status tells that too. With --resume what was done is kept in FILE, and a soak that
FILE holds is taken up: its days go on in a new process, at the second at which the last one ended.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
import tempfile
import tracemalloc
from pathlib import Path

# Where programs keep what they remember (the XDG base directories).
_OWN_FOLDERS = ("HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_STATE_HOME", "XDG_CACHE_HOME")


def main(arguments: list[str] | None = None) -> int:
    """Run it."""
    options = _parser().parse_args(arguments)
    resumed: Path | None = options.resume and options.resume.absolute()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        # Whatever a key makes is made here: files, the choices that are remembered, the database of runs.
        os.environ.update(
            dict.fromkeys(
                ("HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_STATE_HOME", "XDG_CACHE_HOME"), name
            )
        )
        os.chdir(folder)
        try:
            return _soak(options, folder, resumed)
        finally:
            os.chdir("/")


def _soak(options: argparse.Namespace, folder: Path, resumed: Path | None) -> int:
    # After the environment is set.
    from tests.soak.ledger import HEAD, Ledger, row, summary
    from tests.soak.sizes import SizesLog
    from tests.soak.soak import Goal, Soak

    if resumed is not None and resumed.exists():
        ledger = Ledger.load(resumed)
    else:
        keys = options.keys / options.days
        ledger = Ledger(options.seed, options.day_seconds, options.interval, keys)
    if options.trace_memory:
        tracemalloc.start()
    soak = Soak(ledger, folder)
    until = options.days * ledger.day_seconds
    tell = SizesLog(sys.stderr) if options.sizes else lambda _: None
    asyncio.run(soak.run(Goal(until, options.minutes * 60.0, resumed, tell)))
    if resumed is not None:
        ledger.save(resumed)
    print(HEAD)
    for end in ledger.day_ends():
        print(row(end))
    print(summary(ledger))
    for text in ledger.defect_texts:
        print(f"\n{text}", file=sys.stderr)
    return 1 if ledger.complaints() else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--days", type=float, default=7.0, help="simulated days, those before --resume too")
    parser.add_argument("--minutes", type=float, default=40.0, help="real minutes of this process, at most")
    parser.add_argument("--keys", type=int, default=100_000, help="keys pressed in all days together")
    parser.add_argument("--interval", type=float, default=2.0, help="simulated seconds between two samples")
    parser.add_argument("--day-seconds", type=float, default=86_400.0, help="length of a simulated day")
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--resume", type=Path, default=None, metavar="FILE")
    parser.add_argument("--trace-memory", action="store_true", help="count Python's memory too (slower)")
    parser.add_argument("--sizes", action="store_true", help="tell what has grown since the second day")
    return parser


if __name__ == "__main__":
    sys.exit(main())
