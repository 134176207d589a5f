"""Bytes that the machine receives over its networks, from /proc/net/dev."""

from __future__ import annotations

from gpumon.model.clock import Instant
from gpumon.model.measure import Maybe, Missing
from gpumon.sources.proc_file import KeptFile

_SIZE_LIMIT = 256 * 1024


def parse_received(data: bytes) -> Maybe[int]:
    """Parse /proc/net/dev to the bytes received since boot (proc_net(5)). The loopback is no network."""
    total, found = 0, False
    for line in data.split(b"\n"):
        name, colon, rest = line.partition(b":")
        words = rest.split()
        if colon and name.strip() != b"lo" and words and words[0].isdigit() and len(words[0]) <= 20:
            total, found = total + int(words[0]), True
    return total if found else Missing("there is no network but the loopback")


class NetworkSource:
    """The rate of bytes received since the last reading, from one kept descriptor."""

    def __init__(self, proc_root: str = "/proc") -> None:
        self._file = KeptFile(f"{proc_root}/net/dev", _SIZE_LIMIT)
        self._previous: tuple[float, int] | None = None

    def read(self, now: Instant) -> Maybe[float]:
        """Return bytes per second, or why they cannot be told."""
        data = self._file.read()
        received = data if isinstance(data, Missing) else parse_received(data)
        if isinstance(received, Missing):
            return received
        previous, self._previous = self._previous, (now.monotonic_seconds, received)
        if previous is None:
            return Missing("needs two readings")
        seconds = now.monotonic_seconds - previous[0]
        if seconds <= 0:
            return Missing("no time has passed since the last reading")
        # A network that was taken away takes its count with it: a step back counts as zero.
        return max(0, received - previous[1]) / seconds

    def close(self) -> None:
        """Give the descriptor back."""
        self._file.close()
