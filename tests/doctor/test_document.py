"""The JSON of an examination: names that scripts may rely on."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

from gpumon.doctor.check import State, Tier
from gpumon.doctor.document import document
from gpumon.doctor.examine import Examination, Health, examine
from gpumon.doctor.facts import Facts
from tests.doctor.scene import ANN_RIGHTS, FACTS

KEYS = {"schema", "gpumon", "timestamp", "hostname", "health", "text", "exit_code", "pids", "notes", "checks"}
CHECK_KEYS = {"id", "tier", "subject", "title", "state", "text", "remedies"}


def _document(facts: Facts = FACTS) -> dict[str, Any]:
    found = document(examine(facts), version="0.1.0", hostname="box", unix_seconds=1_790_000_000.25)
    loaded: dict[str, Any] = json.loads(json.dumps(found, allow_nan=False))
    return loaded


def test_the_names_of_the_document_stay() -> None:
    """Schema 1 is a promise."""
    found = _document()

    assert set(found) == KEYS
    assert {frozenset(CHECK_KEYS)} == {frozenset(check) for check in found["checks"]}
    assert (1, "0.1.0", "2026-09-21T14:13:20.250Z", "box") == (
        found["schema"],
        found["gpumon"],
        found["timestamp"],
        found["hostname"],
    )


def test_the_words_of_the_document_stay() -> None:
    """States, tiers and the whole's health have fixed names."""
    assert ["ok", "note", "limited", "missing"] == [state.value for state in State]
    assert ["ok", "limited", "nothing"] == [health.value for health in Health]
    assert [
        "machine",
        "gpu",
        "host",
        "process",
        "cgroup",
        "threads",
        "interpreter",
        "reporter",
        "loader",
        "terminal",
    ] == [tier.value for tier in Tier]


def test_the_exit_code_stands_in_the_document() -> None:
    """Whoever keeps the document knows how the command ended."""
    gone = replace(FACTS, asked_pid=7, pid_problem="there is no process 7", processes=())

    assert [(0, "ok"), (2, "nothing")] == [
        (found["exit_code"], found["health"]) for found in (_document(), _document(gone))
    ]


def test_a_remedy_without_a_command_has_null() -> None:
    """A sentence for a person is no command for a script."""
    found = document(
        Examination(Health.LIMITED, "", examine(replace(FACTS, rights=ANN_RIGHTS)).checks),
        version="",
        hostname="",
        unix_seconds=0.0,
    )
    remedies = [remedy for check in found["checks"] for remedy in check["remedies"]]

    assert remedies
    assert all(remedy["command"] is None or remedy["command"] for remedy in remedies)


def test_an_id_begins_with_its_tier() -> None:
    """Checks can be picked by the beginning of their ids."""
    assert [] == [
        check["id"] for check in _document()["checks"] if check["id"].split(".")[0] != check["tier"]
    ]
