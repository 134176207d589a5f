"""The images of a data.yaml: counted by name, a sample of headers read, and nothing else."""

from __future__ import annotations

import os
import struct
from io import BytesIO
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gpumon.advice.starting_facts import DataFacts
from gpumon.frameworks.data_images import image_size, read_data
from gpumon.model.measure import Missing


def jpeg(width: int, height: int) -> bytes:
    """Return the beginning of a JPEG: a comment, then the start of a baseline frame."""
    comment = b"\xff\xfe" + struct.pack(">H", 2 + 300) + bytes(300)
    return b"\xff\xd8" + comment + b"\xff\xc0" + struct.pack(">HBHHB", 17, 8, height, width, 3) + bytes(9)


def png(width: int, height: int) -> bytes:
    """Return the beginning of a PNG."""
    return (
        b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 13) + b"IHDR" + struct.pack(">II", width, height) + bytes(8)
    )


def data_set(folder: Path, names: list[str], content: bytes, train: str = "images") -> Path:
    """Write images and a data.yaml beside them; return its path."""
    for name in names:
        path = folder / "images" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    yaml = folder / "data.yaml"
    yaml.write_text(f"path: {folder}\ntrain: {train}\nnc: 1\nnames: [cat]\n")
    return yaml


def found(path: Path) -> DataFacts:
    """Return what is told of a data set."""
    facts = read_data(path)
    assert isinstance(facts, DataFacts), facts
    return facts


def reason(path: Path) -> str:
    """Return why nothing is told of one."""
    facts = read_data(path)
    assert isinstance(facts, Missing)
    return facts.reason


def test_images_are_counted_through_all_folders(tmp_path: Path) -> None:
    """By the endings that YOLOv5 takes, in any case; other files are none."""
    yaml = data_set(tmp_path, ["a.jpg", "b.JPG", "deep/c.png", "notes.txt"], jpeg(640, 480))
    facts = found(yaml)
    assert (facts.images, facts.is_whole) == (3, True)
    assert facts.file_bytes == len(jpeg(640, 480))


def test_sizes_come_from_headers(tmp_path: Path) -> None:
    """Width and height of each that was looked at."""
    facts = found(data_set(tmp_path, [f"{number}.jpg" for number in range(5)], jpeg(1920, 1080)))
    assert facts.sizes == ((1920, 1080),) * 5


def test_a_sample_is_spread_over_all(tmp_path: Path) -> None:
    """At most so many headers are read, however many images there are."""
    facts = read_data(
        data_set(tmp_path, [f"{number:03}.jpg" for number in range(200)], jpeg(8, 8)), sample=10
    )
    assert isinstance(facts, DataFacts)
    assert (facts.images, len(facts.sizes)) == (200, 10)


def test_a_list_of_files_is_read_line_by_line(tmp_path: Path) -> None:
    """`./` is the folder of the list."""
    data_set(tmp_path, ["a.jpg", "b.jpg"], jpeg(320, 240))
    (tmp_path / "train.txt").write_text("./images/a.jpg\n./images/b.jpg\n\n./images/gone.jpg\n")
    facts = found(data_set(tmp_path, [], b"", train="train.txt"))
    assert (facts.images, facts.sizes) == (3, ((320, 240),) * 2)


def test_several_folders_are_added_up(tmp_path: Path) -> None:
    """As YOLOv5 takes a list."""
    yaml = data_set(tmp_path, ["one/a.jpg", "two/b.jpg"], png(64, 32), train="[images/one, images/two]")
    facts = found(yaml)
    assert (facts.images, facts.sizes) == (2, ((64, 32),) * 2)


def test_what_cannot_be_told_is_one_sentence(tmp_path: Path) -> None:
    """A file that is not there, no mapping, no images, no YAML, and an alias bomb."""
    (tmp_path / "list.yaml").write_text("- 1\n")
    (tmp_path / "bomb.yaml").write_text("a: &a [x, x]\nb: [*a, *a]\ntrain: images\n")
    (tmp_path / "none.yaml").write_text("nc: 1\n")
    assert "cannot be read" in reason(tmp_path / "gone.yaml")
    assert "not a mapping" in reason(tmp_path / "list.yaml")
    assert "aliases" in reason(tmp_path / "bomb.yaml")
    assert "names no training images" in reason(tmp_path / "none.yaml")
    assert "is not there" in reason(data_set(tmp_path, [], b"", train="nowhere"))
    (tmp_path / "empty").mkdir()
    assert "no images are found" in reason(data_set(tmp_path, [], b"", train="empty"))


def test_a_pipe_is_no_file_and_nobody_waits_for_it(tmp_path: Path) -> None:
    """Neither as the YAML nor as an image."""
    os.mkfifo(tmp_path / "pipe.yaml")
    assert "cannot be read" in reason(tmp_path / "pipe.yaml")
    yaml = data_set(tmp_path, ["a.jpg"], jpeg(10, 20))
    os.mkfifo(tmp_path / "images" / "b.jpg")
    facts = found(yaml)
    assert (facts.images, facts.sizes) == (2, ((10, 20),))


def test_a_folder_linked_into_itself_ends(tmp_path: Path) -> None:
    """Links to folders are not followed within the data set."""
    yaml = data_set(tmp_path, ["a.jpg"], jpeg(10, 20))
    (tmp_path / "images" / "again").symlink_to(tmp_path / "images")
    assert 1 == found(yaml).images


class Counted(BytesIO):
    """A file that counts how often it is read."""

    reads = 0

    def read(self, size: int | None = -1, /) -> bytes:
        """Read, and count it."""
        self.reads += 1
        return super().read(size)


def test_what_fills_a_jpeg_is_skipped_but_not_for_ever() -> None:
    """Bytes of 0xFF may stand before a marker; a file of nothing else is given up early."""
    filled = b"\xff\xd8" + bytes([0xFF]) * 8 + jpeg(640, 480)[2:]
    endless = Counted(b"\xff\xd8" + bytes([0xFF]) * 10**6)

    assert image_size(BytesIO(filled)) == (640, 480)
    assert image_size(endless) is None
    assert endless.reads < 100


def test_names_that_are_no_images_are_not_looked_at_for_ever(tmp_path: Path) -> None:
    """Label files in a folder, and lines of a list, count against the limit; what was found is told."""
    labels = [f"labels/{number}.txt" for number in range(10)]
    folder = data_set(tmp_path, ["first/a.jpg", *labels], jpeg(8, 8), train="[images/first, images/labels]")
    whole, cut = read_data(folder, most_entries=11), read_data(folder, most_entries=10)
    (tmp_path / "train.txt").write_text("./images/first/a.jpg\n" + "\n" * 10 + "./images/first/a.jpg\n")
    listed = read_data(data_set(tmp_path, [], b"", train="train.txt"), most_entries=11)

    assert isinstance(whole, DataFacts)
    assert isinstance(cut, DataFacts)
    assert isinstance(listed, DataFacts)
    assert [(1, True), (1, False), (1, False)] == [(one.images, one.is_whole) for one in (whole, cut, listed)]


def test_a_line_without_an_end_is_read_in_parts(tmp_path: Path) -> None:
    """Nothing of a list is held but one path: what is longer than any path names no image here."""
    (tmp_path / "train.txt").write_bytes(b"x" * (1 << 20) + b"\n./a.jpg\n")
    facts = found(data_set(tmp_path, [], b"", train="train.txt"))

    assert (facts.images, facts.is_whole) == (1, True)


@given(st.binary(max_size=200))
def test_any_bytes_are_a_size_or_none(data: bytes) -> None:
    """Files are hostile: nothing is raised, and a size is one."""
    for head in (
        data,
        b"\xff\xd8" + data,
        b"\x89PNG\r\n\x1a\n" + data,
        b"BM" + data,
        b"RIFF\0\0\0\0WEBP" + data,
    ):
        size = image_size(BytesIO(head))
        assert size is None or all(0 < side < 1 << 20 for side in size)


@given(width=st.integers(1, 60_000), height=st.integers(1, 60_000))
def test_sizes_are_read_as_they_were_written(width: int, height: int) -> None:
    """JPEG and PNG."""
    assert image_size(BytesIO(jpeg(width, height))) == (width, height)
    assert image_size(BytesIO(png(width, height))) == (width, height)


@pytest.mark.parametrize(
    "head",
    [
        b"BM" + bytes(16) + struct.pack("<ii", 300, -200),
        b"RIFF"
        + bytes(4)
        + b"WEBPVP8X"
        + bytes(8)
        + (299).to_bytes(3, "little")
        + (199).to_bytes(3, "little"),
        b"RIFF" + bytes(4) + b"WEBPVP8 " + bytes(10) + struct.pack("<HH", 300, 200),
        b"RIFF" + bytes(4) + b"WEBPVP8L" + bytes(5) + (299 | 199 << 14).to_bytes(4, "little"),
    ],
    ids=["bmp", "webp", "webp lossy", "webp lossless"],
)
def test_other_headers_are_known(head: bytes) -> None:
    """Of pictures of 300 by 200; a bitmap may be upside down."""
    assert image_size(BytesIO(head + bytes(8))) == (300, 200)
