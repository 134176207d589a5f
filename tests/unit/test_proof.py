"""What changed settings brought: a training beside the earlier run that it is a change of."""

from __future__ import annotations

from dataclasses import replace

import pytest

from gpumon.advice.prior import NOTHING_KNOWN, EarlierRun, Prior, SeenPrediction, SeenProof
from gpumon.advice.proof import changes_between, prediction_for, proof_of, taught_by
from gpumon.diagnosis.view import View, view_of
from gpumon.history.stats import Interval
from gpumon.model.measure import Missing
from gpumon.model.proof import Outcome, Proof
from gpumon.model.suggestion import Change, Effect
from gpumon.model.training import Phase
from tests.unit.synthetic_training import GIB, HEALTHY, PID, Scene

FASTER = replace(HEALTHY, seconds=90, workers=6, rate=146.0, wait=0.02)
MORE_WORKERS = SeenPrediction(
    (Change("workers", 2, 6),),
    Effect(1.0, 1.64, 1.46, 1.69),
    Effect(90.0, 148.0, 131.0, 152.0),
    Effect(0.41, 0.02, 0.0, 0.06),
    curve=((4, Effect(1.0, 1.5, 1.4, 1.6)),),
)
EARLIER = EarlierRun(
    3,
    (("batch_size", 16), ("workers", 2), ("imgsz", 640), ("epochs", 3), ("world_size", 1)),
    Interval(90.0, 88.0, 92.0),
    Interval(0.41, 0.38, 0.44),
    Interval(5.0 * GIB, 5.0 * GIB, 5.4 * GIB),
    (MORE_WORKERS,),
)


def _view(scene: Scene) -> View:
    view = view_of(scene.window(), PID)
    assert view is not None
    return view


def _proof(scene: Scene = FASTER, earlier: EarlierRun = EARLIER) -> Proof:
    found = proof_of(_view(scene), Prior(earlier=earlier, run=4))
    assert found is not None
    return found


def _outcome(found: Outcome | Missing) -> Outcome:
    assert isinstance(found, Outcome)
    return found


def test_predicted_and_achieved_stand_side_by_side() -> None:
    """Speed, wait and memory, each before, as predicted, and as it came out."""
    proof = _proof()
    rate, wait = _outcome(proof.images_per_second), _outcome(proof.data_wait_ratio)
    memory = _outcome(proof.gpu_memory_bytes)

    assert ((Change("workers", 2, 6),), 4, 3, True) == (
        proof.changes,
        proof.run,
        proof.earlier_run,
        proof.settled,
    )
    assert (90.0, 148.0, 131.0, 152.0, 146.0, True) == (
        rate.before,
        rate.predicted,
        rate.predicted_low,
        rate.predicted_high,
        rate.achieved,
        rate.is_as_predicted,
    )
    assert (0.41, 0.02, True) == (wait.before, wait.predicted, wait.is_as_predicted)
    assert wait.achieved_low < 0.05 > wait.achieved
    assert (5.0 * GIB, 5.0 * GIB, None) == (memory.before, memory.achieved, memory.predicted)
    assert proof.text.startswith("workers 2 -> 6: predicted 148 (131-152), achieved 146 images/s (")


def test_no_earlier_run_or_no_change_is_no_proof() -> None:
    """A first run, and a run that only goes on longer, are no experiment."""
    same = replace(EARLIER, settings=(("workers", 6), ("batch_size", 16), ("epochs", 3)))

    assert proof_of(_view(FASTER), NOTHING_KNOWN) is None
    assert proof_of(_view(FASTER), Prior(earlier=same)) is None


@pytest.mark.parametrize("cache", [None, False, ""])
def test_not_given_and_off_are_one(cache: bool | str | None) -> None:
    """An option that was not given on one start, and stands as off in a file on the next, did not change."""
    changes = changes_between({"cache": None, "workers": 0}, {"cache": cache, "workers": False})

    assert (Change("workers", 0, False),) == changes


def test_a_change_of_ones_own_is_measured_too() -> None:
    """Without a prediction it is still before and after."""
    proof = _proof(earlier=replace(EARLIER, predictions=()))
    rate = _outcome(proof.images_per_second)

    assert (None, None, 146.0, 90.0) == (rate.predicted, rate.is_as_predicted, rate.achieved, rate.before)
    assert "after 90 (88-92) in run 3; nothing was predicted for this" in proof.text


def test_it_is_settled_after_a_minute_of_steady_training() -> None:
    """Until then it says how much of it there is."""
    early, later = _proof(replace(FASTER, seconds=60)), _proof(replace(FASTER, seconds=61))

    assert (False, True) == (early.settled, later.settled)
    assert early.text.endswith("; 50 of 60 s measured")
    assert "measured" not in later.text


def test_what_is_no_steady_training_does_not_settle_it() -> None:
    """A minute of starting and validating shows nothing of speed."""
    phases = (Phase.START,) * 40 + (Phase.TRAIN,) * 30
    proof = _proof(replace(FASTER, seconds=70, phases=phases))

    assert not proof.settled


def test_samples_that_come_often_settle_it_with_what_a_window_holds() -> None:
    """At five samples a second the newest 180 are 36 s."""
    window = replace(FASTER, seconds=180).window()
    samples = tuple(
        replace(
            sample,
            interval_seconds=0.2,
            instant=replace(sample.instant, monotonic_seconds=1000.0 + 0.2 * index),
        )
        for index, sample in enumerate(window.samples)
    )
    view = view_of(replace(window, samples=samples), PID)
    assert view is not None
    proof = proof_of(view, Prior(earlier=EARLIER))

    assert proof is not None
    assert proof.settled


def test_before_anything_is_measured_the_prediction_is_told() -> None:
    """What one waits for stands there from the first second on."""
    proof = _proof(replace(FASTER, seconds=5))

    assert isinstance(proof.images_per_second, Missing)
    assert "predicted 148 (131-152) images/s; not measured yet; 0 of 60 s measured" in proof.text


def test_without_a_speed_the_wait_is_the_proof() -> None:
    """A training that tells no rate still waits less."""
    proof = _proof(replace(FASTER, rate=None))

    assert proof.settled
    assert "the wait for data is" in proof.text
    assert "after 41 %" in proof.text


def test_a_miss_is_a_miss() -> None:
    """Predicted 148, achieved 95: the intervals do not meet, whatever the sentence."""
    rate = _outcome(_proof(replace(FASTER, rate=95.0)).images_per_second)

    assert rate.is_as_predicted is False


def test_memory_before_the_first_validation_is_not_compared() -> None:
    """The first validation often needs more: a comparison without it flatters."""
    proof = _proof(replace(FASTER, epoch=0))

    assert isinstance(proof.gpu_memory_bytes, Missing)
    assert "no validation was seen yet" in proof.gpu_memory_bytes.reason


def test_what_the_earlier_run_did_not_measure_is_said() -> None:
    """Its number is named."""
    proof = _proof(earlier=replace(EARLIER, data_wait_ratio=None))

    assert Missing("the wait of run 3 is not known") == proof.data_wait_ratio


def test_the_predicted_setting_comes_first() -> None:
    """Of several changes the one that the advice was about leads, whatever their order."""
    both = replace(
        MORE_WORKERS, changes=(Change("workers", 2, 6), Change("batch_size", 8, 16)), images_per_second=None
    )
    earlier = replace(
        EARLIER, settings=(("batch_size", 8), ("workers", 2), ("world_size", 1)), predictions=(both,)
    )
    proof = _proof(earlier=earlier)

    assert ["workers", "batch_size"] == [change.setting for change in proof.changes]
    assert "workers 2 -> 6, batch size 8 -> 16: predicted" in proof.text
    # No absolute rate was shown: the factor on what the run did.
    assert _outcome(proof.images_per_second).predicted == pytest.approx(90.0 * 1.64)


@pytest.mark.parametrize(
    ("changes", "predicted"),
    [
        ((Change("workers", 2, 6),), 1.64),
        ((Change("workers", 2, 4),), 1.5),
        ((Change("workers", 2, 5),), None),
        ((Change("workers", 2, True),), None),
        ((Change("cache", None, "ram"),), None),
        ((Change("workers", 2, 6), Change("batch_size", 16, 32)), None),
        ((Change("workers", 2, 4), Change("batch_size", 16, 32)), None),
    ],
)
def test_a_prediction_is_for_exactly_these_settings(
    changes: tuple[Change, ...], predicted: float | None
) -> None:
    """Or for another value of the curve; with anything else changed too nothing was predicted."""
    found = prediction_for((MORE_WORKERS,), changes)

    assert predicted == (None if found is None or found.speedup is None else found.speedup.predicted)


def test_a_curve_is_of_its_setting_alone() -> None:
    """Advised were workers and batch; who changed the workers only gets what the curve says."""
    both = replace(MORE_WORKERS, changes=(Change("workers", 2, 6), Change("batch_size", 16, 32)))
    found = prediction_for((both,), (Change("workers", 2, 4),))

    assert found is not None
    assert (1.5, None) == (found.speedup.predicted if found.speedup else None, found.images_per_second)
    assert prediction_for((both,), (Change("batch_size", 16, 32),)) is None


def test_a_settled_proof_teaches_how_good_the_prediction_was() -> None:
    """Two factors on the speed before; without a prediction, or too early, nothing."""
    settled = _proof()
    taught = taught_by(settled)

    assert taught == SeenProof("workers", 148.0 / 90.0, 146.0 / 90.0)
    assert taught_by(replace(settled, settled=False)) is None
    assert taught_by(_proof(earlier=replace(EARLIER, predictions=()))) is None
    assert taught_by(_proof(replace(FASTER, rate=None))) is None


_GPUS = (Change("world_size", 1, 2), Change("device", None, "0,1"), Change("batch_size", 16, 32))


@pytest.mark.parametrize(
    "changes",
    [
        (Change("launcher", "1 GPU", "2 GPUs"), *_GPUS),
        (Change("device", "0", "0,1"), Change("world_size", 1, 2), Change("batch_size", 16, 32)),
    ],
)
def test_a_second_gpu_is_recognised_by_the_ranks(changes: tuple[Change, ...]) -> None:
    """The launcher is no setting of a training, and devices are spelled in many ways."""
    predicted = SeenPrediction(changes, Effect(1.0, 1.5, 1.0, 2.0))
    made = changes_between(
        {"batch_size": 16, "device": "", "world_size": 1},
        {"batch_size": 32, "device": "[0, 1]", "world_size": 2},
    )

    assert prediction_for((predicted,), made) == predicted
    assert prediction_for((predicted,), (*made, Change("workers", 4, 3))) is None
    assert prediction_for((predicted,), (Change("batch_size", 16, 32),)) is None


def test_a_prediction_without_its_ranks_is_for_nothing_else() -> None:
    """One that names only a launcher is not that of the batch alone."""
    predicted = SeenPrediction(
        (Change("launcher", "1 GPU", "2 GPUs"), Change("batch_size", 16, 32)), Effect(1.0, 1.5, 1.0, 2.0)
    )

    assert prediction_for((predicted,), (Change("batch_size", 16, 32),)) is None


def test_more_gpus_teach_nothing_of_the_batch() -> None:
    """The proof is that of the ranks, whatever changes with them."""
    predicted = SeenPrediction(
        (Change("launcher", "1 GPU", "2 GPUs"), *_GPUS),
        Effect(1.0, 1.5, 1.0, 2.0),
        Effect(90.0, 135.0, 90.0, 180.0),
    )
    earlier = replace(
        EARLIER, settings=(("batch_size", 8), ("workers", 6), ("world_size", 1)), predictions=(predicted,)
    )
    two = replace(predicted, changes=(predicted.changes[0], _GPUS[0], Change("batch_size", 8, 16)))
    proof = _proof(replace(FASTER, ranks=2), replace(earlier, predictions=(two,)))
    taught = taught_by(proof)

    assert taught is not None
    assert (taught.setting, taught.predicted) == ("world_size", 1.5)
    assert proof.text.startswith("world size 1 -> 2, batch size 8 -> 16: predicted 135")


@pytest.mark.parametrize(("advised", "made"), [("on", True), ("off", False), (True, True)])
def test_amp_is_advised_in_words_and_set_as_a_switch(advised: str | bool, made: bool) -> None:
    """What is "on" in the advice is True among the settings of ultralytics."""
    predicted = SeenPrediction((Change("amp", not made, advised),), Effect(1.0, 1.25, 1.0, 1.3))

    assert prediction_for((predicted,), (Change("amp", not made, made),)) == predicted
    assert prediction_for((predicted,), (Change("amp", made, not made),)) is None


def test_an_option_that_was_not_given_is_written_so() -> None:
    """An empty device says nothing in a sentence."""
    earlier = replace(EARLIER, settings=(("device", ""), ("workers", 6), ("batch_size", 16)), predictions=())

    assert "device not set -> 0:" in _proof(earlier=earlier).text
