"""Changed values in a YAML file that another program wrote: as a unified diff, and as a sed command.

The file itself is not read here: its lines are those that PyYAML's safe_dump writes for known values.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

Scalar: TypeAlias = "int | float | str | bool | None"

# What PyYAML's resolver (yaml/resolver.py, YAML 1.1) takes for something else than text, in three spellings.
_OTHER_WORDS = frozenset(
    spelled
    for word in ("yes", "no", "true", "false", "on", "off", "null")
    for spelled in (word, word.capitalize(), word.upper())
)
# Texts that are certainly written without quotes; any other gets them, which reads back the same.
_PLAIN = re.compile(r"[A-Za-z][A-Za-z0-9_./-]*|[0-9](?:,[0-9])+", re.ASCII)
_SED_SPECIAL = re.compile(r"[\\/&]")


@dataclass(frozen=True, slots=True)
class LineChange:
    """The value of `key` at the top level of a YAML file, from what to what."""

    key: str
    from_value: Scalar
    to_value: Scalar

    @property
    def before(self) -> str:
        """The line as it stands there."""
        return f"{self.key}: {scalar(self.from_value)}"

    @property
    def after(self) -> str:
        """The line as it shall be."""
        return f"{self.key}: {scalar(self.to_value)}"


def scalar(value: Scalar) -> str:
    """Return a value as PyYAML's safe_dump writes it behind its key."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        # yaml/representer.py: YAML 1.1 reads 1e-05 as text, so it gets a point.
        text = repr(value)
        return text.replace("e", ".0e", 1) if "." not in text and "e" in text else text
    if isinstance(value, int):
        return str(value)
    if _PLAIN.fullmatch(value) and value not in _OTHER_WORDS:
        return value
    return "'" + value.replace("'", "''") + "'"


def unified_diff(path: str, lines: Sequence[LineChange], *, copy: str = "") -> str:
    """Return the edit of the file at `path` as a unified diff without context, empty without lines.

    `lines` stand in the order of the file. Their numbers are not known: patch finds each by its text, and
    says how far off it was. With `copy` the diff is of that copy of the file.
    """
    rows = [f"--- {path}", f"+++ {copy or path}"] if lines else []
    for number, line in enumerate(lines, 1):
        rows += [f"@@ -{number} +{number} @@", f"-{line.before}", f"+{line.after}"]
    return "".join(f"{row}\n" for row in rows)


def sed_command(path: str, lines: Sequence[LineChange], *, copy: str = "") -> str:
    """Return the same edit as a command, quoted for a shell; whatever stands behind the keys is replaced.

    With `copy` the edited text goes there, and the file at `path` stays as it is.
    """
    scripts = [f"s/^{line.key}:.*/{_SED_SPECIAL.sub(_escaped, line.after)}/" for line in lines]
    options = [word for script in scripts for word in ("-e", script)]
    if copy:
        return f"{shlex.join(['sed', *options, path])} > {shlex.quote(copy)}"
    return shlex.join(["sed", "-i", *options, path])


def _escaped(found: re.Match[str]) -> str:
    return "\\" + found[0]
