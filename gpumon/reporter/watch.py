"""One DataLoader as the training uses it: what it is set to, and its counts."""

from __future__ import annotations

from time import monotonic_ns

from . import wire  # noqa: TID252 - inside a training this package has another name
from .batch import BatchShape  # noqa: TID252

TYPE_CHECKING = False  # `typing` itself takes milliseconds to import
if TYPE_CHECKING:
    from typing import Any

    from .report import Report  # noqa: TID252

# Bound once: these run for every batch.
_put_word = wire.WORD.pack_into
_put_counts = wire.COUNTS.pack_into
_COUNTS_BYTES = wire.COUNTS.size
_put_last_steps = wire.LAST_STEPS.pack_into


class Watch:
    """A loader's counts, kept here and published to its place in the report's file.

    `settings` are those of the wire format: batches in a pass, workers, batch size, prefetch factor, bits.
    """

    __slots__ = (
        "batches", "entered_ns", "last_ns", "last_samples", "last_steps", "left_ns", "map", "offset",
        "optimizer_steps", "pass_batches", "passes", "report", "samples", "settings", "shape", "step_ns",
        "steps", "turn", "wait_ns",
    )  # fmt: skip

    def __init__(self, report: Report, settings: tuple[int, int, int, int, int]) -> None:
        self.report = report
        self.settings = settings
        self.shape = BatchShape(settings[2])
        self.map: Any = None
        self.turn = 0
        self.reset()

    def reset(self) -> None:
        """Begin at zero, without a place in a file."""
        self.offset = -1
        self.batches = self.samples = self.passes = self.pass_batches = self.steps = 0
        self.wait_ns = self.step_ns = self.entered_ns = self.left_ns = self.optimizer_steps = 0
        self.last_ns = self.last_steps = self.last_samples = 0

    def enter(self, is_new_pass: bool) -> None:
        """`next()` is called."""
        report = self.report
        try:
            now = monotonic_ns()
            if now >= report.due_ns and not self.settings[4] & wire.LOADER_IN_BACKGROUND:
                report.beat(now)
                now = monotonic_ns()
            if self.offset < 0:
                report.place(self)
            if is_new_pass:
                self.passes += 1
            elif report.last is self:
                self.step_ns += now - self.left_ns
                self.steps += 1
            self.entered_ns = now
            _put_word(self.map, self.offset + 40, now)
        except Exception as error:  # noqa: BLE001 - whatever it is, the training must not notice
            report.give_up(error)

    def leave(self, batch: Any, pass_batches: int) -> None:
        """`next()` returns this batch, number `pass_batches` (from 1) of the pass."""
        now = monotonic_ns()
        try:
            self.wait_ns += now - self.entered_ns
            self.left_ns = now
            self.batches += 1
            self.pass_batches = pass_batches
            self.samples += self.shape.look(batch)
            self.report.last = self
            self.publish()
        except Exception as error:  # noqa: BLE001 - whatever it is, the training must not notice
            self.report.give_up(error)

    def leave_without(self) -> None:
        """`next()` raises: the pass is over, or it failed."""
        now = monotonic_ns()
        try:
            self.wait_ns += now - self.entered_ns
            if self.report.last is self and self.passes > 1 and 0 < self.shape.samples < self.settings[2]:
                self.last_ns += self.entered_ns - self.left_ns
                self.last_steps += 1
                self.last_samples = self.shape.samples
                self.put_last_steps()
            self.left_ns = now
            self.publish()
        except Exception as error:  # noqa: BLE001 - whatever it is, the training must not notice
            self.report.give_up(error)

    def publish(self) -> None:
        """Write the counts to the copy that no reader takes, and then let them take it."""
        offset, shape = self.offset, self.shape
        if offset < 0:  # its place went to another loader meanwhile; it gets one at the next batch
            return
        self.turn = turn = self.turn + 1
        _put_counts(
            self.map, offset + (64 if turn & 1 == 0 else 64 + _COUNTS_BYTES),
            self.batches, self.samples, self.wait_ns, self.step_ns, self.steps, self.left_ns, self.passes,
            self.pass_batches, shape.samples, shape.height, shape.width, shape.image_bytes,
        )  # fmt: skip
        _put_word(self.map, offset + 56, turn)

    def put_last_steps(self) -> None:
        """Write the steps with which passes ended."""
        if self.offset >= 0:
            _put_last_steps(
                self.map, self.offset + wire.LAST_STEPS_AT, self.last_ns, self.last_steps, self.last_samples
            )

    def stepped(self) -> None:
        """An optimizer has stepped on a batch of this loader."""
        self.optimizer_steps += 1
        if self.offset >= 0:
            _put_word(self.map, self.offset + wire.LOADER_OPTIMIZER_STEPS, self.optimizer_steps)
