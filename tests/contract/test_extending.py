"""What docs/extending.md adds to gpumon works: it is added to a copy, and the tests on the page run there."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

from tests.contract.docs_pages import DOCS, ROOT

_DIFF = re.compile(r'^```diff title="([^"]+)"\n(.*?)^```$', re.MULTILINE | re.DOTALL)


def _differences() -> list[tuple[str, str]]:
    """Return (file, difference) as the page shows them."""
    return _DIFF.findall((DOCS / "extending.md").read_text(encoding="utf-8"))


def _changed(text: str, difference: str) -> str:
    """Return `text` with a difference made: lines with a space or a minus must be there, once, in a row."""
    lines = difference.splitlines()
    before = "\n".join(line[1:] for line in lines if line[:1] != "+")
    after = "\n".join(line[1:] for line in lines if line[:1] != "-")
    assert text.count(f"\n{before}\n") == 1, before
    return text.replace(f"\n{before}\n", f"\n{after}\n")


def _extended(folder: Path) -> None:
    """Put gpumon with everything that the page adds into `folder`."""
    shutil.copytree(ROOT / "gpumon", folder / "gpumon")
    shutil.copytree(DOCS / "examples", folder, dirs_exist_ok=True)
    for name, difference in _differences():
        file = folder / name
        file.write_text(_changed(file.read_text(encoding="utf-8"), difference), encoding="utf-8")


def test_the_page_shows_every_example() -> None:
    """No file of docs/examples is left out, and the registrations of all four are there."""
    page = (DOCS / "extending.md").read_text(encoding="utf-8")
    files = [path for path in (DOCS / "examples").rglob("*") if path.suffix in {".py", ".md"}]

    assert [] == [path.name for path in files if f'title="{path.relative_to(ROOT).as_posix()}"' not in page]
    assert len(_differences()) >= 10


def test_what_the_page_adds_works(tmp_path: Path) -> None:
    """A metric, a rule, a framework and a view, with the tests that stand on the page."""
    _extended(tmp_path)
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--import-mode=importlib"]
    options = ["asyncio_mode=auto", "asyncio_default_fixture_loop_scope=function"]
    for option in options:
        command += ["-o", option]
    ran = subprocess.run(
        [*command, "--rootdir", str(tmp_path), *map(str, sorted(tmp_path.glob("test_*.py")))],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": f"{tmp_path}{os.pathsep}{ROOT}"},
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )

    assert ran.returncode == 0, ran.stdout[-4000:] + ran.stderr[-2000:]
    assert "14 passed" in ran.stdout
