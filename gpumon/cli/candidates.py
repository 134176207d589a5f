"""What a shell may complete: PIDs of trainings, themes, scenarios of the demo, and the first word."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

import click
from click.shell_completion import CompletionItem

from gpumon.model.text import clean

if TYPE_CHECKING:
    from gpumon.model.training import Training

_MOST_HELP = 60


def pids(context: click.Context, parameter: click.Parameter, incomplete: str) -> list[CompletionItem[str]]:
    """Return the main PIDs of the trainings that run now."""
    del context, parameter
    from gpumon.frameworks.find import find_trainings
    from gpumon.sources.process_scan import ProcessScanner

    return pids_of(find_trainings(ProcessScanner().scan()), incomplete)


def pids_of(trainings: Iterable[Training], incomplete: str) -> list[CompletionItem[str]]:
    """Return the PIDs that begin with `incomplete`, each with what it is."""
    return [
        CompletionItem(str(training.id.pid), help=clean(f"{training.framework} {training.name}", _MOST_HELP))
        for training in trainings
        if str(training.id.pid).startswith(incomplete)
    ]


def themes(context: click.Context, parameter: click.Parameter, incomplete: str) -> list[CompletionItem[str]]:
    """Return the names of the themes, gpumon's own first."""
    del context, parameter
    from gpumon.tui.appearance import theme_names

    return [CompletionItem(name) for name in theme_names() if name.startswith(incomplete)]


def demos(context: click.Context, parameter: click.Parameter, incomplete: str) -> list[CompletionItem[str]]:
    """Return the scenarios of the demo, each with what is the matter in it."""
    del context, parameter
    from gpumon.demo.scenario import scenarios

    table = scenarios(len(os.sched_getaffinity(0)))
    return [
        CompletionItem(item.name, help=item.summary)
        for item in table.values()
        if item.name.startswith(incomplete)
    ]


def first_words(
    commands: Mapping[str, str], attach: click.Command, context: click.Context, incomplete: str
) -> list[CompletionItem[str]]:
    """Return what may stand first: a command (name and short help), or what `gpumon attach` takes."""
    found = [
        CompletionItem(name, help=text) for name, text in commands.items() if name.startswith(incomplete)
    ]
    inner = attach.make_context("attach", [], parent=context, resilient_parsing=True)
    if incomplete.startswith("-"):
        # `-h` of attach is not what `gpumon -h` prints.
        own = set(attach.get_help_option_names(inner))
        return found + [item for item in attach.shell_complete(inner, incomplete) if item.value not in own]
    for parameter in attach.params:
        if isinstance(parameter, click.Argument):
            found += parameter.shell_complete(inner, incomplete)
    return found
