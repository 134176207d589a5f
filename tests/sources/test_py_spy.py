"""py-spy as the fallback: what it writes, how it fails, and the real one on a running process."""

from __future__ import annotations

import json
import sys
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gpumon.frameworks.marks import YOLOV5
from gpumon.model.clock import Instant
from gpumon.model.measure import Maybe, Missing
from gpumon.model.process import ProcessId
from gpumon.model.training import Phase
from gpumon.sources.interpreter_reading import InterpreterReading, LoopReading, PhaseLooks
from gpumon.sources.py_spy import NOT_INSTALLED, RECORD_SECONDS, PySpySource, Ran, run_py_spy
from gpumon.sources.py_spy_output import first_error, parse_dump, parse_stacks
from tests.remote_python.interpreters import installed
from tests.sources.children import process_id
from tests.sources.interpreter_training import stepped_training

NOW = Instant(0.0, 0.0)
NOT_YET = Missing("py-spy has not answered yet")
# Only a failing test waits so long.
PATIENCE_SECONDS = 120.0
LOADER = "/venv/lib/python3.11/site-packages/torch/utils/data/dataloader.py"
MAIN = "thread (1934): MainThread;<module> (/y/train.py);main (/y/train.py);train (/y/train.py)"
STACKS = f"""\
thread (1936): QueueFeederThread;Thread._bootstrap (/usr/lib/python3.11/threading.py) 96
{MAIN};_BaseDataLoaderIter.__next__ ({LOADER});Queue.get (/usr/lib/python3.11/queues.py) 22
{MAIN};DetectionModel.forward (/y/models/yolo.py) 100
{MAIN};run (/y/val.py) 8
not a stack
"""
ERROR = """\
Error: Failed to get process executable name. Check that the process is running.

Caused by:
    0: Permission denied (os error 13)
Stack backtrace:
   0: <E as anyhow::context::ext::StdError>::ext_context
"""


def frame(name: str, file: str, **local: str) -> dict[str, Any]:
    found = [{"name": key, "repr": value} for key, value in local.items()]
    return {"name": name, "filename": file, "line": 1, "locals": found}


DUMP = json.dumps(
    [
        {"os_thread_id": 1936, "thread_id": 2, "frames": [frame("_feed", "/q.py", epoch="9")]},
        {
            "os_thread_id": 1934,
            "thread_id": 1,
            "frames": [
                frame("InfiniteDataLoader.__iter__", "/y/utils/dataloaders.py"),
                frame(
                    "train",
                    "/y/train.py",
                    epoch="2",
                    i="19",
                    ni="169",
                    nb="75",
                    batch_size="8",
                    opt="<Namespace at 0x7f>",
                    save_dir='"runs/train/exp"',
                    accumulate="4.5",
                ),
            ],
        },
    ]
)


def test_stacks_of_the_main_thread_are_counted() -> None:
    """Other threads' stacks are not; the class before a function's name is left out."""
    assert parse_stacks(STACKS, 1934, YOLOV5) == (
        PhaseLooks(Phase.TRAIN, 122, 22),
        PhaseLooks(Phase.VALIDATE, 8, 0),
    )


def test_variables_of_the_loop_are_read() -> None:
    """Numbers come as text; what is no number, or an attribute, is not there."""
    assert parse_dump(DUMP, 1934, YOLOV5) == LoopReading(
        epoch=2,
        batch_index=19,
        batch_number=169,
        batches=75,
        batch_size=8,
        accumulate=4.5,
        is_handing_over=True,
    )


def test_a_main_thread_without_the_number_of_the_kernel_is_known_by_its_begin() -> None:
    """Up to Python 3.10 threads have numbers of pthread alone: the main one begins in a script or runpy."""
    for begin in ("<module> (/y/train.py)", "_run_module_as_main (/usr/lib/python3.10/runpy.py)"):
        main = f"thread (0x7F0397C4BB80);{begin};train (/y/train.py);forward (/y/models/yolo.py) 9\n"
        other = "thread (0x7F0397C00640);_bootstrap (/usr/lib/python3.10/threading.py);run (/y/q.py) 9\n"
        assert parse_stacks(main + other, 1934, YOLOV5) == (PhaseLooks(Phase.TRAIN, 9, 0),)
    threads = json.loads(DUMP)
    for thread, begin in zip(threads, ("_bootstrap", "<module>"), strict=True):
        thread["os_thread_id"] = None
        thread["thread_id"] = 0x7F0397C00640
        thread["frames"].append(frame(begin, "/y/train.py"))
    assert parse_dump(json.dumps(threads), 1934, YOLOV5) == parse_dump(DUMP, 1934, YOLOV5)


@given(st.text())
def test_any_text_is_parsed(text: str) -> None:
    """Names and files are another program's: nothing breaks on them."""
    assert isinstance(parse_stacks(text, 1, YOLOV5), tuple)
    assert parse_dump(text, 1, YOLOV5) is None
    assert isinstance(first_error(text), str)


_JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.text() | st.integers(),
    lambda inner: (
        st.lists(inner)
        | st.dictionaries(st.sampled_from(["frames", "locals", "os_thread_id", "name", "filename"]), inner)
    ),
)


@given(_JSON)
def test_any_json_is_parsed(found: object) -> None:
    """A dump of another shape has no loop."""
    text = json.dumps([{"os_thread_id": 1, "frames": found}])
    assert parse_dump(text, 1, YOLOV5) is None


def test_only_the_first_error_line_is_kept() -> None:
    """A backtrace in Rust says nothing to anybody."""
    assert first_error(ERROR) == "Failed to get process executable name. Check that the process is running."


def test_absent_py_spy_says_how_to_get_it() -> None:
    """The extra that installs it is named."""
    source = PySpySource(ProcessId(1, 1), YOLOV5, find=lambda: None)
    assert source.drain(NOW) == NOT_INSTALLED


class Scripted:
    """A py-spy that answers as told, once `begin` is set, and lets the test wait until all was asked for."""

    def __init__(self, dump: Ran, stacks: str, error: str = "") -> None:
        self._dump, self._stacks, self._error = dump, stacks, error
        self.commands: list[list[str]] = []
        self.begin = threading.Event()
        self.asked_again = threading.Event()
        self.release = threading.Event()

    def run(self, arguments: Sequence[str], seconds: float) -> Ran:
        del seconds
        self.begin.wait(PATIENCE_SECONDS)
        self.commands.append(list(arguments))
        if len(self.commands) > 2:
            self.asked_again.set()
            self.release.wait(PATIENCE_SECONDS)
        if "dump" in arguments:
            return self._dump
        Path(arguments[arguments.index("--output") + 1]).write_text(self._stacks)
        return Ran(error=self._error)


def scripted(process: ProcessId, told: Scripted) -> PySpySource:
    source = PySpySource(process, YOLOV5, find=lambda: "/bin/py-spy", run=told.run, seconds=lambda: 0.0)
    assert isinstance(source.drain(NOW), Missing)
    told.begin.set()
    return source


def patiently(arguments: Sequence[str], seconds: float) -> Ran:
    """Run py-spy with more time than it needs on any machine."""
    return run_py_spy(arguments, seconds + PATIENCE_SECONDS)


def until_answered(source: PySpySource) -> Maybe[InterpreterReading]:
    """Drain until py-spy has answered, whatever that is."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while (reading := source.drain(NOW)) == NOT_YET and time.monotonic() < deadline:
        time.sleep(0.01)
    return reading


def test_record_and_dump_make_a_reading() -> None:
    """Stacks give the looks, the dump the loop's variables, without pausing the process."""
    process = process_id(threading.get_native_id())
    stacks = STACKS.replace("1934", str(process.pid))
    told = Scripted(Ran(DUMP.replace("1934", str(process.pid))), stacks)
    source = scripted(process, told)
    assert told.asked_again.wait(PATIENCE_SECONDS)
    reading = source.drain(NOW)
    source.close()
    told.release.set()
    assert isinstance(reading, InterpreterReading)
    assert reading.source == "py-spy"
    assert reading.loop is not None
    assert reading.loop.epoch == 2
    assert all("--nonblocking" in command for command in told.commands)


def test_record_is_handed_out_over_its_seconds() -> None:
    """What three seconds counted is spread over the three drains after it, and none is lost."""
    clock = [10.0]
    source = PySpySource(ProcessId(1, 1), YOLOV5, find=lambda: None, seconds=lambda: clock[0])
    source._has_answered = True
    source._thread = threading.Thread()
    source._drained, source._pending_until = 10.0, 13.0
    source._pending = {Phase.TRAIN: PhaseLooks(Phase.TRAIN, 150, 60)}
    counts = []
    for _ in range(4):
        clock[0] += 1.0
        reading = source.drain(NOW)
        assert isinstance(reading, InterpreterReading)
        counts.append((reading.looks, reading.waiting))
    assert counts == [(50, 20), (50, 20), (50, 20), (0, 0)]


def test_error_of_py_spy_is_the_reason() -> None:
    """What py-spy complains about is passed on."""
    process = process_id(threading.get_native_id())
    told = Scripted(Ran(error="Permission denied"), "", "Permission denied")
    source = scripted(process, told)
    assert until_answered(source) == Missing("py-spy: Permission denied")
    source.close()
    told.release.set()


def test_program_that_does_not_answer_is_ended() -> None:
    """A time limit ends it with its whole process group."""
    ran = run_py_spy([sys.executable, "-c", "import time; time.sleep(60)"], 0.2)
    assert ran.error == "no answer within 0.2 s"


def test_program_that_is_not_there_is_an_error() -> None:
    """Nothing is raised for it."""
    assert run_py_spy(["/nowhere/py-spy"], 1.0).error == "No such file or directory"


def test_failure_without_a_word_tells_the_exit_status() -> None:
    """Some word is always given."""
    assert (
        run_py_spy([sys.executable, "-c", "raise SystemExit(3)"], PATIENCE_SECONDS).error == "exit status 3"
    )


# The one that runs and an old one, if there is one: up to 3.10 py-spy sees threads in another way.
_OLD = [one for one in installed() if one.version <= (3, 10)][:1]
_PYTHONS: dict[str, Path] = {"running": Path(sys.executable), **{str(one): one.program for one in _OLD}}


@pytest.mark.parametrize("python", _PYTHONS.values(), ids=_PYTHONS)
@pytest.mark.parametrize("word", ["wait", "compute"])
def test_real_py_spy_sees_what_a_process_does(tmp_path: Path, word: str, python: Path) -> None:
    """On a real process it tells waiting from computing, and the loop's variables."""
    clock = [0.0]
    with stepped_training(tmp_path, str(python)) as training:
        training.until(word)
        # A busy machine gets all the time it needs; of the source's own clock none passes meanwhile.
        source = PySpySource(training.id, YOLOV5, run=patiently, seconds=lambda: clock[0])
        reading = until_answered(source)
        # What was counted is handed out over the seconds after it.
        clock[0] += 2 * RECORD_SECONDS
        looks = source.drain(NOW)
        source.close()
    assert isinstance(reading, InterpreterReading), reading.reason
    assert isinstance(looks, InterpreterReading), looks.reason
    assert reading.loop is not None
    assert (reading.loop.epochs, reading.loop.batches, reading.loop.batch_size) == (3, 2, 16)
    assert (reading.looks, looks.waiting) == (0, looks.looks if word == "wait" else 0)
    assert looks.looks > 0
    assert looks.phase is Phase.TRAIN
