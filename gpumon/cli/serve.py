"""`gpumon serve`: the dashboard in a browser on this machine."""

from __future__ import annotations

import os
import secrets
import signal
import socket
import sys
from collections.abc import Callable
from dataclasses import replace
from importlib.util import find_spec
from typing import Any

import click

from gpumon.cli.alerts import check_alerts
from gpumon.cli.options import pid_argument, settings_from, shared_options
from gpumon.settings import Settings

_PORT = 8000
# Names of loopback addresses, and what is listened on for each.
_HOSTS = {"127.0.0.1": "127.0.0.1", "localhost": "127.0.0.1", "::1": "::1"}
_EXTRA = "textual_serve"


@click.command("serve", context_settings={"help_option_names": ["-h", "--help"]})
@pid_argument
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    default=_PORT,
    show_default=True,
    metavar="PORT",
    help="Listen on this port of the loopback address; 0 takes a free one.",
)
@click.option(
    "--host",
    default="127.0.0.1",
    show_default=True,
    metavar="ADDRESS",
    help="127.0.0.1, localhost or ::1; no other, for who reaches it sees command lines of this machine.",
)
@shared_options
@click.pass_context
def command(context: click.Context, /, pid: int | None, port: int, host: str, **flags: Any) -> None:
    """Show the dashboard in a browser, on this machine or through ssh.

    It prints an address with a secret in it, that only you may know: it shows what the dashboard shows, read
    only. From another machine: ssh -L 8000:localhost:8000 HOST, and open the address there. Ctrl-C ends it.
    Needs the extra `serve`: pip install 'gpumon[serve]'.
    """
    words = dashboard_words(context, pid, flags)
    settings = settings_from(dict(flags))
    _check_theme(settings)
    check_alerts(replace(settings, on_finding=""))
    if host not in _HOSTS:
        way = f"ssh -L {port or _PORT}:localhost:{port or _PORT} {socket.gethostname()}"
        raise click.UsageError(
            f"--host {host}: gpumon serves on loopback only, for it asks for no password; "
            f"from another machine use: {way}"
        )
    from gpumon.monitor.build import process_exists

    if pid is not None and not process_exists(pid):
        click.echo(f"gpumon: there is no process {pid}", err=True)
        context.exit(1)
    if reason := missing_extra():
        click.echo(f"gpumon: {reason}", err=True)
        context.exit(1)
    context.exit(serve(words, _HOSTS[host], port))


def missing_extra(find: Callable[[str], object] = find_spec) -> str:
    """Return in one sentence what has to be installed, or an empty text. `find` looks for a package."""
    return "" if find(_EXTRA) is not None else "serve needs its extra: pip install 'gpumon[serve]'"


def dashboard_words(context: click.Context, pid: int | None, flags: dict[str, Any]) -> list[str]:
    """Return the command of the dashboard behind a page: what was given here, and that it only shows.

    --readonly, and no command for findings: two pages would send each message twice.
    """
    words = [sys.executable, "-m", "gpumon.cli.served", "attach"]
    if pid is not None:
        words.append(str(pid))
    for option in context.command.params:
        value = flags.get(option.name or "")
        if not isinstance(option, click.Option) or value is None or option.name == "readonly":
            continue
        if not option.is_flag:
            words += [option.opts[0], str(value)]
        elif option.secondary_opts and not value:
            words.append(option.secondary_opts[0])
        else:
            words.append(option.opts[0])
    return [*words, "--on-finding", "", "--readonly"]


def _check_theme(settings: Settings) -> None:
    """Refuse a theme that does not exist: each page would end with that, and nobody would see why."""
    if settings.theme:
        from gpumon.tui.appearance import UnknownThemeError, appearance

        try:
            appearance(settings, {})
        except UnknownThemeError as error:
            raise click.UsageError(str(error)) from None


def serve(words: list[str], address: str, port: int) -> int:
    """Serve until a signal; return the exit code."""
    import asyncio

    from gpumon.web.server import Server

    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    try:
        listening = socket.create_server((address, port), family=family)
    except OSError as error:
        reason = os.strerror(error.errno) if error.errno else str(error)
        click.echo(f"gpumon: port {port} cannot be listened on: {reason}; --port takes another", err=True)
        return 1
    token = secrets.token_urlsafe(24)
    server = Server(words, token, f"gpumon on {socket.gethostname()}")
    port = listening.getsockname()[1]

    async def until_signalled() -> None:
        over = asyncio.Event()
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            if signal.getsignal(number) is not signal.SIG_IGN:
                loop.add_signal_handler(number, over.set)
        await server.serve(listening, over, lambda: _tell(address, port, token))

    with listening:
        asyncio.run(until_signalled())
    return 0


def _tell(address: str, port: int, token: str) -> None:
    """Print the address on stdout, and how to reach it from elsewhere on stderr."""
    host = f"[{address}]" if ":" in address else address
    click.echo(f"http://{host}:{port}/{token}/")
    sys.stdout.flush()
    user = os.environ.get("USER", "")
    box = f"{user}@{socket.gethostname()}" if user else socket.gethostname()
    for line in (
        f"from another machine: ssh -L {port}:{host}:{port} {box}, then open http://localhost:{port}/{token}/",
        "whoever has this address sees what you see; Ctrl-C ends it",
    ):
        click.echo(f"gpumon: {line}", err=True)
