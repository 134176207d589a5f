"""Why the interpreter of a process cannot be read."""

from __future__ import annotations


class RemotePythonError(Exception):
    """A process whose Python cannot be read. `reason` is a short sentence a user understands."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class NoPermission(RemotePythonError):  # noqa: N818 - named after what is the case
    """The kernel does not let this process read the memory of that one."""


class Gone(RemotePythonError):  # noqa: N818 - named after what is the case
    """The process has ended, or runs another program now."""


class NotPython(RemotePythonError):  # noqa: N818 - named after what is the case
    """No CPython was found in the process."""


class NotRunning(RemotePythonError):  # noqa: N818 - named after what is the case
    """The interpreter is there but runs no Python code: it is starting or ending. A later try may succeed."""


class VersionUnknown(RemotePythonError):  # noqa: N818 - named after what is the case
    """A CPython version without a table of offsets."""


class LayoutUnknown(RemotePythonError):  # noqa: N818 - named after what is the case
    """An interpreter of a known version whose memory looks different from the tables."""
