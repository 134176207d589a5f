"""`gpumon completion`: the script that teaches a shell to complete gpumon's commands."""

from __future__ import annotations

import click

SHELLS = ("bash", "zsh", "fish")
# The variable through which click's scripts ask gpumon what may come next.
VARIABLE = "_GPUMON_COMPLETE"


@click.command("completion", context_settings={"help_option_names": ["-h", "--help"]})
@click.argument("shell", type=click.Choice(SHELLS))
def command(shell: str) -> None:
    """Print the completion script for SHELL: commands, options, PIDs of trainings, themes, scenarios, files.

    bash: gpumon completion bash > ~/.local/share/bash-completion/completions/gpumon

    zsh: gpumon completion zsh > ~/.zfunc/_gpumon, with ~/.zfunc in $fpath before compinit

    fish: gpumon completion fish > ~/.config/fish/completions/gpumon.fish

    Or in the startup file of bash: eval "$(gpumon completion bash)". That starts gpumon with each shell.
    """
    click.echo(script(shell))


def script(shell: str) -> str:
    """Return click's script for one of SHELLS."""
    from click.shell_completion import BashComplete, FishComplete, ZshComplete

    from gpumon.cli.app import gpumon

    kinds = {"bash": BashComplete, "zsh": ZshComplete, "fish": FishComplete}
    made = kinds[shell](gpumon, {}, "gpumon", VARIABLE)
    # Not `source()`: that of bash starts a bash to look at its version, which may not be the user's.
    return (made.source_template % made.source_vars()).rstrip("\n")
