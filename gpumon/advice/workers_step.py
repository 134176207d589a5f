"""The second step of the plan: as many workers as it takes until the GPU does not wait for data."""

from __future__ import annotations

from gpumon.advice.situation import Situation
from gpumon.diagnosis.starvation import STARVED_RATIO
from gpumon.diagnosis.view import FIRST_SECONDS, View
from gpumon.diagnosis.words import count_words, percent, rate_words, wait_words
from gpumon.history.stats import Interval
from gpumon.model.finding import Evidence
from gpumon.model.measure import Missing, known
from gpumon.model.plan import PlanStep, StepState
from gpumon.model.training import Phase

# What guides aim at. It is shown beside the busy ratio and decides nothing here: the wait does.
_AIM_RATIO = 0.90


def workers_step(seen: Situation) -> PlanStep:
    """Return the step about the workers. It is done where the loop surely waits less than 5 % of the time."""
    evidence, found = _evidence(seen), seen.change("workers")
    view, starved = seen.view, seen.starved
    if found is not None:
        return PlanStep("workers", StepState.TO_DO, found[1].text, evidence, found[0])
    if starved is not None:
        # Another number of workers brings nothing: what else feeds the GPU stands in a step of its own.
        kept = seen.unchanged("workers")
        text = starved.text if kept is None else kept[1].text
        return PlanStep("workers", StepState.TO_DO, text, evidence, None if kept is None else kept[0])
    wait = _wait(view)
    if isinstance(wait, Missing):
        text = f"whether {view.waiter} is fed is not known: {wait.reason}"
        return PlanStep("workers", StepState.UNKNOWN, text, evidence)
    if wait.high < STARVED_RATIO:
        return PlanStep("workers", StepState.DONE, _fed_words(view, wait), evidence)
    words = f"{view.waiter} waits {wait_words(wait)} of each step for data"
    if wait.low > STARVED_RATIO:
        return PlanStep("workers", StepState.TO_DO, f"{words}; the cause is not certain yet", evidence)
    return PlanStep("workers", StepState.UNKNOWN, f"{words}, too near to 5 % to call", evidence)


def _wait(view: View) -> Interval | Missing:
    """Return the wait for data, or why it says nothing yet."""
    if view.phase is Phase.START and not view.steady:
        return Missing("it has not begun to train")
    wait = view.wait
    if not isinstance(wait, Missing) and view.steady_seconds < FIRST_SECONDS:
        return Missing(f"only {view.steady_seconds:.0f} s of steady training seen")
    return wait


def _fed_words(view: View, wait: Interval) -> str:
    workers = known(view.workers)
    waits = f"waits only {wait_words(wait)} of each step for data"
    if workers == 0:
        text = f"no workers are needed: {view.waiter} {waits}"
    else:
        who = "its workers" if workers is None else count_words(workers, "worker")
        text = f"{who} {'feeds' if workers == 1 else 'feed'} {view.waiter}: it {waits}"
    busy = view.gpu_busy if view.on_gpu else None
    if busy is not None and busy < _AIM_RATIO:
        text += f"; that it is busy only {percent(busy)} has another reason"
    return text


def _evidence(seen: Situation) -> tuple[Evidence, ...]:
    view = seen.view
    found = []
    wait, busy, workers = view.wait, view.busy, known(view.workers)
    if not isinstance(wait, Missing):
        words = f"{wait_words(wait)} of the time the training loop waits for a batch"
        found.append(Evidence("data_wait_ratio", wait.value, STARVED_RATIO, wait.low, wait.high, words))
    if busy is not None and busy > 0 and workers:
        # The guide's balance: workers times what one prepares, beside what is taken.
        who, they = ("its worker is", "it") if workers == 1 else (f"its {workers} workers are", "they")
        words = f"{who} busy {percent(busy)}: {they} can prepare {1 / busy:.1f} times what is taken"
        found.append(Evidence("worker_busy_ratio", busy, text=words))
    gpu_busy = view.gpu_busy if view.on_gpu else None
    if gpu_busy is not None:
        words = f"the GPU is busy {percent(gpu_busy)} of the time; above 90 % is what guides aim at"
        found.append(Evidence("gpu_busy_ratio", gpu_busy, _AIM_RATIO, text=words))
    fastest = max(seen.prior.rates, key=lambda rate: rate.images_per_second, default=None)
    if fastest is not None:
        words = (
            f"the fastest earlier run made {rate_words(fastest.images_per_second)} images/s with"
            f" {count_words(fastest.workers, 'worker')} and batch {fastest.batch_size * view.ranks}"
        )
        found.append(
            Evidence(
                "images_per_second",
                fastest.images_per_second,
                low=fastest.images_per_second_low,
                high=fastest.images_per_second_high,
                text=words,
            )
        )
    return tuple(found)
