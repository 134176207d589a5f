"""A picture of the screen as a file."""

from __future__ import annotations

import os
from datetime import datetime, timezone
from pathlib import Path

from gpumon.model.clock import Clock


def save_picture(svg: str, clock: Clock) -> str:
    """Write the picture into the current directory, where only its owner may read it; say what was done."""
    moment = datetime.fromtimestamp(clock.now().unix_seconds, tz=timezone.utc).astimezone()
    path = Path.cwd() / f"gpumon-{moment:%Y%m%d-%H%M%S}.svg"
    try:
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(svg)
    except OSError as error:
        return f"no picture: {path}: {error.strerror}"
    return f"saved {path}"
