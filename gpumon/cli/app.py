"""The command `gpumon` and its subcommands; without one it attaches."""

from __future__ import annotations

import importlib
import sys
from typing import Any

import click
from click.shell_completion import CompletionItem

import gpumon as package

INTERRUPTED = 130
_MOST_SHOWN = 40
# Imported when used: `gpumon --help` must be quick.
COMMANDS = {
    "attach": "gpumon.cli.attach",
    "snapshot": "gpumon.cli.snapshot",
    "advise": "gpumon.cli.advise",
    "watch": "gpumon.cli.watch",
    "run": "gpumon.cli.run",
    "plan": "gpumon.cli.plan",
    "demo": "gpumon.cli.demo",
    "record": "gpumon.cli.record",
    "replay": "gpumon.cli.replay",
    "runs": "gpumon.cli.runs",
    "config": "gpumon.cli.config",
    "serve": "gpumon.cli.serve",
    "doctor": "gpumon.cli.doctor",
    "completion": "gpumon.cli.completion",
}
_SHORT_HELP = {
    "attach": "Open the dashboard on a running training (the default).",
    "snapshot": "Take one look, print it, and exit.",
    "advise": "Print what limits the training and what to change.",
    "watch": "Print a line every ten seconds, and each finding, without a screen.",
    "run": "Start a training so that gpumon sees its exact figures.",
    "plan": "Say which settings to start a training with, before a run.",
    "demo": "Start a simulated training and open the dashboard on it.",
    "record": "Write everything that is seen into a file, without a screen.",
    "replay": "Open the dashboard on a recording.",
    "runs": "List the trainings that gpumon saw, or compare two of them.",
    "config": "Print the settings in force, and where each comes from.",
    "serve": "Show the dashboard in a browser on this machine.",
    "doctor": "Say what gpumon can read here, what it cannot, and why.",
    "completion": "Print the completion script for bash, zsh or fish.",
}


class LazyGroup(click.Group):
    """A group whose commands are imported when they run, and whose default command is `attach`."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names in the order of use."""
        del ctx
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Return the command of that name, imported now."""
        del ctx
        if cmd_name not in COMMANDS:
            return None
        command: click.Command = importlib.import_module(COMMANDS[cmd_name]).command
        return command

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Put `attach` in front where no command is named: `gpumon`, `gpumon 1234`, `gpumon --ascii`."""
        if ctx.resilient_parsing and args[:1] == ["help"]:
            # What follows is completed as without it: the names of commands.
            args = args[1:]
        if ctx.resilient_parsing and not args:
            # A shell completes the first word.
            return super().parse_args(ctx, args)
        if args and args[0] == "help" and not ctx.resilient_parsing:
            # As git has it: `gpumon help advise`.
            args = [*args[1:], "--help"]
        own = {"-h", "--help", "-V", "--version"}
        if not args or (args[0] not in COMMANDS and args[0] not in own and _may_be_attach(args[0])):
            named = next((argument for argument in args if argument in COMMANDS), None)
            if named is not None:
                raise click.UsageError(f"options stand after the command: gpumon {named} {args[0]} ...", ctx)
            args = ["attach", *args]
        return super().parse_args(ctx, args)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command, or say which there are."""
        if args[0] not in COMMANDS and not ctx.resilient_parsing:
            raise click.UsageError(_no_command(args[0]), ctx)
        return super().resolve_command(ctx, args)

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem[str]]:
        """Return what may stand first, without importing the commands."""
        from gpumon.cli.candidates import first_words

        attach: click.Command = importlib.import_module(COMMANDS["attach"]).command
        own = super(click.Group, self).shell_complete(ctx, incomplete) if incomplete.startswith("-") else []
        return first_words(_SHORT_HELP, attach, ctx, incomplete) + own

    def main(self, *args: Any, **kwargs: Any) -> Any:
        """Run the command line to its end; what stdout does not take, as on a full disk, is exit code 1."""
        from gpumon.cli.streams import finish, is_full, tell_unwritten

        try:
            return super().main(*args, **kwargs)
        except OSError as error:
            if not is_full(error):
                raise
            # Said once: by `finish`, if there still is something in the buffer.
            if not finish(sys.stdout):
                tell_unwritten(error)
            sys.exit(1)
        finally:
            if code := finish(sys.stdout):
                sys.exit(code)

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command; Ctrl-C ends it with 130, as a shell reports SIGINT."""
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt:
            ctx.exit(INTERRUPTED)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the list of commands without importing them."""
        del ctx
        with formatter.section("Commands"):
            formatter.write_dl([(name, _SHORT_HELP[name]) for name in COMMANDS])


def _no_command(word: str) -> str:
    """Return that there is no such command, and which is meant, or which there are."""
    from difflib import get_close_matches

    shown = word if len(word) <= _MOST_SHOWN else f"{word[:_MOST_SHOWN]}..."
    near = get_close_matches(word[:_MOST_SHOWN].lower(), COMMANDS, n=1)
    if near:
        return f"there is no command {shown!r}: did you mean {near[0]!r}? gpumon --help lists all"
    return f"there is no command {shown!r}: give the PID of a training, or one of {', '.join(COMMANDS)}"


def _may_be_attach(argument: str) -> bool:
    """Tell whether an argument that is no command belongs to `attach`: an option or a number."""
    return argument.startswith("-") or argument.lstrip("+").isdigit()


@click.group(
    cls=LazyGroup,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="Options of a command: gpumon COMMAND --help. Those of the dashboard: gpumon attach --help.",
)
@click.version_option(package.__version__, "-V", "--version", message="gpumon %(version)s")
def gpumon(**_: Any) -> None:
    """Attach to a running YOLOv5 training: is the GPU fed, will it run out of memory, what to change.

    `gpumon` finds the training by itself; `gpumon PID` attaches to that one. The training is not touched.
    """
