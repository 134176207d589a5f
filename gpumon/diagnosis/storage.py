"""What the workers read, from where, and what could keep it in memory."""

from __future__ import annotations

from dataclasses import dataclass

from gpumon.diagnosis.view import View
from gpumon.diagnosis.words import bytes_words, percent
from gpumon.history.stats import mean
from gpumon.model.host import DiskReading
from gpumon.model.measure import known, number
from gpumon.model.process import Role

# A disk busier than this is at least a part of what workers in state D wait for.
IDLE_DEVICE_RATIO = 0.10
# Workers that fetch a larger share than that of what they read do use a disk: with images in the page cache
# it is 0 %, measured past the cache 25 % (pages read many times) to 100 %.
_FETCHING_RATIO = 0.05
# Of the time in which anything waits for I/O, how much of it waits for pages that were thrown out before:
# measured 85 % where a data set exceeds the memory limit, 0 % where files are read past the cache.
THROWN_OUT_RATIO = 0.33
# Less pressure than that says nothing.
_LEAST_STALL = 0.01
# Only the newest seconds tell: nothing is thrown out before the cache is full.
_STALL_SAMPLES = 8
# Rows of processes that are looked through: of many workers fewer seconds.
_MOST_ROWS = 160
# YOLOv5's mosaic reads four images to make one.
_MOSAIC = 4


@dataclass(frozen=True, slots=True)
class Storage:
    """The reading of all workers over the steady samples; None where it is not known.

    `device` is the name of the busiest disk, `device_busy_ratio` how busy it is, and
    `device_read_bytes_per_second` what all disks read. `read_bytes_per_second` is what the workers caused to
    be fetched from storage, `fetched_ratio` its share of all that they read (pipes included), so the page
    cache had the rest. `memory_stall_ratio` and `io_stall_ratio` are pressure stall information of the newest
    seconds: the kernel counts a wait for a page that was in the cache and was thrown out as both.
    `cache_room_bytes` is what the page cache can take, `epoch_bytes` what an epoch reads at least.
    """

    device: str
    device_busy_ratio: float | None
    device_read_bytes_per_second: float | None
    read_bytes_per_second: float | None
    fetched_ratio: float | None
    memory_stall_ratio: float | None
    io_stall_ratio: float | None
    cache_room_bytes: float | None
    cache_is_limited: bool
    epoch_bytes: float | None

    @property
    def is_fetched(self) -> bool | None:
        """Whether the workers' files come from storage, not from the page cache; None where not known."""
        if self.fetched_ratio is not None:
            return self.fetched_ratio >= _FETCHING_RATIO
        return None

    @property
    def thrown_out_ratio(self) -> float | None:
        """The share of the time waiting for I/O that is time waiting for memory, too; None if not known."""
        memory, io = self.memory_stall_ratio, self.io_stall_ratio
        if memory is None or io is None:
            return None
        return min(1.0, memory / io) if io >= _LEAST_STALL else 0.0

    @property
    def is_thrown_out(self) -> bool:
        """Whether what is read from disk is what memory could not keep."""
        if self.thrown_out_ratio is not None and self.thrown_out_ratio >= THROWN_OUT_RATIO:
            return True
        room, epoch = self.cache_room_bytes, self.epoch_bytes
        return room is not None and epoch is not None and epoch > room


def storage_of(view: View) -> Storage:
    """Return what the workers read and from where."""
    return view.once(_storage)


def read_words(storage: Storage) -> str:
    """Return how busy the disk is and what it reads, as "vda is busy 97 % and reads 1.3 GiB/s"; or ""."""
    if storage.device_busy_ratio is None:
        return ""
    words = f"{storage.device} is busy {percent(storage.device_busy_ratio)}"
    if storage.device_read_bytes_per_second is not None:
        words += f" and reads {bytes_words(storage.device_read_bytes_per_second)}/s"
    return words


def _storage(view: View) -> Storage:
    disks = [found for sample, _ in view.steady if (found := known(sample.host.disks))]
    busiest = _busiest(disks)
    read, characters = _worker_reads(view)
    room, is_limited = _cache_room(view)
    stalls = _stalls(view)
    return Storage(
        device=busiest[0] if busiest else "",
        device_busy_ratio=busiest[1] if busiest else None,
        device_read_bytes_per_second=mean([_read(each) for each in disks]) if disks else None,
        read_bytes_per_second=read,
        fetched_ratio=min(1.0, read / characters) if read is not None and characters else None,
        memory_stall_ratio=stalls[0],
        io_stall_ratio=stalls[1],
        cache_room_bytes=room,
        cache_is_limited=is_limited,
        epoch_bytes=_epoch_bytes(view),
    )


def _read(disks: tuple[DiskReading, ...]) -> float:
    return sum([disk.disk_read_bytes_per_second for disk in disks])


def _busiest(disks: list[tuple[DiskReading, ...]]) -> tuple[str, float] | None:
    totals: dict[str, float] = {}
    for each in disks:
        for disk in each:
            totals[disk.name] = totals.get(disk.name, 0.0) + disk.disk_busy_ratio
    if not totals:
        return None
    name = max(totals, key=lambda found: totals[found])
    return name, totals[name] / len(disks)


def _worker_reads(view: View) -> tuple[float | None, float | None]:
    """Return what all workers fetch from storage, and what they read at all, in bytes a second."""
    fetched: list[float] = []
    read: list[float] = []
    newest = max(1, _MOST_ROWS // max(1, len(view.reading.processes)))
    for _, reading in view.steady[-newest:]:
        rows = [process for process in reading.processes if process.role is Role.TRAIN_WORKER]
        from_storage = [number(row.read_bytes_per_second) for row in rows]
        characters = [number(row.read_characters_per_second) for row in rows]
        if rows and None not in from_storage:
            fetched.append(sum([value or 0.0 for value in from_storage]))
        if rows and None not in characters:
            read.append(sum([value or 0.0 for value in characters]))
    return (mean(fetched) if fetched else None), (mean(read) if read else None)


def _stalls(view: View) -> tuple[float | None, float | None]:
    """Return the shares of the newest seconds in which anything waits for memory and for I/O."""
    pairs = [
        (number(sample.host.pressure.memory_some_ratio), number(sample.host.pressure.io_some_ratio))
        for sample, _ in view.steady[-_STALL_SAMPLES:]
    ]
    known_pairs = [(memory, io) for memory, io in pairs if memory is not None and io is not None]
    if not known_pairs:
        return None, None
    return mean([memory for memory, _ in known_pairs]), mean([io for _, io in known_pairs])


def _cache_room(view: View) -> tuple[float | None, bool]:
    """Return what the page cache may take, and whether a limit of the training's cgroup says so.

    What is available on the host holds the cache of today; what its cgroup uses holds only pages in use.
    """
    memory, cgroup = known(view.sample.host.memory), known(view.reading.cgroup)
    room = None if memory is None else float(memory.memory_available_bytes)
    if cgroup is None:
        return room, False
    limit, used = number(known(cgroup.memory_limit_bytes)), number(cgroup.memory_used_bytes)
    if limit is None or used is None:
        return room, False
    inside = max(0.0, limit - used)
    return (inside, True) if room is None or inside < room else (room, False)


def _epoch_bytes(view: View) -> float | None:
    loader, training = view.reading.loader, view.reading.training
    batches, batch = number(view.reading.progress.batches), number(loader.batch_size)
    image = number(loader.image_read_bytes)
    if batches is None or batch is None or image is None:
        return None
    each = image / (_MOSAIC if training.framework in {"yolov5", "ultralytics"} else 1)
    return each * batches * batch * view.ranks
