"""The generated pages of docs/ are what their generator writes, and links lead somewhere."""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"
_LINK = re.compile(r"\]\(([^)#\s]+)\)")


def _generator() -> ModuleType:
    spec = importlib.util.spec_from_file_location("generate", DOCS / "generate.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_generated_pages_are_up_to_date() -> None:
    """`python docs/generate.py` would change nothing."""
    pages: dict[Path, str] = _generator().pages()

    assert pages == {path: (DOCS / path).read_text(encoding="utf-8") for path in pages}


def test_no_page_of_a_rule_is_left_over() -> None:
    """Every page in docs/rules belongs to a rule."""
    expected = {path.name for path in _generator().pages() if path.parent.name == "rules"}

    assert expected == {path.name for path in (DOCS / "rules").glob("*.md")}


@pytest.mark.parametrize(
    "page",
    sorted([*DOCS.rglob("*.md"), ROOT / "README.md"]),
    ids=lambda page: page.relative_to(ROOT).as_posix(),
)
def test_links_lead_somewhere(page: Path) -> None:
    """Every relative link and picture in a page exists."""
    links = _LINK.findall(page.read_text(encoding="utf-8"))
    missing = [link for link in links if "://" not in link and not (page.parent / link).exists()]

    assert [] == missing
