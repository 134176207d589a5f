"""Reports written as plain lines."""

from __future__ import annotations

import io
from dataclasses import replace

import pytest

from gpumon.model.finding import Severity
from gpumon.model.gpu import DriverReading, DriverState, GpuState
from gpumon.model.measure import Certainty, Measure, Missing
from gpumon.model.report import Attachment, AttachState, Report
from gpumon.model.training import Ended, Ending
from gpumon.sinks.plain import PlainSink
from tests.unit.full_advice import FULL_SUGGESTION
from tests.unit.full_report import (
    FULL_GPU,
    FULL_READING,
    FULL_REPORT,
    full_report,
    missing_report,
)
from tests.unit.trainings import training

FULL = """\
GPU 0 NVIDIA GeForce RTX 3060: busy 58 %  VRAM 7.0 of 12.0 GiB  61 °C  141 W
CPU 31 % of 2 cores (50 12)  memory 12.0 of 32.0 GiB  swap 0.0 of 2.0 GiB
yolov5 train.py pid 41234  /home/ann/yolov5/runs/train/exp7
  batch_size 24, workers 2, imgsz 640, epochs 100
  phase train, epoch 3/99, batch 1203 of 2933, rate 90.1 img/s, data wait 41 % ±3, ETA 8h41m
      41260 train_worker R CPU  98 % wait   1 % PSS  1.0 GiB  pt_data_worker
  WARNING starved-too-few-workers: the GPU waits 41 % of each step for data
  brought: workers 2 → 6: predicted 148, achieved 146 images/s
  → use 6 DataLoader workers instead of 2
    90.1 → 148 img/s (131–152, estimated), bound: cores
    data wait 41 % → 2 % (0 %–6 %, estimated)
    rests on: the CPU time of 2 workers over 240 looks
    mind: stop the training first
    python train.py --batch-size 24 --workers 6
  out-of-memory risk low: the peak has not moved for 3 validations
log: /home/ann/train.log cannot be read: permission denied
"""


def _text(report: Report, *, machine: bool = True, unicode: bool = True) -> str:
    stream = io.StringIO()
    PlainSink(stream, machine=machine, unicode=unicode).write(report)
    return stream.getvalue()


def test_the_whole_text_of_a_full_report() -> None:
    """Machine, training, finding, suggestion, memory and errors, in this order."""
    assert _text(full_report()) == FULL


def test_without_the_machine_only_trainings_are_written() -> None:
    """`advise` says what is wrong with the training, not how the machine is."""
    text = _text(full_report(), machine=False)

    assert text.startswith("yolov5 train.py")
    assert "train_worker" not in text


def test_without_the_machine_findings_have_their_numbers() -> None:
    """What a finding costs, and its evidence with interval and threshold, stand below its sentence."""
    lines = _text(full_report(), machine=False).splitlines()
    at = lines.index("  WARNING starved-too-few-workers: the GPU waits 41 % of each step for data")

    assert lines[at + 1 : at + 3] == [
        "    costs 41 % of the time, ~62.6 img/s, ~3h33m until the end of the run, up to 0.50 kWh",
        "    data_wait_ratio 41 % (38 % to 44 %), threshold 5 %: main thread",
    ]


def test_a_verdict_that_is_not_certain_says_what_it_waits_for() -> None:
    """One sentence; once the verdict stands there is none."""
    doubt = "it waits for 8 s of steady training, of which it has seen 3 s"
    open_ = full_report(judged=replace(FULL_REPORT, settled=False, doubt=doubt))

    assert f"  not certain yet: {doubt}\n" in _text(open_, machine=False)
    assert "not certain" not in _text(full_report(), machine=False)


def test_ascii_is_ascii() -> None:
    """Arrows, dashes and degrees have ASCII twins, and other letters become question marks."""
    reading = replace(FULL_READING, training=replace(FULL_READING.training, name="обучение"))
    text = _text(full_report(reading), unicode=False)

    assert text.isascii()
    assert "90.1 > 148 img/s (131-152, estimated)" in text


def test_the_reasons_of_what_is_missing_are_told() -> None:
    """A dash is never all that is said."""
    text = _text(missing_report())

    assert "unknown: batch_size, workers, imgsz, epochs, cache (not read)" in text
    assert "rate unknown (not read), data wait unknown (not read)" in text
    assert "CPU –  (cores: not read)  (memory: not read)" in text


def test_without_gpus_the_driver_says_why() -> None:
    """The line of the GPU is there also without one."""
    report = full_report()
    driver = DriverReading(DriverState.ABSENT, "no NVIDIA driver here")
    report = replace(report, sample=replace(report.sample, gpus=(), driver=driver))

    assert _text(report).startswith("GPU: no NVIDIA driver here\n")


def test_a_lost_gpu_says_so() -> None:
    """A GPU that does not answer has no numbers."""
    report = full_report()
    report = replace(report, sample=replace(report.sample, gpus=(replace(FULL_GPU, state=GpuState.LOST),)))

    assert _text(report).startswith("GPU 0 NVIDIA GeForce RTX 3060: lost\n")


def test_simulated_is_labelled() -> None:
    """A virtual GPU and its training are called simulated in their own lines."""
    simulated = replace(FULL_READING, training=replace(FULL_READING.training, simulated=True))
    report = full_report(simulated)
    report = replace(report, sample=replace(report.sample, gpus=(replace(FULL_GPU, simulated=True),)))
    lines = _text(report).splitlines()

    assert "(simulated)" in lines[0]
    assert lines[2].endswith("SIMULATED")


def test_ultralytics_counts_epochs_from_one() -> None:
    """An epoch has the number that the training's own log gives it."""
    reading = replace(FULL_READING, training=replace(FULL_READING.training, framework="ultralytics"))

    assert "epoch 4/100" in _text(full_report(reading))


def test_an_estimate_is_marked() -> None:
    """~ stands before an estimated number."""
    rate = Measure(90.0, Certainty.ESTIMATED, "GPU pulses")
    reading = replace(FULL_READING, progress=replace(FULL_READING.progress, images_per_second=rate))

    assert "rate ~90.0 img/s" in _text(full_report(reading))


@pytest.mark.parametrize(
    ("value", "error", "words"),
    [(240.4, 6.53, "rate 240 img/s ±7,"), (1.128, 0.0421, "rate 1.13 img/s ±0.04,")],
)
def test_an_error_has_the_digits_of_its_value(value: float, error: float, words: str) -> None:
    """Three digits tell one image a second from one and a half, and an error has no more of them."""
    rate = Measure(value, Certainty.SAMPLED, "log", error)
    reading = replace(FULL_READING, progress=replace(FULL_READING.progress, images_per_second=rate))

    assert words in _text(full_report(reading))


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_numbers_that_are_not_finite_do_not_end_the_text(value: float) -> None:
    """A broken number costs its own place only."""
    rate = Measure(value, Certainty.SAMPLED, "log")
    progress = replace(FULL_READING.progress, images_per_second=rate, eta_seconds=value)
    host = replace(full_report().sample.host, cpu_busy_ratio=value)
    report = full_report(replace(FULL_READING, progress=progress))
    report = replace(report, sample=replace(report.sample, host=host))

    assert _text(report).endswith("permission denied\n")


def test_the_end_of_a_training_is_told() -> None:
    """How it ended, from what this is known; no speed, and no time at which it would be done."""
    reading = replace(FULL_READING, ended=Ended(Ending.CRASHED, "the log ends with a traceback", 0.0))

    text = _text(full_report(reading))
    assert (
        "  phase train, epoch 3/99, batch 1203 of 2933\n  ended: the log ends with a traceback\n"
        in text.replace("      41260 train_worker R CPU  98 % wait   1 % PSS  1.0 GiB  pt_data_worker\n", "")
    )


@pytest.mark.parametrize(
    ("severity", "word"),
    [(Severity.INFO, "info"), (Severity.WARNING, "WARNING"), (Severity.CRITICAL, "CRITICAL")],
)
def test_a_severity_is_a_word(severity: Severity, word: str) -> None:
    """Without colours a word says how much a finding matters."""
    finding = replace(FULL_REPORT.findings[0], severity=severity)

    assert f"  {word} starved-too-few-workers: " in _text(
        full_report(judged=replace(FULL_REPORT, findings=(finding,)))
    )


def test_before_the_verdict_the_text_says_that_there_is_none() -> None:
    """Silence would look like health."""
    text = _text(full_report(judged=replace(FULL_REPORT, findings=(), suggestions=(), settled=False)))

    assert "  no verdict yet: it takes some seconds of samples\n" in text


def test_without_a_rate_the_factor_is_told() -> None:
    """The gain is known also where the images per second are not."""
    suggestion = replace(FULL_SUGGESTION, images_per_second=Missing("the rate is not known"))
    text = _text(full_report(judged=replace(FULL_REPORT, suggestions=(suggestion,))))

    assert "    1.00 → 1.64 times the speed (1.46–1.69, estimated), bound: cores\n" in text


def test_without_a_command_the_reason_is_told() -> None:
    """A command that cannot be built is not just left out."""
    suggestion = replace(FULL_SUGGESTION, command=Missing("its argv is hidden"))
    text = _text(full_report(judged=replace(FULL_REPORT, suggestions=(suggestion,))))

    assert "    no command: its argv is hidden\n" in text


def test_without_trainings_the_attachment_speaks() -> None:
    """The search for a training is what there is to tell."""
    report = full_report()
    attachment = Attachment(AttachState.SEARCHING, "no training is running")
    report = Report(replace(report.sample, trainings=(), errors=()), attachment)

    assert _text(report, machine=False) == "no training is running\n"


def test_several_trainings_are_listed_with_their_pids() -> None:
    """A person can see which PID to give."""
    candidates = (training(4000), training(4500))
    attachment = Attachment(AttachState.CHOOSING, "2 trainings are running: choose one", None, candidates)
    report = Report(replace(full_report().sample, trainings=(), errors=()), attachment)

    expected = "2 trainings are running: choose one\n  4000  yolov5 train.py\n  4500  yolov5 train.py\n"
    assert _text(report, machine=False) == expected


def test_no_change_is_said_as_such() -> None:
    """A suggestion from two to two is none: no arrow, no rate, no command."""
    same = replace(
        FULL_SUGGESTION, from_value=2, to_value=2, text="no number of workers would help", together=()
    )
    judged = replace(FULL_REPORT, suggestions=(same,), proof=None)
    text = _text(replace(full_report(), trainings=(judged,)))

    assert "  no change of workers: no number of workers would help" in text
    assert "→" not in text
    assert "python train.py" not in text
