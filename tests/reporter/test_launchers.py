"""Trainings that other programs start: shell scripts, console scripts, torch's launcher."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path

import pytest

from gpumon.model.measure import Missing
from gpumon.model.process import ProcessId
from gpumon.sources.clock import SystemClock
from gpumon.sources.reporter import ReporterSource
from gpumon.sources.reporter_reading import ReporterReading
from tests.reporter.launch import PROGRAMS, STAND_IN, Program, started
from tests.sources.children import process_id

LOOP = PROGRAMS / "loop.py"
PATH = {"PYTHONPATH": str(STAND_IN)}
_RANK = """
import json, os, sys
import torch
import torch.distributed as distributed
from torch.utils.data import DataLoader
distributed.init_process_group("gloo")
rank = distributed.get_rank()
batches = len(list(DataLoader(range(12 + 4 * rank), batch_size=4)))
told = [torch.zeros(2, dtype=torch.int64) for _ in range(2)]
distributed.all_gather(told, torch.tensor([os.getpid(), batches]))
if rank == 0:
    print(json.dumps([one.tolist() for one in told]), flush=True)
    sys.stdin.read()
distributed.barrier()
distributed.destroy_process_group()
"""


def _read(process: ProcessId) -> ReporterReading:
    source = ReporterSource(process)
    reading = source.read(SystemClock().now())
    source.close()
    assert not isinstance(reading, Missing), reading.reason
    return reading


def _child(program: Program) -> ProcessId:
    """Return the one child of a program."""
    children = Path(f"/proc/{program.process.pid}/task/{program.process.pid}/children").read_text()
    return process_id(int(children))


def test_a_shell_script() -> None:
    """The Python that a shell starts reports, and the shell is told from it."""
    script = f"{shlex.join([sys.executable, str(LOOP), 'epochs'])}; true"
    with started(["bash", "-c", script], variables=PATH) as program:
        reading = _read(_child(program))
        shell = program.read()

    assert reading.training is not None
    assert reading.training.batches == 8
    assert Missing("its reporter has not answered yet") == shell


def test_a_console_script(tmp_path: Path) -> None:
    """A script that names its interpreter in the first line reports."""
    script = tmp_path / "train"
    script.write_text(f"#!{sys.executable}\n" + LOOP.read_text(encoding="utf-8"), encoding="utf-8")
    script.chmod(0o755)
    with started([script, "epochs"], variables=PATH) as program:
        assert program.reading().training is not None


def test_a_module() -> None:
    """`python -m` reports as a script does."""
    with started([sys.executable, "-m", "loop", "epochs"], variables=PATH, cwd=PROGRAMS) as program:
        assert program.reading().training is not None


def test_each_rank_has_a_report(tmp_path: Path) -> None:
    """Under torch's launcher every rank reports for itself, and the launcher has no loader."""
    script = tmp_path / "train.py"
    script.write_text(_RANK, encoding="utf-8")
    launcher: list[str | Path] = [
        sys.executable,
        "-m",
        "torch.distributed.run",
        "--standalone",
        "--nproc_per_node",
        "2",
    ]
    launcher.append(script)
    with started(launcher) as program:
        ranks = [_read(process_id(pid)) for pid, _ in program.told]
        agent = program.reading()
        code = program.finish()

    assert [batches for _, batches in program.told] == [rank.loaders[0].batches for rank in ranks] == [3, 4]
    assert ((), 0) == (agent.loaders, code)


@pytest.mark.parametrize("flags", [[], ["-q"]], ids=["", "quiet"])
def test_the_command_itself(flags: list[str]) -> None:
    """`gpumon run` by its own command line gives a training with a report, under its own PID."""
    run = "from gpumon.cli.run import command; command(prog_name='gpumon run')"
    root = Path(__file__).resolve().parents[2]
    command: list[str | Path] = [sys.executable, "-c", run, *flags, "--", sys.executable, LOOP, "epochs"]
    with started(command, variables=PATH, is_reported=False, cwd=root) as program:
        reading = program.reading()

    assert reading.training is not None
    assert reading.training.batches == 8
