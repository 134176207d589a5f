"""The pages of docs/ make a site: each is in the navigation, and every link, anchor and picture is there."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tests.contract.docs_pages import (
    DOCS,
    ROOT,
    anchors_of,
    crowded_lines,
    links_of,
    navigation,
    page_files,
)

PAGES = (*page_files(), ROOT / "README.md")
PICTURES = sorted((DOCS / "images").glob("*.svg"))
# What a reader of the site or of a package index has to load.
_MOST_PICTURE_BYTES = 400_000
_MOST_PICTURES_BYTES = 8_000_000

every_page = pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())


def test_the_navigation_has_every_page_once() -> None:
    """No page is lost, and none is named that is not there."""
    assert sorted(page.relative_to(DOCS).as_posix() for page in page_files()) == sorted(navigation())


@every_page
def test_links_lead_somewhere(page: Path) -> None:
    """Every relative link, anchor and picture of a page exists; a directory is no page of a site."""
    broken = []
    for link in links_of(page):
        path, _, anchor = link.partition("#")
        target = page if not path else page.parent / path
        if "://" in link:
            continue
        if not target.is_file() or (anchor and anchor not in anchors_of(target)):
            broken.append(link)

    assert [] == broken


@pytest.mark.parametrize("page", page_files(), ids=lambda page: page.relative_to(DOCS).as_posix())
def test_pages_of_a_site_stay_in_it(page: Path) -> None:
    """What lies outside docs/ is not part of the site."""
    targets = [page.parent / link.partition("#")[0] for link in links_of(page) if "://" not in link]

    assert [] == [target for target in targets if not target.resolve().is_relative_to(DOCS)]


def test_lists_and_tables_stand_alone() -> None:
    """A blank line is above each, or a site makes a paragraph of it."""
    assert {} == {page.name: crowded for page in PAGES if (crowded := crowded_lines(page))}


def test_every_picture_is_shown() -> None:
    """A picture that no page has is left over."""
    shown = {(page.parent / link).resolve() for page in PAGES for link in links_of(page)}

    assert [] == [picture.name for picture in PICTURES if picture not in shown]


def test_pictures_are_small_and_fetch_nothing() -> None:
    """Neither fonts nor anything else comes from elsewhere; all of them together load in a moment."""
    texts = {picture.name: picture.read_text(encoding="utf-8") for picture in PICTURES}
    elsewhere = [
        name for name, text in texts.items() if "://" in text.replace("http://www.w3.org/2000/svg", "")
    ]

    assert [] == elsewhere
    assert [] == [name for name, text in texts.items() if len(text) > _MOST_PICTURE_BYTES]
    assert sum(map(len, texts.values())) < _MOST_PICTURES_BYTES


def test_pictures_show_no_path_of_this_machine() -> None:
    """Neither the checkout nor the environment that runs the tests."""
    places = [str(ROOT), *([sys.prefix] if sys.prefix != sys.base_prefix else [])]
    texts = {picture.name: picture.read_text(encoding="utf-8") for picture in PICTURES}

    assert [] == [name for name, text in texts.items() if any(place in text for place in places)]
