"""Findings and suggestions in the words of the screen."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from gpumon.model.kinds import RiskLevel, Severity
from gpumon.model.measure import known
from gpumon.paint.glyphs import Glyphs
from gpumon.paint.numbers import bytes_of
from gpumon.paint.row import Row, Span

if TYPE_CHECKING:
    from gpumon.model.finding import Finding
    from gpumon.model.reading import TrainingReading
    from gpumon.model.suggestion import MemoryOutlook

_WORDS = {
    "compute-bound": "COMPUTE-BOUND",
    "host-overhead": "HOST BOUND",
    "batch-too-small": "SMALL BATCH",
    "transfer-bound": "TRANSFERS",
    "memory-bandwidth-bound": "BANDWIDTH",
    "thermal-throttle": "TOO HOT",
    "power-capped": "POWER CAP",
    "gpu-shared": "SHARED GPU",
    "ddp-imbalance": "IMBALANCE",
    "validation-share": "VALIDATION",
    "checkpoint-stall": "SLOW SAVES",
    "workers-respawned": "RESPAWNS",
    "nan-loss": "NAN LOSS",
    "vram-at-limit": "VRAM FULL",
    "vram-growth": "VRAM GROWS",
    "host-memory-pressure": "LOW MEMORY",
    "shm-nearly-full": "SHM FULL",
}
_ROLES = {Severity.INFO: "info", Severity.WARNING: "warn", Severity.CRITICAL: "danger"}
_RISK_ROLES = {RiskLevel.LOW: "good", RiskLevel.ELEVATED: "warn", RiskLevel.HIGH: "danger"}
_FRAMEWORKS = {"yolov5": "YOLOv5", "ultralytics": "Ultralytics", "torch": "PyTorch"}

# The blank between a number and what belongs to it: its unit, the error after the unit, the other end.
_UNITS = re.compile(
    r"(?<=\d) (?=(?:%|[kMGT]?i?B(?:/s)?|img/s|ms|s|W|cores?)(?![a-zA-Z]))|(?<=%) (?=±)"
    r"|(?<=\d) (?=to \d)|(?<=\d to) (?=\d)"
)


def framework_name(framework: str) -> str:
    """Return a framework as its authors write it: `YOLOv5`."""
    return _FRAMEWORKS.get(framework, framework)


def units_tied(text: str) -> str:
    """Return a text in which no number is broken from its unit: with no-break spaces between them."""
    return _UNITS.sub("\N{NO-BREAK SPACE}", text)


def finding_word(finding: Finding) -> str:
    """Return the one word a finding is called on the screen: `STARVED`."""
    if finding.id.startswith("starved"):
        return "STARVED"
    return _WORDS.get(finding.id, finding.id.replace("-", " ").upper())


def finding_role(finding: Finding) -> str:
    """Return the role of a finding: red for danger only, green where all is well."""
    return "good" if finding.id == "compute-bound" else _ROLES[finding.severity]


def finding_mark(finding: Finding, glyph: Glyphs) -> str:
    """Return the glyph before a finding, which tells its severity without colour."""
    if finding.severity is Severity.CRITICAL:
        return glyph.up
    return glyph.bullet if finding.severity is Severity.WARNING else glyph.ring


def finding_row(finding: Finding, glyph: Glyphs, *, is_muted: bool = False) -> Row:
    """Return a finding as a row: mark, word, sentence; all of it dim where it is muted."""
    role = finding_role(finding)
    row = (
        Span(finding_mark(finding, glyph) + " ", role),
        Span(finding_word(finding), role),
        Span("  "),
        *emphasised(finding.text),
    )
    return tuple(Span(text, "dim") for text, _ in row) if is_muted else row


def memory_row(
    memory: MemoryOutlook, training: TrainingReading | None, glyph: Glyphs, *, advised_batch: object = None
) -> Row:
    """Return the memory line: risk, peak and limit, and the largest batch that fits.

    That is left out where it is advised: then it stands beside with what it brings.
    """
    risk = known(memory.oom_risk)
    peak, limit = known(memory.peak_bytes) or None, known(memory.limit_bytes)
    parts: list[Span] = []
    if risk is not None:
        role = _RISK_ROLES[risk.level]
        mark = {RiskLevel.LOW: glyph.ring, RiskLevel.ELEVATED: glyph.bullet}.get(risk.level, glyph.up)
        parts += [Span(f"{mark} ", role), Span("OOM RISK"), Span(" " + risk.level.value, role), Span("  ")]
    else:
        parts += [Span(f"{glyph.dash} "), Span("MEMORY"), Span("  ")]
    if risk is not None and risk.text:
        parts += emphasised(risk.text.removeprefix(f"{risk.level.value}: "))
    elif peak is not None:
        parts += [Span("peak "), Span(tied(bytes_of(peak, limit).strip()), "value")]
    fits = known(memory.largest_safe_batch)
    if fits is not None and fits != advised_batch:
        parts += [Span("; "), *_batch_words(memory, fits, training)]
    return tuple(parts) if risk is not None or peak is not None or fits is not None else ()


def _batch_words(memory: MemoryOutlook, fits: int, training: TrainingReading | None) -> Row:
    high = memory.largest_safe_batch_high
    batch = known(training.training.settings.batch_size) if training is not None else None
    up_to = f" (up to {high})" if high is not None and high > fits else ""
    if batch is not None and isinstance(batch.value, int) and fits <= batch.value:
        if fits == batch.value:
            return (Span("no larger batch would fit"),)
        return (Span("only batch "), Span(str(fits), "value"), Span(" would fit for sure" + up_to))
    # In one piece: its last word would often stand alone in a row.
    return (Span(tied("batch ")), Span(str(fits), "value"), Span(tied(" would still fit") + up_to))


def tied(text: str) -> str:
    """Return a text that is never broken over two rows."""
    return text.replace(" ", "\N{NO-BREAK SPACE}")


def emphasised(text: str) -> list[Span]:
    """Return a sentence with its numbers bold, each tied to its unit."""
    found: list[Span] = []
    for word in units_tied(text).split(" "):
        role = "value" if any(character.isdigit() for character in word) else ""
        found.append(Span(" " + word if found else word, role))
    return found
