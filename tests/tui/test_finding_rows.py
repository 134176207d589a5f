"""Findings and suggestions as rows: every number, every reason."""

from __future__ import annotations

from dataclasses import replace

import pytest

from gpumon.advice.amount import amount
from gpumon.model.measure import Missing
from gpumon.model.report import TrainingReport
from gpumon.model.suggestion import Bound, Suggestion
from gpumon.paint.glyphs import UNICODE
from gpumon.paint.row import Row, row_text
from gpumon.tui.finding_rows import command_rows, finding_rows, suggestion_rows
from gpumon.tui.widgets.frame import Frame
from gpumon.tui.widgets.suggestion_words import suggestion_row
from tests.tui.fakes import MAIN_PID, fake_frame, fake_report


def _report() -> TrainingReport:
    report = fake_report().of(MAIN_PID)
    assert report is not None
    return report


def _suggestion() -> Suggestion:
    return _report().suggestions[0]


def _text(rows: list[Row]) -> str:
    return "\n".join(row_text(row) for row in rows)


def _finding_text(frame: Frame) -> str:
    return _text(finding_rows(_report().findings[0], frame, 100))


def test_a_finding_has_its_evidence_as_numbers() -> None:
    """Severity and age; metric, value, interval, threshold and words."""
    text = _finding_text(fake_frame(seconds=120))

    assert text.startswith("● STARVED  the GPU waits 41 % ±3 of each step for data")
    assert "\n  warning since " in text
    assert ", for 1m30s\n" in text
    assert "  data_wait_ratio" in text
    assert "  41 % (38 % to 44 %)  threshold 5 %" in text
    assert "  the main thread waits 41 % of its time" in text


def test_a_muted_finding_says_so() -> None:
    """Beside its age."""
    frame = replace(fake_frame(seconds=120), muted=frozenset({"starved-too-few-workers"}))

    assert ", for 1m30s, muted\n" in _finding_text(frame)


def test_a_finding_has_only_its_own_suggestions() -> None:
    """The suggestion for another finding is not shown with this one."""
    text = _finding_text(fake_frame(seconds=120))

    assert "use 6 workers" in text
    assert "use batch 32" not in text


def test_a_suggestion_has_all_of_its_parts() -> None:
    """Change, rate, speed-up, bound, what it rests on, and the command."""
    text = _text(suggestion_rows(_suggestion(), 100))

    for part in (
        "workers     2 → 6",
        "images/s    90.0 → ~148 (131 to 152)",
        "speed-up    ~×1.64 (1.46 to 1.69)",
        "bound       the cores of this machine",
        "rests on    rate now / (1 - share waited), limited by 8 cores",
        "    python train.py --img 640 --batch 24 --workers 6 --data coco128.yaml",
    ):
        assert part in text


def test_what_is_missing_says_why() -> None:
    """A rate and a command that cannot be had show their reasons."""
    suggestion = replace(
        _suggestion(),
        images_per_second=Missing("the rate is not known"),
        speedup=Missing("too early"),
        command=Missing("the command was not seen"),
        warnings=("mind the learning rate",),
    )
    text = _text(suggestion_rows(suggestion, 100))

    assert "images/s    not known: the rate is not known" in text
    assert "speed-up    not known: too early" in text
    assert "no command  the command was not seen" in text
    assert "mind        mind the learning rate" in text


def test_a_long_command_is_shown_in_full() -> None:
    """No letter of a command is left out, however narrow the screen."""
    command = "python train.py " + "--data '/a  b/c.yaml' " * 10
    rows = command_rows(replace(_suggestion(), command=command), 30)

    assert command == "".join(row_text(row).removeprefix("    ") for row in rows[1:])


@pytest.mark.parametrize(
    ("metric", "value", "expected"),
    [
        ("data_wait_ratio", 0.41, "41 %"),
        ("images_per_second", 90.1, "90.1 images/s"),
        ("loader_read_bytes_per_second", 41e6, "41 MB/s"),
        ("training_gpu_memory_used_bytes", 6 * 1024**3, "6.0 GiB"),
        ("not_a_metric_ratio", 0.5, "50 %"),
        ("not_a_metric_seconds", 90.0, "1m30s"),
        ("not_a_metric", 3.0, "3.00"),
    ],
)
def test_amounts_have_the_unit_of_their_metric(metric: str, value: float, expected: str) -> None:
    """A value is written in the unit that METRICS gives, or else in that of its name."""
    assert expected == amount(metric, value)


def test_no_change_is_said_as_such() -> None:
    """A suggestion from two to two is none: no arrow, no speed-up, no command."""
    same = replace(_suggestion(), to_value=2, text="no number of workers can feed the GPU")
    text = _text(suggestion_rows(same, 100))

    assert "no change" in text
    assert "no number of workers can feed the GPU" in text
    assert not any(word in text for word in ("→", "speed-up", "command", "what to change"))


def test_a_bound_has_one_name_in_short_and_in_full() -> None:
    """What the row calls the framework's cap is not called otherwise where it is explained."""
    frame = fake_frame()
    capped = replace(_suggestion(), bound=Bound.FRAMEWORK)
    short = _text([suggestion_row(capped, frame.training, UNICODE)]).replace("\N{NO-BREAK SPACE}", " ")

    assert "bound: YOLOv5's cap" in short
    assert "bound       YOLOv5's cap: its own limit" in _text(suggestion_rows(capped, 100, frame.training))


def test_several_warnings_have_one_label() -> None:
    """The word stands in front of the first."""
    warned = replace(_suggestion(), warnings=("the epoch begins again", "a smaller learning rate"))
    text = _text(suggestion_rows(warned, 100))

    assert "  mind        the epoch begins again\n              a smaller learning rate" in text
