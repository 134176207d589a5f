"""When another user's training has begun, of which neither reads nor waits may be seen."""

from __future__ import annotations

from gpumon.frameworks.phase import PhaseMemory, judge_phase
from gpumon.model.clock import Instant
from gpumon.model.measure import Missing
from gpumon.model.process import ProcessId, ProcessReading, Role
from gpumon.model.reading import LoaderReading
from gpumon.model.training import Member, Phase, Settings, Training

_HIDDEN = Missing("belongs to user root: run gpumon as root")
_MEMBERS = (
    Member(ProcessId(100, 1), 1, Role.MAIN),
    Member(ProcessId(200, 2), 100, Role.TRAIN_WORKER),
    Member(ProcessId(300, 3), 100, Role.VAL_WORKER),
)
_TRAINING = Training(
    _MEMBERS[0].id, "yolov5", "train.py", (), True, Missing("hidden"), 0, Settings(), _MEMBERS
)


def _row(member: Member, cores: float) -> ProcessReading:
    name = "python" if member.role is Role.MAIN else "pt_data_worker"
    return ProcessReading(
        member.id,
        member.parent_pid,
        member.role,
        name,
        (),
        "root",
        "R",
        cpu_busy_ratio=cores,
        read_calls_per_second=_HIDDEN,
    )


def _phases(seconds: list[tuple[float, float]]) -> list[Phase]:
    """Return the phase of each second, given the cores that train and val workers use."""
    memory, phases = PhaseMemory(), []
    for second, (train, val) in enumerate(seconds):
        rows = [_row(member, cores) for member, cores in zip(_MEMBERS, (1.0, train, val), strict=True)]
        phase, _, memory = judge_phase(
            _TRAINING,
            None,
            Missing("hidden"),
            rows,
            LoaderReading(main_samples=20, workers=1),
            memory=memory,
            now=Instant(1000.0 + second, float(second)),
        )
        phases.append(phase)
    return phases


def test_train_workers_that_work_on_have_begun() -> None:
    """A loop that runs keeps its train workers at work while the val workers stand still."""
    assert _phases([(0.2, 0.0)] * 8)[-1] is Phase.TRAIN


def test_prefetching_is_still_the_start() -> None:
    """After the fork train and val workers fill their queues, and then both rest."""
    assert set(_phases([(0.9, 0.0), (0.9, 0.5), (0.0, 0.5)] + [(0.0, 0.0)] * 12)) == {Phase.START}
