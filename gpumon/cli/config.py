"""`gpumon config`: the settings in force, where each comes from, and the keys that can be moved."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import click

from gpumon.cli.alerts import alert_options, check_alerts
from gpumon.cli.options import Chosen, chosen_from, shared_options
from gpumon.settings import KEYS_TABLE, NAMES, Origin, Settings, SettingsError

_VALUE_CELLS = 34


@click.command("config", context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--keys", is_flag=True, help="List the keys of the dashboard with the ids that move them.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
@alert_options
@shared_options
def command(*, keys: bool, as_json: bool, **flags: Any) -> None:
    """Print the settings in force and where each comes from: flag, variable, config file or default.

    What is printed can be kept as a config file. Exit code 2 where something in it cannot be used.
    """
    chosen = chosen_from(flags)
    check_alerts(chosen.settings)
    check_looks(chosen.settings)
    if keys:
        _print_keys(chosen.settings, as_json=as_json)
    elif as_json:
        click.echo(json.dumps(document(chosen), indent=2, ensure_ascii=False))
    else:
        click.echo("\n".join(lines(chosen)))


def check_looks(settings: Settings) -> None:
    """Refuse keys and themes that are not there, as the dashboard does. Usage errors exit with 2."""
    if not (settings.keys or settings.theme):
        return
    from gpumon.tui.appearance import UnknownThemeError, appearance
    from gpumon.tui.key_map import key_map

    try:
        appearance(settings, os.environ)
        key_map(dict(settings.keys))
    except (UnknownThemeError, SettingsError) as error:
        raise click.UsageError(str(error)) from None


def lines(chosen: Chosen) -> list[str]:
    """Return the settings as TOML, with where each comes from beside it."""
    there = "" if _is_there(chosen.path) else " (there is none)"
    written = [f"# {chosen.path}{there}"]
    for field, name in NAMES.items():
        value = json.dumps(getattr(chosen.settings, field), ensure_ascii=False)
        origin = chosen.resolved.origins[name]
        written.append(f"{f'{name} = {value}':<{_VALUE_CELLS}} # {origin.words or origin.kind}")
    if chosen.settings.keys:
        written += ["", f"[{KEYS_TABLE}]"]
        written += [
            f"{json.dumps(each)} = {json.dumps(key, ensure_ascii=False)}"
            for each, key in chosen.settings.keys
        ]
    return written


def document(chosen: Chosen) -> dict[str, Any]:
    """Return the same as JSON, schema 1: `given_as` is the flag or variable, null where it is none."""
    settings = {
        name: {
            "value": getattr(chosen.settings, field),
            "origin": chosen.resolved.origins[name].kind,
            "given_as": _given_as(chosen.resolved.origins[name]),
        }
        for field, name in NAMES.items()
    }
    return {
        "schema": 1,
        "path": str(chosen.path),
        "exists": _is_there(chosen.path),
        "settings": settings,
        KEYS_TABLE: dict(chosen.settings.keys),
    }


def _given_as(origin: Origin) -> str | None:
    return origin.words if origin.kind in {"flag", "variable"} else None


def _is_there(path: Path) -> bool:
    try:
        return path.is_file()
    except OSError:
        return False


def _print_keys(settings: Settings, *, as_json: bool) -> None:
    from gpumon.tui.key_map import bindings, key_map, scope_name
    from gpumon.tui.key_names import key_names

    moved = key_map(dict(settings.keys))
    found: dict[str, dict[str, str]] = {}
    for owner, binding in bindings():
        words = {
            "keys": key_names(moved.keys(binding)),
            "where": scope_name(owner),
            "does": binding.tooltip,
        }
        found.setdefault(binding.id or "", words)
    if as_json:
        click.echo(json.dumps({"schema": 1, KEYS_TABLE: found}, indent=2, ensure_ascii=False))
        return
    for binding_id, words in found.items():
        click.echo(f"{binding_id:<22} {words['keys']:<12} {words['where']:<15} {words['does']}")
