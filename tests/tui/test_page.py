"""Pages about findings as rows of plain text."""

from __future__ import annotations

from importlib.resources import files

import pytest

from gpumon.paint.row import row_text, row_width
from gpumon.tui.page import page_rows, rule_page
from gpumon.tui.screens.rule_page import RulePageScreen
from tests.tui.screen import dashboard

_PAGES = sorted(
    page.name.removesuffix(".md").replace("_", "-")
    for page in files("gpumon.diagnosis.rules").iterdir()
    if page.name.endswith(".md")
)


@pytest.mark.parametrize("finding_id", _PAGES)
def test_every_page_of_the_package_is_found_and_fits(finding_id: str) -> None:
    """Each finding's page is read from the package and fits into 78 cells."""
    page = rule_page(finding_id)

    assert page is not None
    assert max(row_width(row) for row in page_rows(page, 78)) <= 78


@pytest.mark.parametrize("finding_id", ["no-such-finding", "../../settings", "", "a/b", "__init__"])
def test_what_is_no_page_is_none(finding_id: str) -> None:
    """An id without a page, or one that is no id at all, opens nothing."""
    assert rule_page(finding_id) is None


def test_markdown_becomes_plain_rows() -> None:
    """Headings, lists with hanging indents, code and paragraphs."""
    lines = ("# Title", "", "Some **bold** text", "that goes on.", "", "- an item that is long", "")
    markdown = "\n".join((*lines, "```", "  code  as it is", "```"))
    expected = [
        "Title",
        "",
        "Some bold text that",
        "goes on.",
        "",
        "- an item that is",
        "  long",
        "",
        "      code  as it is",
    ]

    assert expected == [row_text(row) for row in page_rows(markdown, 19)]


def test_markup_in_a_page_is_text() -> None:
    """A page cannot style the screen or send control characters."""
    rows = page_rows("[bold red]x[/] \x1b[31my", 40)

    assert ["[bold red]x[/] y"] == [row_text(row) for row in rows]


def test_a_number_stays_with_its_unit() -> None:
    """A line does not end between them."""
    rows = [row_text(row) for row in page_rows("over the last 4 to 20 s of training", 22)]

    assert ["over the last", "4 to 20 s of training"] == rows


@pytest.mark.parametrize("finding_id", _PAGES)
async def test_what_to_do_is_on_the_first_screen(finding_id: str) -> None:
    """At 80x24: it comes right after what the finding means, though a page ends with it."""
    async with dashboard() as shown:
        shown.app.push_screen(RulePageScreen(finding_id))
        await shown.settle()
        lines = [line.strip("│ ") for line in shown.lines()]
        headings = [line for line in lines if line in {"What it means", "What to do", "What is measured"}]

        assert headings[:2] == ["What it means", "What to do"]
