"""The config file: what it says at the start, and what the dashboard keeps in it."""

from __future__ import annotations

import errno
import os
import select
import stat
import sys
import tempfile
from pathlib import Path
from typing import Any

from gpumon.model.text import clean
from gpumon.settings import Resolved, SettingsError

# A config file is a few lines; more is a mistake.
_MAX_CONFIG_BYTES = 1 << 16
# A shell's <(...) has something to say by then.
_PATIENCE_SECONDS = 2.0
# What is made here may be read by its owner only.
_NEW_MODE = 0o600
_ANY_WRITE = stat.S_IWUSR | stat.S_IWGRP | stat.S_IWOTH


class _CannotKeepError(Exception):
    """Why a choice cannot be kept."""


def config_path(asked: str | None) -> Path:
    """Return the config file: the one that is asked for, else `config.toml` in gpumon's XDG directory."""
    if asked is not None:
        return Path(asked)
    import platformdirs

    return platformdirs.user_config_path("gpumon") / "config.toml"


def read_config(asked: str | None, *, patience_seconds: float = _PATIENCE_SECONDS) -> dict[str, Any]:
    """Return the parsed config file; an absent default one is empty. Raises SettingsError.

    What is no file, as a pipe, has so long to say something.
    """
    file = config_path(asked)
    if asked is None:
        try:
            file.stat()
        except OSError:
            # None, or a HOME of somebody else, as sudo may keep it: there is no config of ours in it.
            return {}
    try:
        text = _read_patiently(file, patience_seconds)
    except OSError as error:
        raise SettingsError(f"the config file {file} cannot be read: {error.strerror}") from None
    if len(text) > _MAX_CONFIG_BYTES:
        raise SettingsError(f"the config file {file} is larger than {_MAX_CONFIG_BYTES} bytes")
    try:
        return _parsed(text)
    except ValueError as error:
        raise SettingsError(f"the config file {file} is not TOML: {error}") from None


def _read_patiently(file: Path, patience_seconds: float) -> bytes:
    """Return the beginning of a file, or of what comes out of a pipe. Raises OSError."""
    parts: list[bytes] = []
    descriptor = os.open(file, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        while sum(map(len, parts)) <= _MAX_CONFIG_BYTES:
            if not select.select([descriptor], [], [], patience_seconds)[0]:
                raise OSError(errno.ETIMEDOUT, "nothing comes out of it")
            part = os.read(descriptor, _MAX_CONFIG_BYTES + 1)
            parts.append(part)
            if not part:
                break
    finally:
        os.close(descriptor)
    return b"".join(parts)


class ConfigFile:
    """Keeps what the user chose in the dashboard in the config file, and everything else in it as it is."""

    def __init__(self, path: Path, start: Resolved, *, user_id: int | None = None) -> None:
        """Take the path, and the settings of the start with where each comes from. Nothing is read yet.

        `user_id` is whose file may be replaced: None for the effective user's.
        """
        self._path = path
        self._start = start
        self._user_id = os.geteuid() if user_id is None else user_id

    def keep(self, name: str, value: str | bool) -> str:
        """Write a setting into the file; return why it could not be kept, or an empty text.

        What was given by a flag or a variable is not written: it would win at the next start too.
        """
        if self._start.settings.readonly:
            return "gpumon was started with --readonly"
        origin = self._start.origins[name]
        if origin.kind in {"flag", "variable"}:
            return f"{origin.words} was given"
        try:
            self._write(name, value)
        except _CannotKeepError as error:
            return f"{self._path.name} {error}"
        except OSError as error:
            return f"{self._path.name}: {clean(str(error.strerror), 80)}"
        return ""

    def _write(self, name: str, value: str | bool) -> None:
        """Replace the file as a whole, so that another gpumon never reads half of it."""
        # A link, as of those who keep such files in one place, stays one.
        target = Path(os.path.realpath(self._path))
        before = _read_to_change(target, self._user_id)
        target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        text = _changed(b"" if before is None else before[0], name, value)
        descriptor, temporary = tempfile.mkstemp(prefix=".config-", dir=target.parent)
        try:
            with os.fdopen(descriptor, "wb") as opened:
                os.fchmod(opened.fileno(), _NEW_MODE if before is None else before[1])
                opened.write(text)
                opened.flush()
                # Without it a crash of the machine may leave an empty file in the place of a full one.
                os.fsync(opened.fileno())
            Path(temporary).replace(target)
        except OSError:
            Path(temporary).unlink(missing_ok=True)
            raise


def _read_to_change(target: Path, user_id: int) -> tuple[bytes, int] | None:
    """Return the text and the mode of a file that may be replaced, or None where there is none."""
    try:
        found = target.stat()
    except FileNotFoundError:
        # As root in the home of somebody else a file would be made that its owner cannot change; so would
        # a directory.
        there = next(above for above in target.parents if above.exists())
        if there.stat().st_uid != user_id:
            raise _CannotKeepError("would be in the directory of another user") from None
        return None
    if not stat.S_ISREG(found.st_mode):
        raise _CannotKeepError("is no file")
    if found.st_uid != user_id:
        raise _CannotKeepError("belongs to another user")
    if not found.st_mode & _ANY_WRITE:
        raise _CannotKeepError("is read-only")
    with target.open("rb") as opened:
        text = opened.read(_MAX_CONFIG_BYTES + 1)
    if len(text) > _MAX_CONFIG_BYTES:
        raise _CannotKeepError(f"is larger than {_MAX_CONFIG_BYTES} bytes")
    return text, stat.S_IMODE(found.st_mode)


def _changed(text: bytes, name: str, value: str | bool) -> bytes:
    """Return the text of a config file with one setting changed: comments and order stay."""
    # Loaded only when something is kept.
    import tomlkit
    from tomlkit.exceptions import TOMLKitError

    try:
        before = _parsed(text)
        document = tomlkit.parse(text)
        document[name] = value
        changed = document.as_string().encode()
        after = _parsed(changed)
    except (TOMLKitError, ValueError):
        raise _CannotKeepError("is not TOML any more") from None
    if after != {**before, name: value}:
        raise _CannotKeepError("cannot be changed without losing something")
    return changed


def _parsed(text: bytes) -> dict[str, Any]:
    """Return TOML as a dictionary. Raises ValueError: that of TOML and that of UTF-8 are such."""
    # Imported only where there is such a file.
    if sys.version_info >= (3, 11):
        import tomllib
    else:
        import tomli as tomllib
    try:
        parsed: dict[str, Any] = tomllib.loads(text.decode())
    except RecursionError:
        raise ValueError("its arrays are nested too deep") from None
    return parsed
