"""A suggestion, a plan and a proof in which nothing is missing, for the document's tests."""

from __future__ import annotations

from gpumon.model.finding import Evidence
from gpumon.model.measure import Missing
from gpumon.model.plan import PlanStep, StepState
from gpumon.model.proof import Outcome, Proof
from gpumon.model.suggestion import Bound, Change, Effect, GoOn, Suggestion

FULL_SUGGESTION = Suggestion(
    setting="workers",
    from_value=2,
    to_value=6,
    text="use 6 DataLoader workers instead of 2",
    finding="starved-too-few-workers",
    bound=Bound.CORES,
    rests_on="the CPU time of 2 workers over 240 looks",
    speedup=Effect(1.0, 1.64, 1.46, 1.69),
    images_per_second=Effect(90.1, 148.0, 131.0, 152.0),
    gpu_memory_bytes=Missing("does not change with this setting"),
    data_wait_ratio=Effect(0.41, 0.02, 0.0, 0.06),
    command="python train.py --batch-size 24 --workers 6",
    warnings=("stop the training first",),
    together=(Change("batch_size", 24, 32),),
    curve=((1, Effect(1.0, 0.52, 0.48, 0.56)), (6, Effect(1.0, 1.64, 1.46, 1.69))),
    go_on=GoOn(
        "python train.py --resume runs/train/exp7/weights/last.pt",
        "the epoch in progress is lost",
        "runs/train/exp7/opt.yaml",
        "-workers: 2\n+workers: 6\n",
    ),
)
FULL_PROOF = Proof(
    run=12,
    earlier_run=11,
    changes=(Change("workers", 2, 6),),
    settled=True,
    text="workers 2 → 6: predicted 148, achieved 146 images/s",
    images_per_second=Outcome(90.1, 89.0, 91.2, 146.0, 144.0, 148.0, 148.0, 131.0, 152.0),
    data_wait_ratio=Outcome(0.41, 0.38, 0.44, 0.02, 0.01, 0.03, 0.02, 0.0, 0.06),
    gpu_memory_bytes=Outcome(7e9, 7e9, 7e9, 7.1e9, 7.1e9, 7.1e9, 7e9, 6.8e9, 7.2e9),
)
FULL_PLAN = (
    PlanStep(
        "workers",
        StepState.TO_DO,
        "the GPU waits 41 % of each step",
        (Evidence("data_wait_ratio", 0.41, threshold=0.05),),
        suggestion=0,
    ),
)
