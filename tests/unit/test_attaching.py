"""Which training is attached: every step from the search to the end and back."""

from __future__ import annotations

from dataclasses import replace

import pytest

from gpumon.model.process import ProcessId
from gpumon.model.report import Attachment, AttachState
from gpumon.monitor.attaching import Wish
from tests.unit.attach_scene import ANN, BOB, Scene
from tests.unit.trainings import WORKER_OFFSET


def test_without_a_training_gpumon_searches() -> None:
    """Nothing runs: nothing is attached, and the sentence says what happens next."""
    attachment = Scene().scan()

    assert (
        Attachment(AttachState.SEARCHING, "no training is running: gpumon attaches when one starts")
        == attachment
    )


def test_the_only_training_is_attached() -> None:
    """One training leaves no choice."""
    attachment = Scene().scan(ANN)

    assert (AttachState.ATTACHED, ANN, ()) == (attachment.state, attachment.training, attachment.candidates)


def test_a_training_that_starts_later_is_attached() -> None:
    """Gpumon may be started first."""
    scene = Scene()
    scene.scan()

    assert scene.scan(ANN).training == ANN


def test_the_sentence_names_the_training() -> None:
    """The framework, the script and the PID are told."""
    assert Scene().scan(ANN).text == "attached to yolov5 train.py (pid 4000)"


def test_the_sentence_says_that_a_training_is_simulated() -> None:
    """Simulated is labelled simulated."""
    attachment = Scene().scan(replace(ANN, simulated=True))

    assert attachment.text == "attached to simulated yolov5 train.py (pid 4000)"


def test_several_trainings_are_a_choice() -> None:
    """Gpumon does not guess which one is meant."""
    attachment = Scene().scan(ANN, BOB)

    assert (AttachState.CHOOSING, None, (ANN, BOB)) == (
        attachment.state,
        attachment.training,
        attachment.candidates,
    )


def test_nothing_is_followed_before_the_choice() -> None:
    """A training that nobody chose is not read."""
    scene = Scene()
    scene.scan(ANN, BOB)

    assert scene.followed(ANN, BOB) == ()


def test_the_chosen_training_is_attached_and_the_others_stay_candidates() -> None:
    """A choice ends the choosing, and leaves the others to change to."""
    scene = Scene()
    scene.scan(ANN, BOB)

    attachment = scene.scan(ANN, BOB, chosen=4500)

    assert (AttachState.ATTACHED, BOB, (ANN,)) == (
        attachment.state,
        attachment.training,
        attachment.candidates,
    )


def test_a_choice_that_does_not_exist_changes_nothing() -> None:
    """The chosen training may have ended before the choice arrives."""
    scene = Scene()
    scene.scan(ANN, BOB)

    assert scene.scan(ANN, BOB, chosen=1).state is AttachState.CHOOSING


def test_an_attached_training_can_be_changed() -> None:
    """Choosing works also while another one is attached."""
    scene = Scene()
    scene.scan(ANN)

    assert scene.scan(ANN, BOB, chosen=4500).training == BOB


def test_a_second_training_does_not_take_over() -> None:
    """Who is attached stays attached; the newcomer is a candidate."""
    scene = Scene()
    scene.scan(ANN)

    attachment = scene.scan(BOB, ANN)

    assert (ANN, (BOB,)) == (attachment.training, attachment.candidates)


def test_one_of_several_left_is_attached() -> None:
    """When all but one have gone before a choice, no choice is left."""
    scene = Scene()
    scene.scan(ANN, BOB)

    assert scene.scan(BOB).training == BOB


@pytest.mark.parametrize("pid", [4000, 4000 + WORKER_OFFSET, 4000 - 1], ids=["main", "worker", "launcher"])
def test_the_pid_of_any_of_its_processes_means_the_training(pid: int) -> None:
    """Main process, worker and launcher: people copy what top shows them."""
    assert Scene(Wish(pid=pid)).scan(BOB, ANN, name="python").training == ANN


def test_the_pid_of_another_process_shows_the_machine() -> None:
    """A PID that is no training is named, and the trainings that there are can be chosen."""
    attachment = Scene(Wish(pid=77)).scan(ANN, name="bash")

    expected = "process 77 (bash) is no training that gpumon knows"
    assert Attachment(AttachState.MACHINE, expected, None, (ANN,)) == attachment


def test_the_pid_of_what_started_it_means_the_training() -> None:
    """A script of the shell, srun or `uv run`: `./run.sh & gpumon $!`."""
    assert Scene(Wish(pid=77)).scan(ANN, BOB, name="run.sh", below=(BOB,)).training == BOB


def test_several_trainings_of_one_starter_are_a_choice() -> None:
    """Those alone, and not the others of the machine."""
    other = replace(BOB, id=ProcessId(4700, 300))
    attachment = Scene(Wish(pid=77)).scan(ANN, BOB, other, name="sweep.sh", below=(BOB, other))

    text = "process 77 (sweep.sh) has started 2 trainings: choose one"
    assert Attachment(AttachState.CHOOSING, text, None, (BOB, other)) == attachment


def test_a_wished_process_that_becomes_a_training_is_attached() -> None:
    """A training is recognised some seconds after its process starts."""
    scene = Scene(Wish(pid=4000))
    scene.scan(name="python")

    assert scene.scan(ANN, name="python").training == ANN


def test_a_wished_process_that_is_gone_is_said_to_be_gone() -> None:
    """The sentence does not promise to attach to something else."""
    attachment = Scene(Wish(pid=77)).scan()

    assert Attachment(AttachState.MACHINE, "process 77 is gone") == attachment


def test_other_trainings_can_be_chosen_when_the_wished_process_is_gone() -> None:
    """The wish is not the last word."""
    scene = Scene(Wish(pid=77))
    scene.scan(ANN)

    assert scene.scan(ANN, chosen=4000).training == ANN


def test_what_a_new_scan_knows_replaces_what_was_known() -> None:
    """Workers and settings show up later; the attached training is the newest picture of it."""
    scene = Scene()
    scene.scan(ANN)
    newer = replace(ANN, notes=("the run directory appeared",))

    assert scene.scan(newer).training == newer


def test_a_training_that_one_scan_misses_stays_attached() -> None:
    """Only the end of its process ends an attachment, not a scan that could not read it."""
    scene = Scene()
    scene.scan(ANN)

    assert (AttachState.ATTACHED, ANN) == (scene.scan().state, scene.attaching.current)


def test_everything_follows_all_trainings() -> None:
    """`snapshot` and `advise` without a PID read all there are, without a choice."""
    scene = Scene(Wish(everything=True))

    attachment = scene.scan(ANN, BOB)

    assert (AttachState.ATTACHED, ANN, (BOB,)) == (
        attachment.state,
        attachment.training,
        attachment.candidates,
    )
    assert (ANN, BOB) == scene.followed(ANN, BOB)


def test_everything_may_be_nothing() -> None:
    """Without trainings there is nothing to follow, and the sentence says so."""
    assert Attachment(AttachState.SEARCHING, "no training is running") == Scene(Wish(everything=True)).scan()
