"""What the interpreter of a running process shows: where its main thread is, and what its loader holds."""

from __future__ import annotations

import itertools
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from gpumon.frameworks.marks import TORCH, YOLOV5
from gpumon.model.clock import Instant
from gpumon.model.measure import Missing
from gpumon.model.process import ProcessId
from gpumon.model.training import Phase
from gpumon.sources.interpreter import InterpreterSource
from gpumon.sources.interpreter_marks import FrameMarks
from gpumon.sources.interpreter_reading import InterpreterReading, IteratorReading, LoopReading
from tests.sources.interpreter_cost import CountedMemory
from tests.sources.interpreter_training import SteppedTraining, stepped_training

NOW = Instant(0.0, 0.0)


@pytest.fixture
def training(tmp_path: Path) -> Iterator[SteppedTraining]:
    """A training that waits for its first batch."""
    with stepped_training(tmp_path) as found:
        found.until("wait")
        yield found


def attached(
    training: SteppedTraining,
    marks: FrameMarks = YOLOV5,
    seconds: Callable[[], float] = time.monotonic,
) -> InterpreterSource:
    source = InterpreterSource(training.id, marks, seconds=seconds)
    first = source.drain(NOW)
    assert isinstance(first, Missing)
    until_attached(source)
    return source


def until_attached(source: InterpreterSource) -> None:
    assert source._attaching is not None
    source._attaching.join()


def read(source: InterpreterSource, looks: int = 3) -> InterpreterReading:
    for _ in range(looks):
        source.look()
    reading = source.drain(NOW)
    assert isinstance(reading, InterpreterReading)
    return reading


def loop_of(reading: InterpreterReading) -> LoopReading:
    assert reading.loop is not None
    return reading.loop


def iterator_of(reading: InterpreterReading) -> IteratorReading:
    assert reading.train is not None
    return reading.train


def test_wait_is_what_stands_in_the_loaders_next(training: SteppedTraining) -> None:
    """All looks find the main thread inside `__next__` of torch's dataloader.py, in the training loop."""
    reading = read(attached(training))
    assert (3, 3, 0) == (reading.looks, reading.waiting, reading.unread)
    assert reading.phase is Phase.TRAIN
    assert reading.of(Phase.TRAIN).blocked_waiting == 3
    assert "CPython {}.{}".format(*sys.version_info) in reading.source


def test_computing_is_no_wait(training: SteppedTraining) -> None:
    """In the loop's own code nothing waits for a batch."""
    source = attached(training)
    training.step()
    training.until("compute")
    reading = read(source)
    assert (3, 0) == (reading.looks, reading.waiting)
    assert reading.phase is Phase.TRAIN


@pytest.mark.parametrize(("word", "phase"), [("validate", Phase.VALIDATE), ("save", Phase.CHECKPOINT)])
def test_phase_is_that_of_the_frames(training: SteppedTraining, word: str, phase: Phase) -> None:
    """A function that is marked tells the phase wherever in the stack it is."""
    source = attached(training)
    training.step()
    training.until(word)
    assert read(source).phase is phase


def test_waiting_in_validation_is_no_wait_of_the_training(training: SteppedTraining) -> None:
    """Validation has a loader of its own, which is kept apart."""
    source = attached(training)
    mine = iterator_of(read(source))
    training.step()
    training.until("validate")
    training.step()
    training.until("wait")
    reading = read(source)
    assert reading.of(Phase.VALIDATE).waiting == 3
    assert reading.of(Phase.TRAIN).looks == 0
    assert iterator_of(reading).address == mine.address
    assert [other.delivered for other in reading.others] == [0]


def test_loader_tells_its_settings_and_queues(training: SteppedTraining) -> None:
    """Batch size through a repeated sampler, workers, prefetch, pinning, and what is ready and asked for."""
    found = iterator_of(read(attached(training)))
    assert (8, 2, 2) == (found.batch_size, found.workers, found.prefetch_factor)
    assert (True, False, False) == (found.pin_memory, found.persistent_workers, found.drop_last)
    assert (0, 4, 3) == (found.received_index, found.send_index, found.tasks_outstanding)
    # Three in the queue, and one that was received out of turn.
    assert found.batches_ready == 4


def test_loop_tells_its_variables(training: SteppedTraining) -> None:
    """Epoch, batch and settings are the variables of the function `train`; nw is no number of workers."""
    source = attached(training)
    training.step()
    training.until("compute")
    assert loop_of(read(source)) == LoopReading(
        epoch=0,
        start_epoch=0,
        epochs=3,
        batch_index=0,
        batch_number=0,
        batches=2,
        batch_size=16,
        imgsz=64,
        workers=5,
        warmup_batches=100,
        accumulate=4.0,
        amp=True,
        bar_text="        0/2         0G        0.1        nan        0.2          9         64: ",
        is_handing_over=False,
    )


def test_batch_is_done_when_the_next_one_is_asked_for(training: SteppedTraining) -> None:
    """While the loop is being given a batch, the last one is done."""
    source = attached(training)
    training.step()
    training.until("compute")
    training.step()
    training.until("wait")
    loop = loop_of(read(source))
    assert (0, True) == (loop.batch_index, loop.is_handing_over)


def test_deliveries_are_marked_with_their_moment(training: SteppedTraining) -> None:
    """A slow loader's counter is read at each look: a change is known to the look."""
    source = attached(training)
    read(source)
    training.step()
    training.until("compute")
    found = iterator_of(read(source))
    assert [1] == [count for _, count in found.marks]
    assert found.delivered == 1


def test_loop_of_an_unknown_training_is_found_by_its_callers(training: SteppedTraining) -> None:
    """Without marks the loop is what calls for batches and stays in the stack while it computes."""
    source = attached(training, TORCH)
    read(source)
    training.step()
    training.until("compute")
    reading = read(source)
    assert reading.phase is Phase.TRAIN
    loop = loop_of(reading)
    assert (0, 3, 2) == (loop.epoch, loop.epochs, loop.batches)


def test_loader_that_was_never_waited_for_is_found_in_its_loop(tmp_path: Path) -> None:
    """A loop that only computes tells its loader's counter and its own variables from the first second on."""
    with stepped_training(tmp_path, script="plain.py") as training:
        training.until("compute")
        reading = read(attached(training, TORCH))
        assert reading.waiting == 0
        assert reading.has_loader
        assert iterator_of(reading).delivered == 1
        assert (0, 3) == (loop_of(reading).epoch, loop_of(reading).epochs)


def test_of_two_iterators_the_one_that_delivers_is_the_trainings(tmp_path: Path) -> None:
    """A loop that holds validation's iterator, too, tells none until one has delivered while it trained."""
    with stepped_training(tmp_path, script="by_hand.py") as training:
        training.until("compute")
        source = attached(training, TORCH)
        assert read(source).train is None
        training.step()
        training.until("compute")
        assert iterator_of(read(source)).delivered == 2


def test_what_delivers_in_validation_is_not_the_trainings(tmp_path: Path) -> None:
    """Of two iterators only validation's has delivered since the last drain: it is not taken."""
    with stepped_training(tmp_path, script="by_hand.py") as training:
        for _ in range(2):
            training.until("compute")
            training.step()
        training.until("compute")
        source = attached(training, TORCH)
        assert read(source).train is None
        for word in ("validate", "wait", "wait"):
            training.step()
            training.until(word)
            if word == "validate":
                source.look()
        reading = source.drain(NOW)
        assert isinstance(reading, InterpreterReading)
        assert (reading.of(Phase.VALIDATE).looks, reading.train) == (1, None)


@pytest.mark.parametrize("script", ["plain.py", "unordered.py"])
def test_tasks_that_are_neither_out_nor_received_are_no_batches(tmp_path: Path, script: str) -> None:
    """Of two tasks that are not outstanding one has data: the entries count, not the counters."""
    with stepped_training(tmp_path, script=script) as training:
        training.until("compute")
        found = iterator_of(read(attached(training, TORCH)))
        assert (1, 4, 1) == (found.delivered, found.send_index, found.tasks_outstanding)
        # Three in the queue besides.
        assert found.batches_ready == 4


def test_late_looks_are_counted(training: SteppedTraining) -> None:
    """A look that had to wait for a core sees another moment than it was meant to."""
    source = attached(training, seconds=lambda: 0.0)
    for late_seconds in (0.0001, 0.002, 0.01):
        source.look(late_seconds)
    reading = source.drain(NOW)
    assert isinstance(reading, InterpreterReading)
    assert (2, 3) == (reading.late, reading.looks)
    assert read(source).late == 0


def test_look_that_a_drain_holds_up_is_late(training: SteppedTraining) -> None:
    """On time it waits for a millisecond until nobody else reads."""
    milliseconds = itertools.count()
    source = attached(training, seconds=lambda: next(milliseconds) / 1000)
    assert read(source).late == 3


def test_end_is_told(training: SteppedTraining) -> None:
    """After the process has ended nothing is read any more, and the reason says so."""
    source = attached(training)
    training.end()
    source.look()
    missing = source.drain(NOW)
    assert isinstance(missing, Missing)
    assert "ended" in missing.reason


def test_number_that_is_used_again_is_not_read(training: SteppedTraining) -> None:
    """The PID alone is no identity: another start time is another process."""
    other = ProcessId(training.id.pid, training.id.start_ticks - 1)
    source = InterpreterSource(other, YOLOV5)
    source.drain(NOW)
    until_attached(source)
    missing = source.drain(NOW)
    assert isinstance(missing, Missing)
    assert "ended" in missing.reason


def test_look_that_hangs_holds_up_no_drain(training: SteppedTraining) -> None:
    """A read that does not return leaves the drain with a reason."""
    source = attached(training)
    held = threading.Event()
    done = threading.Event()

    def hang() -> None:
        with source._lock:
            held.set()
            done.wait(10)

    thread = threading.Thread(target=hang)
    thread.start()
    held.wait(10)
    assert Missing("its memory does not answer") == source.drain(NOW)
    done.set()
    thread.join()


def test_closed_source_lets_go(training: SteppedTraining) -> None:
    """Closing twice is harmless, and nothing is read afterwards."""
    source = attached(training)
    source.close()
    source.close()
    source.look()
    assert isinstance(source.drain(NOW), Missing)


def test_drain_is_some_hundred_reads_at_most(training: SteppedTraining) -> None:
    """With all of YOLOv5's variables, and with validation's loader besides, while names are trusted."""
    source = attached(training)
    read(source)
    watch = source._watch
    assert watch is not None
    reader = watch._interpreter._reader
    memory = reader.memory = CountedMemory(reader.memory)
    now = reader.seconds()
    reader.seconds = lambda: now
    counts = {}
    training.step()
    for word in ("compute", "validate", "wait"):
        training.until(word)
        read(source)
        before = memory.reads
        read(source, looks=0)
        counts[word] = memory.reads - before
        training.step()
    assert max(counts.values()) < 130, counts


def test_drains_tell_what_they_cost(training: SteppedTraining) -> None:
    """Their CPU time adds up, and a source tells once its looks find anything."""
    seconds = iter(range(100))
    source = InterpreterSource(training.id, YOLOV5, cpu_seconds=lambda: float(next(seconds)))
    looking = [source.is_looking]
    source.drain(NOW)
    until_attached(source)
    looking.append(source.is_looking)
    source.drain(NOW)
    assert source.drain_cpu_seconds == 2.0
    source.close()
    looking.append(source.is_looking)
    assert looking == [False, True, False]
