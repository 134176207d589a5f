"""On which file system a path lies."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gpumon.model.measure import Missing
from gpumon.sources.file_system import FileSystem, file_system_of, is_remote, mounts_of


class _Mount(NamedTuple):
    mountpoint: str
    fstype: str


MOUNTS = (
    _Mount("/", "ext4"),
    _Mount("/data", "nfs4"),
    _Mount("/data/scratch", "xfs"),
    _Mount("/mnt/bucket", "fuse.gcsfuse"),
)


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/home/ann/coco", FileSystem("ext4", "/", is_remote=False)),
        ("/data/coco/images", FileSystem("nfs4", "/data", is_remote=True)),
        ("/data", FileSystem("nfs4", "/data", is_remote=True)),
        ("/database/coco", FileSystem("ext4", "/", is_remote=False)),
        ("/data/scratch/coco", FileSystem("xfs", "/data/scratch", is_remote=False)),
        ("/mnt/bucket/a", FileSystem("fuse.gcsfuse", "/mnt/bucket", is_remote=True)),
    ],
)
def test_the_longest_prefix_of_whole_names_wins(path: str, expected: FileSystem) -> None:
    """/database is not below /data, and a mount inside another one hides it."""
    assert expected == file_system_of(path, MOUNTS)


def test_of_two_mounts_at_one_place_the_later_is_seen() -> None:
    """A mount on top of a mount hides the one below."""
    found = file_system_of("/data/coco", (*MOUNTS, _Mount("/data", "tmpfs")))
    assert FileSystem("tmpfs", "/data", is_remote=False) == found


@pytest.mark.parametrize("path", ["data/coco", ""])
def test_a_relative_path_lies_nowhere(path: str) -> None:
    """Only an absolute path can be placed."""
    assert Missing("the path is not absolute") == file_system_of(path, MOUNTS)


def test_hostile_mounts_are_cleaned() -> None:
    """A mount point is another program's text."""
    found = file_system_of("/\x1b[31mx/y", (_Mount("/\x1b[31mx", "ext4\n"),))
    assert FileSystem("ext4 ", "/x", is_remote=False) == found


@pytest.mark.parametrize("kind", ["nfs", "nfs4", "cifs", "smb3", "fuse.sshfs", "fuse.s3fs", "lustre", "9p"])
def test_network_file_systems_are_remote(kind: str) -> None:
    """NFS, SMB, cluster file systems, and what FUSE brings from elsewhere."""
    assert is_remote(kind)


@pytest.mark.parametrize("kind", ["ext4", "xfs", "btrfs", "tmpfs", "overlay", "fuseblk", "zfs", ""])
def test_local_file_systems_are_not(kind: str) -> None:
    """Disks, memory, overlays, and NTFS through FUSE."""
    assert not is_remote(kind)


@given(st.lists(st.text(max_size=12), max_size=6), st.text(max_size=30))
def test_any_mounts_and_any_path_give_an_answer(points: list[str], path: str) -> None:
    """Nothing another program mounts breaks the search."""
    found = file_system_of(path, [_Mount("/" + point, "ext4") for point in points])
    assert isinstance(found, FileSystem | Missing)


def test_the_mounts_of_this_machine_hold_this_file() -> None:
    """The real table of mounts, of a process in gpumon's own namespace."""
    mounts = mounts_of(os.getpid())
    assert not isinstance(mounts, Missing)
    found = file_system_of(str(Path(__file__).resolve()), mounts)
    assert isinstance(found, FileSystem)
    assert Path(found.mount_point).is_mount()


def test_a_process_that_is_gone_has_no_mounts() -> None:
    """The reason is told."""
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    assert Missing("its mount namespace cannot be read: no such file or directory") == mounts_of(gone.pid)
