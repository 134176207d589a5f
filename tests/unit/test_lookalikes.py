"""Negative controls: trainings that the busy ratio of a GPU, or a popular setting, makes look like others.

Four are scripted here; recorded ones are in tests/lab/scenarios_lookalikes.py.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gpumon.advice.advise import report_on
from gpumon.history.history import History
from gpumon.model.reading import TrainingReading
from gpumon.model.report import TrainingReport
from gpumon.model.training import Phase, Setting, Training
from tests.lab.score_labels import is_alarm
from tests.unit.gpu_scene import GpuScene
from tests.unit.synthetic_training import GIB, PID, Scene

# One step of `Often` takes 0.12 s, so that an epoch trains for 6 s; then it validates for one.
_EPOCH_STEPS, _TRAIN_SECONDS, _EPOCH_SECONDS = 50, 6, 7


@dataclass(frozen=True)
class Cached(GpuScene):
    """A training on a GPU that is the limit, with its images in RAM or not."""

    cache: str | bool = False

    def training(self) -> Training:
        """Return who it is, with the setting."""
        plain = super().training()
        return replace(plain, settings=replace(plain.settings, cache=Setting(self.cache, "argv")))


@dataclass(frozen=True)
class Often(GpuScene):
    """A healthy training that validates after every 50 steps."""

    batches: int = _EPOCH_STEPS

    def reading(self, index: int) -> TrainingReading:
        """Return the training in one second, at its place."""
        epoch, second = divmod(index, _EPOCH_SECONDS)
        is_training = second < _TRAIN_SECONDS
        done = round((second + 1) * _EPOCH_STEPS / _TRAIN_SECONDS) if is_training else _EPOCH_STEPS
        plain = super().reading(index)
        return replace(
            plain,
            phase=Phase.TRAIN if is_training else Phase.VALIDATE,
            progress=replace(plain.progress, epoch=epoch, batch=done),
        )


def told(scene: Scene) -> TrainingReport:
    """Return what is told of a scene in its last second."""
    return report_on(scene.window(), PID)


def ids(report: TrainingReport) -> list[str]:
    """Return the ids of its findings, the verdict first."""
    return [finding.id for finding in report.findings]


STARVED_ON_A_SHARED_GPU = GpuScene(
    wait=0.41,
    workers=2,
    idle=0.02,
    cpu=0.96,
    main_cpu=0.59,
    gpu_busy=0.99,
    own_busy=0.42,
    stranger_busy=0.57,
    stranger_bytes=3 * GIB,
)


def test_a_gpu_at_99_percent_hides_no_starvation() -> None:
    """It is another process that keeps it busy: both are told, the wait as the verdict."""
    report = told(STARVED_ON_A_SHARED_GPU)

    assert ids(report)[0] == "starved-too-few-workers"
    assert "gpu-shared" in ids(report)
    assert report.settled


def test_a_starvation_on_a_shared_gpu_gets_the_same_advice() -> None:
    """As many workers as where the training has the GPU to itself."""
    shared = STARVED_ON_A_SHARED_GPU
    alone = replace(shared, gpu_busy=0.58, own_busy=0.58, stranger_busy=None, stranger_bytes=0)
    workers = [
        [(one.setting, one.to_value) for one in told(scene).suggestions if one.setting == "workers"]
        for scene in (shared, alone)
    ]

    assert workers[0] == workers[1] == [("workers", 6)]


@settings(deadline=None, max_examples=60)
@given(
    cache=st.sampled_from([False, "ram", "disk"]),
    wait=st.floats(0.0, 0.01),
    idle=st.floats(0.4, 0.95),
    available=st.integers(1, 512),
    image_workers=st.integers(1, 8),
)
def test_no_cache_is_advised_to_a_gpu_that_is_the_limit(
    cache: str | bool, wait: float, idle: float, available: int, image_workers: int
) -> None:
    """Whatever room there is in RAM: images that come faster make no faster GPU."""
    scene = Cached(
        cache=cache,
        wait=wait,
        idle=idle,
        workers=image_workers,
        memory_available=available * GIB,
        memory_total=512 * GIB,
    )
    report = told(scene)

    assert ids(report)[0] == "compute-bound"
    settings_changed = {
        name
        for one in report.suggestions
        for name in (one.setting, *(change.setting for change in one.together))
    }
    assert "cache" not in settings_changed


@pytest.mark.parametrize("main_cpu", [0.95, 0.1], ids=["Python between kernels", "it sleeps"])
def test_a_gpu_that_idles_by_design_does_not_starve(main_cpu: float) -> None:
    """A tiny model keeps it busy 30 % of the time without any wait: neither data nor workers are missing."""
    report = told(GpuScene(gpu_busy=0.3, own_busy=0.3, main_cpu=main_cpu, gpu_own=GIB, batch_rate=60.0))

    assert not [name for name in ids(report) if name.startswith("starved-")]
    assert "workers" not in {one.setting for one in report.suggestions}
    # Whose main process is at work is told so; where it sleeps, too, nothing is claimed.
    assert ids(report)[0] == ("host-overhead" if main_cpu > 0.5 else "unclear")


def test_frequent_validation_is_no_alarm() -> None:
    """In none of 210 seconds, though the GPU's load comes and goes with them."""
    history, alarms, verdicts = History(), [], set()
    for sample in Often(seconds=210).samples():
        history.append(sample)
        found = ids(report_on(history.window(), PID))
        alarms += [(sample.sequence, name) for name in found if is_alarm(name) and name != "unclear"]
        verdicts.update(found[:1])

    assert alarms == []
    assert "compute-bound" in verdicts
