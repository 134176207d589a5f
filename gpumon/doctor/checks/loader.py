"""The data wait: whether it can be measured, by which source, and what stands in the way."""

from __future__ import annotations

from collections.abc import Iterator

from gpumon.doctor.check import Check, Remedy, State, Tier, by
from gpumon.doctor.facts import ProcessFacts, Rights
from gpumon.doctor.rights import WITH_REPORTER, Need, remedies
from gpumon.model.measure import Certainty, Maybe, Measure, Missing
from gpumon.model.reading import TrainingReading
from gpumon.model.training import Phase

_RUN_AGAIN = Remedy("ask again when it trains", "gpumon doctor")


def loader_checks(process: ProcessFacts, rights: Rights) -> Iterator[Check]:
    """Yield the wait by the best source and by /proc alone, and the rate of batches."""
    reading = process.reading
    if reading is None or reading.ended is not None:
        return
    loader, subject = reading.loader, f"process {process.id.pid}"
    best, by_state = loader.data_wait_ratio, loader.data_wait_ratio_by_state
    yield _wait(process, reading, rights)
    title = "wait by threads"
    name, tier = "loader.wait_by_state", Tier.LOADER
    if isinstance(by_state, Measure):
        yield Check(name, tier, title, State.OK, _measure(by_state), subject)
    else:
        # It is the source of last resort: with a better one nothing hangs on it.
        is_needed = isinstance(best, Missing) and not _may_come(reading)
        state = State.LIMITED if is_needed else State.NOTE
        helps = _helps(process, rights, by_state.reason) if is_needed else ()
        yield Check(name, tier, title, state, by_state.reason, subject, helps)
    rate = loader.batches_per_second
    if isinstance(rate, Measure):
        text = f"{rate.value:.2f} a second, {rate.certainty.value}, {by(rate.source)}"
        yield Check("loader.batches", tier, "batches", State.OK, text, subject)
    else:
        yield Check("loader.batches", tier, "batches", State.NOTE, rate.reason, subject)
    for note in loader.notes:
        yield Check("loader.sources", tier, "sources disagree", State.NOTE, note, subject)


def _wait(process: ProcessFacts, reading: TrainingReading, rights: Rights) -> Check:
    subject, wait = f"process {process.id.pid}", reading.loader.data_wait_ratio
    name, tier, title = "loader.wait", Tier.LOADER, "data wait"
    if isinstance(wait, Measure):
        if wait.certainty is Certainty.ESTIMATED and process.interpreter.kind == "no-permission":
            helps = _helps(process, rights, "")
            return Check(name, tier, title, State.LIMITED, _measure(wait), subject, helps)
        return Check(name, tier, title, State.OK, _measure(wait), subject)
    if _may_come(reading):
        text = f"{wait.reason} (phase {reading.phase.value})"
        return Check(name, tier, title, State.NOTE, text, subject, (_RUN_AGAIN,))
    helps = _helps(process, rights, wait.reason)
    return Check(name, tier, title, State.MISSING, wait.reason, subject, helps)


def _may_come(reading: TrainingReading) -> bool:
    """Tell whether the training is not at its loader now, so that nothing can be measured yet."""
    return reading.phase not in (Phase.TRAIN, Phase.UNKNOWN)


def _helps(process: ProcessFacts, rights: Rights, reason: str) -> tuple[Remedy, ...]:
    if process.interpreter.kind == "no-permission":
        return remedies(rights, process.user_id, process.user, Need.ATTACH, process.id.pid)
    if "paused" in reason:
        return (Remedy("let it run on", f"kill -CONT {process.id.pid}"),)
    if "0 workers" in reason:
        return (
            WITH_REPORTER,
            Remedy("or use workers, whose waits /proc shows", "python train.py ... --workers 2"),
        )
    return (_RUN_AGAIN, WITH_REPORTER)


def _measure(wait: Maybe[Measure]) -> str:
    if isinstance(wait, Missing):
        return wait.reason
    error = f" ±{wait.standard_error * 100:.0f}" if wait.standard_error is not None else ""
    return f"{wait.value * 100:.0f} %{error}, {wait.certainty.value}, {by(wait.source)}"
