"""Recordings from before the hardware counters and the AMP state were there still open."""

from __future__ import annotations

import json
from dataclasses import fields, replace
from typing import Any

import pytest

from gpumon.model.gpu import GpuReading
from gpumon.model.measure import Missing
from gpumon.model.reading import ProgressReading
from gpumon.recording.codec import Codec
from tests.unit.full_report import full_report

UNREAD = Missing("not read")
SAMPLE = full_report().sample
GPU_FIELDS = ("gpu_sm_busy_ratio", "gpu_tensor_busy_ratio", "gpu_memory_bandwidth_ratio")
PROGRESS_FIELDS = ("amp_enabled", "amp_source")


@pytest.mark.parametrize(
    ("value", "later", "expected"),
    [
        (
            SAMPLE.gpus[0],
            GPU_FIELDS,
            replace(
                SAMPLE.gpus[0],
                gpu_sm_busy_ratio=UNREAD,
                gpu_tensor_busy_ratio=UNREAD,
                gpu_memory_bandwidth_ratio=UNREAD,
            ),
        ),
        (
            SAMPLE.trainings[0].progress,
            PROGRESS_FIELDS,
            replace(SAMPLE.trainings[0].progress, amp_enabled=UNREAD, amp_source=""),
        ),
    ],
    ids=["gpu", "progress"],
)
def test_what_came_later_is_not_read(
    value: GpuReading | ProgressReading, later: tuple[str, ...], expected: GpuReading | ProgressReading
) -> None:
    """Written without the later fields, a reading comes back with them missing and all else as it was."""
    kind: type[Any] = type(value)
    names = [field.name for field in fields(kind)]
    row = json.loads(json.dumps(Codec(kind).encode(value)))
    kept = [name for name in names if name not in later]
    old = [item for name, item in zip(names, row, strict=True) if name not in later]
    assert Codec(kind, {kind.__name__: kept}).decode(old) == expected
