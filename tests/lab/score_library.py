"""What is scored: the traces of the library as the diagnosers' food, and the diagnosers."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from gpumon.model.sample import Sample
from gpumon.recording.reader import Recording
from tests.lab import library
from tests.lab.baselines import simple_baselines
from tests.lab.baselines_sagemaker import sagemaker_baselines
from tests.lab.score_gpumon import Gpumon, gpumon_without_interpreter
from tests.lab.score_judgement import Diagnoser
from tests.lab.score_truth import About

OWN = "gpumon"
# The ablation: what is left where ptrace is forbidden, as in many containers.
OWN_WITHOUT_PTRACE = "gpumon, /proc and NVML"


@dataclass(frozen=True, slots=True)
class RecordedTrace:
    """A recording as a trace."""

    name: str
    recording: Recording

    @property
    def about(self) -> About:
        """What it says about itself."""
        return self.recording.about

    def samples(self) -> Iterator[Sample]:
        """Yield its samples, oldest first."""
        return self.recording.samples()


@contextmanager
def opened(name: str, folder: Path) -> Iterator[RecordedTrace]:
    """A trace of the library in `folder`, open while the context lasts. Raises RecordingError."""
    with library.opened(name, folder) as recording:
        yield RecordedTrace(name, recording)


def diagnosers() -> Mapping[str, Callable[[], Diagnoser]]:
    """Return a maker of every diagnoser, by name: gpumon first, then with what ptrace tells taken away."""
    own = {OWN: Gpumon, OWN_WITHOUT_PTRACE: gpumon_without_interpreter}
    return {**own, **simple_baselines(), **sagemaker_baselines()}
