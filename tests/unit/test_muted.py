"""Muted findings, kept in a file."""

from __future__ import annotations

import os
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from gpumon.monitor.muted import Muted, muted_path


def test_what_is_muted_is_so_at_the_next_start(tmp_path: Path) -> None:
    """The file holds one id a line and only its owner may read it."""
    path = tmp_path / "state" / "muted"
    word = Muted(path).toggle("power-capped")

    assert word == "power-capped is muted: no alert of it"
    assert path.read_text(encoding="ascii") == "power-capped\n"
    assert path.stat().st_mode & 0o777 == 0o600
    assert Muted(path).ids == {"power-capped"}


def test_muting_twice_takes_it_back(tmp_path: Path) -> None:
    """The key is a switch."""
    path = tmp_path / "muted"
    muted = Muted(path)
    muted.toggle("nan-loss")

    assert muted.toggle("nan-loss") == "nan-loss raises alerts again"
    assert (frozenset(), "") == (muted.ids, path.read_text(encoding="ascii"))


def test_those_of_the_settings_are_not_written(tmp_path: Path) -> None:
    """What is muted by --mute is so for this start only."""
    path = tmp_path / "muted"
    muted = Muted(path, {"unclear"})
    muted.toggle("hung")

    assert muted.ids == {"hung", "unclear"}
    assert Muted(path).ids == {"hung"}


def test_readonly_reads_and_does_not_write(tmp_path: Path) -> None:
    """With --readonly a finding is muted until the end."""
    path = tmp_path / "muted"
    path.write_text("hung\n", encoding="ascii")
    muted = Muted(path, is_written=False)

    assert muted.toggle("unclear") == "unclear is muted: no alert of it, until gpumon ends"
    assert muted.ids == {"hung", "unclear"}
    assert path.read_text(encoding="ascii") == "hung\n"


def test_where_it_cannot_be_written_that_is_said(tmp_path: Path) -> None:
    """It is muted all the same."""
    (tmp_path / "file").touch()
    muted = Muted(tmp_path / "file" / "muted")
    word = muted.toggle("hung")

    assert word.startswith("hung is muted: no alert of it, until gpumon ends: ")
    assert muted.ids == {"hung"}


def test_a_fifo_in_its_place_holds_nobody(tmp_path: Path) -> None:
    """Only a file is read: nothing is muted then."""
    os.mkfifo(tmp_path / "muted")

    assert Muted(tmp_path / "muted").ids == frozenset()


@given(st.binary(max_size=200))
def test_any_file_can_be_read(content: bytes) -> None:
    """What is no id is left out."""
    path = muted_path().with_name("muted-of-a-test")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)

    assert all(name.isascii() and name == name.lower() for name in Muted(path).ids)
