"""What a signal means, in sentences: for every role, every signal, and with several ranks."""

from __future__ import annotations

from dataclasses import replace
from itertools import product
from signal import Signals

import pytest

from gpumon.model.process import ProcessReading, Role
from gpumon.model.reading import TrainingReading
from gpumon.model.training import Ended, Ending, Phase
from gpumon.monitor.signals import CHOICES
from gpumon.tui.signal_words import short_words, signal_words
from tests.tui.fake_training import fake_reading


def _words(number: Signals, role: Role, reading: TrainingReading | None = None) -> dict[str, str]:
    found = fake_reading("starved", 60) if reading is None else reading
    process: ProcessReading = replace(found.processes[0], role=role)
    return dict(signal_words(number, process, found))


@pytest.mark.parametrize(("number", "role"), list(product(CHOICES, Role)))
def test_every_signal_has_its_words_for_every_role(number: Signals, role: Role) -> None:
    """What it does to the process and to the training; what is lost only where the training ends."""
    words = _words(number, role)
    is_end = number in {Signals.SIGINT, Signals.SIGTERM, Signals.SIGKILL}

    assert all(text.strip() for text in words.values())
    assert {"the process", "the training"} <= set(words)
    assert ("lost" in words) == (is_end and role not in {Role.OTHER, Role.POOL})
    assert short_words(number)


def test_the_end_of_the_main_process_of_yolov5() -> None:
    """It ends without a final validation, and what is lost is said in batches or with a reason."""
    words = _words(Signals.SIGINT, Role.MAIN)

    assert words["the training"].startswith("YOLOv5 ends without a final validation")
    assert words["lost"].startswith(
        ("the running epoch is lost: 1263 of its 2933 batches", "it cannot be taken up")
    )


def test_of_several_ranks_the_others_end_too() -> None:
    """A launcher ends those that are left; stopped, they wait."""
    reading = fake_reading("ranks", 60)

    assert "then ends the other rank" in _words(Signals.SIGKILL, Role.MAIN, reading)["the training"]
    assert "the other ranks wait" in _words(Signals.SIGSTOP, Role.RANK, reading)["the training"]


def test_a_checkpoint_that_is_being_saved_is_minded() -> None:
    """YOLOv5 saves in place: an end in that moment leaves a file that cannot be read."""
    saving = replace(fake_reading("starved", 60), phase=Phase.CHECKPOINT)

    assert "half written" in _words(Signals.SIGKILL, Role.MAIN, saving)["mind"]
    assert "mind" not in _words(Signals.SIGSTOP, Role.MAIN, saving)


def test_a_simulated_training_has_nothing_to_go_on_from() -> None:
    """The demo says so instead of a command."""
    words = _words(Signals.SIGTERM, Role.MAIN, fake_reading("healthy", 60))

    assert words["lost"] == "it cannot be taken up again: a simulated training keeps no checkpoint"


def test_after_the_end_nothing_changes_for_the_training() -> None:
    """A process may outlive its training."""
    reading = fake_reading("starved", 60)
    over = replace(reading, ended=Ended(Ending.KILLED, "killed", 0.0))

    assert (
        _words(Signals.SIGKILL, Role.TRAIN_WORKER, over)["the training"] == "is over: nothing changes for it"
    )
    assert (
        signal_words(Signals.SIGKILL, reading.processes[0], None)[1][1] == "is over: nothing changes for it"
    )
