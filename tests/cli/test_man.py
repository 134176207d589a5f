"""The manual page: made of the commands, and roff that prints what it says."""

from __future__ import annotations

import re
from pathlib import Path

import click

from gpumon.cli.app import COMMANDS, gpumon
from gpumon.cli.man import man_page

ROOT = Path(__file__).resolve().parents[2]
_REQUESTS = {".TH", ".SH", ".SS", ".PP", ".TP", ".BR", ".nf", ".fi"}


def _page() -> str:
    return man_page(gpumon, COMMANDS)


def _printed(page: str) -> str:
    """Return the words that a reader sees, without roff's escapes."""
    text = re.sub(r"\\f[BIR]|\\&", "", page)
    for escape, letter in (("\\-", "-"), ("\\(dq", '"'), ("\\(ga", "`"), ("\\e", "\\")):
        text = text.replace(escape, letter)
    return text


def test_the_page_in_docs_is_current() -> None:
    """`python docs/generate.py` would change nothing."""
    assert _page() == (ROOT / "docs/gpumon.1").read_text(encoding="utf-8")


def test_every_command_and_option_is_in_it() -> None:
    """With its help."""
    text = _printed(_page())
    context = click.Context(gpumon)
    wanted: list[str] = []
    for name in COMMANDS:
        command = gpumon.get_command(context, name)
        assert command is not None
        wanted.append(f'.SS "gpumon {name}')
        for option in command.params:
            if isinstance(option, click.Option) and not option.hidden:
                wanted += [*option.opts, option.help or ""]

    assert [] == [word for word in wanted if word not in text]


def test_options_that_most_commands_share_are_described_once() -> None:
    """The page stays short enough to read."""
    text = _printed(_page())

    assert 1 == text.count("\n--interval SECONDS\n")
    assert text.index("\n--interval SECONDS\n") > text.index("\n.SH OPTIONS\n")


def test_it_is_plain_roff() -> None:
    """ASCII, known requests only, and no line of text that roff would take for one."""
    page = _page()
    requests = {line.split()[0] for line in page.splitlines() if line.startswith((".", "'"))}

    assert page.isascii()
    assert requests <= _REQUESTS
    assert [] == [line for line in page.splitlines() if not line.strip() or line != line.rstrip()]


def test_text_that_looks_like_roff_is_text() -> None:
    """Backslashes, quotes and leading dots are printed as they are."""
    inner = click.Command("x", help=".TH at the start\n\n'quoted' \\n a-b \"c\" `d`", callback=lambda: None)
    root = click.Group("gpumon", commands={"x": inner}, help="Root.")
    page = man_page(root, ["x"])

    assert "\\&.TH at the start" in page
    assert "\\&'quoted' \\en a\\-b \\(dqc\\(dq \\(gad\\(ga" in page
