"""A made-up training watched by a real monitor and written by a real recorder."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from gpumon.model.clock import Instant
from gpumon.model.gpu import DriverReading, DriverState, GpusReading
from gpumon.model.host import HostReading
from gpumon.model.reading import TrainingReading
from gpumon.model.report import Report
from gpumon.model.training import Training
from gpumon.recording.begin import about_of
from gpumon.recording.writer import Recorder
from gpumon.settings import Settings
from tests.unit.monitor_parts import HANG_SECONDS, FakeFollowing, Stage
from tests.unit.synthetic_training import HEALTHY, STARVED, Scene

# It starves, then it is given more workers, then it starves again.
SCENES = (replace(STARVED, seconds=60), replace(HEALTHY, seconds=40), replace(STARVED, seconds=20))


class SceneStage(Stage):
    """A monitor whose training, host and GPU are those of scenes, second by second."""

    def __init__(self, scenes: tuple[Scene, ...] = SCENES) -> None:
        self.seconds = tuple((scene, index) for scene in scenes for index in range(scene.seconds))
        self.second = 0
        super().__init__(scenes[0].training())
        self.gpus.reading = GpusReading(DriverReading(DriverState.OK), (scenes[0].gpu_reading(),))
        self.host.read = self._host  # type: ignore[method-assign]

    @property
    def now(self) -> tuple[Scene, int]:
        """The scene, and its second."""
        return self.seconds[self.second]

    def run(self) -> list[Report]:
        """Tick through all scenes; return what was told."""
        reports = []
        for second in range(len(self.seconds)):
            self.second = second
            self.gpus.reading = GpusReading(DriverReading(DriverState.OK), (self.now[0].gpu_reading(),))
            reports.append(self.tick())
        return reports

    def _host(self, now: Instant) -> HostReading:
        del now
        return self.now[0].host()

    def _follow(self, training: Training) -> FakeFollowing:
        self.followings[training.id] = SceneFollowing(training, self)
        return self.followings[training.id]


class SceneFollowing(FakeFollowing):
    """The training of the scenes."""

    def __init__(self, training: Training, stage: SceneStage) -> None:
        super().__init__(training)
        self._stage = stage

    def read(self, now: Instant, gpus: GpusReading) -> TrainingReading:
        """Return its reading in this second."""
        del now, gpus
        scene, second = self._stage.now
        return scene.reading(second)


def record_scenes(path: Path, scenes: tuple[Scene, ...] = SCENES) -> list[Report]:
    """Record scenes from their first second on; return what was told live."""
    stage = SceneStage(scenes)
    recorder = Recorder(path, about_of(Settings(), "box", stage.clock.now()))
    try:
        recorder.follow(stage.monitor)
        return stage.run()
    finally:
        recorder.close(HANG_SECONDS)
        stage.close()
