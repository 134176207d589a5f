"""What was seen in a training's interpreter since the last drain."""

from __future__ import annotations

from dataclasses import dataclass

from gpumon.model.training import Phase


@dataclass(frozen=True, slots=True)
class LoopReading:
    """The training loop's own variables, None where it has none. See LoopLocals for their meaning.

    `is_handing_over` tells that the last batch is done: the loop was being given its next one, or in what
    follows the epoch's last.
    """

    epoch: int | None = None
    start_epoch: int | None = None
    epochs: int | None = None
    batch_index: int | None = None
    batch_number: int | None = None
    batches: int | None = None
    batch_size: int | None = None
    imgsz: int | None = None
    workers: int | None = None
    warmup_batches: int | None = None
    accumulate: float | None = None
    amp: bool | None = None
    bar_text: str | None = None
    is_handing_over: bool = False


@dataclass(frozen=True, slots=True)
class IteratorReading:
    """A DataLoader's iterator at `monotonic_seconds`.

    `address` names it while it lives; a later one may have the same. `delivered` counts the batches
    handed to the loop, of all epochs where a loader repeats its sampler. `marks` are moments at which
    `delivered` was seen to have changed: (monotonic seconds, count). `batches_ready` wait for the loop, after
    pinning where they are pinned; None where no queue tells. `tasks_outstanding` are asked for and not yet
    received. `batch_size` is that of one rank, `images` are those that it gets in an epoch.
    """

    address: int
    monotonic_seconds: float
    delivered: int
    marks: tuple[tuple[float, int], ...] = ()
    received_index: int | None = None
    send_index: int | None = None
    tasks_outstanding: int | None = None
    batches_ready: int | None = None
    batch_size: int | None = None
    workers: int | None = None
    prefetch_factor: int | None = None
    pin_memory: bool | None = None
    persistent_workers: bool | None = None
    drop_last: bool | None = None
    images: int | None = None

    @property
    def last_batch_size(self) -> int | None:
        """Images of an epoch's last batch, as many as of any other where none is smaller; None: not known."""
        if not self.images or not self.batch_size:
            return None
        return self.batch_size if self.drop_last else (self.images - 1) % self.batch_size + 1


@dataclass(frozen=True, slots=True)
class LastStepsReading:
    """The last steps of `epochs` epochs, and the full ones before them, in seconds without waiting.

    Means over the epochs, with standard errors.
    """

    epochs: int
    seconds: float
    seconds_error: float
    full_seconds: float
    full_seconds_error: float


@dataclass(frozen=True, slots=True)
class PhaseLooks:
    """Looks that found one phase, and those of them that found the main thread waiting for a batch.

    `blocked` looks found the thread off the CPU, `blocked_waiting` of them waiting for a batch.
    """

    phase: Phase
    looks: int
    waiting: int
    blocked: int = 0
    blocked_waiting: int = 0


@dataclass(frozen=True, slots=True)
class InterpreterReading:
    """What the looks at the main thread found since the last drain. `source` says how it was read.

    `unread` looks found no stack that could be read; `phases` are the others. Phase.UNKNOWN stands for
    stacks without any mark. `loop` is None where the loop's frame was not in the stack at the drain, or its
    place changed faster than it could be read. `train` is the iterator of the training's loader, `others` are
    validation's, of which only the delivered batches are counted. `blocked_ratio` is the share of the time in
    which the main thread was off the CPU, by the kernel's account; None where that is not known. `has_loader`
    tells that a DataLoader was seen in its frames, in this reading or before.
    `late` looks, of all of them, were taken later than was meant (LATE_SECONDS). `blocked_surplus_ratio` is
    by how much more often looks of the last minute found the thread off the CPU than the kernel's account
    says, with the standard error that chance gives it (0: not known). `last_steps` are those of all epochs so
    far whose end was seen; None before the first, and where the marks do not say that steps wait for the GPU.
    """

    source: str
    phases: tuple[PhaseLooks, ...] = ()
    unread: int = 0
    torn_reads: int = 0
    lost_reads: int = 0
    loop: LoopReading | None = None
    train: IteratorReading | None = None
    others: tuple[IteratorReading, ...] = ()
    blocked_ratio: float | None = None
    has_loader: bool = False
    late: int = 0
    blocked_surplus_ratio: float = 0.0
    blocked_surplus_error: float = 0.0
    last_steps: LastStepsReading | None = None

    @property
    def looks(self) -> int:
        """Looks that found a stack."""
        return sum(seen.looks for seen in self.phases)

    @property
    def waiting(self) -> int:
        """Looks that found the main thread waiting for a batch, in any phase."""
        return sum(seen.waiting for seen in self.phases)

    @property
    def phase(self) -> Phase:
        """The phase that most looks found; UNKNOWN where none was."""
        return max(self.phases, key=lambda seen: seen.looks).phase if self.phases else Phase.UNKNOWN

    def of(self, phase: Phase) -> PhaseLooks:
        """Return the looks that found that phase."""
        return next((seen for seen in self.phases if seen.phase is phase), PhaseLooks(phase, 0, 0))
