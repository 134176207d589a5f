"""The processes on a GPU: memory, kind, utilisation; with the traps of drivers and namespaces."""

from __future__ import annotations

from typing import NamedTuple

from gpumon.model.clock import Instant
from gpumon.model.gpu import GpuProcess
from gpumon.model.measure import Maybe, Missing
from gpumon.sources.nvml_calls import NvmlCalls
from gpumon.sources.nvml_pids import PidMap
from gpumon.sources.nvml_structs import ProcessBuffer
from gpumon.sources.nvml_utilization import ProcessUtilization

_UNAVAILABLE = Missing("the driver does not tell which process holds how much")
_WSL = Missing("WSL does not tell which process holds how much")
_ZERO = Missing("the driver reports 0 bytes, as some do in containers")
_TOO_MUCH = Missing("the driver reports more than the GPU has")
_SCRAMBLED = Missing("the driver's process list is scrambled (as with drivers 535.43 to 535.86)")
_NO_RECORD = Missing("the driver names other PIDs for utilisation than for memory")
_ELIMINATED = "utilisation matched by elimination: the driver gave another PID for it"


_Matched = dict[int, tuple["Maybe[float]", str]]


class Listed(NamedTuple):
    """The processes of a GPU, ordered by PID, and the PIDs of those that compute in each MIG device."""

    processes: Maybe[tuple[GpuProcess, ...]]
    pids: tuple[Maybe[tuple[int, ...]], ...] = ()


class _Entry(NamedTuple):
    pid: int
    used_bytes: int | None
    kind: str


class ProcessList:
    """Reads the compute and graphics processes of one GPU.

    `_v3` is asked first; where what it says cannot be (PID 0, more memory than the GPU has) `_v2` is
    asked, because drivers 535.43 to 535.86 wrote a longer struct under `_v3` and 535.98 had none.
    """

    def __init__(self, calls: NvmlCalls, pids: PidMap, *, is_wsl: bool) -> None:
        self._calls = calls
        self._pids = pids
        self._unavailable = _WSL if is_wsl else _UNAVAILABLE
        self._utilization = ProcessUtilization(calls)
        self._buffer = ProcessBuffer()
        self._distrusted: set[str] = set()

    def read(
        self,
        now: Instant,
        total_bytes: Maybe[int],
        busy_ratio: Maybe[float],
        instances: tuple[NvmlCalls, ...],
    ) -> Listed:
        """Return the processes; of each of `instances`, the MIG devices of a divided GPU, the PIDs too."""
        limit = total_bytes if isinstance(total_bytes, int) else None
        entries: list[_Entry] = []
        pids: tuple[Maybe[tuple[int, ...]], ...] = ()
        for kind in ("Compute", "Graphics"):
            parts = [self._list(instance, kind, limit) for instance in instances]
            if kind == "Compute":
                pids = tuple(self._pids_of(part, now) for part in parts)
            found = self._whole(parts, kind, limit)
            if isinstance(found, Missing):
                if kind == "Compute":
                    return Listed(found, pids)
                continue  # graphics alone: compute GPUs may not know them
            entries.extend(found)
        held = self._merge(entries, limit)
        if not held:
            return Listed((), pids)
        ratios = self._utilization.read(now, busy_ratio, mig=bool(instances))
        return Listed(self._build(held, ratios, now), pids)

    def forget(self) -> None:
        """Trust every function again."""
        self._distrusted.clear()

    def _list(self, calls: NvmlCalls, kind: str, limit: int | None) -> Maybe[list[_Entry]]:
        answer: Maybe[list[_Entry]] = _UNAVAILABLE
        for version in ("_v3", "_v2"):
            function = f"nvmlDeviceGet{kind}RunningProcesses{version}"
            if function in self._distrusted:
                answer = _SCRAMBLED
                continue
            raw = self._buffer.ask(calls, function)
            if isinstance(raw, Missing):
                if answer is not _SCRAMBLED:
                    answer = raw
                continue
            entries = [_Entry(pid, used, kind.lower()) for pid, used in raw]
            if _plausible(entries, limit):
                return entries
            if all(entry.pid > 0 for entry in entries) and version == "_v2":
                return entries
            answer = _SCRAMBLED
            if len(entries) > 1:
                self._distrusted.add(function)
        return answer

    def _whole(self, parts: list[Maybe[list[_Entry]]], kind: str, limit: int | None) -> Maybe[list[_Entry]]:
        """Return the entries of all MIG devices; where not all answer, or there are none, the GPU's own."""
        answered = [part for part in parts if not isinstance(part, Missing)]
        entries = [entry for part in answered for entry in part]
        if parts and len(answered) == len(parts):
            return entries
        whole = self._list(self._calls, kind, limit)
        if not isinstance(whole, Missing):
            return whole
        if answered:
            return entries
        return parts[-1] if parts else whole

    def _pids_of(self, part: Maybe[list[_Entry]], now: Instant) -> Maybe[tuple[int, ...]]:
        if isinstance(part, Missing):
            return part
        return tuple(sorted({self._pids.resolve(entry.pid, now)[0] for entry in part}))

    def _build(
        self, held: dict[int, tuple[str, Maybe[int]]], ratios: Maybe[dict[int, float]], now: Instant
    ) -> tuple[GpuProcess, ...]:
        named = {raw: self._pids.resolve(raw, now) for raw in held}
        matched: _Matched = {}
        if not isinstance(ratios, Missing):
            matched = _match(named, {self._named(pid, held, now): ratio for pid, ratio in ratios.items()})
        built: list[GpuProcess] = []
        for raw, (kind, used) in held.items():
            pid, note = named[raw]
            ratio: Maybe[float]
            ratio, more = matched.get(raw, (0.0, "")) if not isinstance(ratios, Missing) else (ratios, "")
            text = f"{note}; {more}" if note and more else note or more
            built.append(GpuProcess(pid, used, ratio, kind, text))
        built.sort(key=lambda process: process.pid)
        return tuple(built)

    def _named(self, pid: int, held: dict[int, tuple[str, Maybe[int]]], now: Instant) -> int:
        return pid if pid in held else self._pids.resolve(pid, now)[0]

    def _merge(self, entries: list[_Entry], limit: int | None) -> dict[int, tuple[str, Maybe[int]]]:
        """Return {PID of the driver: (kind, memory)}: a process that computes and draws is listed twice."""
        held: dict[int, tuple[str, Maybe[int]]] = {}
        for pid, used_bytes, kind in entries:
            used = self._memory(used_bytes, limit)
            before = held.get(pid)
            if before is None:
                held[pid] = (kind, used)
            elif before[0] == kind:
                # The same process in two MIG instances holds memory in each.
                held[pid] = (kind, _sum(before[1], used))
            else:
                held[pid] = ("compute+graphics", used if isinstance(before[1], Missing) else before[1])
        return held

    def _memory(self, used_bytes: int | None, limit: int | None) -> Maybe[int]:
        if used_bytes is None:
            return self._unavailable
        if used_bytes == 0:
            return _ZERO
        if limit is not None and used_bytes > limit:
            return _TOO_MUCH
        return used_bytes


def _plausible(entries: list[_Entry], limit: int | None) -> bool:
    return all(
        entry.pid > 0 and (entry.used_bytes is None or limit is None or entry.used_bytes <= limit)
        for entry in entries
    )


def _sum(left: Maybe[int], right: Maybe[int]) -> Maybe[int]:
    if isinstance(left, Missing):
        return right
    return left if isinstance(right, Missing) else left + right


def _match(named: dict[int, tuple[int, str]], ratios: dict[int, float]) -> _Matched:
    """Return {PID of the driver's process list: (ratio, note)}.

    R560 in a container: the process list has the container's PID, the utilisation the host's. Records
    that match nothing are either of a process that has just ended or of one named otherwise: a single
    busy one and a single process without a record are taken for the same.
    """
    left = {pid: ratio for pid, ratio in ratios.items() if ratio > 0}
    matched: _Matched = {}
    without: list[int] = []
    for raw, (pid, _) in named.items():
        key = raw if raw in ratios else pid
        if key in ratios:
            matched[raw] = (ratios[key], "")
            left.pop(key, None)
        else:
            without.append(raw)
    if matched or not left:
        return matched  # whoever has no record did nothing
    if len(without) == len(left) == 1:
        return {without[0]: (next(iter(left.values())), _ELIMINATED)}
    return dict.fromkeys(without, (_NO_RECORD, ""))
