"""The generated pages of docs/ are what their generator writes."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"


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


def test_the_list_of_findings_has_every_rule() -> None:
    """In whatever group; a rule of a new group would be left out silently."""
    generator = _generator()
    listed = [rule.page for _, _, rules in generator.GROUPS for rule in rules]

    assert sorted(listed) == sorted(
        page.name for page in generator.RULE_PAGES.iterdir() if page.name.endswith(".md")
    )
