"""The keys that work everywhere, and how a key is written on the screen."""

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
)

_TOOLTIPS = {
    "overview": "the verdict and all pictures at once",
    "findings": "every finding with its evidence, what to change and the command",
    "processes": "the training's processes: roles, CPU, run-queue wait, memory, I/O",
    "memory": "GPU memory, other users of it, host memory and shared memory",
    "history": "any measure over time, large and with axes",
}

APP_BINDINGS: tuple[Binding, ...] = (
    *(
        Binding(place.key, f"place('{place.mode}')", place.title, id=f"place.{place.mode}", tooltip=tooltip)
        for place in PLACES
        for tooltip in (_TOOLTIPS[place.mode],)
    ),
    Binding("space", "pause", "pause", id="pause", tooltip="hold the picture; sampling goes on"),
    Binding("space", "play", "play", id="play", tooltip="replay: play or pause"),
    Binding("r", "record", "record", id="record", tooltip="write all that is seen to a file; again: stop"),
    # Before those of the GPUs, which have two of their keys in the live dashboard.
    *REPLAY_BINDINGS,
    Binding("plus,equals_sign", "span(1)", "longer span", id="span.longer", tooltip="charts show more time"),
    Binding(
        "minus,underscore", "span(-1)", "shorter span", id="span.shorter", tooltip="charts show less time"
    ),
    Binding("g,right_square_bracket", "gpu(1)", "next GPU", id="gpu.next", tooltip="show the next GPU"),
    Binding(
        "G,left_square_bracket", "gpu(-1)", "previous GPU", id="gpu.previous", tooltip="show the GPU before"
    ),
    Binding(
        "c", "candidates", "choose training", id="choose", tooltip="list the trainings and attach to another"
    ),
    Binding(
        "i",
        "sources",
        "sources",
        id="sources",
        tooltip="where each number comes from, and how certain it is",
    ),
    Binding(
        "u",
        "runs",
        "runs",
        id="runs",
        tooltip="the trainings that gpumon saw; two of them side by side",
    ),
    Binding("y", "copy", "copy command", id="copy", tooltip="copy the command of the first suggestion"),
    Binding(
        "s",
        "picture",
        "save picture",
        id="picture",
        tooltip="save the screen as SVG in the directory gpumon was started in",
    ),
    Binding("question_mark,h,f1", "help", "help", id="help", tooltip="all keys, and how to read the screen"),
    Binding("escape", "back", "back", id="back", tooltip="close what is on top, or go to the overview"),
    Binding("q", "leave(0)", "quit", id="quit", tooltip="leave gpumon; the training goes on"),
    # 130 is what a shell reports for a program that Ctrl-C ended. No signal is sent to anything.
    Binding(
        "ctrl+c",
        "leave(130)",
        "quit",
        id="interrupt",
        tooltip="leave gpumon; the training goes on",
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

_NAMES = {
    "plus": "+",
    "equals_sign": "=",
    "minus": "-",
    "underscore": "_",
    "slash": "/",
    "question_mark": "?",
    "left_square_bracket": "[",
    "right_square_bracket": "]",
    "less_than_sign": "<",
    "greater_than_sign": ">",
    "full_stop": ".",
    "comma": ",",
    "dollar_sign": "$",
    "escape": "esc",
    "pageup": "PgUp",
    "pagedown": "PgDn",
    "f1": "F1",
    "ctrl+c": "Ctrl-C",
    "ctrl+z": "Ctrl-Z",
    "ctrl+p": "Ctrl-P",
    "ctrl+q": "Ctrl-Q",
    "shift+tab": "Shift-Tab",
    "home": "Home",
    "end": "End",
}


def key_names(binding: Binding) -> str:
    """Return the keys of a binding as they stand on a keyboard, in ASCII: `+ =`."""
    return " ".join(_NAMES.get(key, key) for key in binding.key.split(","))
