"""What may be said of two runs side by side."""

from __future__ import annotations

from dataclasses import replace

import pytest

from gpumon.history.stats import Interval
from gpumon.model.measure import Missing
from gpumon.recording.runs_compare import Kind, Verdict, compare
from gpumon.recording.runs_run import RunAbout
from tests.recording.runs_scene import ABOUT, about, run_of

SLOW = [89.0, 90.0, 91.0, 90.0]
FAST = [147.0, 148.0, 149.0, 148.0]


def test_one_setting_that_helps_is_named_with_what_it_brings() -> None:
    """More workers, a faster run: the factor with its interval, and no warning."""
    found = compare(run_of(SLOW), run_of(FAST, number=2, about=about(workers=6)))

    assert [("workers", 2, 6)] == [(each.name, each.one, each.other) for each in found.differences]
    assert (Verdict.FASTER, ()) == (found.verdict, found.warnings)
    assert found.text.startswith("run 2 is faster: it trains 1.64 times the images a second of run 1 (90 %")


def test_the_other_way_round_it_is_slower() -> None:
    """The verdict is about the second run."""
    assert compare(run_of(FAST), run_of(SLOW, number=2)).verdict is Verdict.SLOWER


def test_what_chance_may_have_done_is_not_called_faster() -> None:
    """Where the interval holds 1 neither run is called faster."""
    found = compare(run_of([90.0, 110.0, 95.0, 105.0]), run_of([95.0, 112.0, 99.0, 108.0], number=2))

    assert found.verdict is Verdict.UNDECIDED
    assert found.text.startswith("neither run can be called faster: run 2 trains 1.03 times the images")


def test_a_run_seen_too_shortly_is_not_compared() -> None:
    """The reason names the run and how long it was seen."""
    found = compare(run_of(SLOW), run_of([148.0], number=2))

    assert (Verdict.UNKNOWN, Missing("run 2: its speed was seen for 10 s only")) == (
        found.verdict,
        found.speedup,
    )
    assert "run 2: its speed was seen for 10 s only" in found.text


@pytest.mark.parametrize(
    ("other", "kind", "words", "warning"),
    [
        (replace(ABOUT, gpus=("RTX 4090",)), Kind.HARDWARE, "(GPU)", "the hardware differs"),
        (replace(ABOUT, hostname="bigbox"), Kind.HARDWARE, "(host)", "the hardware differs"),
        (
            about(weights="yolov5n.pt"),
            Kind.WORK,
            "(model)",
            "the model differs: an image is not the same work",
        ),
        (
            about(imgsz=320),
            Kind.WORK,
            "(image size)",
            "the image size differs: an image is not the same work",
        ),
        (
            replace(ABOUT, framework="ultralytics"),
            Kind.SOFTWARE,
            "(framework)",
            "driver or framework differ: they may make a difference of their own",
        ),
    ],
)
def test_what_is_no_setting_is_told_in_the_same_sentence(
    other: RunAbout, kind: Kind, words: str, warning: str
) -> None:
    """Another GPU, host, model, image size or framework may be the cause, and is named."""
    found = compare(run_of(SLOW), run_of(FAST, number=2, about=other))

    assert [kind] == [each.kind for each in found.differences]
    assert found.text.endswith(f"; but not only settings differ {words}")
    assert any(each.startswith(warning) for each in found.warnings)


def test_a_file_of_the_same_name_elsewhere_may_be_another() -> None:
    """A data set in another folder is told, and not called another one."""
    one, other = about(weights="/a/yolov5s.pt"), about(weights="/b/yolov5s.pt")
    found = compare(run_of(SLOW, about=one), run_of(FAST, number=2, about=other))

    assert [Kind.PLACE] == [each.kind for each in found.differences]
    assert "files of the same name in other folders, so they may differ: weights" in found.warnings


def test_what_is_not_known_of_one_run_may_differ() -> None:
    """A GPU that was not seen is not taken for the same."""
    found = compare(run_of(SLOW), run_of(FAST, number=2, about=replace(ABOUT, gpus=())))

    assert "not known of both runs, so it may differ: gpus" in found.warnings


def test_several_settings_at_once_are_not_told_apart() -> None:
    """With two settings changed no one of them gets the credit."""
    found = compare(run_of(SLOW), run_of(FAST, number=2, about=about(workers=6, batch_size=32)))

    assert "2 settings differ: which of them makes the difference cannot be said" in found.warnings


def test_an_unknown_argument_is_shown() -> None:
    """A flag that gpumon does not know, as one for AMP, is in the list; values of settings are not again."""
    one = replace(ABOUT, command=("python", "train.py", "--workers", "2"))
    other = replace(about(workers=6), command=("python", "train.py", "--workers", "6", "--amp"))
    found = compare(run_of(SLOW, about=one), run_of(FAST, number=2, about=other))

    assert ("arguments", None, "--amp") in [(each.name, each.one, each.other) for each in found.differences]


def test_two_runs_of_one_configuration_say_so() -> None:
    """What differs then is what two runs differ by."""
    found = compare(run_of(SLOW), run_of(FAST, number=2))

    assert (
        "no setting differs: what differs is what two runs of one configuration differ by" in found.warnings
    )


def test_two_ways_of_measuring_are_told() -> None:
    """A speed by the log and one by the interpreter are set beside each other with a word."""
    other = replace(about(workers=6), rate_source="interpreter")
    found = compare(run_of(SLOW), run_of(FAST, number=2, about=other))

    assert "the speed is measured in different ways: log; interpreter" in found.warnings


def test_the_first_epoch_is_not_like_the_others() -> None:
    """A run seen only while its files were first read is marked."""
    found = compare(replace(run_of(SLOW), last_epoch=0), run_of(FAST, number=2, about=about(workers=6)))

    assert any("run 1 was seen in its first epoch only" in each for each in found.warnings)


def test_waits_and_memory_are_differences() -> None:
    """The change of the wait is in shares, that of the peak in bytes; both have an interval."""
    found = compare(run_of(SLOW, [0.40, 0.41, 0.42, 0.41]), run_of(FAST, [0.02, 0.03, 0.03, 0.02], number=2))

    assert isinstance(found.wait_change, Interval)
    assert found.wait_change.low < -0.385 < found.wait_change.high < -0.3
    assert isinstance(found.memory_change_bytes, Interval)
    assert (0.0, True) == (found.memory_change_bytes.value, found.memory_change_bytes.low < 0)
