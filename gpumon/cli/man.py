"""The manual page gpumon(1), made of the commands themselves."""

from __future__ import annotations

import inspect
from collections.abc import Iterable, Iterator

import click

import gpumon as package
from gpumon.settings import NAMES

_TITLE = "gpumon"
# Of the present form of the page; what it says is as new as the commands.
_DATE = "2026-11-30"
_ENVIRONMENT = (
    ("NO_COLOR", "No colour, where none of gpumon's own settings asks for it."),
    ("XDG_CONFIG_HOME", "Where gpumon/config.toml is looked for (default ~/.config)."),
    ("XDG_STATE_HOME", "Where muted findings are kept, in gpumon/muted (default ~/.local/state)."),
    ("XDG_DATA_HOME", "Where the database of runs is kept, in gpumon (default ~/.local/share)."),
)
_FILES = (
    ("~/.config/gpumon/config.toml", "The settings, by the names of the options: interval = 2."),
    ("~/.local/state/gpumon/muted", "Findings that raise no alert, one id a line."),
    ("~/.local/share/gpumon/", "The runs that gpumon saw."),
)
_EXIT = (
    ("0", "All is well."),
    ("1", "Nothing could be read, there is no such process or training, or a file could not be written."),
    ("2", "The command line, a variable or the config file is wrong; one sentence says how."),
    ("3", "advise, watch: at least one finding of severity warning or above."),
    ("130", "Ctrl-C. Another signal N: 128 + N."),
)
_EXAMPLES = (
    ("gpumon", "Find the training that runs, and attach."),
    ("gpumon demo", "A simulated training that starves its GPU; no GPU is needed."),
    ("gpumon advise 41234", "What limits process 41234, and what to change."),
    ("gpumon watch 41234 >> train.watch", "A line each ten seconds until the training ends."),
    ("gpumon run -- python train.py --data coco128.yaml", "Start a training with exact figures."),
)


def man_page(root: click.Group, names: Iterable[str]) -> str:
    """Return the page in man(7): `names` are the commands of `root`, in the order of use."""
    commands = {name: _command(root, name) for name in names}
    shared = _shared(commands.values())
    lines = [
        f'.TH GPUMON 1 "{_DATE}" "gpumon {package.__version__}" "User Commands"',
        ".SH NAME",
        _text("gpumon - say why the GPU of a running YOLOv5 training waits, and what to change"),
        ".SH SYNOPSIS",
        ".nf",
        _bold(f"{_TITLE}") + _text(" [PID] [OPTION]..."),
        _bold(f"{_TITLE}") + _text(" COMMAND [OPTION]... [ARGUMENT]..."),
        ".fi",
        ".SH DESCRIPTION",
        *_paragraphs(root.help or ""),
        ".SH COMMANDS",
    ]
    for name, command in commands.items():
        lines += _command_lines(name, command, shared)
    lines.append(".SH OPTIONS")
    lines += [
        _text("What most commands take, besides their own:"),
    ]
    for option in shared.values():
        lines += _option(option)
    lines.append(".SH ENVIRONMENT")
    lines += [
        _text(
            "Settings as variables. An option wins over its variable, that over the config file: "
            + ", ".join(f"GPUMON_{name.upper()}" for name in NAMES.values())
            + "."
        ),
    ]
    for heading, table in (
        ("", _ENVIRONMENT),
        ("FILES", _FILES),
        ("EXIT STATUS", _EXIT),
        ("EXAMPLES", _EXAMPLES),
    ):
        if heading:
            lines.append(f".SH {heading}" if " " not in heading else f'.SH "{heading}"')
        for term, text in table:
            lines += [".TP", _bold(term), _text(text)]
    lines += [".SH SEE ALSO", ".BR nvidia\\-smi (1),", ".BR top (1)"]
    return "\n".join(lines) + "\n"


def _command(root: click.Group, name: str) -> click.Command:
    command = root.get_command(click.Context(root, info_name=_TITLE), name)
    if command is None:
        raise LookupError(name)
    return command


def _shared(commands: Iterable[click.Command]) -> dict[str, click.Option]:
    """Return the options that most commands have, by their first name: they are described once."""
    every = list(commands)
    counts: dict[str, int] = {}
    options: dict[str, click.Option] = {}
    for command in every:
        for option in _options(command):
            counts[option.opts[0]] = counts.get(option.opts[0], 0) + 1
            options.setdefault(option.opts[0], option)
    return {name: option for name, option in options.items() if counts[name] > len(every) / 2}


def _options(command: click.Command) -> Iterator[click.Option]:
    for parameter in command.params:
        if isinstance(parameter, click.Option) and not parameter.hidden:
            yield parameter


def _command_lines(name: str, command: click.Command, shared: dict[str, click.Option]) -> Iterator[str]:
    words = [f"{_TITLE} {name}"]
    own = [option for option in _options(command) if option.opts[0] not in shared]
    if any(option.opts[0] in shared for option in _options(command)) or own:
        words.append("[OPTION]...")
    words += [_metavar(each) for each in command.params if isinstance(each, click.Argument)]
    yield f'.SS "{_escaped(" ".join(words))}"'
    yield from _paragraphs(command.help or "")
    if isinstance(command, click.Group):
        for inner in command.commands.values():
            yield from _command_lines(f"{name} {inner.name}", inner, shared)
    for option in own:
        yield from _option(option)


def _metavar(argument: click.Argument) -> str:
    """Return how an argument is written; click's own form of it differs between its versions."""
    word = argument.metavar or (argument.name or "").upper()
    return word if argument.required or word.startswith("[") else f"[{word}]"


def _option(option: click.Option) -> list[str]:
    term = ", ".join(_bold(name) for name in (*option.opts, *option.secondary_opts))
    value = "" if option.is_flag else option.metavar or (option.name or "").upper()
    if value:
        term += f" \\fI{_escaped(value)}\\fR"
    return [".TP", term, *([_text(option.help)] if option.help else [])]


def _paragraphs(text: str) -> Iterator[str]:
    """Yield the paragraphs of a help text; the first one stands below a heading, which begins one itself."""
    for number, paragraph in enumerate(inspect.cleandoc(text).split("\n\n")):
        if number:
            yield ".PP"
        yield _text(" ".join(paragraph.split()))


def _bold(text: str) -> str:
    return f"\\fB{_escaped(text)}\\fR"


def _text(text: str) -> str:
    """Return a line of text that is no request to roff."""
    escaped = _escaped(text)
    return f"\\&{escaped}" if escaped.startswith((".", "'")) else escaped


def _escaped(text: str) -> str:
    """Return text that roff prints as it is: backslashes, hyphens that are minus signs, quotes."""
    return text.replace("\\", "\\e").replace("-", "\\-").replace('"', "\\(dq").replace("`", "\\(ga")
