"""An attachment that tests drive scan by scan."""

from __future__ import annotations

from gpumon.model.process import ProcessId
from gpumon.model.report import Attachment
from gpumon.model.training import Ended, Training
from gpumon.monitor.attaching import Attaching, Found, Wish
from tests.unit.trainings import KILLED, training

ANN = training(4000)
BOB = training(4500, start_ticks=200, directory="/home/bob/yolov5", user_id=1001)
RESTARTED = training(6000, start_ticks=300)


class Scene:
    """An attachment with the trainings that run and those that have ended."""

    def __init__(self, wish: Wish | None = None) -> None:
        self.attaching = Attaching(wish or Wish())
        self.ended: dict[ProcessId, Ended] = {}

    def scan(
        self,
        *trainings: Training,
        name: str | None = None,
        chosen: int | None = None,
        below: tuple[Training, ...] = (),
    ) -> Attachment:
        """Return the attachment after a scan that finds these trainings, `below` the wished process."""
        found = Found(trainings, name, below=frozenset(training.id for training in below))
        return self.attaching.update(found, self.ended.get, chosen)

    def end(self, ended: Training) -> None:
        """Let a training end."""
        self.ended[ended.id] = KILLED

    def followed(self, *trainings: Training) -> tuple[Training, ...]:
        """Return the trainings that are to be read."""
        return self.attaching.followed(Found(trainings))
