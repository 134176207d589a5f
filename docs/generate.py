"""Writes the generated pages: `python docs/generate.py`. A test holds that they are up to date.

docs/metrics.md comes from METRICS, docs/rules/*.md from the pages beside the rules.
"""

from __future__ import annotations

import sys
from importlib import resources
from pathlib import Path

from gpumon.model.metrics import METRICS, Metric

DOCS = Path(__file__).resolve().parent


def metrics_page() -> str:
    """Return docs/metrics.md."""
    lines = [
        "# Metrics",
        "",
        "Every measure has one name: in code, in JSON and in this table. Base units; ratios are 0 to 1.",
        "Generated from `gpumon/model/metrics.py` by `python docs/generate.py`.",
    ]
    for scope in dict.fromkeys(metric.scope for metric in METRICS):
        lines += ["", f"## {scope}", "", "| name | unit | range | what it is |", "|---|---|---|---|"]
        lines += [_row(metric) for metric in METRICS if metric.scope == scope]
    return "\n".join([*lines, ""])


def _row(metric: Metric) -> str:
    low = "" if metric.low is None else f"{metric.low:g}"
    high = "" if metric.high is None else f"{metric.high:g}"
    limits = f"{low} - {high}" if low or high else ""
    return f"| `{metric.name}` | {metric.unit} | {limits} | {metric.help} |"


def pages() -> dict[Path, str]:
    """Return every generated page by its path below docs/."""
    found = {Path("metrics.md"): metrics_page()}
    rules = resources.files("gpumon.diagnosis.rules")
    for page in sorted(rules.iterdir(), key=lambda item: item.name):
        if page.name.endswith(".md"):
            name = page.name.replace("_", "-")
            found[Path("rules") / name] = page.read_text(encoding="utf-8")
    return found


def main() -> None:
    """Write the pages that have changed."""
    for path, text in pages().items():
        target = DOCS / path
        target.parent.mkdir(parents=True, exist_ok=True)
        if not target.exists() or target.read_text(encoding="utf-8") != text:
            target.write_text(text, encoding="utf-8")
            sys.stdout.write(f"{path}\n")


if __name__ == "__main__":
    main()
