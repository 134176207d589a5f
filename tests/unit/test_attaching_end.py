"""The end of an attached training, and what may come after it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from gpumon.model.measure import Missing
from gpumon.model.report import AttachState
from gpumon.model.training import Training
from tests.unit.attach_scene import ANN, BOB, RESTARTED, Scene
from tests.unit.trainings import training


def test_an_ended_training_stays_attached_as_ended() -> None:
    """The last picture is what people come back to read."""
    scene = Scene()
    scene.scan(ANN)
    scene.end(ANN)

    attachment = scene.scan()

    assert (AttachState.ENDED, ANN) == (attachment.state, attachment.training)
    assert (ANN,) == scene.followed()


def test_the_sentence_says_how_it_ended() -> None:
    """What is known of the end is told, and what gpumon waits for."""
    scene = Scene()
    scene.scan(ANN)
    scene.end(ANN)

    expected = "yolov5 train.py (pid 4000) has ended: its process is gone; waiting for it to start again"
    assert expected == scene.scan().text


def test_a_restart_is_attached_again() -> None:
    """The same framework of the same user in the same directory takes the place of the ended one."""
    scene = Scene()
    scene.scan(ANN)
    scene.end(ANN)
    scene.scan()

    attachment = scene.scan(RESTARTED)

    assert (AttachState.ATTACHED, RESTARTED) == (attachment.state, attachment.training)
    assert attachment.text == "attached to yolov5 train.py (pid 6000), attached again after its restart"


def test_a_second_restart_is_attached_too() -> None:
    """A training may be restarted as often as it takes."""
    scene = Scene()
    again = training(7000, start_ticks=400)
    scene.scan(ANN)
    scene.end(ANN)
    scene.scan(RESTARTED)
    scene.end(RESTARTED)

    assert scene.scan(again).training == again


def test_a_restart_with_other_flags_is_a_restart() -> None:
    """Changing a flag is what people restart for."""
    scene = Scene()
    restarted = replace(RESTARTED, command=("python", "train.py", "--workers", "6"))
    scene.scan(ANN)
    scene.end(ANN)

    assert scene.scan(restarted).training == restarted


def test_of_two_restarts_the_later_one_is_attached() -> None:
    """A failed attempt may still be in the scan."""
    scene = Scene()
    later = training(7000, start_ticks=400)
    scene.scan(ANN)
    scene.end(ANN)

    assert scene.scan(RESTARTED, later).training == later


@pytest.mark.parametrize(
    "other",
    [
        BOB,
        replace(RESTARTED, framework="ultralytics"),
        replace(RESTARTED, user_id=0),
        replace(RESTARTED, command_directory="/home/ann/other"),
        training(6000, start_ticks=50),
    ],
    ids=["another", "framework", "user", "directory", "older"],
)
def test_another_training_after_the_end_is_a_candidate(other: Training) -> None:
    """What is not the same training is offered, not taken."""
    scene = Scene()
    scene.scan(ANN)
    scene.end(ANN)

    attachment = scene.scan(other)

    assert (AttachState.ENDED, ANN, (other,)) == (
        attachment.state,
        attachment.training,
        attachment.candidates,
    )


def test_a_training_that_ran_beside_it_is_no_restart() -> None:
    """Two trainings from one directory on two GPUs: the end of one does not make the other its restart."""
    scene = Scene()
    scene.scan(ANN, RESTARTED)
    scene.scan(ANN, RESTARTED, chosen=4000)
    scene.end(ANN)

    attachment = scene.scan(RESTARTED)

    assert (AttachState.ENDED, (RESTARTED,)) == (attachment.state, attachment.candidates)


def test_a_restart_seen_before_the_end_is_a_restart() -> None:
    """A scan may find the new process before the end of the old one is noticed."""
    scene = Scene()
    scene.scan(ANN)
    scene.scan(RESTARTED)
    scene.end(ANN)

    assert scene.scan(RESTARTED).training == RESTARTED


@pytest.mark.parametrize(
    ("command", "state"), [("train.py", AttachState.ATTACHED), ("x.py", AttachState.ENDED)]
)
def test_where_the_directory_is_unknown_the_command_counts(command: str, state: AttachState) -> None:
    """Two unknown directories are not the same directory."""
    scene = Scene()
    hidden = Missing("permission denied")
    scene.scan(replace(ANN, command_directory=hidden))
    scene.end(ANN)

    restarted = replace(RESTARTED, command_directory=hidden, command=("python", command))
    assert state is scene.scan(restarted).state


def test_another_training_can_be_chosen_after_the_end() -> None:
    """The end leaves all choices open."""
    scene = Scene()
    scene.scan(ANN)
    scene.end(ANN)

    attachment = scene.scan(BOB, chosen=4500)

    assert (AttachState.ATTACHED, BOB) == (attachment.state, attachment.training)
    assert attachment.text == "attached to yolov5 train.py (pid 4500)"


def test_a_choice_that_fails_after_the_end_keeps_the_ended_picture() -> None:
    """A training that was chosen too late does not wipe what is shown."""
    scene = Scene()
    scene.scan(ANN)
    scene.end(ANN)

    assert scene.scan(chosen=4500).training == ANN


def test_of_those_beside_it_only_the_newest_are_remembered() -> None:
    """A search of settings beside it starts one training after the other for weeks."""
    scene = Scene()
    scene.scan(ANN)
    for number in range(300):
        scene.scan(ANN, training(5000 + number, start_ticks=300 + number))

    assert 256 == len(scene.attaching._beside)
    assert training(5299, start_ticks=599).id in scene.attaching._beside
