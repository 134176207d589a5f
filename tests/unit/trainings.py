"""Made-up trainings for the tests of the monitor."""

from __future__ import annotations

from gpumon.model.measure import Maybe
from gpumon.model.process import ProcessId, Role
from gpumon.model.training import Ended, Ending, Member, Settings, Training

KILLED = Ended(Ending.KILLED, "its process is gone", 1000.0)
WORKER_OFFSET = 1000


def training(
    pid: int,
    *,
    start_ticks: int = 100,
    directory: Maybe[str] = "/home/ann/yolov5",
    framework: str = "yolov5",
    user_id: int = 1000,
    command: tuple[str, ...] = ("python", "train.py"),
    timeline_path: str | None = None,
) -> Training:
    """Return a training with a launcher (PID - 1), its main process and one worker (PID + 1000)."""
    identity = ProcessId(pid, start_ticks)
    worker = ProcessId(pid + WORKER_OFFSET, start_ticks + 1)
    launcher = ProcessId(pid - 1, start_ticks - 1)
    return Training(
        id=identity,
        framework=framework,
        name="train.py",
        command=command,
        command_is_exact=True,
        command_directory=directory,
        user_id=user_id,
        settings=Settings(),
        members=(
            Member(launcher, 1, Role.LAUNCHER),
            Member(identity, launcher.pid, Role.MAIN, 0),
            Member(worker, pid, Role.TRAIN_WORKER, 0),
        ),
        simulated=timeline_path is not None,
        timeline_path=timeline_path,
    )
