"""Predictions and proofs in the database of runs: one row for the settings of a run, one for its proof."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from contextlib import suppress
from typing import TypeAlias, TypeVar

from gpumon.advice.prior import SeenPrediction
from gpumon.model.measure import Maybe, Missing
from gpumon.model.proof import Proof
from gpumon.model.report import TrainingReport
from gpumon.model.suggestion import Change, Effect, Suggestion
from gpumon.recording.codec import CodecError
from gpumon.recording.kept_value import MOST_CHARACTERS, KeptValue, to_line
from gpumon.recording.runs_schema import OLDEST_SCHEMA

T = TypeVar("T")

# Settings that a run is told to change to, at most; the advice wavers between some.
MOST_PREDICTIONS = 16
_MOST_CURVE = 32
_MOST_SETTINGS_CHARACTERS = 2000
_PREDICTIONS: KeptValue[SeenPrediction] = KeptValue(SeenPrediction)
_PROOFS: KeptValue[Proof] = KeptValue(Proof)

# Settings and the values that they are changed to.
ChangedTo: TypeAlias = frozenset[tuple[str, str]]


def prediction_of(suggestion: Suggestion) -> SeenPrediction | None:
    """Return what a suggestion predicts, or None where it changes or predicts nothing."""
    first = Change(suggestion.setting, suggestion.from_value, suggestion.to_value)
    changes = tuple(
        change for change in (first, *suggestion.together) if change.from_value != change.to_value
    )
    if first not in changes:
        return None
    speedup, rate = _effect(suggestion.speedup), _effect(suggestion.images_per_second)
    wait, memory = _effect(suggestion.data_wait_ratio), _effect(suggestion.gpu_memory_bytes)
    if all(effect is None for effect in (speedup, rate, wait, memory)):
        return None
    return SeenPrediction(changes, speedup, rate, wait, memory, suggestion.curve[:_MOST_CURVE])


def settings_key(prediction: SeenPrediction) -> str:
    """Return what tells the settings that are predicted for from others. Raises CodecError."""
    return to_line({change.setting: change.to_value for change in sorted(prediction.changes, key=_name)})


def predictions_of(report: TrainingReport) -> dict[ChangedTo, SeenPrediction]:
    """Return what a report predicts, by settings. Quick, for every second: nothing is written out here."""
    found = (prediction_of(suggestion) for suggestion in report.suggestions)
    return {_changed_to(prediction): prediction for prediction in found if prediction is not None}


def put_predictions(
    database: sqlite3.Connection, run: int, predictions: Sequence[SeenPrediction], now_unix_seconds: float
) -> None:
    """Write predictions; of the same settings the newest stays, and of all the 16 newest.

    What could not be read back (no finite number) is left out.
    """
    for prediction in predictions:
        with suppress(CodecError):
            key = settings_key(prediction)
            if len(key) <= _MOST_SETTINGS_CHARACTERS:
                database.execute(
                    "INSERT OR REPLACE INTO predictions VALUES (?, ?, ?, ?)",
                    (run, key, now_unix_seconds, _PREDICTIONS.text(prediction)),
                )
    database.execute(
        "DELETE FROM predictions WHERE run = ?1 AND settings NOT IN (SELECT settings FROM predictions"
        " WHERE run = ?1 ORDER BY seen_unix_seconds DESC, settings LIMIT ?2)",
        (run, MOST_PREDICTIONS),
    )


def put_proof(database: sqlite3.Connection, run: int, proof: Proof) -> None:
    """Write what the settings of a run brought; the newest word stays, unless it could not be read back."""
    with suppress(CodecError):
        database.execute(
            "INSERT OR REPLACE INTO proofs VALUES (?, ?, ?)", (run, proof.earlier_run, _PROOFS.text(proof))
        )


def read_predictions(database: sqlite3.Connection, run: int) -> tuple[SeenPrediction, ...]:
    """Return what was predicted in a run, the newest first; what cannot be understood is left out."""
    if _is_old(database):
        return ()
    rows = database.execute(
        "SELECT CASE WHEN length(prediction) <= ?2 THEN prediction END FROM predictions WHERE run = ?1"
        " ORDER BY seen_unix_seconds DESC, settings LIMIT ?3",
        (run, MOST_CHARACTERS, MOST_PREDICTIONS),
    ).fetchall()
    found = (_understood(_PREDICTIONS, row[0]) for row in rows)
    return tuple(prediction for prediction in found if prediction is not None)


def read_proof(database: sqlite3.Connection, run: int) -> Proof | None:
    """Return what the settings of a run brought; None where there is no proof, or none to understand."""
    if _is_old(database):
        return None
    row = database.execute(
        "SELECT CASE WHEN length(proof) <= ?2 THEN proof END FROM proofs WHERE run = ?1",
        (run, MOST_CHARACTERS),
    ).fetchone()
    return None if row is None else _understood(_PROOFS, row[0])


def read_proofs(database: sqlite3.Connection, limit: int) -> tuple[tuple[int, Proof], ...]:
    """Return the proofs of the newest runs with their numbers, the newest first.

    What cannot be understood is left out.
    """
    if _is_old(database):
        return ()
    rows = database.execute("SELECT run FROM proofs ORDER BY run DESC LIMIT ?", (limit,)).fetchall()
    found = ((int(row[0]), read_proof(database, int(row[0]))) for row in rows)
    return tuple((run, proof) for run, proof in found if proof is not None)


def _understood(kind: KeptValue[T], value: object) -> T | None:
    """Return what was kept; None where another gpumon kept it otherwise, or it is broken."""
    # One such row must not hide a run, or all of them: it is an extra.
    if isinstance(value, str):
        with suppress(CodecError):
            return kind.read(value)
    return None


def _is_old(database: sqlite3.Connection) -> bool:
    """Tell whether the file is one that has neither table and is only read."""
    return int(database.execute("PRAGMA user_version").fetchone()[0]) <= OLDEST_SCHEMA


def _changed_to(prediction: SeenPrediction) -> ChangedTo:
    """Return what tells the settings that are predicted for from others, as `settings_key` but quickly."""
    return frozenset((change.setting, repr(change.to_value)) for change in prediction.changes)


def _name(change: Change) -> str:
    return change.setting


def _effect(effect: Maybe[Effect]) -> Effect | None:
    return None if isinstance(effect, Missing) else effect
