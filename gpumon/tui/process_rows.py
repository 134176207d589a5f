"""One process with everything that was read of it, each number with its source or why it is missing."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Sequence

from gpumon.model.measure import known
from gpumon.model.process import ProcessReading, ThreadStates
from gpumon.paint.glyphs import Glyphs, glyphs
from gpumon.paint.numbers import bytes_text, duration, percent, quantity, rate_text
from gpumon.paint.row import Row, Span
from gpumon.tui.fact_rows import section_rows
from gpumon.tui.facts import Fact, Section, counted, missing
from gpumon.tui.widgets.frame import Frame
from gpumon.tui.widgets.process_columns import role_words
from gpumon.tui.wrap import wrap, wrap_exactly

_STATES = {
    "R": "runs, or could run",
    "S": "sleeps",
    "D": "waits for a device; no signal ends that",
    "I": "idle",
    "T": "stopped (SIGSTOP, Ctrl-Z)",
    "t": "stopped by a debugger",
    "Z": "has ended; its parent has not noted it",
    "X": "has ended",
}
_STAT = "/proc/PID/stat"
_IO = "/proc/PID/io"
_LOOKS = (
    ("running", "runs, or could run"),
    ("polling", "waits for an index"),
    ("disk", "waits for a disk"),
    ("remote", "waits for remote storage"),
    ("receiving", "reads from a socket"),
    ("futex_untimed", "waits for a lock"),
    ("futex_timed", "waits for a lock or a time"),
    ("stopped", "stopped"),
)


def process_rows(process: ProcessReading, frame: Frame, width: int) -> list[Row]:
    """Return the facts of a process of the training that is looked at, and its command in full."""
    glyph = glyphs(frame.view.ascii)
    sections = (_who(process, frame), _cpu(process, frame), _memory(process, frame, glyph), _io(process))
    rows = section_rows((*sections, _looks(process, frame)), width, glyph)
    rows += [(), (Span("command", "title"), Span(f" {len(process.command)} words", "dim"))]
    if not process.command:
        return [
            *rows,
            *wrap("it cannot be read: a thread of the kernel, or one that has ended", width, "dim", "  "),
        ]
    # One word a paragraph, so that blanks within a word are told from those between two.
    for words in _paired(process.command):
        rows += wrap_exactly(words, width, "value", "  ")
    return rows


def _paired(command: Sequence[str]) -> Iterator[str]:
    """Yield the words of a command, each option together with its value, as a shell takes them."""
    words = list(command)
    while words:
        word = words.pop(0)
        has_value = word.startswith("-") and bool(words) and not words[0].startswith("-")
        yield shlex.join((word, words.pop(0))) if has_value else word or "''"


def _who(process: ProcessReading, frame: Frame) -> Section:
    training = frame.training
    members = () if training is None else training.training.members
    rank = next((member.rank for member in members if member.id == process.id), None)
    state = _STATES.get(process.state, "a state that is not known")
    facts = [
        Fact("PID", str(process.id.pid), "exact", f"started by {process.parent_pid}"),
        Fact("role", role_words(process), source="tree of processes, command, threads"),
        *(() if rank is None else (Fact("rank", str(rank), source="its environment, or its parent's"),)),
        Fact("user", process.user, source="/proc/PID/status"),
        Fact("name", process.name, source=_STAT),
        Fact("state", process.state, "sampled", f"{state} ({_STAT})"),
    ]
    return Section("process", tuple(facts))


def _cpu(process: ProcessReading, frame: Frame) -> Section:
    training = frame.training
    facts = [
        counted(
            "CPU",
            process.cpu_busy_ratio,
            f"of one core, all threads ({_STAT}, in ticks of the kernel)",
            write=lambda ratio: percent(ratio, 0),
        ),
        counted(
            "no core",
            process.run_queue_wait_ratio,
            "main thread could run but had no core (/proc/PID/schedstat)",
            write=lambda ratio: percent(ratio, 0),
        ),
        counted("CPU time", process.cpu_seconds_total, f"since it started ({_STAT})", write=duration),
        counted("threads", process.threads, _STAT),
        counted("core", process.last_core, f"on which it ran last ({_STAT})"),
    ]
    if training is not None and process.id == training.training.id:
        facts.append(counted("may run on", training.affinity_cores, "cores (sched_getaffinity)"))
    return Section("CPU", tuple(facts))


def _memory(process: ProcessReading, frame: Frame, glyph: Glyphs) -> Section:
    facts = [
        counted(
            "PSS",
            process.memory_pss_bytes,
            "shared pages by its part (/proc/PID/smaps_rollup)",
            write=bytes_text,
        ),
        counted("RSS", process.memory_rss_bytes, f"shared pages in full ({_STAT})", write=bytes_text),
    ]
    for gpu in frame.report.sample.gpus:
        for user in known(gpu.processes) or ():
            if user.pid == process.id.pid:
                source = "virtual GPU, simulated" if gpu.simulated else "NVML"
                source += f", {user.note}" if user.note else ""
                facts.append(
                    counted(f"GPU {gpu.index}", user.gpu_memory_used_bytes, source, write=bytes_text)
                )
    if not any(fact.name.startswith("GPU") for fact in facts):
        facts.append(Fact("GPU", glyph.dash, source="it has no context on a GPU that is watched", role="dim"))
    return Section("memory", tuple(facts))


def _io(process: ProcessReading) -> Section:
    facts = (
        counted("read", process.read_bytes_per_second, f"from storage ({_IO})", write=rate_text),
        counted("written", process.write_bytes_per_second, f"to storage ({_IO})", write=rate_text),
        counted(
            "read, all",
            process.read_characters_per_second,
            f"from files, pipes and the page cache ({_IO})",
            write=rate_text,
        ),
        counted("read calls", process.read_calls_per_second, f"a second ({_IO})", write=quantity),
    )
    return Section("I/O", facts)


def _looks(process: ProcessReading, frame: Frame) -> Section:
    """Return what the newest looks at a worker's main thread found it doing."""
    title = "looks at its main thread, last sample"
    training = frame.training
    states = () if training is None else training.loader.worker_states
    found = next((state for state in states if state.id == process.id), None)
    if found is None or not found.samples:
        reason = "only DataLoader workers of the training are looked at" if found is None else "no look yet"
        return Section(title, (missing("looks", reason),))
    facts = [_look(found, name, words) for name, words in _LOOKS if getattr(found, name)]
    other = found.sleeping - found.receiving
    if other > 0:
        facts.append(Fact("sleeps", f"{other} of {found.samples}", "sampled", "waits for something else"))
    facts.append(counted("turns", found.turns_per_second, "a second on a core (schedstat)", write=quantity))
    facts.append(
        counted(
            "sleeps of its own",
            found.sleeps_per_second,
            "a second (/proc/PID/task/TID/status)",
            write=quantity,
        )
    )
    return Section(title, tuple(facts))


def _look(state: ThreadStates, name: str, words: str) -> Fact:
    count: int = getattr(state, name)
    return Fact(name.replace("_", " "), f"{count} of {state.samples}", "sampled", words)
