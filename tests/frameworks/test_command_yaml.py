"""Edits of YAML files of other programs: the diff, and the sed command that does the same."""

from __future__ import annotations

import shlex
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from gpumon.advice.knobs.yaml_edit import LineChange, Scalar, scalar, sed_command, unified_diff

# As YOLOv5 v7.0 writes it: in the order of its options, with the hyperparameters nested.
OPT = {
    "weights": "yolov5s.pt",
    "data": "/data/my set/data.yaml",
    "hyp": {"lr0": 0.01, "weight_decay": 0.0005, "workers": 3, "batch_size": 5},
    "epochs": 100,
    "batch_size": 16,
    "imgsz": 640,
    "cache": None,
    "device": "0",
    "multi_scale": False,
    "workers": 8,
    "freeze": [0],
    "save_dir": "runs/train/exp",
}
LINES = (
    LineChange("batch_size", 16, 32),
    LineChange("cache", None, "ram"),
    LineChange("device", "0", "0,1"),
    LineChange("multi_scale", False, True),
    LineChange("workers", 8, 6),
)
CHANGED = {"batch_size": 32, "cache": "ram", "device": "0,1", "multi_scale": True, "workers": 6}


def patched(text: str, diff: str) -> str:
    """Apply a diff of single lines as `patch` does: each hunk at its line's first place behind the last."""
    rows = text.splitlines()
    at = 0
    for old, new in zip(diff.splitlines()[3::3], diff.splitlines()[4::3], strict=True):
        at = rows.index(old.removeprefix("-"), at)
        rows[at] = new.removeprefix("+")
    return "".join(f"{row}\n" for row in rows)


def write(path: Path) -> str:
    """Write opt.yaml and return its text."""
    text: str = yaml.safe_dump(OPT, sort_keys=False)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return text


@given(
    st.one_of(
        st.none(),
        st.booleans(),
        st.integers(),
        st.floats(allow_nan=False, allow_infinity=False),
        st.text(st.characters(codec="ascii", exclude_categories=["Cc"]), max_size=40),
        st.sampled_from(["ram", "disk", "", "0", "0,1", "cpu", "yes", "Off", "null", "AdamW", "1e-5"]),
    )
)
def test_a_value_reads_back_as_it_is(value: Scalar) -> None:
    """In quotes where YAML would take it for something else."""
    assert yaml.safe_load(LineChange("key", None, value).after) == {"key": value}


@pytest.mark.parametrize(
    "value",
    [
        None,
        True,
        False,
        0,
        -1,
        640,
        0.01,
        1e-05,
        5e-4,
        1.0,
        "ram",
        "disk",
        "",
        "0",
        "0,1",
        "cpu",
        "AdamW",
        "no",
    ],
)
def test_a_value_of_a_setting_is_written_as_pyyaml_writes_it(value: Scalar) -> None:
    """So that the old line of a diff is the one that stands in the file."""
    assert yaml.safe_dump({"key": value}) == f"key: {scalar(value)}\n"


def test_the_diff_changes_these_lines_and_no_others(tmp_path: Path) -> None:
    """Nested keys of the same name stay; patch takes it, and says no more than how far off its lines are."""
    path = tmp_path / "opt.yaml"
    text = write(path)
    diff = unified_diff(str(path), LINES)

    assert yaml.safe_load(patched(text, diff)) == {**OPT, **CHANGED}
    assert len(set(patched(text, diff).splitlines()) - set(text.splitlines())) == len(LINES)
    if shutil.which("patch"):
        subprocess.run(["patch", str(path)], input=diff, text=True, check=True, capture_output=True)
        assert path.read_text(encoding="utf-8") == patched(text, diff)


@pytest.mark.parametrize("folder", ["exp", "exp 2", "it's; $(touch x) & `y`", 'a"b\\c', "-e"])
def test_sed_makes_the_same_edit(tmp_path: Path, folder: str) -> None:
    """In any directory, and where the file says something else by now; the second time it changes nothing."""
    path = tmp_path / folder / "opt.yaml"
    text = write(path)
    command = sed_command(str(path), LINES)
    expected = patched(text, unified_diff(str(path), LINES))
    for _ in range(2):
        subprocess.run(["/bin/sh", "-c", command], check=True, cwd=tmp_path)
        assert path.read_text(encoding="utf-8") == expected

    path.write_text(text.replace("\nworkers: 8\n", "\nworkers: 4\n"), encoding="utf-8")
    subprocess.run(["/bin/sh", "-c", command], check=True, cwd=tmp_path)
    assert path.read_text(encoding="utf-8") == expected
    assert [name.name for name in tmp_path.iterdir()] == [folder]


@given(st.text(st.characters(codec="ascii", exclude_categories=["Cc"]), min_size=1, max_size=12))
def test_what_sed_writes_is_the_line_of_the_diff(value: str) -> None:
    """Characters that mean something to sed or the shell are only characters."""
    line = LineChange("device", None, value)
    script = shlex.split(sed_command("/x/opt.yaml", (line,)))[3]
    done = subprocess.run(
        ["sed", "-e", script], input="device: null\n", text=True, capture_output=True, check=True
    )

    assert done.stdout == f"{line.after}\n"


def test_a_copy_leaves_the_file_as_it_is(tmp_path: Path) -> None:
    """The diff names both; sed writes the copy."""
    path, copy = tmp_path / "hyp.yaml", tmp_path / "hyp-lr0.yaml"
    path.write_text("lr0: 0.01\nlrf: 0.01\n", encoding="utf-8")
    lines = (LineChange("lr0", 0.01, 0.005),)
    subprocess.run(["/bin/sh", "-c", sed_command(str(path), lines, copy=str(copy))], check=True)

    assert path.read_text(encoding="utf-8") == "lr0: 0.01\nlrf: 0.01\n"
    assert copy.read_text(encoding="utf-8") == "lr0: 0.005\nlrf: 0.01\n"
    assert unified_diff(str(path), lines, copy=str(copy)) == (
        f"--- {path}\n+++ {copy}\n@@ -1 +1 @@\n-lr0: 0.01\n+lr0: 0.005\n"
    )


def test_no_lines_are_no_edit() -> None:
    """Then there is no diff either."""
    assert unified_diff("/x/opt.yaml", ()) == ""
