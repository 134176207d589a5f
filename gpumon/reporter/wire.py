"""The file in which a reporter tells its figures: layout, and nothing else. Both sides import this module.

One process writes by `mmap`, any may read. Little endian, every word aligned to its size: a header, then
`LOADERS` records of `LOADER_BYTES`, one for each DataLoader. The file has no name: it is unlinked as soon
as it is made, and a reader opens /proc/PID/fd/N, whose link still shows the name it had.

Single words change at any time and are whole. What belongs together is written twice in turn: the writer
fills copy `(turn + 1) % 2` and then stores `turn + 1`, so the copy `turn % 2` that a reader takes is whole
if `turn` is the same before and after, even where the writer was stopped or killed in the middle.
Times are nanoseconds of CLOCK_MONOTONIC.
"""

from __future__ import annotations

from struct import Struct

VARIABLE = "GPUMON_REPORTER"
"""The environment variable that `gpumon run` sets (to VERSION); without it a reporter does nothing."""

FILE_PREFIX = "gpumon-reporter-"
MAGIC = b"GPUMONRP"
VERSION = 1

LOADERS = 16
HEADER_BYTES = 512
LOADER_BYTES = 256
FILE_BYTES = HEADER_BYTES + LOADERS * LOADER_BYTES

WORD = Struct("<Q")

# Header: magic, version, number of loader records, PID in its own namespace, (unused), start time (field 22
# of /proc/PID/stat), when the file was made.
HEADER = Struct("<8sIIIIQQ")
HEARTBEAT = 64
"""When the reporter last had a look at slow things (at most once a second, while the loop runs)."""
HOOKS = 72
OPTIMIZER_STEPS = 80
SCALER_STEPS = 88
"""Calls of an enabled GradScaler's `step`."""
SCALER_SKIPS = 96
"""Those of them after which the optimizer had not stepped."""
FUSED_SCALER_STEPS = 104
"""Those of them whose optimizer decides on the GPU whether to step, so nobody knows without waiting."""

CUDA_SILENT = 112
"""1 where the allocator in use does not tell its figures."""

CUDA_TURN = 128
CUDA = Struct("<8Q")
"""Allocated, reserved, the highest seen of each, retries, OOMs, device, when it was read."""
CUDA_COPIES = 136

ERROR = 320
ERROR_BYTES = 160
"""UTF-8, padded with NULs: why the reporter has given up; empty while it works."""

# Bits of HOOKS: what is being watched.
HOOK_LOADER = 1
HOOK_OPTIMIZER = 2
HOOK_SCALER = 4

# A loader, from the start of its record.
SERIAL = 0
"""Counts the loaders from 1; 0 while the record is empty or changes hands."""
SETTINGS = Struct("<QIIII")
SETTINGS_AT = 8
"""Batches in a pass, workers, batch size, prefetch factor (each 0: unknown), LOADER_ bits."""
ENTERED = 40
"""When `next()` was last entered: it lasts still if this is later than when it was left."""
LOADER_OPTIMIZER_STEPS = 48
"""Optimizer steps that followed this loader's batches before another loader's came."""
TURN = 56
COUNTS = Struct("<8Q4I")
"""Batches, samples, ns inside `next()`, ns between batches, times between batches counted, when `next()` was
left, passes begun, batches of this pass; samples of the last batch, its height, its width, bytes of its
images (0: unknown)."""
COUNTS_AT = 64
LAST_STEPS = Struct("<QII")
LAST_STEPS_AT = 224
"""Of steps with which a pass ended and that had fewer samples than a batch, the first pass left out: ns
between their last two `next()`, how many there were, samples of the last. 0 where nobody counts them."""

LOADER_PINS = 1
LOADER_PERSISTENT = 2
LOADER_IN_BACKGROUND = 4
"""`next()` is called by another thread than the main one."""
