"""Writes the generated pages: `python docs/generate.py`. A test holds that they are up to date.

docs/metrics.md comes from METRICS, docs/rules/*.md from the pages beside the rules, docs/findings.md from the
rules themselves, docs/keys.md from the dashboard, docs/gpumon.1 from the commands, docs/index.md from README,
docs/adr/README.md from the decisions, and the code in docs/extending.md from docs/examples.
"""

from __future__ import annotations

import re
import sys
from importlib import resources
from pathlib import Path

from gpumon.cli.app import COMMANDS, gpumon
from gpumon.cli.man import man_page
from gpumon.diagnosis.order import DANGERS, HARDWARE, LIMITS, PHASES, STANDSTILLS, WAITS
from gpumon.diagnosis.rule import Rule
from gpumon.diagnosis.rules import ddp_imbalance, unclear
from gpumon.model.metrics import METRICS, Metric
from gpumon.tui.key_map import bindings, scope_name
from gpumon.tui.key_names import key_names

DOCS = Path(__file__).resolve().parent
ROOT = DOCS.parent
RULE_PAGES = resources.files("gpumon.diagnosis.rules")
# A fenced block whose title is a file of docs/examples: its content is that file.
_EXAMPLE = re.compile(r'(^```\w+ title="(docs/examples/[^"]+)"\n)(?:.*?\n)??(```$)', re.MULTILINE | re.DOTALL)
GROUPS: tuple[tuple[str, str, tuple[Rule, ...]], ...] = (
    ("Is it training at all?", "What fires here is the verdict at once.", STANDSTILLS),
    (
        "It waits for data",
        "The causes of a wait, from the most to the least specific; the first that fires is the verdict.",
        (ddp_imbalance.RULE, *WAITS),
    ),
    ("It is fed", "What limits a training that does not wait for data; the last one is healthy.", LIMITS),
    ("It cannot be told", "No cause is certain.", (unclear.RULE,)),
    ("Phases", "What other phases than training cost. Told beside the verdict.", PHASES),
    ("Dangers", "What may end the run. Told beside the verdict.", DANGERS),
    ("GPUs", "Their state and how they are used. Told beside the verdict.", HARDWARE),
)


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


def findings_page() -> str:
    """Return docs/findings.md: every rule in the order of decision, with the first sentence of its page."""
    lines = [
        "# Findings",
        "",
        "What gpumon may find, in the order in which it decides. Each has a page: what it means, what is",
        "measured, its thresholds with their source, what it is confused with, and what to do. `Enter` on a",
        "finding opens it in the dashboard too. How often each is right, and what it is taken for:",
        "[Accuracy](accuracy.md).",
        "Generated from `gpumon/diagnosis` by `python docs/generate.py`.",
    ]
    for title, words, rules in GROUPS:
        lines += ["", f"## {title}", "", words, "", "| finding | severity | what it means |", "|---|---|---|"]
        for rule in rules:
            link = f"[{rule.id}](rules/{rule.id}.md)"
            lines.append(f"| {link} | {rule.severity.value} | {_meaning(rule)} |")
    return "\n".join([*lines, ""])


def _meaning(rule: Rule) -> str:
    """Return the first sentence of what a rule means, from its page."""
    text = RULE_PAGES.joinpath(rule.page).read_text(encoding="utf-8")
    paragraph = text.partition("## What it means")[2].strip().partition("\n\n")[0].replace("\n", " ")
    sentence = re.split(r"(?<=[.:])\s+(?=[A-Z`])", paragraph, maxsplit=1)[0]
    return sentence.rstrip(".:").replace("|", r"\|")


def keys_page() -> str:
    """Return docs/keys.md: every key of the dashboard with its id, by where it works."""
    rows: dict[str, dict[str, str]] = {}
    for owner, binding in bindings():
        keys = " ".join(f"`{key}`" for key in key_names(binding.key).split(" "))
        row = f"| {keys} | {binding.tooltip} | `{binding.id}` |"
        rows.setdefault(scope_name(owner), {}).setdefault(binding.id or "", row)
    lines = [
        "# Keys",
        "",
        "Every key of the dashboard. Those that work where you are stand in the help (`?`), the most used of",
        "them in the bottom line, and all in the palette (`Ctrl-P`). Each can be moved by its id:",
        "[Configuration](configuration.md#keys). Generated from the dashboard by `python docs/generate.py`;",
        "`gpumon config --keys` prints yours.",
    ]
    for where, found in rows.items():
        lines += [
            "",
            f"## {where.capitalize()}",
            "",
            "| key | what it does | id |",
            "|---|---|---|",
            *found.values(),
        ]
    return "\n".join([*lines, ""])


def index_page() -> str:
    """Return docs/index.md: the README as the front page of the site."""
    return (ROOT / "README.md").read_text(encoding="utf-8").replace("](docs/", "](")


def decisions_page() -> str:
    """Return docs/adr/README.md: every decision with its title."""
    lines = [
        "# Decisions",
        "",
        "Why things are as they are, where it is not obvious, and what was weighed besides.",
        "",
    ]
    for page in sorted((DOCS / "adr").glob("[0-9]*.md")):
        title = page.read_text(encoding="utf-8").partition("\n")[0].removeprefix("# ")
        number, _, words = title.partition(". ")
        lines.append(f"{number}. [{words}]({page.name})")
    return "\n".join([*lines, ""])


def extending_page() -> str:
    """Return docs/extending.md with the code of docs/examples in it."""

    def filled(match: re.Match[str]) -> str:
        code = (ROOT / match[2]).read_text(encoding="utf-8")
        return f"{match[1]}{code.rstrip()}\n{match[3]}"

    return _EXAMPLE.sub(filled, (DOCS / "extending.md").read_text(encoding="utf-8"))


def pages() -> dict[Path, str]:
    """Return every generated page by its path below docs/."""
    found = {
        Path("metrics.md"): metrics_page(),
        Path("findings.md"): findings_page(),
        Path("index.md"): index_page(),
        Path("keys.md"): keys_page(),
        Path("adr/README.md"): decisions_page(),
        Path("extending.md"): extending_page(),
        Path("gpumon.1"): man_page(gpumon, COMMANDS),
    }
    for page in sorted(RULE_PAGES.iterdir(), key=lambda item: item.name):
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
