"""Advice on `--cache`: keep the decoded images, where they fit and decoding or reading is the limit."""

from __future__ import annotations

from dataclasses import dataclass

from gpumon.advice.effects import LEAST_GAIN, SAME, rate_effect, speedup_effect
from gpumon.advice.host_memory import cache_ram_need_bytes
from gpumon.advice.image_size import resize_suggestions
from gpumon.advice.knobs.yolov5 import at_least
from gpumon.advice.lighter import DECODE, NOTHING, Heavy, heavy_of, images_of
from gpumon.advice.rates import cache_name
from gpumon.advice.restart import restart_warnings
from gpumon.advice.terms import Terms
from gpumon.advice.throughput import wait_after
from gpumon.diagnosis.storage import storage_of
from gpumon.diagnosis.view import View
from gpumon.diagnosis.words import bytes_words
from gpumon.history.stats import Interval
from gpumon.model.finding import Finding
from gpumon.model.measure import Missing, known
from gpumon.model.suggestion import Bound, Suggestion
from gpumon.model.training import Setting

_FRAMEWORKS = {"yolov5": "YOLOv5", "ultralytics": "ultralytics"}
# Full-size uncompressed .npy files beside the images: 10 to 20 times their size (YOLOv5's users).
_UNPACKED_LEAST, _UNPACKED_MOST = 10, 20
# All reading is saved once the images are in memory.
_ALL = Interval(1.0, 1.0, 1.0)


def cache_suggestions(view: View, findings: tuple[Finding, ...], terms: Terms) -> tuple[Suggestion, ...]:
    """Return the advice to cache images in memory, else why not and whether resizing them would do.

    Only where preparing images is the limit and more workers are no cure. A training whose GPU is the limit
    gets none: caching would bring it nothing. `--cache disk` is never advised, for what it brings runs from
    harm to a gain (YOLOv5 issue 11501, ultralytics issue 22426); what it would do is told beside.
    """
    framework, setting = view.reading.training.framework, known(view.reading.training.settings.cache)
    if framework not in _FRAMEWORKS or not isinstance(setting, Setting):
        return ()
    cached = cache_name(setting.value)
    heavy = heavy_of(view, findings, terms)
    if heavy is None or cached not in {None, "disk"}:
        return ()
    need = _need(view)
    if need is None:
        return resize_suggestions(view, heavy)
    # The files of --cache disk are decoded already: only reading them is saved.
    gain = heavy.gain(NOTHING if cached else DECODE, _ALL)
    if gain.low < LEAST_GAIN:
        return () if cached else resize_suggestions(view, heavy)
    room = _room(view)
    if room is not None and need.high <= room.bytes:
        return (_cached(view, heavy, terms, gain, need, room),)
    return (_too_large(view, heavy, gain, need, room), *(() if cached else resize_suggestions(view, heavy)))


@dataclass(frozen=True, slots=True)
class _Room:
    """Memory that is free, in bytes, and whether a limit of the training's cgroup says so."""

    bytes: float
    is_limited: bool

    @property
    def words(self) -> str:
        where = "its memory limit leaves" if self.is_limited else "this machine has"
        return f"{where} {bytes_words(self.bytes)}"


def _need(view: View) -> Interval | None:
    """Return what the decoded images of all ranks take, with YOLOv5's margin; None where not known."""
    images, size = images_of(view), view.setting("imgsz")
    if images is None or not isinstance(size, int) or size <= 0:
        return None
    version = known(view.reading.training.framework_version)
    shares = view.reading.training.framework == "yolov5" and version and at_least(version, "master")
    return cache_ram_need_bytes(images, size, 1 if shares else view.ranks)


def _room(view: View) -> _Room | None:
    memory, cgroup = known(view.sample.host.memory), known(view.reading.cgroup)
    free = None if memory is None else _Room(float(memory.memory_available_bytes), is_limited=False)
    limit = None if cgroup is None else known(cgroup.memory_limit_bytes)
    used = None if cgroup is None else known(cgroup.memory_used_bytes)
    if limit is None or used is None:
        return free
    inside = _Room(max(0.0, float(limit - used)), is_limited=True)
    return inside if free is None or inside.bytes < free.bytes else free


def _cached(  # noqa: PLR0917 - the parts of one suggestion, in its order
    view: View, heavy: Heavy, terms: Terms, gain: Interval, need: Interval, room: _Room
) -> Suggestion:
    setting = known(view.reading.training.settings.cache)
    wait = view.wait
    changes = {"cache": "ram"}
    saved = "reading and decoding them" if heavy.by_storage else "decoding them"
    return Suggestion(
        setting="cache",
        from_value=None if setting is None else setting.value,
        to_value="ram",
        text=(
            f"images kept in memory save the workers {saved} in every epoch: at most"
            f" {bytes_words(need.high)}, and {room.words}"
        ),
        finding=heavy.finding.id,
        bound=Bound.MEMORY,
        rests_on=_basis(view),
        speedup=speedup_effect(gain),
        images_per_second=rate_effect(view, gain),
        data_wait_ratio=wait if isinstance(wait, Missing) else wait_after(wait.value, gain),
        command=terms.rewrite(view.reading.training, changes),
        warnings=(*restart_warnings(view), *_warnings(view, room)),
        go_on=terms.go_on(view.reading, changes),
    )


def _too_large(view: View, heavy: Heavy, gain: Interval, need: Interval, room: _Room | None) -> Suggestion:
    setting = known(view.reading.training.settings.cache)
    now = None if setting is None else setting.value
    free = "how much memory is free is not known" if room is None else room.words
    text = (
        f"--cache ram would bring {gain.low:.2f} to {gain.high:.2f} times the rate, but the decoded images"
        f" take {bytes_words(need.low)} to {bytes_words(need.high)}, and {free}{_disk_words(view)}"
    )
    return Suggestion(
        setting="cache",
        from_value=now,
        to_value=now,
        text=text,
        finding=heavy.finding.id,
        bound=Bound.MEMORY,
        rests_on=_basis(view),
        speedup=speedup_effect(SAME),
        images_per_second=rate_effect(view, SAME),
        command=Missing("the decoded images may not fit into memory"),
    )


def _basis(view: View) -> str:
    images = images_of(view) or 0
    return (
        f"{images} images at most by the batches of an epoch, and 30 to 70 % of the workers' CPU time for"
        " decoding and resizing (published): an estimate"
    )


def _warnings(view: View, room: _Room) -> tuple[str, ...]:
    framework, version = view.reading.training.framework, known(view.reading.training.framework_version)
    name = _FRAMEWORKS[framework]
    found = ["the images of the validation are kept, too, and all of them are read once at the start"]
    if framework == "yolov5" and version and not at_least(version, "v7.0"):
        found.append(f"{name} {version} does not look whether they fit: it would be killed where they do not")
    elif room.is_limited:
        found.append(f"{name} looks at the memory of the machine, not at the limit of the container")
    return tuple(found)


def _disk_words(view: View) -> str:
    """Return what --cache disk would do, where the size of the files is known; else ""."""
    storage = storage_of(view)
    if not storage.epoch_bytes:
        return ""
    low, high = _UNPACKED_LEAST * storage.epoch_bytes, _UNPACKED_MOST * storage.epoch_bytes
    words = f"; --cache disk would write {bytes_words(low)} to {bytes_words(high)} beside the images"
    if storage.cache_room_bytes is not None and high <= storage.cache_room_bytes:
        return f"{words}, which the page cache could hold"
    return f"{words} and read them from the disk in every epoch"
