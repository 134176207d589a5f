"""Phases of a training by its log, and by its processes where there is none."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest

from gpumon.frameworks.log_lines_state import LogState, advance
from gpumon.frameworks.phase import PhaseMemory, judge_phase
from gpumon.model.clock import Instant
from gpumon.model.measure import Maybe, Missing
from gpumon.model.process import ProcessId, ProcessReading, Role
from gpumon.model.reading import LoaderReading
from gpumon.model.training import Member, Phase, Setting, Settings, Training
from gpumon.sources.run_dir import FileSeen, RunDirReading

MAIN = ProcessId(100, 1)
NO_DIR: Maybe[RunDirReading] = Missing("no run directory")
HEADER = "      Epoch    GPU_mem   box_loss   obj_loss   cls_loss  Instances       Size"


def bar(batch: int, epoch: int = 0) -> str:
    return f"      {epoch}/9   6.24G   0.04   0.07   0.02     87     640:  38%|█| {batch}/100 00:20"


def val(batch: int) -> str:
    return f"      Class     Images  Instances          P          R      mAP50:  50%|█| {batch}/4 00:02"


def members(train: int = 2, val: int = 4, pool: int = 0) -> tuple[Member, ...]:
    found = [Member(MAIN, 1, Role.MAIN)]
    found += [Member(ProcessId(200 + n, 2), 100, Role.TRAIN_WORKER) for n in range(train)]
    found += [Member(ProcessId(300 + n, 3), 100, Role.VAL_WORKER) for n in range(val)]
    found += [Member(ProcessId(400 + n, 4), 100, Role.POOL) for n in range(pool)]
    return tuple(found)


@dataclass
class Watch:
    """A training watched once a second."""

    log: LogState | None = None
    run_dir: Maybe[RunDirReading] = NO_DIR
    members: tuple[Member, ...] = field(default_factory=members)
    memory: PhaseMemory = field(default_factory=PhaseMemory)
    seconds: float = 0.0
    source: str = ""

    def see(
        self,
        seconds: int = 1,
        *,
        train: float = 0.0,
        val: float = 0.0,
        reads: float = 0.0,
        waiting: int = 0,
        writes: float = 0.0,
        state: str = "R",
        workers: Maybe[int] = 2,
    ) -> list[Phase]:
        """Watch for so many seconds, with cores used by each kind of worker and calls of the main process."""
        training = Training(
            MAIN, "yolov5", "exp", (), True, "/w", 0, Settings(epochs=Setting(10, "argv")), self.members
        )
        cores = {Role.TRAIN_WORKER: train / 2, Role.VAL_WORKER: val / 4}
        rows = tuple(
            ProcessReading(
                member.id,
                member.parent_pid,
                member.role,
                "python",
                (),
                "me",
                state if member.role is Role.MAIN else "S",
                cpu_busy_ratio=cores.get(member.role, 1.0),
                read_calls_per_second=reads,
                write_bytes_per_second=writes,
            )
            for member in self.members
        )
        loader = LoaderReading(main_samples=20, main_waiting_samples=waiting, workers=workers)
        phases = []
        for _ in range(seconds):
            self.seconds += 1.0
            phase, self.source, self.memory = judge_phase(
                training,
                self.log,
                self.run_dir,
                rows,
                loader,
                memory=self.memory,
                now=Instant(1000.0 + self.seconds, self.seconds),
            )
            phases.append(phase)
        return phases


def begun() -> Watch:
    """A training without a log that was seen to train."""
    watch = Watch()
    watch.see(2, train=1.9, reads=28.0, waiting=16)
    return watch


@pytest.mark.parametrize(
    ("lines", "phase"),
    [
        (["train: weights=, cfg=yolov5n.yaml"], Phase.START),
        (["train: Scanning /d/labels... 96 images: 38%|█| 48/128 00:01"], Phase.START),
        (["Starting training for 10 epochs...", HEADER], Phase.START),
        ([HEADER, bar(0)], Phase.START),
        ([HEADER, bar(1)], Phase.TRAIN),
        ([bar(100), HEADER], Phase.TRAIN),
        ([bar(100), val(0)], Phase.VALIDATE),
        ([bar(100), val(4)], Phase.CHECKPOINT),
        ([bar(100, 9), val(4), "10 epochs completed in 0.1 hours.", val(1)], Phase.END),
    ],
)
def test_newest_line_of_the_log_tells_the_phase(lines: list[str], phase: Phase) -> None:
    """Whatever the processes do, a log that says where it is wins."""
    watch = Watch(log=advance(LogState(), lines, 1000.0))
    assert watch.see() == [phase]
    assert watch.source.startswith("log: ")


def test_first_batch_of_a_later_epoch_is_training() -> None:
    """Only the first batch of a run is part of its start."""
    watch = Watch(log=advance(LogState(), [HEADER, bar(5)], 1000.0))
    watch.see()
    watch.log = advance(watch.log or LogState(), [bar(0, 1)], 1001.0)
    assert watch.see() == [Phase.TRAIN]


def test_log_of_other_words_leaves_it_to_the_processes() -> None:
    """A log without a known line tells nothing."""
    watch = Watch(log=advance(LogState(), ["hello"], 1000.0))
    assert watch.see(3, train=1.9, waiting=16)[-1] is Phase.TRAIN
    assert "without a log" in watch.source


def test_label_scan_is_the_start() -> None:
    """Pool processes scan labels before there are workers."""
    watch = Watch(members=members(train=0, val=0, pool=2))
    assert watch.see(workers=Missing("none yet")) == [Phase.START]
    assert "label scan" in watch.source


def test_prefetching_is_still_the_start() -> None:
    """After their fork all workers load their first batches, and then stand still while labels are drawn."""
    watch = Watch()
    phases = watch.see(3, train=1.9, val=1.0) + watch.see(10)
    assert set(phases) == {Phase.START}


def test_starved_training_has_begun() -> None:
    """Only the training loop waits for batches."""
    assert Watch().see(2, train=1.9, reads=28.0, waiting=16)[-1] is Phase.TRAIN


def test_waits_before_there_are_workers_are_the_start() -> None:
    """Imports and subprocesses are waited for too: without workers no wait is for a batch."""
    watch = Watch(members=members(train=0, val=0))
    assert set(watch.see(5, waiting=16)) == {Phase.START}


def test_compute_bound_training_is_seen_within_seconds_of_attaching() -> None:
    """Its main thread never waits: batches are read while val workers stand still."""
    assert Watch().see(8, train=0.14, reads=42.0)[-1] is Phase.TRAIN


def test_slow_training_is_seen_in_the_end() -> None:
    """Steps of seconds need the longest window."""
    assert Watch().see(32, train=0.02, reads=2.0)[-1] is Phase.TRAIN


def test_picture_of_the_first_batch_proves_that_it_trains() -> None:
    """YOLOv5 draws train_batch0.jpg during its first batch."""
    run_dir = RunDirReading("/w/exp", started_unix_seconds=900.0, first_batch=FileSeen(950.0, 9))
    assert Watch(run_dir=run_dir).see() == [Phase.TRAIN]


def test_compute_bound_training_stays_training() -> None:
    """Train workers that rest most of the time are no validation and no start."""
    watch = begun()
    phases = watch.see(20, train=0.14, reads=42.0) + watch.see(20, train=0.005, reads=14.0)
    assert set(phases) == {Phase.TRAIN}


def test_wake_up_of_idle_val_workers_is_no_validation() -> None:
    """Every few seconds each idle worker looks whether its parent lives; at most a tick is charged for it."""
    watch = begun()
    phases = []
    for _ in range(4):
        phases += watch.see(4, train=0.14, reads=42.0) + watch.see(1, train=0.14, val=0.01, reads=42.0)
    assert set(phases) == {Phase.TRAIN}


def test_validation_and_checkpoint_and_the_next_epoch() -> None:
    """Val workers move, then all stand still while a row is written, then train workers move again."""
    watch = begun()
    assert watch.see(3, train=1.9, reads=28.0) == [Phase.TRAIN] * 3
    assert watch.see(6, val=0.5, reads=28.0) == [Phase.VALIDATE] * 6
    watch.run_dir = RunDirReading("/w/exp", results=FileSeen(1000.0 + watch.seconds, 9))
    assert watch.see(4)[-1] is Phase.CHECKPOINT
    assert watch.see(3, train=1.9, reads=28.0) == [Phase.TRAIN] * 3


def test_val_workers_that_rest_do_not_end_a_validation_by_themselves() -> None:
    """NMS on the last batch can take seconds in which all workers stand still."""
    watch = begun()
    watch.see(6, val=0.5, reads=28.0)
    assert set(watch.see(5)) == {Phase.VALIDATE}


def test_short_validation_in_which_train_workers_never_rest_ends() -> None:
    """Slow train workers load ahead through the whole of a short validation."""
    watch = begun()
    assert watch.see(2, train=1.9, val=0.5, reads=28.0)[-1] is Phase.VALIDATE
    assert watch.see(1, train=1.9, reads=28.0) == [Phase.TRAIN]


def test_burst_of_writes_with_a_fresh_last_pt_is_a_checkpoint() -> None:
    """A checkpoint is seen while it is written, also without validation."""
    watch = begun()
    watch.run_dir = RunDirReading("/w/exp", last=FileSeen(1000.0 + watch.seconds, 9))
    assert watch.see(writes=50e6) == [Phase.CHECKPOINT]
    assert watch.see(3, train=1.9)[-1] is Phase.TRAIN


def test_results_of_all_epochs_are_the_end() -> None:
    """What comes after the last row is final validation and plots."""
    run_dir = RunDirReading(
        "/w/exp", newest=(("epoch", 9.0),), rows=10, started_unix_seconds=900.0, results=FileSeen(990.0, 9)
    )
    watch = begun()
    watch.run_dir = run_dir
    assert watch.see() == [Phase.END]


def test_0_workers_without_a_log_are_unknown() -> None:
    """With loading in the main thread nothing tells phases apart, and it says so."""
    watch = Watch(members=members(train=0, val=0))
    assert watch.see(3, workers=0)[-1] is Phase.UNKNOWN
    assert "0 workers" in watch.source


def test_workers_that_are_gone_are_unknown() -> None:
    """A loop that had workers and has none any more is not starting again."""
    watch = begun()
    watch.members = members(train=0, val=0)
    assert watch.see(workers=Missing("gone")) == [Phase.UNKNOWN]


def test_stopped_training_keeps_its_phase() -> None:
    """Ctrl-Z changes no phase; the source says that it is paused."""
    watch = begun()
    assert watch.see(3, state="T") == [Phase.TRAIN] * 3
    assert watch.source.startswith("paused")
