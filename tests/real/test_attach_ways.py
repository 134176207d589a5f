"""gpumon attaches to trainings in the other ways of starting them, and tells how they end."""

from __future__ import annotations

import dataclasses
import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from gpumon.frameworks.model_size import model_parameters
from gpumon.model.measure import Certainty, Measure, Missing
from gpumon.model.process import Role
from gpumon.model.training import Ended, Ending, Phase, Setting
from gpumon.settings import Settings
from gpumon.sources.clock import SystemClock
from gpumon.sources.run_dir import RunDirSource
from tests.lab.watch import Look, Watch, images_per_second, training_stretch, wait_ratio
from tests.real import recipes, truth
from tests.real.environment import RealEnvironment
from tests.real.stage import Stage
from tests.real.training import RunningTraining, start_yolov5
from tests.real.watched import WatchedTraining

pytestmark = pytest.mark.real

_WATCH_SECONDS = 14.0
_RATE_ERROR = 0.10
_WAIT_ERROR = 0.10


@dataclass(frozen=True, slots=True)
class Watched:
    """A training with what gpumon told before its first batch and from then on.

    `progress` is its log's right after the last look.
    """

    training: RunningTraining
    starting: list[Look]
    steady: list[Look]
    progress: truth.Progress | None


@pytest.fixture(scope="module")
def compute_bound(stage: Stage) -> Watched:
    """A compute-bound `python -m yolov5.train` in a terminal: its output is no file.

    Its interpreter is left alone: what is told comes from /proc and its run directory.
    """
    recipe = dataclasses.replace(recipes.COMPUTE_BOUND, launch="module", output="pty")
    return _watched(stage.fresh(recipe), settings=Settings(interpreter=False))


@pytest.fixture(scope="module")
def ultralytics(stage: Stage) -> Watched:
    """An ultralytics training by `yolo detect train`, which uses no workers on the CPU."""
    return _watched(stage.fresh(recipes.ULTRALYTICS), seconds=6.0)


@pytest.fixture(scope="module")
def crashed(real_environment: RealEnvironment, stage: Stage) -> Iterator[Ended]:
    """A train.py that is given a data.yaml which does not exist: it raises during its start."""
    training = start_yolov5(
        real_environment,
        stage.folder(),
        data=Path("nowhere.yaml"),
        imgsz=64,
        epochs=1,
        batch_size=4,
        workers=1,
    )
    with training, Watch(training.pid) as watch:
        yield watch.until_ended(120)


def _watched(
    training: RunningTraining, seconds: float = _WATCH_SECONDS, settings: Settings | None = None
) -> Watched:
    with Watch(training.pid, settings or Settings()) as watch:
        watch.until(lambda look: look.reading.phase is Phase.TRAIN, 180)
        starting = watch.looks[:-1]
        watch.for_seconds(seconds)
        watch.until(lambda look: look.judged.settled, 120)
        return Watched(training, starting, watch.looks[len(starting) :], training.progress)


def _setting(look: Look, name: str) -> object:
    setting = getattr(look.reading.training.settings, name)
    assert isinstance(setting, Setting)
    return setting.value


def test_module_in_a_terminal_is_yolov5(compute_bound: Watched) -> None:
    """`python -m yolov5.train` is YOLOv5, with the settings of its opt.yaml."""
    look = compute_bound.steady[-1]
    assert look.reading.training.framework == "yolov5"
    names = ("batch_size", "workers", "imgsz", "epochs", "cache", "device", "optimizer")
    options = compute_bound.training.options
    assert {name: options[name] for name in names} == {name: _setting(look, name) for name in names}


def test_its_workers_have_roles_without_a_log(compute_bound: Watched) -> None:
    """Two train workers and two val workers, by the order of their creation."""
    training, workers = compute_bound.steady[-1].reading.training, compute_bound.training.worker_pids
    assert workers[:2] == sorted(training.pids(Role.TRAIN_WORKER))
    assert workers[2:] == sorted(training.pids(Role.VAL_WORKER))


def test_progress_without_a_log_is_that_of_results_csv(compute_bound: Watched) -> None:
    """Where the output goes to a terminal the epoch is known from results.csv and the batch is missing."""
    progress = compute_bound.steady[-1].reading.progress
    assert (0, 100, "results.csv") == (progress.epoch, progress.epochs, progress.source)
    assert isinstance(progress.batch, Missing)


def test_only_starting_is_found_while_it_starts(compute_bound: Watched) -> None:
    """Without a log too, nothing but `starting` is found before the first batch is done."""
    assert {"starting"} == {finding.id for look in compute_bound.starting for finding in look.judged.findings}


def test_compute_bound_one_is_called_compute_bound(compute_bound: Watched) -> None:
    """A training that hardly waits is called compute-bound, and more workers are not advised."""
    settled = [look for look in compute_bound.steady if look.judged.settled]
    assert {"compute-bound"} == {look.judged.findings[0].id for look in settled}
    assert not any(look.worker_suggestion for look in settled)


def test_its_wait_is_the_recorded_one(compute_bound: Watched) -> None:
    """The share of waiting lies within 0.10 of the recorder's, without a log as well."""
    steady = training_stretch(compute_bound.steady)
    real = compute_bound.training.data_wait_ratio(steady[0].seconds, steady[-1].seconds)
    seen = wait_ratio(steady)
    print(f"compute-bound, /proc alone: wait {seen:.3f}, recorded {real:.3f}, error {seen - real:+.3f}")
    assert real < 0.05
    assert pytest.approx(real, abs=_WAIT_ERROR) == seen


def test_its_rate_without_a_log_is_the_recorded_one(compute_bound: Watched) -> None:
    """The reads of the main process give images per second, marked as an estimate, within 10 %."""
    steady = training_stretch(compute_bound.steady)[-15:]
    start, end = steady[0].seconds, steady[-1].seconds
    batches = truth.batches_delivered(compute_bound.training.waits, start, end)
    real = batches * recipes.COMPUTE_BOUND.batch_size / (end - start)
    seen = images_per_second(steady[-1])
    print(
        f"compute-bound, /proc alone: {seen:.2f} images/s, recorded {real:.2f}, error {seen / real - 1:+.1%}"
    )
    assert pytest.approx(real, rel=_RATE_ERROR) == seen
    rate = steady[-1].reading.progress.images_per_second
    assert isinstance(rate, Measure)
    assert rate.certainty is Certainty.ESTIMATED


def test_compute_bound_recipe_hardly_waits(compute_bound: Watched) -> None:
    """The compute-bound recipe spends next to none of its time in next(loader)."""
    steady = training_stretch(compute_bound.steady)
    assert compute_bound.training.data_wait_ratio(steady[0].seconds, steady[-1].seconds) < 0.15


def test_ended_training_leaves_no_process(compute_bound: Watched) -> None:
    """Ending a training ends its workers with it."""
    training = compute_bound.training
    processes = [training.pid, *training.worker_pids]
    assert len(processes) > 1 + recipes.COMPUTE_BOUND.workers
    training.end()
    assert [False] * len(processes) == [truth.alive(pid) for pid in processes]


def test_console_script_in_a_pipe_trains_to_its_end(finished_in_a_pipe: WatchedTraining) -> None:
    """`yolov5 train` through a pipe trains as train.py does."""
    training = finished_in_a_pipe.training
    assert training.until_finished() == 0
    assert len(training.results) == recipes.SHORT.epochs
    assert "3 epochs completed" in training.log_text


def test_end_of_a_piped_training_is_told_as_finished(finished_in_a_pipe: WatchedTraining) -> None:
    """Without a log results.csv tells that all epochs are done."""
    ended = finished_in_a_pipe.looks[-1].reading.ended
    assert ended is not None
    assert ended.how is Ending.FINISHED
    assert "3 epochs" in ended.text


def test_console_script_is_yolov5_with_its_run_directory(finished_in_a_pipe: WatchedTraining) -> None:
    """`yolov5 train` is YOLOv5, and its run directory is the one that holds its opt.yaml."""
    training = finished_in_a_pipe.looks[-1].reading.training
    assert training.framework == "yolov5"
    assert isinstance(training.run_dir, str)
    assert finished_in_a_pipe.training.run_dir.resolve() == Path(training.run_dir).resolve()


def test_a_checkpoint_of_yolov5_sizes_its_model(finished_in_a_pipe: WatchedTraining, tmp_path: Path) -> None:
    """The size of last.pt as it is between epochs tells the parameters of the summary within 3 %."""
    run_dir = finished_in_a_pipe.training.run_dir
    (tmp_path / "weights").mkdir()
    shutil.copy2(run_dir / "opt.yaml", tmp_path)
    shutil.copy2(run_dir / "weights" / "epoch1.pt", tmp_path / "weights" / "last.pt")
    seen = RunDirSource(str(tmp_path)).read(SystemClock().now())
    training = finished_in_a_pipe.looks[-1].reading.training
    measure = model_parameters(training, None, seen, epochs=recipes.SHORT.epochs)
    assert isinstance(measure, Measure)
    assert measure.value == pytest.approx(_parameters(finished_in_a_pipe), rel=0.03)


def test_a_model_is_sized_by_its_checkpoint_or_not_at_all(finished_in_a_pipe: WatchedTraining) -> None:
    """Its log goes through a pipe, its epochs last a second: whatever is told of its size is right."""
    measures = [look.reading.progress.model_parameters for look in finished_in_a_pipe.looks]
    assert any(isinstance(measure, Missing) for measure in measures)
    told = [measure for measure in measures if isinstance(measure, Measure)]
    assert {measure.source for measure in told} <= {"size of last.pt"}
    right = pytest.approx(_parameters(finished_in_a_pipe), rel=0.03)
    assert all(measure.value == right for measure in told)


def _parameters(watched: WatchedTraining) -> int:
    summary = re.search(r"(\d+) parameters, [1-9]\d* gradients", watched.training.log_text)
    assert summary is not None
    return int(summary[1])


def test_exception_at_the_start_is_told_as_crash(crashed: Ended) -> None:
    """A training that raises before its first epoch has crashed, and the error is named."""
    assert crashed.how is Ending.CRASHED
    assert "nowhere.yaml" in crashed.text


def test_ultralytics_settings_are_those_of_args_yaml(ultralytics: Watched) -> None:
    """`yolo detect train` is ultralytics; batch, image size, epochs are those that it wrote down."""
    look, options = ultralytics.steady[-1], ultralytics.training.options
    assert look.reading.training.framework == "ultralytics"
    shown = [_setting(look, name) for name in ("batch_size", "workers_asked", "imgsz", "epochs")]
    assert [options[name] for name in ("batch", "workers", "imgsz", "epochs")] == shown


def test_ultralytics_epoch_is_that_of_its_log(ultralytics: Watched) -> None:
    """Epoch and batches of the newest look are those of the log, but for a batch that ended meanwhile."""
    told, shown = ultralytics.progress, ultralytics.steady[-1].reading.progress
    assert told is not None
    assert isinstance(shown.epoch, int)
    assert isinstance(shown.batch, int)
    assert (told.epochs, told.batches) == (shown.epochs, shown.batches)
    done = (told.epoch - shown.epoch) * told.batches + told.batch - shown.batch
    assert abs(done) <= 1


def test_ultralytics_without_workers_is_noticed(ultralytics: Watched) -> None:
    """On the CPU ultralytics starts no workers whatever is asked: they are 0, and the finding says so.

    Loading takes 5 to 10 % of the time here: where it is too near to 5 % to call, that cause is named.
    """
    look = ultralytics.steady[-1]
    assert _setting(look, "workers") == 0
    assert look.verdict is not None
    assert look.verdict.id == "starved-no-workers" or "starved-no-workers" in look.verdict.text


def test_ultralytics_trains_without_workers(ultralytics: Watched) -> None:
    """On the CPU ultralytics loads in its main process, though args.yaml keeps the workers asked for."""
    training = ultralytics.training
    training.until(lambda training: training.results)
    assert training.options["workers"] == recipes.ULTRALYTICS.workers
    assert (training.worker_pids, training.logged_workers) == ([], 0)
