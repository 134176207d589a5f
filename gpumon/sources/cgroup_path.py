"""Where the cgroups of a process are in the file system: v1, v2 and both at once, in namespaces too.

Formats: cgroups(7), cgroup_namespaces(7), proc_pid_mountinfo(5).
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass

from gpumon.model.measure import Maybe, Missing

_MOST_LEVELS = 64
_OCTAL = re.compile(r"\\([0-7]{3})")


@dataclass(frozen=True, slots=True)
class CgroupMount:
    """A mounted cgroup hierarchy. `root` is the cgroup that appears at `directory`.

    `controllers` are those of a v1 hierarchy; v2 has none here, it holds all that v1 does not.
    """

    version: int
    controllers: frozenset[str]
    root: str
    directory: str


def parse_mounts(data: bytes) -> tuple[CgroupMount, ...]:
    """Parse the cgroup mounts out of /proc/PID/mountinfo; lines that are not understood are left out."""
    mounts: list[CgroupMount] = []
    for line in data.decode("utf-8", "surrogateescape").split("\n"):
        left, separator, right = line.partition(" - ")
        fields, types = left.split(" "), right.split(" ")
        if not separator or len(fields) < 5 or len(types) < 3 or types[0] not in ("cgroup", "cgroup2"):
            continue
        version = 2 if types[0] == "cgroup2" else 1
        controllers = frozenset(types[2].split(",")) if version == 1 else frozenset[str]()
        mounts.append(CgroupMount(version, controllers, _unescape(fields[3]), _unescape(fields[4])))
    return tuple(mounts)


def _unescape(text: str) -> str:
    return _OCTAL.sub(lambda match: chr(int(match[1], 8)), text)


def parse_paths(data: bytes) -> dict[str, str]:
    """Parse /proc/PID/cgroup to the path in each controller's hierarchy; the key of v2 is ""."""
    paths: dict[str, str] = {}
    for line in data.decode("utf-8", "surrogateescape").split("\n"):
        parts = line.split(":", 2)
        if len(parts) == 3:
            for controller in parts[1].split(","):
                paths[controller] = parts[2].removesuffix(" (deleted)")
    return paths


def find_levels(
    controller: str, paths: dict[str, str], mounts: tuple[CgroupMount, ...]
) -> Maybe[tuple[int, str, tuple[str, ...]]]:
    """Return version, path, and the directories from the process's cgroup up to the root of the mount.

    Where the path does not exist under the mount (a container that sees the host's paths but only its
    own cgroups), its beginning is dropped until it does, as the JDK does it; a cgroup above what is
    mounted here, or outside gpumon's cgroup namespace ("/.."), is Missing.
    """
    version = 1 if controller in paths else 2
    path = paths.get(controller) if version == 1 else paths.get("")
    if path is None:
        return Missing("it is in no cgroup that has this controller")
    if ".." in path.split("/"):
        return Missing("its cgroup is outside the cgroup namespace gpumon runs in")
    fitting = [
        mount
        for mount in mounts
        if mount.version == version and (version == 2 or controller in mount.controllers)
    ]
    if not fitting:
        return Missing("its cgroup hierarchy is not mounted here")
    # The mount that shows most of the path first; of equal ones the newest, which hides the older.
    fitting.reverse()
    fitting.sort(key=lambda mount: len(mount.root) if _is_below(path, mount.root) else -1, reverse=True)
    for mount in fitting:
        levels = _levels(path, mount)
        if levels:
            return version, path, levels
    return Missing("its cgroup is not visible from here")


def _is_below(path: str, root: str) -> bool:
    return root in ("/", path) or path.startswith(root + "/")


def _levels(path: str, mount: CgroupMount) -> tuple[str, ...]:
    inner = path[len(mount.root) :] if mount.root != "/" and _is_below(path, mount.root) else path
    parts = [part for part in inner.split("/") if part][:_MOST_LEVELS]
    while not os.path.isdir("/".join((mount.directory, *parts))):  # noqa: PTH112 - joined as text above
        if not parts:
            return ()
        parts.pop(0)
    return tuple("/".join((mount.directory, *parts[:count])) for count in range(len(parts), -1, -1))
