"""A page of Markdown as rows of plain text: headings, lists, code and tables, and nothing clickable."""

from __future__ import annotations

from importlib.resources import files

from gpumon.model.text import clean
from gpumon.paint.row import Row, Span
from gpumon.tui.widgets.finding_words import units_tied
from gpumon.tui.wrap import wrap

_RULES = "gpumon.diagnosis.rules"


def rule_page(finding_id: str) -> str | None:
    """Return the page about a finding, or None where there is none."""
    name = finding_id.replace("-", "_")
    if not name.isidentifier():
        return None
    page = files(_RULES).joinpath(f"{name}.md")
    return page.read_text(encoding="utf-8") if page.is_file() else None


def page_rows(markdown: str, width: int) -> list[Row]:
    """Return a page in rows of at most `width` cells; code and tables are not wrapped."""
    rows: list[Row] = []
    paragraph: list[str] = []
    in_code = False

    def end_paragraph() -> None:
        if paragraph:
            rows.extend(_paragraph(" ".join(paragraph), width))
            paragraph.clear()

    for line in markdown.splitlines():
        text = clean(line)
        bare = text.strip()
        if bare.startswith("```"):
            end_paragraph()
            in_code = not in_code
        elif in_code:
            rows.append((Span("    " + text, "value"),))
        elif not bare:
            end_paragraph()
            if rows and rows[-1]:
                rows.append(())
        elif bare.startswith("#"):
            end_paragraph()
            rows.append((Span(bare.lstrip("#").strip(), "title"),))
        elif bare.startswith("|"):
            end_paragraph()
            rows.append((Span(text),))
        elif _is_item(bare):
            end_paragraph()
            paragraph.append(text.rstrip())
        else:
            paragraph.append(bare)
    end_paragraph()
    return rows


def _is_item(text: str) -> bool:
    number, dot, _ = text.partition(". ")
    return text[:2] in {"- ", "* "} or bool(dot and number.isdigit())


def _paragraph(text: str, width: int) -> list[Row]:
    plain = units_tied(text.replace("**", "").replace("`", ""))
    bare = plain.lstrip()
    if not _is_item(bare):
        return wrap(bare, width)
    mark, _, rest = bare.partition(" ")
    margin = " " * (len(plain) - len(bare))
    rows = wrap(rest, max(8, width - len(margin) - len(mark) - 1))
    first = (Span(f"{margin}{mark} ", "dim"), *rows[0])
    hanging = Span(" " * (len(margin) + len(mark) + 1))
    return [first, *((hanging, *row) for row in rows[1:])]
