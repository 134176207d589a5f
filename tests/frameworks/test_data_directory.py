"""Where the images of a training lie."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from gpumon.frameworks.data_directory import data_directory
from gpumon.frameworks.file_view import ProcessFiles
from gpumon.model.measure import Maybe, Missing
from gpumon.model.training import Setting, Settings
from tests.tui.fake_training import fake_reading

OWN = ProcessFiles(0, "/nonexistent")


def _found(place: Maybe[str], data: Maybe[Setting]) -> Maybe[str]:
    training = fake_reading("starved", 1).training
    return data_directory(replace(training, command_directory=place, settings=Settings(data=data)), OWN)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("path: ../datasets/coco\ntrain: images/train\n", "datasets/coco/images/train"),
        ("train: [one, two]\n", "yolov5/one"),
        ("path: /srv/coco\ntrain: a\n", "/srv/coco/a"),
    ],
)
def test_the_yaml_names_root_and_images(tmp_path: Path, text: str, expected: str) -> None:
    """`path` is relative to where the training runs, `train` to `path`; of a list the first counts."""
    place = tmp_path / "yolov5"
    place.mkdir()
    (place / "coco.yaml").write_text(text)

    assert str(tmp_path.resolve() / expected) == _found(str(place), Setting("coco.yaml", "argv"))


def test_a_directory_is_itself(tmp_path: Path) -> None:
    """A classifier is given the directory of its images."""
    assert str(tmp_path.resolve() / "imagenette") == _found(str(tmp_path), Setting("imagenette", "argv"))


def test_links_are_followed(tmp_path: Path) -> None:
    """What counts is where the images really lie."""
    (tmp_path / "real").mkdir()
    (tmp_path / "data").symlink_to(tmp_path / "real")

    assert str(tmp_path.resolve() / "real") == _found(str(tmp_path), Setting("data", "argv"))


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (Missing("not known for this training"), "not known for this training"),
        (Setting(None, "argv"), "the training names no data"),
        (Setting("", "argv"), "the training names no data"),
    ],
)
def test_what_is_not_named_has_a_reason(data: Maybe[Setting], reason: str) -> None:
    """Without a name there is no place."""
    assert Missing(reason) == _found("/home/ann", data)


def test_a_yaml_without_images_says_so(tmp_path: Path) -> None:
    """A settings file that names no training images, and one that is not there."""
    (tmp_path / "coco.yaml").write_text("nc: 80\n")
    found = _found(str(tmp_path), Setting("coco.yaml", "argv"))

    assert Missing(f"{tmp_path}/coco.yaml names no training images") == found
    assert isinstance(_found(str(tmp_path), Setting("gone.yaml", "argv")), Missing)
