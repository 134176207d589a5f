"""Which training gpumon is attached to: found, chosen, followed, ended, found again."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from gpumon.model.measure import Missing
from gpumon.model.report import Attachment, AttachState

if TYPE_CHECKING:
    from gpumon.model.process import ProcessId
    from gpumon.model.training import Ended, Training

# Trainings remembered that were there beside the current one: those that started last, for a restart of it
# is among the newest.
_MOST_BESIDE = 256


@dataclass(frozen=True, slots=True)
class Wish:
    """What the user asked for: one PID, every training, or (neither) the training that is there."""

    pid: int | None = None
    everything: bool = False


@dataclass(frozen=True, slots=True)
class Found:
    """The trainings of one scan. `pid_name` is the name of the wished process, None if there is none.

    `below` are the trainings that the wished process has started, at whatever remove: those of a shell, of
    srun, or of `uv run`. `is_scanned` is False before the first scan is over.
    """

    trainings: tuple[Training, ...]
    pid_name: str | None = None
    is_scanned: bool = True
    below: frozenset[ProcessId] = frozenset()


class Attaching:
    """The state of the attachment. One thread owns it; `choose` is handed in by `update`."""

    def __init__(self, wish: Wish) -> None:
        """Start detached."""
        self._wish = wish
        self._current: Training | None = None
        self._ended: Ended | None = None
        self._came_back = False
        # Trainings that were there while the current one ran: they are not its restart.
        self._beside: frozenset[ProcessId] = frozenset()

    @property
    def current(self) -> Training | None:
        """The training that is attached (also after its end, until another one takes its place)."""
        return self._current

    def followed(self, found: Found) -> tuple[Training, ...]:
        """Return the trainings to read: all, or the attached one."""
        if self._wish.everything:
            return found.trainings
        return () if self._current is None else (self._current,)

    def update(
        self, found: Found, ended: Callable[[ProcessId], Ended | None], chosen_pid: int | None = None
    ) -> Attachment:
        """Take in a scan, the ends of followed trainings and the user's choice; return the new state."""
        if chosen_pid is not None:
            self._take(_with_pid(found.trainings, chosen_pid))
        if self._current is not None:
            self._ended = ended(self._current.id)
            if self._ended is None:
                return self._attached(found)
            restarted = self._restarted(found)
            if restarted is None:
                return self._after_the_end(found)
            self._take(restarted)
            self._came_back = True
            return self._attached(found)
        return self._search(found)

    def _take(self, training: Training | None) -> None:
        if training is not None:
            self._current = training
            self._ended = None
            self._came_back = False
            self._beside = frozenset()

    def _attached(self, found: Found) -> Attachment:
        current = self._current
        assert current is not None  # noqa: S101 - what the caller has just checked
        for training in found.trainings:
            if training.id == current.id:
                current = self._current = training
        again = ", attached again after its restart" if self._came_back else ""
        others = tuple(training for training in found.trainings if training.id != current.id)
        if len(others) < len(found.trainings):
            # Only a scan that still sees the current one: its restart may show before its end does.
            seen = self._beside | {training.id for training in others}
            self._beside = frozenset(sorted(seen, key=lambda each: each.start_ticks)[-_MOST_BESIDE:])
        return Attachment(AttachState.ATTACHED, f"attached to {_title(current)}{again}", current, others)

    def _after_the_end(self, found: Found) -> Attachment:
        current, ended = self._current, self._ended
        assert current is not None  # noqa: S101 - only called with one that ended
        assert ended is not None  # noqa: S101
        others = tuple(training for training in found.trainings if training.id != current.id)
        text = f"{_title(current)} has ended: {ended.text}; waiting for it to start again"
        return Attachment(AttachState.ENDED, text, current, others)

    def _restarted(self, found: Found) -> Training | None:
        """Return the training that took the place of the ended one: later, by the same user, alike."""
        old = self._current
        assert old is not None  # noqa: S101 - only called with one that ended
        later = [
            training
            for training in found.trainings
            if training.id != old.id
            and training.id not in self._beside
            and training.id.start_ticks >= old.id.start_ticks
            and training.framework == old.framework
            and training.user_id == old.user_id
            and _same_place(training, old)
        ]
        return max(later, key=lambda training: training.id.start_ticks, default=None)

    def _search(self, found: Found) -> Attachment:
        """Return the state without an attached training, and attach where there is no doubt to which."""
        trainings = found.trainings
        if not found.is_scanned:
            return Attachment(AttachState.SEARCHING, "looking for trainings")
        if self._wish.everything:
            return _everything(trainings)
        if self._wish.pid is None and len(trainings) > 1:
            text = f"{len(trainings)} trainings are running: choose one"
            return Attachment(AttachState.CHOOSING, text, None, trainings)
        if self._wish.pid is not None:
            return self._search_wished(found, self._wish.pid)
        self._take(trainings[0] if trainings else None)
        if self._current is not None:
            return self._attached(found)
        return Attachment(AttachState.SEARCHING, "no training is running: gpumon attaches when one starts")

    def _search_wished(self, found: Found, pid: int) -> Attachment:
        """Return the state while the wished process is no training, and attach once it, or one below, is."""
        started = tuple(training for training in found.trainings if training.id in found.below)
        wished = _with_pid(found.trainings, pid)
        if wished is None and len(started) > 1:
            text = f"process {pid} ({found.pid_name}) has started {len(started)} trainings: choose one"
            return Attachment(AttachState.CHOOSING, text, None, started)
        self._take(wished or next(iter(started), None))
        if self._current is not None:
            return self._attached(found)
        if found.pid_name is None:
            text = f"process {pid} is gone"
        else:
            text = f"process {pid} ({found.pid_name}) is no training that gpumon knows"
        return Attachment(AttachState.MACHINE, text, None, found.trainings)


def _everything(trainings: tuple[Training, ...]) -> Attachment:
    if not trainings:
        return Attachment(AttachState.SEARCHING, "no training is running")
    text = f"{len(trainings)} trainings" if len(trainings) > 1 else f"attached to {_title(trainings[0])}"
    return Attachment(AttachState.ATTACHED, text, trainings[0], trainings[1:])


def _with_pid(trainings: tuple[Training, ...], pid: int) -> Training | None:
    """Return the training that the process belongs to (a worker or a launcher will do)."""
    for training in trainings:
        if pid == training.id.pid or pid in training.pids():
            return training
    return None


def _same_place(one: Training, other: Training) -> bool:
    """Tell whether two trainings were started alike: in one directory, or with one command if unknown."""
    if isinstance(one.command_directory, Missing) or isinstance(other.command_directory, Missing):
        return one.command == other.command
    return one.command_directory == other.command_directory


def _title(training: Training) -> str:
    simulated = "simulated " if training.simulated else ""
    return f"{simulated}{training.framework} {training.name} (pid {training.id.pid})"
