"""A picture of the screen as a file."""

from __future__ import annotations

import os
from datetime import datetime, timezone
from pathlib import Path

from gpumon.model.clock import Clock

# A key that is held down repeats some thirty times a second.
_MOST_A_SECOND = 9


def save_picture(svg: str, clock: Clock) -> str:
    """Write the picture into the current directory, where only its owner may read it; say what was done."""
    moment = datetime.fromtimestamp(clock.now().unix_seconds, tz=timezone.utc).astimezone()
    name = f"gpumon-{moment:%Y%m%d-%H%M%S}"
    try:
        folder = Path.cwd()
    except OSError:
        return "no picture: the directory that gpumon was started in is gone"
    for suffix in ("", *(f"-{number}" for number in range(2, _MOST_A_SECOND + 1))):
        path = folder / f"{name}{suffix}.svg"
        try:
            descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            # Whatever the locale: an SVG is UTF-8 unless it says otherwise.
            with os.fdopen(descriptor, "w", encoding="utf-8") as file:
                file.write(svg)
        except FileExistsError:
            continue
        except OSError as error:
            return f"no picture: {path}: {error.strerror}"
        return f"saved {path}"
    return f"no picture: there are {_MOST_A_SECOND} of this second already"
