"""Reports written as JSON."""

from __future__ import annotations

import io
import json
from dataclasses import replace

import gpumon
from gpumon.model.document import document
from gpumon.sinks.json import JsonSink
from tests.unit.full_report import FULL_READING, full_report


def test_what_is_written_is_the_document() -> None:
    """The sink adds nothing to the serializer and leaves nothing out."""
    stream = io.StringIO()

    JsonSink(stream).write(full_report())

    expected = json.loads(json.dumps(document(full_report(), gpumon.__version__)))
    assert expected == json.loads(stream.getvalue())


def test_without_indent_a_report_takes_one_line() -> None:
    """Documents for programs are separated by line ends (JSON lines)."""
    stream = io.StringIO()
    sink = JsonSink(stream, indent=None)

    sink.write(full_report())
    sink.write(full_report())

    names = [json.loads(line)["trainings"][0]["name"] for line in stream.getvalue().splitlines()]
    assert ["train.py", "train.py"] == names


def test_the_output_is_ascii() -> None:
    """Names in any script can be written to any terminal."""
    training = replace(FULL_READING.training, name="обучение.py")
    stream = io.StringIO()

    JsonSink(stream).write(full_report(replace(FULL_READING, training=training)))

    assert stream.getvalue().isascii()
