"""The pages of docs/ as a site shows them: their links, their anchors, and the navigation."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"
_FENCE = re.compile(r"^(`{3,})[^\n]*\n.*?^\1$", re.MULTILINE | re.DOTALL)
_CODE = re.compile(r"(`+)(?!`).+?\1", re.DOTALL)
_LINK = re.compile(r"\]\(([^)\s]+)\)")
_ITEM = re.compile(r" *(?:[-*]|\d+\.) ")
_HEADING = re.compile(r"^#{1,6}\s+(.+?)\s*#*$", re.MULTILINE)


def page_files() -> tuple[Path, ...]:
    """Return every page of the site; docs/examples holds code that a page shows."""
    return tuple(sorted(path for path in DOCS.rglob("*.md") if not path.is_relative_to(DOCS / "examples")))


def links_of(page: Path) -> list[str]:
    """Return where the links and pictures of a page lead, outside of code."""
    text = _FENCE.sub("", page.read_text(encoding="utf-8"))
    return _LINK.findall(_CODE.sub("", text))


def anchors_of(page: Path) -> set[str]:
    """Return the anchors of a page's headings that a site and GitHub have alike.

    Source of both rules: `slugify` of Python-Markdown's toc extension, and GitHub's, which keeps every space
    and character that is a letter. Where they differ a link would work in one of them only.
    """
    text = _FENCE.sub("", page.read_text(encoding="utf-8"))
    site: list[str] = []
    hub: list[str] = []
    for heading in _HEADING.findall(text):
        words = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading).replace("`", "").replace("*", "")
        ascii_words = unicodedata.normalize("NFKD", words).encode("ascii", "ignore").decode()
        plain = re.sub(r"[^\w\s-]", "", ascii_words).strip().lower()
        site.append(_unused(re.sub(r"[-\s]+", "-", plain), site, "_"))
        hub.append(_unused(re.sub(r"[^\w\s-]", "", words).strip().lower().replace(" ", "-"), hub, "-"))
    return set(site) & set(hub)


def _unused(anchor: str, taken: list[str], mark: str) -> str:
    """Return an anchor that is not taken, with a number behind it where needed."""
    found, number = anchor, 0
    while found in taken:
        number += 1
        found = f"{anchor}{mark}{number}"
    return found


def navigation() -> list[str]:
    """Return the pages in `nav` of mkdocs.yml, in order."""
    settings: Any = yaml.safe_load((ROOT / "mkdocs.yml").read_text(encoding="utf-8"))
    return list(_leaves(settings["nav"]))


def _leaves(entry: Any) -> Iterator[str]:
    if isinstance(entry, str):
        yield entry
        return
    for part in entry.values() if isinstance(entry, dict) else entry:
        yield from _leaves(part)


def crowded_lines(page: Path) -> list[str]:
    """Return lists and tables that follow text without a blank line, which a site shows as one paragraph.

    GitHub starts a list or a table there, Python-Markdown does not.
    """
    lines = _FENCE.sub("", page.read_text(encoding="utf-8")).splitlines()
    found = []
    for above, line in pairwise(lines):
        is_text = above.strip() and not above.startswith(("#", "|")) and not _ITEM.match(above)
        begins = line.startswith("|") or (_ITEM.match(line) and not above.startswith(" "))
        if is_text and begins:
            found.append(line)
    return found
