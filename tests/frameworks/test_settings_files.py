"""Settings files of other people are read with bounds, and nothing in them is executed."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from gpumon.frameworks.file_view import ProcessFiles
from gpumon.frameworks.yaml_file import parse_yaml, read_yaml
from gpumon.model.measure import Missing
from tests.frameworks.scene import look

BOMB = "a: &a [x, x]\nb: &b [*a, *a]\nc: &c [*b, *b]\n"


@pytest.mark.parametrize(
    "text",
    [
        BOMB,
        "a: !!python/object/apply:os.system ['touch pwned']",
        "a: !!python/name:os.system",
        "[1, 2]",
        "just text",
        "",
        "a: [",
        "a: \x1b[31m",
        "a: " + "[" * 500,
        "a: 2024-99-99",
        "a: !!timestamp x",
        "a: !!bool x",
        "a: !!int ''",
        "a: !!float ''",
        "a: 1" + ":1" * 100_000,
        "a: !!int '1" + ":1" * 100_000 + "'",
        "? [1, 2]\n: 3",
        "\n".join(f"k{index}: 1" for index in range(5000)),
    ],
)
def test_hostile_yaml_is_missing(text: str) -> None:
    """Alias bombs, tags, broken and oversized documents: a reason, never an exception."""
    assert isinstance(parse_yaml(text), Missing)


def test_values_are_plain_and_clean() -> None:
    """Numbers that do not fit and types that no settings file has become None; text is cleaned."""
    text = f'a: 1\nb: "x\\e[2Jy\\u202ez"\nc: .inf\nd: {10**30}\ne: 2024-01-01\n7: lost\nf: [1, {{g: h}}]\n'
    assert parse_yaml(text) == {
        "a": 1,
        "b": "xyz",
        "c": None,
        "d": None,
        "e": None,
        "f": [1, {"g": "h"}],
    }


def test_a_file_that_is_too_large_is_not_read(tmp_path: Path) -> None:
    """256 KiB is far more than any settings file has."""
    path = tmp_path / "opt.yaml"
    path.write_text("a: 1\n" + "#" * 300_000)
    assert read_yaml(look(1), str(path)) == Missing("larger than 262144 bytes")


def test_a_fifo_and_a_directory_are_no_files(tmp_path: Path) -> None:
    """Opening a FIFO would wait for its writer."""
    os.mkfifo(tmp_path / "opt.yaml")
    assert isinstance(read_yaml(look(1), str(tmp_path / "opt.yaml")), Missing)
    assert isinstance(read_yaml(look(1), str(tmp_path)), Missing)
    assert isinstance(read_yaml(look(1), "/dev/zero"), Missing)
    assert isinstance(read_yaml(look(1), f"{tmp_path}/a\0b"), Missing)


def test_invalid_utf_8_is_read_with_replacements(tmp_path: Path) -> None:
    """One bad byte in a path must not hide the other settings."""
    (tmp_path / "opt.yaml").write_bytes(b"a: caf\xe9\nb: 2\n")
    assert read_yaml(look(1), str(tmp_path / "opt.yaml")) == {"a": "caf\N{REPLACEMENT CHARACTER}", "b": 2}


@pytest.fixture
def container(tmp_path: Path) -> ProcessFiles:
    """The files of process 7, whose root is another directory."""
    root = tmp_path / "container"
    (root / "data").mkdir(parents=True)
    (root / "data" / "opt.yaml").write_text("a: inside\n")
    (tmp_path / "data").mkdir()
    process = tmp_path / "proc" / "7"
    (process / "fd").mkdir(parents=True)
    (process / "root").symlink_to(root)
    return ProcessFiles(7, str(tmp_path / "proc"))


def test_paths_are_in_the_view_of_the_process(container: ProcessFiles, tmp_path: Path) -> None:
    """Read below /proc/PID/root."""
    assert read_yaml(container, "/data/opt.yaml") == {"a": "inside"}
    assert container.names("/data") == ("opt.yaml",)
    assert container.host_path("/data") == f"{tmp_path}/proc/7/root/data"


def test_links_of_a_container_stay_in_it(container: ProcessFiles, tmp_path: Path) -> None:
    """The kernel would follow an absolute link, or enough dots, into our own root."""
    root = tmp_path / "container"
    (tmp_path / "secret").write_text("a: outside\n")
    (root / "absolute").symlink_to("/data/opt.yaml")
    (root / "dots").symlink_to("../../secret")
    (root / "loop").symlink_to("loop")
    assert read_yaml(container, "/absolute") == {"a": "inside"}
    assert isinstance(read_yaml(container, "/dots"), Missing)
    assert isinstance(read_yaml(container, "/loop"), Missing)


def test_the_log_is_where_stderr_goes(tmp_path: Path) -> None:
    """A regular file that is still there under its name, as the process itself calls it."""
    log = tmp_path / "train.log"
    log.touch()
    here = ProcessFiles(8, str(tmp_path / "proc"))
    (tmp_path / "proc" / "8" / "fd").mkdir(parents=True)
    (tmp_path / "proc" / "8" / "fd" / "2").symlink_to(log)
    assert here.log_path() == str(log)
    log.unlink()
    assert isinstance(here.log_path(), Missing)


def test_a_terminal_is_no_log(tmp_path: Path) -> None:
    """It cannot be read without stealing from its reader."""
    (tmp_path / "9" / "fd").mkdir(parents=True)
    (tmp_path / "9" / "fd" / "2").symlink_to("/dev/null")
    assert ProcessFiles(9, str(tmp_path)).log_path() == Missing(
        "its stderr goes to a terminal or a device, not to a file"
    )


def test_loaded_libraries_are_seen_in_maps() -> None:
    """Of a process of our own; hidden for one that is not there."""
    assert ProcessFiles(os.getpid()).has_loaded("libc") is True
    assert ProcessFiles(os.getpid()).has_loaded("libtorch_no_such") is False
    assert look(1).has_loaded("libc") is None
