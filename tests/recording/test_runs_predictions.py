"""What was predicted of a run, and what its settings brought, in the database of runs."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import SupportsIndex

import pytest

from gpumon.model.measure import Missing
from gpumon.model.proof import Outcome, Proof
from gpumon.model.report import TrainingReport
from gpumon.model.suggestion import Bound, Change, Effect, Suggestion
from gpumon.recording.runs import RunsDatabase
from gpumon.recording.runs_keeper import RunKeeper
from gpumon.recording.runs_predictions import MOST_PREDICTIONS, prediction_of
from gpumon.recording.runs_run import Run, RunState
from tests.recording.prior_scene import MORE_WORKERS
from tests.recording.runs_scene import ABOUT, PROCESS, block, report
from tests.unit.synthetic_training import PID, STARVED

SEEN = RunState(1.7e9, epoch=2)
WORKERS = Suggestion(
    setting="workers",
    from_value=2,
    to_value=6,
    text="6 workers instead of 2",
    finding="starved-too-few-workers",
    bound=Bound.GPU,
    rests_on="the wait",
    speedup=Effect(1.0, 1.6, 1.4, 1.7),
    images_per_second=Effect(90.0, 144.0, 126.0, 153.0),
    data_wait_ratio=Effect(0.41, 0.02, 0.0, 0.06),
    curve=MORE_WORKERS.curve,
)
PROOF = Proof(
    4,
    3,
    (Change("workers", 2, 6),),
    settled=True,
    text="workers 2 -> 6: predicted 144 (126-153), achieved 146 images/s (143-149)",
    images_per_second=Outcome(90.0, 88.0, 92.0, 146.0, 143.0, 149.0, 144.0, 126.0, 153.0),
)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Return where a database may be made."""
    return tmp_path / "runs.sqlite"


def _run(path: Path) -> Run:
    database = RunsDatabase(path, readonly=True)
    try:
        return next(database.runs())
    finally:
        database.close()


def test_a_suggestion_is_kept_as_what_it_predicts() -> None:
    """All that it changes, all that it predicts, and its curve."""
    assert MORE_WORKERS == prediction_of(WORKERS)


def test_all_settings_that_are_changed_are_kept() -> None:
    """The first one is what the advice is about; one that stays as it is does not count."""
    both = replace(WORKERS, together=(Change("batch_size", 16, 32), Change("cache", None, None)))
    found = prediction_of(both)

    assert found is not None
    assert (Change("workers", 2, 6), Change("batch_size", 16, 32)) == found.changes
    assert MORE_WORKERS.curve == found.curve


@pytest.mark.parametrize(
    "suggestion",
    [
        replace(WORKERS, to_value=2),
        replace(
            WORKERS,
            speedup=Missing("nobody knows"),
            images_per_second=Missing("nobody knows"),
            data_wait_ratio=Missing("nobody knows"),
        ),
    ],
)
def test_what_changes_or_predicts_nothing_is_no_prediction(suggestion: Suggestion) -> None:
    """That no number of workers can feed the GPU is advice, and nothing to be proved."""
    assert prediction_of(suggestion) is None


def test_what_could_not_be_read_back_is_not_kept(path: Path) -> None:
    """A factor that is no number would break the whole list of runs."""
    endless = replace(MORE_WORKERS, speedup=Effect(1.0, float("inf"), 1.0, float("inf")))
    batch = replace(MORE_WORKERS, changes=(Change("batch_size", 16, 32),))
    unmeasured = replace(PROOF, images_per_second=Outcome(90.0, 88.0, float("nan"), 146.0, 143.0, 149.0))
    database = RunsDatabase(path)
    database.write(PROCESS, ABOUT, SEEN, [block(1)], predictions=[endless, batch], proof=unmeasured)
    run = next(database.runs())
    database.write(PROCESS, ABOUT, SEEN, [], proof=PROOF)
    database.write(PROCESS, ABOUT, SEEN, [], proof=unmeasured)
    later = next(database.runs())
    database.close()

    assert ((batch,), None, PROOF) == (run.predictions, run.proof, later.proof)


def test_of_the_same_settings_the_newest_prediction_stays(path: Path) -> None:
    """What was said first is no longer true when it was said better."""
    database = RunsDatabase(path)
    better = replace(MORE_WORKERS, speedup=Effect(1.0, 1.5, 1.45, 1.55))
    database.write(PROCESS, ABOUT, SEEN, [block(1)], predictions=[MORE_WORKERS])
    database.write(PROCESS, ABOUT, replace(SEEN, seen_unix_seconds=1.7e9 + 10), [], predictions=[better])

    assert (better,) == next(database.runs()).predictions
    database.close()


def test_predictions_are_bounded_and_the_newest_come_first(path: Path) -> None:
    """Advice that wavers for days leaves 16 of them."""
    database = RunsDatabase(path)
    for second in range(MOST_PREDICTIONS + 9):
        told = replace(MORE_WORKERS, changes=(Change("workers", 2, 3 + second),))
        database.write(
            PROCESS, ABOUT, replace(SEEN, seen_unix_seconds=1.7e9 + second), [], predictions=[told]
        )
    found = next(database.runs()).predictions
    database.close()

    assert MOST_PREDICTIONS == len(found)
    assert [27, 26, 25] == [each.changes[0].to_value for each in found[:3]]


def test_what_is_told_of_a_training_is_kept_with_its_run(path: Path) -> None:
    """The keeper takes predictions and settled proofs from the reports."""
    keeper = RunKeeper(path, "boot-1")
    early = replace(PROOF, settled=False, text="not yet")
    for second in range(25):
        told = TrainingReport(PID, suggestions=(WORKERS,), proof=early if second < 12 else PROOF)
        keeper.take(replace(report(second, STARVED), trainings=(told,)))
        if second == 11:
            assert _run(path).proof is None
    keeper.flush()

    run = _run(path)
    assert ("", (MORE_WORKERS,), PROOF) == (keeper.trouble, run.predictions, run.proof)


def test_what_was_told_for_a_moment_is_kept_too(path: Path) -> None:
    """Of each change the last word within a block, however soon the advice was another one."""
    keeper = RunKeeper(path, "boot-1")
    better = replace(WORKERS, speedup=Effect(1.0, 1.5, 1.4, 1.6))
    batch = replace(WORKERS, setting="batch_size", from_value=16, to_value=32)
    for second, told in enumerate((WORKERS, better, batch, *[None] * 12)):
        suggestions = () if told is None else (told,)
        trainings = (TrainingReport(PID, suggestions=suggestions),)
        keeper.take(replace(report(second, STARVED), trainings=trainings))

    kept = {prediction_of(better), prediction_of(batch)}
    assert ("", kept) == (keeper.trouble, set(_run(path).predictions))
    keeper.flush()


def test_predictions_are_written_out_once_a_block(path: Path) -> None:
    """Not in every second: the keeper shares its cores with a training."""
    written: list[None] = []

    class Curve(tuple[tuple[int, Effect], ...]):
        __slots__ = ()

        def __getitem__(self, _: SupportsIndex | slice) -> Curve:  # type: ignore[override]
            return self

        def __iter__(self) -> Iterator[tuple[int, Effect]]:
            written.append(None)
            return super().__iter__()

    told = TrainingReport(PID, suggestions=(replace(WORKERS, curve=Curve(WORKERS.curve)),))
    keeper = RunKeeper(path, "boot-1")
    for second in range(25):
        keeper.take(replace(report(second, STARVED), trainings=(told,)))
    keeper.flush()

    assert (3, (MORE_WORKERS,)) == (len(written), _run(path).predictions)


def test_runs_that_are_forgotten_take_their_predictions_along(path: Path) -> None:
    """The oldest run of a thousand leaves nothing behind."""
    database = RunsDatabase(path)
    database.write(PROCESS, ABOUT, SEEN, [block(1)], predictions=[MORE_WORKERS], proof=PROOF)
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as raw:
        raw.execute("UPDATE sqlite_sequence SET seq = 5000 WHERE name = 'runs'")
    database.write(replace(PROCESS, pid=5), ABOUT, SEEN, [block(1)])
    with contextlib.closing(sqlite3.connect(path)) as raw:
        left = raw.execute("SELECT run FROM predictions UNION SELECT run FROM proofs").fetchall()
    database.close()

    assert [] == left


@pytest.mark.parametrize(
    "damage",
    [
        "UPDATE predictions SET prediction = 'nothing'",
        "UPDATE predictions SET prediction = x'00ff'",
        "UPDATE predictions SET prediction = replace(prediction, '1.6', '1e999')",
        "UPDATE predictions SET prediction = replace(prediction, 'speedup', 'faster')",
        "UPDATE proofs SET proof = '{}'",
        "UPDATE proofs SET proof = replace(proof, '146.0', 'true')",
        "UPDATE proofs SET proof = replace(proof, 'settled', 'over')",
    ],
)
def test_a_row_that_is_not_understood_costs_only_itself(path: Path, damage: str) -> None:
    """A prediction or proof that is broken, or of another gpumon, is left out; all runs stay."""
    database = RunsDatabase(path)
    for pid in (1, 2):
        database.write(
            replace(PROCESS, pid=pid), ABOUT, SEEN, [block(1)], predictions=[MORE_WORKERS], proof=PROOF
        )
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as raw:
        assert 1 == raw.execute(damage + " WHERE run = 2").rowcount
    other, one = database.runs()
    proofs = database.proofs()
    alone = database.run(2)
    database.close()

    assert ((MORE_WORKERS,), PROOF) == (one.predictions, one.proof)
    assert (other, (block(1),)) == (alone, other.blocks)
    if "predictions" in damage:
        assert ((), PROOF, [2, 1]) == (other.predictions, other.proof, [run for run, _ in proofs])
    else:
        assert ((MORE_WORKERS,), None, [1]) == (
            other.predictions,
            other.proof,
            [run for run, _ in proofs],
        )
