"""The monitor's own thread: regular ticks, a jump of the clock, a choice, the end."""

from __future__ import annotations

import threading

from gpumon.model.report import AttachState
from tests.demo.processes import until
from tests.unit.monitor_parts import HANG_SECONDS, Stage
from tests.unit.trainings import training

ANN, BOB = training(4000), training(4500)


class Loop:
    """A running monitor whose clock moves by the interval with each tick: it never has to wait.

    `jump_at` is the tick after which the machine sleeps for `jump_seconds`, while the monitor waits.
    """

    def __init__(self, stage: Stage, *, ticks: int, jump_at: int = -1, jump_seconds: float = 0.0) -> None:
        self.late: list[float] = []
        self.times: list[float] = []
        self._stage = stage
        self._ticks = ticks
        self._jump_at = jump_at
        self._jump_seconds = jump_seconds
        self._over = threading.Event()

    def run(self) -> None:
        """Run the monitor until it has ticked so often."""
        self._stage.monitor.subscribe(self._listen)
        self._stage.monitor.start()
        assert self._over.wait(HANG_SECONDS)
        self._stage.close()

    def _listen(self) -> None:
        report = self._stage.monitor.report()
        assert report is not None
        self.late.append(report.sample.late_seconds)
        self.times.append(report.sample.instant.monotonic_seconds)
        self._stage.clock.seconds += 1.0
        if len(self.late) == self._jump_at:
            self._stage.clock.seconds += self._jump_seconds
        if len(self.late) == self._ticks:
            # From the monitor's own thread: no tick comes after this one.
            self._stage.monitor.close()
            self._over.set()


def test_ticks_come_at_the_interval() -> None:
    """On a machine that is on time no sample is late."""
    loop = Loop(Stage(ANN), ticks=5)
    loop.run()

    assert [1000.0, 1001.0, 1002.0, 1003.0, 1004.0] == loop.times
    assert [0.0] * 5 == loop.late


def test_after_a_suspend_there_is_no_burst() -> None:
    """An hour asleep is one gap: the ticks that were missed are not made up for."""
    loop = Loop(Stage(ANN), ticks=6, jump_at=3, jump_seconds=3600.0)
    loop.run()

    assert [1000.0, 1001.0, 1002.0, 4603.0, 4604.0, 4605.0] == loop.times
    assert [0.0, 0.0] == loop.late[4:]


def test_nothing_is_read_after_the_closing() -> None:
    """A closed monitor's thread has ended with its last tick."""
    stage = Stage(ANN)
    Loop(stage, ticks=2).run()

    assert until(lambda: "gpumon monitor" not in {thread.name for thread in threading.enumerate()})


def test_a_choice_wakes_the_monitor() -> None:
    """Who chooses sees the training at once, not an interval later."""
    stage = Stage(ANN, BOB, interval_seconds=10 * HANG_SECONDS)
    ticked = threading.Semaphore(0)
    stage.monitor.subscribe(ticked.release)
    stage.monitor.start()
    assert ticked.acquire(timeout=HANG_SECONDS)
    stage.monitor.choose(4500)
    assert ticked.acquire(timeout=HANG_SECONDS)
    report = stage.monitor.report()
    stage.close()

    assert report is not None
    assert (AttachState.ATTACHED, BOB) == (report.attachment.state, report.attachment.training)


def test_a_monitor_that_begins_with_the_machine_has_no_training_in_its_first_sample() -> None:
    """A front end's first frame does not share the interpreter with what finds and judges a training."""
    stage = Stage(ANN, interval_seconds=10 * HANG_SECONDS)
    ticked = threading.Semaphore(0)
    stage.monitor.subscribe(ticked.release)
    stage.monitor.start(machine_first=True)
    assert ticked.acquire(timeout=HANG_SECONDS)
    report, scans = stage.monitor.report(), list(stage.scans)
    stage.close()

    assert report is not None
    assert (AttachState.SEARCHING, (), []) == (report.attachment.state, report.sample.trainings, scans)


def test_the_first_look_for_trainings_wakes_the_monitor() -> None:
    """Once the front end has its first frame the training is attached at once, not an interval later."""
    stage = Stage(ANN, interval_seconds=10 * HANG_SECONDS)
    ticked = threading.Semaphore(0)
    stage.monitor.subscribe(ticked.release)
    stage.monitor.start(machine_first=True)
    assert ticked.acquire(timeout=HANG_SECONDS)
    stage.monitor.look_for_trainings()
    assert ticked.acquire(timeout=HANG_SECONDS)
    report = stage.monitor.report()
    stage.close()

    assert report is not None
    assert (AttachState.ATTACHED, ANN) == (report.attachment.state, report.attachment.training)


def test_a_monitor_that_begins_with_the_machine_looks_for_trainings_after_five_seconds() -> None:
    """A terminal that is stalled, so that there is no first frame, holds up no training."""
    stage = Stage(ANN)
    states: list[AttachState] = []
    over = threading.Event()

    def listen() -> None:
        report = stage.monitor.report()
        assert report is not None
        states.append(report.attachment.state)
        stage.clock.seconds += 1.0
        if len(states) == 6:
            stage.monitor.close()
            over.set()

    stage.monitor.subscribe(listen)
    stage.monitor.start(machine_first=True)
    assert over.wait(HANG_SECONDS)
    stage.close()

    assert [*[AttachState.SEARCHING] * 5, AttachState.ATTACHED] == states
