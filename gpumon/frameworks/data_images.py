"""The images of a data set by its YAML file: how many, and how large, from a bounded look at headers."""

from __future__ import annotations

import os
import stat
import struct
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import BinaryIO

from gpumon.advice.starting_facts import DataFacts
from gpumon.frameworks.yaml_file import Plain, parse_yaml
from gpumon.model.measure import Maybe, Missing
from gpumon.model.text import clean

# YOLOv5's IMG_FORMATS (dataloaders.py).
_SUFFIXES = frozenset({"bmp", "dng", "jpeg", "jpg", "mpo", "png", "tif", "tiff", "webp", "pfm"})
# A line of a list is a path, whose end PATH_MAX (4096) leaves room for.
_YAML_BYTES, _LIST_BYTES, _LINE_BYTES = 1 << 20, 64 << 20, 1 << 13
_MOST_IMAGES, _MOST_FOLDERS, _DEPTH = 2_000_000, 20_000, 8
# Names that are looked at: as many labels as images may lie beside them.
MOST_ENTRIES = 2 * _MOST_IMAGES
# Names that are kept to draw the sample from, and files whose header is read.
_KEPT, SAMPLE = 20_000, 64
_MOST_SIDE = 1 << 20
_MOST_SEGMENTS, _MOST_FILL_BYTES = 64, 64


def read_data(path: Path, sample: int = SAMPLE, most_entries: int = MOST_ENTRIES) -> Maybe[DataFacts]:
    """Return the training images that a data.yaml names, or in one sentence why they cannot be told.

    `train` is a folder, a list of files (.txt), or several of these; `path` is the root. Relative roots are
    taken from the present directory, then from that of the file. Nothing is decoded; at most `most_entries`
    names are looked at, and `sample` headers are read.
    """
    text = _text(path, _YAML_BYTES)
    if isinstance(text, Missing):
        return text
    content = parse_yaml(text)
    if isinstance(content, Missing):
        return Missing(f"{clean(str(path), 200)}: {content.reason}")
    places = _places(content, path)
    if isinstance(places, Missing):
        return places
    found = _Found(most_entries)
    for place in places:
        if place.is_dir():
            found.walk(place)
        elif place.suffix == ".txt":
            found.read_list(place)
    if not found.images:
        return Missing(f"no images are found in {clean(str(places[0]), 200)}")
    sizes, file_bytes = _sizes(found.kept, sample)
    return DataFacts(found.images, sizes, found.is_whole, file_bytes)


@dataclass
class _Found:
    """The images so far: how many, and some of their paths, spread over all."""

    most_entries: int
    images: int = 0
    is_whole: bool = True
    kept: list[str] = field(default_factory=list)
    _every: int = 1
    _folders: int = 0
    _entries: int = 0
    _left_bytes: int = _LIST_BYTES

    def walk(self, folder: Path, depth: int = 0) -> None:
        """Count the images in a folder and those within. Names tell: no file is looked at."""
        self._folders += 1
        if self._folders > _MOST_FOLDERS or depth > _DEPTH:
            self.is_whole = False
            return
        try:
            with os.scandir(folder) as entries:
                for entry in entries:
                    if not self._counts():
                        return
                    if entry.name.rpartition(".")[2].lower() in _SUFFIXES:
                        self._add(entry.path)
                    elif entry.is_dir(follow_symlinks=False):
                        self.walk(Path(entry.path), depth + 1)
                    if not self.is_whole:
                        return
        except OSError:
            # A folder that cannot be listed has images that nobody counts.
            self.is_whole = False

    def read_list(self, path: Path) -> None:
        """Count the images that a list names, one a line; `./` is the folder of the list (YOLOv5)."""
        try:
            with _open_regular(path) as file:
                while line := file.readline(_LINE_BYTES):
                    self._left_bytes -= len(line)
                    if self._left_bytes < 0 or not self._counts():
                        self.is_whole = False
                        return
                    name = line.decode("utf-8", "replace").strip()
                    if name.rpartition(".")[2].lower() in _SUFFIXES:
                        self._add(str(path.parent / name[2:]) if name.startswith("./") else name)
        except (OSError, ValueError):
            self.is_whole = False

    def _counts(self) -> bool:
        """Count an entry, image or not; False once there are too many."""
        self._entries += 1
        if self._entries <= self.most_entries:
            return True
        self.is_whole = False
        return False

    def _add(self, path: str) -> None:
        if self.images >= _MOST_IMAGES:
            self.is_whole = False
            return
        if self.images % self._every == 0:
            self.kept.append(path)
            if len(self.kept) > _KEPT:
                # Every second one of those that were kept, and of those to come.
                self.kept, self._every = self.kept[::2], 2 * self._every
        self.images += 1


def _places(content: dict[str, Plain], path: Path) -> Maybe[tuple[Path, ...]]:
    train, root = content.get("train"), content.get("path")
    names = train if isinstance(train, list) else [train]
    texts = [name for name in names if isinstance(name, str) and name]
    if not texts:
        return Missing(f"{clean(str(path), 200)} names no training images")
    base = Path(root) if isinstance(root, str) and root else Path()
    roots = (base,) if base.is_absolute() else (base, path.parent / base)
    found = [place for name in texts if (place := _first(roots, name)) is not None]
    if not found:
        return Missing(f"{clean(texts[0], 200)} of {clean(str(path), 200)} is not there")
    return tuple(found)


def _first(roots: tuple[Path, ...], name: str) -> Path | None:
    for root in roots:
        place = root / name
        try:
            if place.exists():
                return place
        except (OSError, ValueError):
            continue
    return None


def _text(path: Path, limit_bytes: int) -> Maybe[str]:
    """Return the text of a regular file, or why it cannot be had."""
    shown = clean(str(path), 200)
    try:
        with _open_regular(path) as file:
            data = file.read(limit_bytes + 1)
    except OSError as error:
        return Missing(f"{shown} cannot be read: {error.strerror or 'it is no regular file'}")
    except ValueError:
        return Missing(f"{shown} is no path")
    if len(data) > limit_bytes:
        return Missing(f"{shown} is larger than {limit_bytes >> 20} MiB")
    return data.decode("utf-8", "replace")


def _open_regular(path: Path | str) -> BinaryIO:
    """Open a regular file. Raises OSError for anything else: a pipe would never end."""
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    file = os.fdopen(descriptor, "rb")
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        file.close()
        raise OSError(f"{path} is no regular file")
    return file


def _sizes(paths: list[str], sample: int) -> tuple[tuple[tuple[int, int], ...], float | None]:
    """Return the sizes of some of the images, spread over all, and their mean number of bytes."""
    step = max(1, len(paths) // sample)
    sizes, lengths = [], []
    for path in islice(paths[::step], sample):
        try:
            with _open_regular(path) as file:
                size = image_size(file)
                length = os.fstat(file.fileno()).st_size
        except (OSError, ValueError):
            continue
        lengths.append(length)
        if size is not None:
            sizes.append(size)
    return tuple(sizes), sum(lengths) / len(lengths) if lengths else None


def image_size(file: BinaryIO) -> tuple[int, int] | None:
    """Return width and height from the header of a JPEG, PNG, BMP or WebP; None for anything else.

    Source: ITU-T T.81 (B.1.1), the PNG specification (11.2.2), BITMAPINFOHEADER, RFC 9649.
    """
    head = file.read(32)
    if head.startswith(b"\xff\xd8"):
        return _jpeg_size(file)
    size: tuple[int, int] | None = None
    if head.startswith(b"\x89PNG\r\n\x1a\n") and len(head) >= 24:
        size = struct.unpack(">II", head[16:24])
    elif head.startswith(b"BM") and len(head) >= 26:
        width, height = struct.unpack("<ii", head[18:26])
        size = width, abs(height)
    elif head.startswith(b"RIFF") and head[8:12] == b"WEBP":
        size = _webp_size(head)
    return size if size is not None and all(0 < side < _MOST_SIDE for side in size) else None


def _webp_size(head: bytes) -> tuple[int, int] | None:
    kind = head[12:16]
    if kind == b"VP8X" and len(head) >= 30:
        return 1 + int.from_bytes(head[24:27], "little"), 1 + int.from_bytes(head[27:30], "little")
    if kind == b"VP8 " and len(head) >= 30:
        width, height = struct.unpack("<HH", head[26:30])
        return width & 0x3FFF, height & 0x3FFF
    if kind == b"VP8L" and len(head) >= 25:
        bits = int.from_bytes(head[21:25], "little")
        return 1 + (bits & 0x3FFF), 1 + (bits >> 14 & 0x3FFF)
    return None


def _jpeg_size(file: BinaryIO) -> tuple[int, int] | None:
    file.seek(2)
    for kind, length in _segments(file):
        # Start of frame: C0 to CF, without the tables C4, C8 and CC.
        if 0xC0 <= kind <= 0xCF and kind not in {0xC4, 0xC8, 0xCC}:
            body = file.read(5)
            if len(body) < 5:
                return None
            height, width = struct.unpack(">HH", body[1:5])
            return (width, height) if width and height else None
        file.seek(length, os.SEEK_CUR)
    return None


def _segments(file: BinaryIO) -> Iterator[tuple[int, int]]:
    """Yield the kind and the length of each segment; the file stands at its body."""
    for _ in range(_MOST_SEGMENTS):
        kind, size = _marker(file), file.read(2)
        if kind is None or len(size) < 2:
            return
        length = struct.unpack(">H", size)[0] - 2
        if length < 0:
            return
        yield kind, length


def _marker(file: BinaryIO) -> int | None:
    """Return the second byte of the next marker. Any number of 0xFF may stand before it (T.81, B.1.1.2)."""
    if file.read(1) != b"\xff":
        return None
    for _ in range(_MOST_FILL_BYTES):
        byte = file.read(1)
        if byte != b"\xff":
            return byte[0] if byte else None
    return None
