"""Suggestions, the plan and the proof as plain lines."""

from __future__ import annotations

from dataclasses import replace

from gpumon.model.measure import Missing
from gpumon.model.plan import PlanStep, StepState
from gpumon.model.proof import Proof
from gpumon.model.suggestion import Bound, Change, Effect, GoOn, Suggestion
from gpumon.sinks.plain_suggestions import plan_lines, proof_line, suggestion_lines

SUGGESTION = Suggestion(
    setting="workers",
    from_value=2,
    to_value=6,
    text="6 workers instead of 2 and batch 32 keep the GPU fed",
    finding="starved-too-few-workers",
    bound=Bound.GPU,
    rests_on="20 s of steady training",
    speedup=Effect(1.0, 1.64, 1.46, 1.69),
    gpu_memory_bytes=Effect(6 * 1024**3, 8 * 1024**3, 7.5 * 1024**3, 9 * 1024**3),
    data_wait_ratio=Effect(0.41, 0.03, 0.01, 0.06),
    command="python train.py --workers 6 --batch-size 32",
    warnings=("the command begins again at the first epoch",),
    together=(Change("batch_size", 24, 32),),
    curve=((2, Effect(1.0, 1.0, 1.0, 1.0)), (6, Effect(1.0, 1.64, 1.46, 1.69))),
    go_on=GoOn(
        "sed -i edit && python train.py --resume last.pt",
        "the running epoch is lost",
        "opt.yaml",
        "--- opt.yaml\n+++ opt.yaml\n@@ -1 +1 @@\n-workers: 2\n+workers: 6\n",
    ),
)
FULL = """\
  → 6 workers instead of 2 and batch 32 keep the GPU fed
    1.00 → 1.64 times the speed (1.46–1.69, estimated), bound: gpu
    data wait 41 % → 3 % (1 %–6 %, estimated)
    GPU memory 6.0 GiB → 8.0 GiB (7.5 GiB–9.0 GiB, estimated)
    rests on: 20 s of steady training
    by workers: 2 ×1.00, 6 ×1.64
    mind: the command begins again at the first epoch
    python train.py --workers 6 --batch-size 32
    to go on instead, stop it first, while it trains and not while it saves; the running epoch is lost:
      sed -i edit && python train.py --resume last.pt
      --- opt.yaml
      +++ opt.yaml
      @@ -1 +1 @@
      -workers: 2
      +workers: 6
"""


def _text(suggestion: Suggestion, *, in_full: bool = True) -> str:
    return "".join(f"{line}\n" for line in suggestion_lines(suggestion, in_full=in_full))


def test_the_whole_text_of_a_suggestion() -> None:
    """What it brings and rests on, other values, the command, and how to go on."""
    assert _text(SUGGESTION) == FULL


def test_in_short_it_ends_with_the_command() -> None:
    """As `snapshot` prints it: neither other values nor going on."""
    text = _text(SUGGESTION, in_full=False)

    assert text.endswith("    python train.py --workers 6 --batch-size 32\n")
    assert "by workers" not in text


def test_what_cannot_be_had_says_why() -> None:
    """No command, no way to go on; and nothing of what nobody asked for."""
    reason = Missing("no epoch is completed yet")
    without = replace(SUGGESTION, command=Missing("it runs in a notebook"), go_on=reason)
    inexact = replace(SUGGESTION, go_on=GoOn(Missing("it holds odd characters"), "the running epoch is lost"))

    assert "    no command: it runs in a notebook\n" in _text(without)
    assert "    to go on instead is not possible: no epoch is completed yet\n" in _text(without)
    assert _text(inexact).endswith("lost:\n      no command: it holds odd characters\n")
    assert "to go on" not in _text(replace(SUGGESTION, go_on=Missing("not built")))


def test_a_change_of_other_settings_alone_is_a_change() -> None:
    """What stays is the setting that it is named by."""
    assert "no change" not in _text(replace(SUGGESTION, to_value=2))
    assert _text(replace(SUGGESTION, to_value=2, together=())).startswith("  no change of workers: 6 workers")


def test_the_plan_and_the_proof_have_a_line_each() -> None:
    """With the state of the step, and whether the proof is settled."""
    plan = (
        PlanStep("batch", StepState.DONE, "batch 32 is the largest that is safe"),
        PlanStep("workers", StepState.TO_DO, "6 workers keep the GPU fed", suggestion=0),
    )
    proof = Proof(4, 3, (Change("workers", 2, 6),), settled=True, text="predicted 148, achieved 146 images/s")

    assert list(plan_lines(plan)) == [
        "  plan 1 batch (done): batch 32 is the largest that is safe",
        "  plan 2 workers (to do): 6 workers keep the GPU fed",
    ]
    assert proof_line(proof) == "  brought: predicted 148, achieved 146 images/s"
    assert proof_line(replace(proof, settled=False)).startswith("  brings so far: ")


def test_an_edit_that_begins_again_is_not_called_going_on() -> None:
    """A hyperparameter is changed so: its command starts at the first epoch."""
    way = GoOn("python train.py --hyp copy.yaml", "the command begins again at the first epoch")
    text = _text(replace(SUGGESTION, go_on=replace(way, begins_again=True)))

    assert "    to begin again with it, stop it first" in text
    assert "to go on" not in text
