"""How a training is started again: its program and its variables, for the shell that gpumon runs in."""

from __future__ import annotations

from pathlib import Path

from gpumon.frameworks.file_view import ProcessFiles
from gpumon.frameworks.repeat import command_of, environment_of
from gpumon.model.measure import Missing
from gpumon.model.process import ProcessId, ProcessSeen
from gpumon.sources.process_details import VALUE_CHARACTERS

COMMAND = ("python", "train.py", "--batch", "16")


def started(
    command: tuple[str, ...] = COMMAND, /, in_container: int | None = None, **environment: str
) -> ProcessSeen:
    """Return a process with that argv and those variables."""
    return ProcessSeen(
        id=ProcessId(7, 100),
        parent_pid=1,
        name="python",
        command=command,
        user_id=0,
        environment=tuple(environment.items()),
        pid_in_container=in_container,
    )


def program(folder: Path) -> str:
    """Make a python in an environment at `folder`, and return the folder."""
    (folder / "bin").mkdir(parents=True)
    (folder / "bin" / "python").touch()
    return str(folder)


FILES = ProcessFiles(7, proc_root="/nonexistent")


def test_the_python_of_an_environment_that_is_not_active_here_gets_its_path(tmp_path: Path) -> None:
    """Else it is another python, or none."""
    for name in ("VIRTUAL_ENV", "CONDA_PREFIX"):
        prefix = program(tmp_path / name)
        seen = started(COMMAND, None, **{name: prefix})
        assert command_of(seen, FILES, {}) == (f"{prefix}/bin/python", *COMMAND[1:])
        assert command_of(seen, FILES, {name: "/other"}) == (f"{prefix}/bin/python", *COMMAND[1:])


def test_a_python_that_means_the_same_here_stays_as_it_was_typed(tmp_path: Path) -> None:
    """The environment is active here, too; or there is none; or argv has a path."""
    prefix = program(tmp_path)
    assert command_of(started(VIRTUAL_ENV=prefix), FILES, {"VIRTUAL_ENV": prefix}) == COMMAND
    assert command_of(started(), FILES, {}) == COMMAND
    with_path = ("./bin/python", "train.py")
    assert command_of(started(with_path, VIRTUAL_ENV=prefix), FILES, {}) == with_path


def test_an_environment_without_such_a_program_changes_nothing(tmp_path: Path) -> None:
    """VIRTUAL_ENV is what its owner says: gone, relative, or of something else."""
    for prefix in (str(tmp_path / "gone"), "relative", ""):
        assert command_of(started(VIRTUAL_ENV=prefix), FILES, {}) == COMMAND
    assert command_of(started(()), FILES, {}) == ()


def test_variables_of_speed_and_memory_are_told_where_this_shell_has_them_not() -> None:
    """Or has another value; what decides what is seen is always told."""
    seen = started(OMP_NUM_THREADS="1", PYTORCH_CUDA_ALLOC_CONF="a:b", CUDA_VISIBLE_DEVICES="0", OTHER="x")
    same = {"OMP_NUM_THREADS": "1", "PYTORCH_CUDA_ALLOC_CONF": "other", "CUDA_VISIBLE_DEVICES": "0"}
    assert environment_of(seen, same) == (("CUDA_VISIBLE_DEVICES", "0"), ("PYTORCH_CUDA_ALLOC_CONF", "a:b"))
    assert ("OMP_NUM_THREADS", "1") in environment_of(seen, {})


def test_what_every_shell_of_a_container_has_is_not_told() -> None:
    """Its image sets it for all."""
    seen = started(in_container=12, LD_LIBRARY_PATH="/cuda", PYTHONPATH="/mine")
    assert environment_of(seen, {}) == (("PYTHONPATH", "/mine"),)


def test_a_value_that_was_cut_is_not_told() -> None:
    """Half a path is a wrong one."""
    assert environment_of(started(LD_LIBRARY_PATH="/" * VALUE_CHARACTERS), {}) == ()
    cut = f"/lib/gpumon/reporter/injected:{'/' * VALUE_CHARACTERS}"[:VALUE_CHARACTERS]
    assert environment_of(started(PYTHONPATH=cut), {}) == ()


def test_hidden_variables_are_none() -> None:
    """Of another user's process."""
    hidden = ProcessSeen(ProcessId(7, 1), 1, "python", COMMAND, 0, environment=Missing("denied"))
    assert environment_of(hidden, {}) == ()
    assert command_of(hidden, FILES, {}) == COMMAND
