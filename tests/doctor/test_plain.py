"""What a person reads: the verdict first, then what helps, then everything, in 80 columns."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from gpumon.doctor.check import Check, Remedy, State, Tier
from gpumon.doctor.examine import Examination, Health, examine
from gpumon.doctor.facts import InterpreterFacts
from gpumon.doctor.plain import rows
from gpumon.model.gpu import DriverReading, DriverState
from gpumon.paint.row import row_text, text_width
from tests.doctor.scene import ANN_RIGHTS, DENIED, FACTS, PROCESS

REMEDY = Remedy("do it", "make it so")
YAMA = replace(
    FACTS,
    rights=replace(ANN_RIGHTS, yama_scope=1),
    driver=DriverReading(DriverState.NOT_LOADED, "its module is not loaded"),
    gpus=(),
    processes=(replace(PROCESS, interpreter=InterpreterFacts("no-permission", "refused")),),
)


def _lines(examination: Examination, width: int = 80) -> list[str]:
    return [row_text(row).replace("\N{NO-BREAK SPACE}", " ") for row in rows(examination, width)]


def _one(*checks: Check) -> list[str]:
    return _lines(Examination(Health.LIMITED, "something falls short", checks, (7,)))


def _check(title: str, state: State = State.LIMITED, text: str = "why", **changes: object) -> Check:
    made = Check(f"process.{title}", Tier.PROCESS, title, state, text, "process 7", (REMEDY,))
    return replace(made, **changes) if changes else made  # type: ignore[arg-type]


def test_the_verdict_is_the_first_line() -> None:
    """A word and a sentence, before anything else."""
    assert _lines(examine(FACTS))[0] == (
        "HEALTHY  all that matters of this machine and training 41234 can be read"
    )


def test_what_helps_stands_before_the_table() -> None:
    """Who reads only the first screen sees what to do."""
    lines = _lines(examine(YAMA))

    assert lines.index("What helps") < lines.index("Machine")
    assert "       sudo modprobe nvidia" in lines[: lines.index("Machine")]


def test_one_remedy_that_serves_several_checks_is_said_once() -> None:
    """Checks point to it by its number."""
    lines = _one(_check("environment"), _check("descriptors", text="because"))

    assert 1 == lines.count("       make it so")
    assert "  1  environment, descriptors (process 7)" in lines
    assert 2 == sum(line.endswith(" [1]") for line in lines)


def test_checks_that_say_the_same_share_a_line() -> None:
    """Eight files of another user are one line."""
    assert "  limited environment, descriptors: why [1]" in _one(_check("environment"), _check("descriptors"))


def test_of_several_remedies_any_one_is_enough() -> None:
    """The second begins with `or`."""
    both = (REMEDY, Remedy("wait"))
    lines = _one(replace(_check("environment"), remedies=both))

    assert ["     do it:", "       make it so", "     or wait"] == lines[4:7]


def test_what_is_not_needed_stands_last() -> None:
    """A remedy of a note is an offer."""
    lines = _one(_check("log", State.NOTE))

    assert "What helps" not in lines
    assert lines[-4:] == [
        "Not needed, but possible",
        "  1  log (process 7)",
        "     do it:",
        "       make it so",
    ]


def test_a_command_is_never_broken() -> None:
    """It is copied whole, however long."""
    command = f"gpumon run -- python train.py {'--flag value ' * 20}".strip()
    lines = _one(replace(_check("reporter"), remedies=(Remedy("start it anew", command),)))

    assert f"       {command}" in lines


def test_a_long_path_is_broken_and_not_cut() -> None:
    """Nothing of what was read is lost."""
    path = "/" + "/".join(f"directory-{number}" for number in range(20))
    lines = _one(_check("directory", State.OK, path, remedies=()))

    assert "".join(line[28:].strip() for line in lines if "/directory" in line or "-" in line[28:]) == path


def test_nothing_to_read_is_the_verdict_and_what_helps() -> None:
    """One refusal needs no table."""
    facts = replace(FACTS, asked_pid=7, pid_problem="there is no process 7", processes=())

    assert _lines(examine(facts)) == [
        "NOTHING TO READ  there is no process 7",
        "",
        "What helps",
        "  1  process (process 7)",
        "     let gpumon find the training:",
        "       gpumon doctor",
    ]


def test_several_processes_are_told_apart() -> None:
    """With two trainings each heading says of which it is."""
    other = replace(PROCESS, id=replace(PROCESS.id, pid=7))
    lines = _lines(examine(replace(FACTS, processes=(PROCESS, other))))

    assert {"Process 41234", "Interpreter of process 41234", "Process 7", "Interpreter of process 7"} <= set(
        lines
    )


def test_one_process_needs_no_names_of_it() -> None:
    """Headings are short where there is no doubt."""
    assert "Interpreter" in _lines(examine(FACTS))


@given(st.integers(20, 160), st.text(max_size=200), st.text(min_size=1, max_size=30))
def test_no_row_is_wider_than_the_terminal(width: int, text: str, title: str) -> None:
    """Whatever is said, only commands may be longer than a row."""
    check = replace(_check(title, text=text), remedies=(Remedy(text or "do it"),))
    found = rows(Examination(Health.LIMITED, text, (check,), (7,)), width)
    heading = "Not needed, but possible"

    assert [] == [line for row in found if text_width(line := row_text(row)) > max(width, len(heading))]


def test_every_check_is_told() -> None:
    """Each title stands somewhere in the table."""
    denied = replace(PROCESS, environment=DENIED, user_id=1, user="ben")
    found = examine(replace(FACTS, processes=(denied,)))
    text = " ".join(" ".join(_lines(found)).split())

    assert [] == [check.id for check in found.checks if check.title not in text]
