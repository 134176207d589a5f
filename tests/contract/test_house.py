"""The rules of the house: what every module of gpumon and of its tests keeps to."""

from __future__ import annotations

import ast
import re
import sys
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
MODULES = sorted(path for part in ("gpumon", "tests") for path in (ROOT / part).rglob("*.py"))
PUBLIC = [path for path in MODULES if path.is_relative_to(ROOT / "gpumon")]
TEXTS = sorted(
    path
    for part in ("gpumon", "tests", "docs", ".ci")
    for path in (ROOT / part).rglob("*")
    if path.suffix in {".py", ".md", ".toml", ".yaml", ".yml", ".tcss", ".c", ".h", ".sh", ".json", ".txt"}
    and "__pycache__" not in path.parts
) + [path for path in ROOT.iterdir() if path.suffix in {".md", ".toml", ".yaml"}]
LONGEST_MODULE_LINES = 350

# Written so that this file does not hold what it looks for.
UNFINISHED = re.compile(r"\b(?:TO[D]O|FIX[M]E|X[X]X|HAC[K])\b|NotImplemente[d]|\bpytest\.(?:ski[p]|xfai[l])")
LEFT_OUT = re.compile(r"\bmark\.(?:ski[p]|xfai[l])|importorski[p]|unittes[t]\.mock|monkeypatc[h]\.setattr")
NAMELESS = re.compile(r"# noq[a](?!: [A-Z]+\d+)|# type: ignor[e](?!\[)")
# Pure packages are functions of what they are given (section 2 of the design).
PURE = ("model", "history", "diagnosis", "advice", "paint")
WORDS_THAT_SAY_NOTHING = re.compile(r"(?:manager|utils?|helpers?|common|misc)$", re.IGNORECASE)


def _name(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


@cache
def _tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def _hits(pattern: re.Pattern[str], path: Path) -> list[str]:
    lines = path.read_text(encoding="utf-8").splitlines()
    return [
        f"{_name(path)}:{number}: {line.strip()}"
        for number, line in enumerate(lines, 1)
        if pattern.search(line)
    ]


def _all_hits(pattern: re.Pattern[str], paths: list[Path]) -> list[str]:
    return [hit for path in paths for hit in _hits(pattern, path)]


def test_the_house_is_not_empty() -> None:
    """The rules below look at what is really there."""
    assert {"gpumon/model/sample.py", "tests/contract/test_house.py"} <= set(map(_name, MODULES))


def test_no_module_is_too_long() -> None:
    """A module is one noun: 350 lines are the limit."""
    lengths = {_name(path): path.read_text(encoding="utf-8").count("\n") for path in MODULES}

    assert {} == {name: length for name, length in lengths.items() if length > LONGEST_MODULE_LINES}


def test_nothing_is_unfinished() -> None:
    """No reminders, no stubs, no tests that are left out."""
    assert [] == _all_hits(UNFINISHED, MODULES)


def test_no_test_is_left_out_or_patches_internals() -> None:
    """Parts are injected, and every test runs."""
    assert [] == _all_hits(LEFT_OUT, MODULES)


def test_no_rule_is_switched_off_without_its_name() -> None:
    """An ignored rule is named, so that it can be looked up."""
    assert [] == _all_hits(NAMELESS, MODULES)


def test_no_bare_except() -> None:
    """Every handler says what it handles."""
    bare = [
        f"{_name(path)}:{node.lineno}"
        for path in MODULES
        for node in ast.walk(_tree(path))
        if isinstance(node, ast.ExceptHandler) and node.type is None
    ]

    assert [] == bare


def test_no_exception_is_swallowed_whole() -> None:
    """No handler catches every exception only to go on without a word."""
    silent = [
        f"{_name(path)}:{node.lineno}"
        for path in PUBLIC
        for node in ast.walk(_tree(path))
        if isinstance(node, ast.ExceptHandler)
        and isinstance(node.type, ast.Name)
        and node.type.id in {"Exception", "BaseException"}
        and all(isinstance(step, ast.Pass | ast.Continue) for step in node.body)
    ]

    assert [] == silent


def test_annotations_are_postponed_everywhere() -> None:
    """Every module that has code begins with the import that Python 3.10 needs for its annotations."""
    without = []
    for path in MODULES:
        tree = _tree(path)
        code = [node for node in tree.body if not isinstance(node, ast.Expr)]
        first = code[0] if code else None
        if code and not (isinstance(first, ast.ImportFrom) and first.module == "__future__"):
            without.append(_name(path))

    assert [] == without


def test_modules_have_docstrings() -> None:
    """Every module says what it is."""
    without = [_name(path) for path in MODULES if _tree(path).body and not ast.get_docstring(_tree(path))]

    assert [] == without


def test_what_is_public_has_a_docstring() -> None:
    """Classes, functions and methods that others may use say what they are or do."""
    without = [
        f"{_name(path)}:{node.lineno} {node.name}"
        for path in PUBLIC
        for holder in _public_holders(path)
        for node in holder.body
        if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef)
        and not node.name.startswith("_")
        and not ast.get_docstring(node)
    ]

    assert [] == without


def _public_holders(path: Path) -> list[ast.Module | ast.ClassDef]:
    """Return a module and its public classes."""
    tree = _tree(path)
    classes = [node for node in tree.body if isinstance(node, ast.ClassDef) and node.name[0] != "_"]
    return [tree, *classes]


def test_every_test_says_what_it_proves() -> None:
    """A test has one sentence that is its behaviour."""
    without = [
        f"{_name(path)}:{node.lineno} {node.name}"
        for path in MODULES
        if path.name.startswith("test_")
        for node in ast.walk(_tree(path))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and node.name.startswith("test_")
        and not ast.get_docstring(node)
    ]

    assert [] == without


def test_names_say_something() -> None:
    """No module and no class is called a manager, a helper or a bag of utilities."""
    names = [(_name(path), path.stem) for path in MODULES]
    names += [
        (f"{_name(path)}:{node.lineno}", node.name)
        for path in MODULES
        for node in ast.walk(_tree(path))
        if isinstance(node, ast.ClassDef)
    ]

    assert [] == [where for where, name in names if WORDS_THAT_SAY_NOTHING.search(name)]


def test_pure_packages_import_only_the_standard_library() -> None:
    """Model, history, diagnosis, advice and drawing need nothing installed, and no IO."""
    io = {"os", "io", "time", "threading", "pathlib", "subprocess", "socket", "sqlite3", "asyncio", "shutil"}
    wrong = [
        f"{_name(path)}: {module}"
        for package in PURE
        for path in sorted((ROOT / "gpumon" / package).rglob("*.py"))
        for module in sorted(_imported(path))
        if module in io or (module != "gpumon" and module not in sys.stdlib_module_names)
    ]

    assert [] == wrong


def test_torch_is_never_imported() -> None:
    """A monitor that loads torch costs more than it watches."""
    assert [] == [_name(path) for path in PUBLIC if "torch" in _imported(path)]


def _imported(path: Path) -> set[str]:
    """Return the first parts of the names of all modules that a module imports, anywhere in it."""
    found: set[str] = set()
    for node in ast.walk(_tree(path)):
        if isinstance(node, ast.Import):
            found |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module.split(".")[0])
    return found


def test_no_path_of_this_machine_is_written_down() -> None:
    """Neither the checkout nor the interpreter's environment that runs the tests occurs in the project."""
    places = [str(ROOT)]
    if sys.prefix != sys.base_prefix:
        places.append(sys.prefix)
    pattern = re.compile("|".join(re.escape(place) + r"\b" for place in places))

    assert [] == _all_hits(pattern, TEXTS)
