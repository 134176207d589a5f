"""Reports as JSON, one document each."""

from __future__ import annotations

import json
from typing import TextIO

import gpumon
from gpumon.model.document import document
from gpumon.model.report import Report


class JsonSink:
    """Writes each report as one JSON document (schema 1), indented for a person or in one line."""

    def __init__(self, stream: TextIO, *, indent: int | None = 2) -> None:
        """Write to `stream`."""
        self._stream = stream
        self._indent = indent

    def write(self, report: Report) -> None:
        """Write one document and a line end."""
        found = document(report, gpumon.__version__)
        # ensure_ascii: the text is safe in every terminal and every encoding.
        self._stream.write(json.dumps(found, indent=self._indent, allow_nan=False, ensure_ascii=True) + "\n")
        self._stream.flush()
