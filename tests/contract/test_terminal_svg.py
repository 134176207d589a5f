"""Pictures of a terminal: cells keep their columns, shapes are shapes, and a moving one shows each frame."""

from __future__ import annotations

import importlib.util
import re
import sys
from types import ModuleType
from xml.etree import ElementTree as ET

import pytest
from rich.segment import Segment
from rich.style import Style

from tests.contract.docs_pages import DOCS

_SVG = "{http://www.w3.org/2000/svg}"


@pytest.fixture(scope="module")
def svg() -> ModuleType:
    """The module beside the script that takes the pictures."""
    spec = importlib.util.spec_from_file_location("terminal_svg", DOCS / "terminal_svg.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["terminal_svg"] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    return module


def test_words_stand_in_their_columns(svg: ModuleType) -> None:
    """Each stretch of text begins at its column and is stretched to its cells; markup is escaped."""
    line = [Segment("ab<c      "), Segment("wait", Style(bold=True, color="#ff0000"))]
    root = ET.fromstring(svg.still([line], (20, 1), svg.Colors("#eeeeee", "#111111")))  # noqa: S314 - ours
    texts = [(text.text, text.get("x"), text.get("textLength")) for text in root.iter(f"{_SVG}text")]
    assert texts == [("ab<c", "0", "32"), ("wait", "80", "32")]


def test_blocks_lines_and_dots_are_shapes(svg: ModuleType) -> None:
    """So that no font decides how a chart looks: full block, lower half, left edge, braille."""
    line = [Segment("█▄▏⣿─")]
    root = ET.fromstring(svg.still([line], (8, 1), svg.Colors("#eeeeee", "#111111")))  # noqa: S314 - ours
    assert not list(root.iter(f"{_SVG}text"))
    paths = "".join(path.get("d") or "" for path in root.iter(f"{_SVG}path"))
    assert "M0 0h8v17h-8z" in paths
    assert "M8 8.5h8v8.5h-8z" in paths
    assert "M16 0h1v17h-1z" in paths
    assert paths.count("h0") == 8
    assert "M32 8.5h8" in paths


def test_colours_are_swapped_and_dimmed_as_a_terminal_does(svg: ModuleType) -> None:
    """Reverse and dim are no colours of their own."""
    line = [Segment("x", Style(reverse=True)), Segment("y", Style(dim=True))]
    picture = svg.still([line], (4, 1), svg.Colors("#ffffff", "#000000"))
    assert "fill:#7f7f7f" in picture
    assert "fill:#ffffff" in picture
    assert "M0 0h8v17h-8z" in picture


def test_a_moving_picture_shows_each_frame_in_its_turn(svg: ModuleType) -> None:
    """The turns fill the time without a gap, equal rows are drawn once, and the poster stands still."""
    frames = [
        svg.Frame([[Segment("same")], [Segment("one")]], 1.0, "", "begins"),
        svg.Frame([[Segment("same")], [Segment("two")]], 3.0, "2", "goes on"),
    ]
    picture = svg.moving(frames, (10, 2), svg.Colors("#ffffff", "#000000"), poster=1)
    root = ET.fromstring(picture)  # noqa: S314 - ours
    rows = [text.text for text in next(root.iter(f"{_SVG}defs")).iter(f"{_SVG}text")]
    assert rows == ["same", "one", "two"]
    assert "@keyframes k0{0.000%{visibility:visible}25.000%{visibility:hidden}}" in picture
    assert "@keyframes k1{0%{visibility:hidden}25.000%{visibility:visible}}" in picture
    assert re.findall(r'<g class="f([ p]*) f(\d)">', picture) == [("", "0"), (" p", "1")]
    assert "prefers-reduced-motion" in picture
