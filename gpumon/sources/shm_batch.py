"""The batches that a loader's workers hold in shared memory."""

from __future__ import annotations

import os
from collections.abc import Iterable

from gpumon.model.measure import Missing
from gpumon.sources.proc_file import read_link, read_names

# torch names its segments so, and unlinks them at once; with the strategy "file_system" no descriptor stays.
_SEGMENT = "/torch_"
_DELETED = " (deleted)"
_MOST_WORKERS = 4
_MOST_DESCRIPTORS = 512


def largest_segment_bytes(worker_pids: Iterable[int], proc_root: str = "/proc") -> int | None:
    """Return the size of the largest tensor that these workers hold in shared memory, None without any.

    Each tensor of a batch that was not taken yet is a file of its own: of images the largest one.
    """
    sizes: list[int] = []
    for pid in list(worker_pids)[:_MOST_WORKERS]:
        directory = f"{proc_root}/{pid}/fd"
        names = read_names(directory)
        if isinstance(names, Missing):
            continue
        for name in list(names)[:_MOST_DESCRIPTORS]:
            link = f"{directory}/{name}"
            target = read_link(link)
            if isinstance(target, Missing) or _SEGMENT not in target or not target.endswith(_DELETED):
                continue
            try:
                sizes.append(os.stat(link).st_size)  # noqa: PTH116 - hundreds of links at a time
            except OSError:
                continue  # the batch was taken meanwhile
    return max(sizes, default=None)
