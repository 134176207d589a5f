"""Which training is attached: every step from the search to the end and back."""

from __future__ import annotations

from dataclasses import replace

import pytest

from gpumon.model.measure import Missing
from gpumon.model.process import ProcessId
from gpumon.model.report import Attachment, AttachState
from gpumon.model.training import Ended, Training
from gpumon.monitor.attaching import Attaching, Found, Wish
from tests.unit.trainings import KILLED, WORKER_OFFSET, training

ANN = training(4000)
BOB = training(4500, start_ticks=200, directory="/home/bob/yolov5", user_id=1001)
RESTARTED = training(6000, start_ticks=300)


class Scene:
    """An attachment with the trainings that run and those that have ended."""

    def __init__(self, wish: Wish | None = None) -> None:
        self.attaching = Attaching(wish or Wish())
        self.ended: dict[ProcessId, Ended] = {}

    def scan(self, *trainings: Training, name: str | None = None, chosen: int | None = None) -> Attachment:
        """Return the attachment after a scan that finds these trainings."""
        return self.attaching.update(Found(trainings, name), self.ended.get, chosen)

    def end(self, ended: Training) -> None:
        """Let a training end."""
        self.ended[ended.id] = KILLED

    def followed(self, *trainings: Training) -> tuple[Training, ...]:
        """Return the trainings that are to be read."""
        return self.attaching.followed(Found(trainings))


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
