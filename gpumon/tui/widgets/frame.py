"""What a pane needs to draw itself: the newest report, the history, and how the user looks at them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from gpumon.history.window import Window
from gpumon.model.gpu import GpuReading
from gpumon.model.report import Report, TrainingReport
from gpumon.monitor.episodes import Episode
from gpumon.tui.key_map import shown_as

if TYPE_CHECKING:
    from gpumon.model.reading import TrainingReading
    from gpumon.monitor.replay_state import ReplayState


@dataclass(frozen=True, slots=True)
class View:
    """How the user looks: the GPU and training chosen (None: the first), span, glyphs, colour, time.

    `low_bandwidth` makes charts use a sweeping pen instead of moving. `replay` is where a replay stands
    (None: live), `is_recording` whether what is shown is being recorded. `until_seconds` is the monotonic
    moment at which the span of an enlarged chart ends (None: now), `is_paused` whether the picture is held.
    `moved_keys` are keys that the user moved, each with where it is now.
    """

    gpu_uuid: str | None = None
    pid: int | None = None
    span_seconds: float = 300.0
    ascii: bool = False
    color: bool = True
    now_unix_seconds: float = 0.0
    low_bandwidth: bool = False
    replay: ReplayState | None = None
    is_recording: bool = False
    until_seconds: float | None = None
    is_paused: bool = False
    moved_keys: tuple[tuple[str, str], ...] = ()

    def keys(self, shown: str) -> str:
        """Return keys as they stand on the screen (`enter`, `+ -`), as the user has them."""
        return shown_as(shown, dict(self.moved_keys)) if self.moved_keys else shown


@dataclass(frozen=True, slots=True)
class Frame:
    """One picture's worth of facts.

    `episodes` are the findings that came and went, the newest first; `muted` the ids that raise no alert.
    """

    report: Report
    window: Window
    view: View
    episodes: tuple[Episode, ...] = ()
    muted: frozenset[str] = frozenset()

    @property
    def training(self) -> TrainingReading | None:
        """The training that is looked at: the chosen one, the attached one, or the first."""
        sample = self.report.sample
        if self.view.pid is not None:
            return sample.training(self.view.pid)
        attached = self.report.attachment.training
        if attached is not None:
            return sample.training(attached.id.pid)
        return sample.training()

    @property
    def is_stopped(self) -> bool:
        """Whether the training's main process is stopped: by SIGSTOP, Ctrl-Z or a debugger."""
        training = self.training
        if training is None or training.ended is not None:
            return False
        main = training.training.id
        return any(process.id == main and process.state in {"T", "t"} for process in training.processes)

    @property
    def training_report(self) -> TrainingReport | None:
        """Findings and suggestions of the training that is looked at."""
        training = self.training
        return None if training is None else self.report.of(training.training.id.pid)

    def trains_on(self, gpu: GpuReading) -> bool:
        """Tell whether the training that is looked at is on a GPU, as far as is known."""
        training = self.training
        return training is not None and (not training.gpu_uuids or gpu.uuid in training.gpu_uuids)

    @property
    def which_gpu(self) -> str:
        """Which of several GPUs is looked at: ` on GPU 3`; nothing of one alone."""
        gpu = self.gpu
        return f" on GPU {gpu.index}" if gpu is not None and len(self.report.sample.gpus) > 1 else ""

    @property
    def gpu(self) -> GpuReading | None:
        """The GPU that is looked at: the chosen one, the training's first, or the first of all."""
        gpus = self.report.sample.gpus
        for gpu in gpus:
            if gpu.uuid == self.view.gpu_uuid:
                return gpu
        training = self.training
        used = training.gpus(gpus) if training is not None else ()
        if used:
            return used[0]
        return gpus[0] if gpus else None
