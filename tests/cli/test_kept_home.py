"""Root with the HOME of whoever called sudo leaves nothing there that is closed to them."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from gpumon.cli.kept_home import shuts_out_caller

ME, ANOTHER = os.geteuid(), os.geteuid() + 1


@pytest.mark.parametrize("name", ["new", "there", "a/b/new"])
def test_a_file_in_the_home_of_the_caller_would_shut_them_out(tmp_path: Path, name: str) -> None:
    """Whether it is made, replaced, or its directories are made with it."""
    (tmp_path / "there").touch()

    assert shuts_out_caller(tmp_path / name, {"SUDO_UID": str(ME)}, user_id=ANOTHER)


@pytest.mark.parametrize(
    ("environ", "user_id"),
    [
        ({}, ANOTHER),
        ({"SUDO_UID": str(ANOTHER)}, ANOTHER),
        ({"SUDO_UID": str(ME)}, ME),
        ({"SUDO_UID": ""}, ME),
    ],
    ids=["no-sudo", "home-of-another", "own", "empty"],
)
def test_everywhere_else_files_may_be_made(tmp_path: Path, environ: dict[str, str], user_id: int) -> None:
    """In a container, too, where root's HOME may be a directory of the host's user."""
    assert not shuts_out_caller(tmp_path / "new", environ, user_id=user_id)
