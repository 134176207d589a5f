"""The keys that work everywhere."""

from __future__ import annotations

from typing import NamedTuple

from textual.binding import Binding

from gpumon.tui.replay import REPLAY_BINDINGS


class Place(NamedTuple):
    """One of the screens that a digit opens."""

    key: str
    mode: str
    title: str


PLACES = (
    Place("1", "overview", "overview"),
    Place("2", "findings", "findings"),
    Place("3", "processes", "processes"),
    Place("4", "memory", "memory"),
    Place("5", "history", "history"),
    Place("6", "plan", "plan"),
)

_TOOLTIPS = {
    "overview": "the verdict and all pictures at once",
    "findings": "findings with their evidence, and what to change",
    "processes": "the training's processes: roles, CPU, memory, I/O",
    "memory": "GPU memory and who holds it, host memory, shared memory",
    "history": "any measure over time, large and with axes",
    "plan": "the steps of tuning, ticked with the evidence of this run",
}
# `gpumon demo` began its training itself, and ends it.
_LEAVE = "leave gpumon; the training goes on (that of a demo ends)"

# In the order of the help, the most used ones first: at 80x24 its first page ends with `quit`.
APP_BINDINGS: tuple[Binding, ...] = (
    *(
        Binding(place.key, f"place('{place.mode}')", place.title, id=f"place.{place.mode}", tooltip=tooltip)
        for place in PLACES
        for tooltip in (_TOOLTIPS[place.mode],)
    ),
    Binding("y", "copy", "copy command", id="copy", tooltip="copy the command of the first suggestion"),
    Binding("space", "pause", "pause", id="pause", tooltip="hold the picture; sampling goes on"),
    Binding("space", "play", "play", id="play", tooltip="replay: play or pause"),
    Binding("plus,equals_sign", "span(1)", "longer span", id="span.longer", tooltip="charts show more time"),
    Binding(
        "minus,underscore", "span(-1)", "shorter span", id="span.shorter", tooltip="charts show less time"
    ),
    Binding(
        "i",
        "sources",
        "sources",
        id="sources",
        tooltip="where each number comes from, and how certain it is",
    ),
    Binding("escape", "back", "back", id="back", tooltip="close what is on top, or go to the overview"),
    Binding("q,ctrl+q", "leave(0)", "quit", id="quit", tooltip=_LEAVE),
    Binding(
        "c", "candidates", "choose training", id="choose", tooltip="list the trainings and attach to another"
    ),
    # Before those of the GPUs, which have two of their keys in the live dashboard.
    *REPLAY_BINDINGS,
    Binding("g,right_square_bracket", "gpu(1)", "next GPU", id="gpu.next", tooltip="show the next GPU"),
    Binding(
        "G,left_square_bracket", "gpu(-1)", "previous GPU", id="gpu.previous", tooltip="show the GPU before"
    ),
    Binding(
        "Y",
        "copy_go_on",
        "copy to go on",
        id="copy.go-on",
        tooltip="copy the command that takes it up from the last checkpoint",
    ),
    Binding(
        "u",
        "runs",
        "runs",
        id="runs",
        tooltip="the trainings that gpumon saw; two of them side by side",
    ),
    Binding("r", "record", "record", id="record", tooltip="write all that is seen to a file; again: stop"),
    Binding("question_mark,h,f1", "help", "help", id="help", tooltip="all keys, and how to read the screen"),
    Binding(
        "ctrl+p",
        "command_palette",
        "palette",
        id="palette",
        tooltip="all that can be done here, looked for by name",
        priority=True,
        show=False,
    ),
    Binding(
        "s",
        "picture",
        "save picture",
        id="picture",
        tooltip="save the screen as SVG where gpumon was started",
    ),
    Binding(
        "p",
        "theme(1)",
        "next theme",
        id="theme.next",
        tooltip="the next theme, kept for the next start",
    ),
    Binding("P", "theme(-1)", "theme before", id="theme.previous", tooltip="the theme before"),
    # 130 is what a shell reports for a program that Ctrl-C ended. No signal is sent to anything.
    Binding(
        "ctrl+c",
        "leave(130)",
        "interrupt",
        id="interrupt",
        tooltip=_LEAVE,
        priority=True,
        show=False,
        system=True,
    ),
    Binding(
        "ctrl+z",
        "suspend_process",
        "suspend",
        id="suspend",
        tooltip="back to the shell; fg returns",
        show=False,
        system=True,
    ),
)
