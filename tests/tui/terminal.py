"""The dashboard as a real process in a pseudo-terminal."""

from __future__ import annotations

import fcntl
import os
import pty
import select
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Mapping
from pathlib import Path

_ROOT = Path(__file__).resolve().parents[2]
_PATIENCE_SECONDS = 30.0


class Terminal:
    """A pseudo-terminal in which `python -m MODULE` runs, and everything it wrote."""

    def __init__(
        self,
        *arguments: str,
        module: str = "tests.tui.live",
        columns: int = 80,
        rows: int = 24,
        environ: Mapping[str, str] | None = None,
    ) -> None:
        self.master, self.slave = pty.openpty()
        fcntl.ioctl(self.slave, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
        self.before = termios.tcgetattr(self.slave)
        self.output = b""
        base = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
        self.process = subprocess.Popen(
            [sys.executable, "-m", module, *arguments],
            stdin=self.slave,
            stdout=self.slave,
            stderr=self.slave,
            cwd=_ROOT,
            env={**base, "TERM": "xterm-256color", **(environ or {})},
            start_new_session=True,
            preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),  # noqa: PLW1509 (no threads here)
        )

    def read_until(self, text: str) -> None:
        """Read until the text was written. Raises AssertionError when it does not come."""
        deadline = time.monotonic() + _PATIENCE_SECONDS
        while text.encode() not in self.output:
            assert time.monotonic() < deadline, f"{text!r} was not written: {self.output[-2000:]!r}"
            self._read_some(0.2)

    def send(self, keys: str) -> None:
        """Type keys."""
        os.write(self.master, keys.encode())

    def wait(self) -> int:
        """Read to the end and return the exit status."""
        deadline = time.monotonic() + _PATIENCE_SECONDS
        while self.process.poll() is None:
            assert time.monotonic() < deadline, f"it does not end: {self.output[-500:]!r}"
            self._read_some(0.1)
        while self._read_some(0.0):
            pass
        return int(self.process.returncode)

    def wait_until_stopped(self) -> None:
        """Read until the process is stopped, as by SIGSTOP."""
        deadline = time.monotonic() + _PATIENCE_SECONDS
        stat = Path(f"/proc/{self.process.pid}/stat")
        while stat.read_text(encoding="utf-8").rpartition(") ")[2][0] != "T":
            assert time.monotonic() < deadline, "it does not stop"
            self._read_some(0.05)
        while self._read_some(0.0):
            pass

    def hang_up(self) -> None:
        """Close the terminal's other end, as a lost ssh connection does."""
        os.close(self.master)
        self.master = -1

    def is_restored(self) -> bool:
        """Tell whether screen, cursor, mouse, wrapping, pasting and the line discipline are as before."""
        pairs = (
            (b"\x1b[?1049h", b"\x1b[?1049l"),
            (b"\x1b[?25l", b"\x1b[?25h"),
            (b"\x1b[?1003h", b"\x1b[?1003l"),
            (b"\x1b[?2004h", b"\x1b[?2004l"),
            (b"\x1b[?7l", b"\x1b[?7h"),
            (b"\x1b[?1004h", b"\x1b[?1004l"),
        )
        undone = all(self.output.rfind(undo) > self.output.rfind(do) >= 0 for do, undo in pairs)
        return undone and termios.tcgetattr(self.slave) == self.before

    def close(self) -> None:
        """End the process, if it still runs, and close the terminal."""
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        for descriptor in (self.master, self.slave):
            if descriptor >= 0:
                os.close(descriptor)

    def _read_some(self, seconds: float) -> bool:
        if self.master < 0:
            time.sleep(seconds)
            return False
        ready, _, _ = select.select([self.master], [], [], seconds)
        if not ready:
            return False
        self.output += os.read(self.master, 65536)
        return True
