"""docs/reference/commands.md: every command with its options, as its parser has them."""

from __future__ import annotations

import argparse
from importlib import import_module

from skep.cli.main import COMMANDS

_SETTINGS = "settings"  # the group of options that docs/reference/settings.md explains


def commands_page() -> str:
    """The page. Written from the parsers themselves, not from their help texts, which change with Python's version."""
    lines = [
        "# Commands",
        "",
        "<!-- made by `python -m skep.cli.docs`; change src/skep/cli -->",
        "",
        "Exit codes: 0 fine, 1 the work failed, 2 you must change something, 3 a bug of ours, 130 interrupted. Reading commands",
        "take `--json`. A RUN is `last`, a run's number, its id or the beginning of it.",
        "",
    ]
    for name, (module_name, _) in COMMANDS.items():
        module = import_module(module_name)
        parser = argparse.ArgumentParser(prog=f"skep {name}", add_help=False)
        module.configure(parser)
        lines += [f"## skep {name}", "", (module.__doc__ or "").partition("\n")[0], ""]
        lines += _options(parser)
        for action, inner in _inner(parser).items():
            lines += [f"### skep {name} {action}", "", *_options(inner)]
    return "\n".join(lines)


def _options(parser: argparse.ArgumentParser) -> list[str]:
    rows = [
        _row(action) for action in parser._actions if _is_shown(action) and not _is_setting(parser, action)
    ]
    settings = [action.option_strings[0] for action in parser._actions if _is_setting(parser, action)]
    table = ["| | |", "|---|---|", *rows, ""] if rows else []
    told = ", ".join(f"`{option}`" for option in settings)
    return table + ([f"[Settings](settings.md) for one call: {told}.", ""] if told else [])


def _row(action: argparse.Action) -> str:
    words = _value(action)
    names = [f"{option}{words if option.startswith('--') else ''}" for option in action.option_strings]
    named = ", ".join(f"`{name}`" for name in names) or f"`{words.strip()}`"
    return f"| {named.replace('|', chr(92) + '|')} | {(action.help or '').replace('|', chr(92) + '|')} |"


def _value(action: argparse.Action) -> str:
    if action.nargs == 0:
        return ""
    choices = "{" + ",".join(map(str, action.choices)) + "}" if action.choices else ""
    metavar = action.metavar if isinstance(action.metavar, str) else choices or action.dest.upper()
    return f" {metavar}" + (" ..." if action.nargs == "*" else "")


def _is_shown(action: argparse.Action) -> bool:
    hidden = isinstance(action, argparse._SubParsersAction | argparse._HelpAction)
    return not hidden and action.help != argparse.SUPPRESS


def _is_setting(parser: argparse.ArgumentParser, action: argparse.Action) -> bool:
    groups = [group for group in parser._action_groups if group.title == _SETTINGS]
    return any(action in group._group_actions for group in groups)


def _inner(parser: argparse.ArgumentParser) -> dict[str, argparse.ArgumentParser]:
    found: dict[str, argparse.ArgumentParser] = {}
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            found.update(action.choices)
    return found
