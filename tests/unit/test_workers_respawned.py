"""Workers that are replaced in every epoch are told where that costs time."""

from __future__ import annotations

from dataclasses import replace

import pytest

from gpumon.diagnosis.respawns import respawns_of
from gpumon.diagnosis.rule import NotJudged, Silent
from gpumon.diagnosis.rules.workers_respawned import RULE
from gpumon.model.measure import Missing
from gpumon.model.sample import Sample
from gpumon.model.training import Setting
from tests.unit.run_scene import changed, finding, judged, view, with_loader, with_progress, with_workers
from tests.unit.synthetic_training import Scene

_BATCHES = 20


def _epochs(done_each_second: float, rate: float = 6.0, seconds: int = 30) -> list[Sample]:
    """Return a training with new workers every 5 s, that does so many batches a second in all."""
    scene = Scene(seconds=seconds, batch_rate=rate, batches=_BATCHES)
    found = []
    for second, sample in enumerate(scene.samples()):
        epoch, batch = divmod(int(second * done_each_second), _BATCHES)
        found.append(with_progress(with_workers(sample, second // 5), epoch=epoch, batch=batch))
    return found


def test_what_is_lost_is_told() -> None:
    """Within epochs 6 batches a second, in all 5."""
    found = finding(RULE, _epochs(5.0))
    assert found.lost_ratio == pytest.approx(1 / 6, abs=0.03)
    assert "all train workers are started anew for each epoch (5 times seen in 25 s)" in found.text


def test_image_weights_are_named_as_the_reason() -> None:
    """They make YOLOv5 use a plain DataLoader."""
    samples = []
    for sample in _epochs(5.0):
        training = sample.trainings[0].training
        settings = replace(training.settings, image_weights=Setting(True, "argv"))
        samples.append(changed(sample, training=replace(training, settings=settings)))
    assert "--image-weights" in finding(RULE, samples).text


def test_new_workers_that_cost_little_are_silent() -> None:
    """Epochs that are long against a fork."""
    assert isinstance(judged(RULE, _epochs(5.9)), Silent)


def test_workers_that_stay_are_silent() -> None:
    """The ordinary case, whatever is lost."""
    assert isinstance(judged(RULE, Scene().samples()), Silent)


def test_one_change_is_silent() -> None:
    """Ultralytics does so when it closes the mosaic."""
    assert isinstance(judged(RULE, _epochs(5.0)[:8]), Silent)


def test_one_worker_replaced_is_no_respawn() -> None:
    """All of them must be new."""
    samples = list(Scene().samples())
    training = samples[10].trainings[0].training
    gone = replace(training, members=training.members[:-1])
    samples[10] = changed(samples[10], training=gone)
    assert respawns_of(view(samples)).count == 0


def _unread(busy: float, busy_between: float) -> list[Sample]:
    """Return a training whose batches cannot be counted, with a busy GPU within epochs and less between."""
    samples = []
    for second, sample in enumerate(_epochs(5.0)):
        ratio = busy_between if second % 5 == 0 else busy
        gpus = tuple(replace(gpu, gpu_busy_ratio=ratio) for gpu in sample.gpus)
        blind = with_progress(sample, batch=Missing("no log"))
        samples.append(with_loader(replace(blind, gpus=gpus), batches_per_second=Missing("no log")))
    return samples


def test_a_gpu_that_idles_between_epochs_tells_too() -> None:
    """95 % within epochs, 30 % in each fifth second."""
    found = finding(RULE, _unread(0.95, 0.30))
    assert found.lost_ratio == pytest.approx(0.2 * 0.65 / 0.95, abs=0.01)
    assert found.evidence[0].metric == "gpu_busy_ratio"


def test_a_gpu_that_is_not_fed_anyway_does_not_tell() -> None:
    """Neither batches nor the GPU say what new workers cost."""
    assert isinstance(judged(RULE, _unread(0.5, 0.2)), NotJudged)
