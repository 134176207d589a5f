"""Training stands still while results and checkpoints are written."""

from __future__ import annotations

from collections.abc import Sequence

from gpumon.diagnosis.epochs import PhaseShares, phase_shares
from gpumon.diagnosis.rule import Judgement, NotJudged, Rule, Silent
from gpumon.diagnosis.since import since_seen
from gpumon.diagnosis.view import View
from gpumon.diagnosis.words import count_words, percent, seconds_words
from gpumon.history.phases import Seen
from gpumon.model.finding import Evidence, Finding, Severity
from gpumon.model.measure import number
from gpumon.model.process import Role
from gpumon.model.training import Phase

# XProf's analyser calls 5 % of output moderate and 20 % high; a warning lies between.
_SHARE = 0.10
_LEAST_SECONDS = 5.0
# Shorter stops than this are within what a sample a second can tell.
_LEAST_STALL_SECONDS = 0.5
# One that goes on for so long is told while it lasts.
_LONG_STALL_SECONDS = 30.0
# Disk wait in at least this share of its samples makes the disk the cause.
_DISK_SHARE = 0.3


def judge(view: View) -> Judgement:
    """Fire where checkpoints take more than 10 % of the time, or one has gone on for 30 s."""
    writing = _writing_seconds(view)
    if writing >= _LONG_STALL_SECONDS:
        return _stalls_now(view, writing)
    shares = phase_shares(view)
    if shares is None:
        return NotJudged("no whole epoch was seen yet, from one validation to the next")
    if shares.seconds < _LEAST_SECONDS:
        return NotJudged(f"only {shares.seconds:.0f} s of whole epochs were seen yet")
    ratio, each = shares.checkpoint_ratio, shares.checkpoint_ratio * shares.epoch_seconds
    if ratio <= _SHARE or each < _LEAST_STALL_SECONDS:
        return Silent(f"results and checkpoints take {percent(ratio)} of the time")
    return _takes_its_share(view, shares, each)


def _takes_its_share(view: View, shares: PhaseShares, each_seconds: float) -> Finding:
    ratio = shares.checkpoint_ratio
    text = (
        f"writing results and checkpoints takes {percent(ratio)} of the time,"
        f" {seconds_words(each_seconds)} of each epoch of {seconds_words(shares.epoch_seconds)}{_how(view)}"
    )
    evidence = Evidence(
        "checkpoint_ratio",
        ratio,
        _SHARE,
        text=f"checkpoints took {percent(ratio)} of the time of {count_words(shares.epochs, 'whole epoch')}",
    )
    since = view.sample.instant.unix_seconds - shares.seconds
    return Finding(RULE.id, RULE.severity, text, since, (evidence,), lost_ratio=ratio)


def _stalls_now(view: View, writing_seconds: float) -> Finding:
    text = (
        f"training has stood still for {seconds_words(writing_seconds)}: it writes a checkpoint{_how(view)}"
    )
    evidence = Evidence(
        "checkpoint_ratio", 1.0, _SHARE, text=f"{seconds_words(writing_seconds)} in this checkpoint alone"
    )
    since = since_seen(view, lambda pair: pair[1].phase is Phase.CHECKPOINT)
    return Finding(RULE.id, RULE.severity, text, since, (evidence,), lost_ratio=None)


def _writing_seconds(view: View) -> float:
    """Return for how long the present checkpoint has gone on."""
    seconds = 0.0
    for sample, reading in reversed(view.seen):
        if reading.phase is not Phase.CHECKPOINT:
            break
        seconds += sample.interval_seconds
    return seconds


def _how(view: View) -> str:
    """Return what the main process does meanwhile: wait for a disk, or how much it writes."""
    writing = [pair for pair in view.seen if pair[1].phase is Phase.CHECKPOINT]
    states, rates = _main_process(writing)
    if not states:
        return ""
    waits = states.count("D") / len(states)
    if waits >= _DISK_SHARE:
        return f"; its main process waits for the disk in {percent(waits)} of that time"
    if rates and max(rates) > 0:
        return f"; it writes at most {max(rates) / 1e6:.0f} MB/s"
    return ""


def _main_process(pairs: Sequence[Seen]) -> tuple[list[str], list[float]]:
    states: list[str] = []
    rates: list[float] = []
    for _, reading in pairs:
        for process in reading.processes:
            if process.role is Role.MAIN:
                states.append(process.state)
                rate = number(process.write_bytes_per_second)
                rates += [] if rate is None else [rate]
                break
    return states, rates


RULE = Rule("checkpoint-stall", Severity.WARNING, ("checkpoint_ratio",), judge)
