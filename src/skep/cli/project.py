"""What a command needs to know of the project it is called in: root, settings, places."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass, fields

from skep.cli.log_text import plain_lines
from skep.model.errors import HostError, UserError
from skep.model.finding import Finding
from skep.settings import Settings, SettingValue, environment_name, flag_name, parse_value, read_settings
from skep.store.local.paths import StatePaths, state_paths

RUN_HELP = "`last`, a run's number, its id or the beginning of it"
"""How a command's argument names a run."""

_DEST = "setting_"


@dataclass(frozen=True, slots=True, kw_only=True)
class Project:
    """The project around the current folder."""

    root: str
    settings: Settings
    paths: StatePaths


def find_root(start: str) -> str:
    """The nearest folder upward with `.github/workflows` or `skep.toml`. Raises UserError."""
    folder = os.path.realpath(start)
    while True:
        if os.path.isdir(f"{folder}/.github/workflows") or os.path.isfile(f"{folder}/skep.toml"):
            return folder
        parent = os.path.dirname(folder)
        if parent == folder:
            raise UserError(
                f"no project here: neither `{start}` nor a folder above it has `.github/workflows` or `skep.toml`",
                hint="go into a repository with workflows, or make an empty `skep.toml` where the project begins",
            )
        folder = parent


def open_project(
    args: argparse.Namespace | None = None, environ: Mapping[str, str] = os.environ, *, root: str = ""
) -> Project:
    """Root, settings and places for the current folder, or for a root that is known. Prints warnings to
    stderr. Raises UserError for wrong settings."""
    root = root or find_root(os.getcwd())
    try:
        settings, findings = read_settings(root, environ, given_flags(args))
    except OSError as error:
        raise HostError(f"`{error.filename}` cannot be read: {error.strerror}") from error
    stopping = next((one for one in findings if one.is_error), None)
    for finding in findings:
        if finding is not stopping:
            print(plain_lines(f"{finding.severity}: {_text(finding)}"), file=sys.stderr)
    if stopping is not None:
        raise UserError(_text(stopping), hint=stopping.hint)
    return Project(root=root, settings=settings, paths=state_paths(settings.state_dir, root))


def add_setting_flags(parser: argparse.ArgumentParser, *names: str) -> None:
    """A flag for each named setting, or for all."""
    group = parser.add_argument_group("settings", "for this call only; see docs/reference/settings.md")
    for one in fields(Settings):
        if names and one.name not in names:
            continue
        flags = ["-j", flag_name(one.name)] if one.name == "jobs" else [flag_name(one.name)]

        def parse(text: str, one: object = one) -> SettingValue:
            try:
                return parse_value(one, text)  # type: ignore[arg-type]  # bound early, as a default
            except ValueError as error:
                raise argparse.ArgumentTypeError(f"expected {error}, got `{text}`") from error

        group.add_argument(
            *flags,
            dest=_DEST + one.name,
            type=parse,
            metavar=one.metadata["kind"].upper(),
            help=f"{one.metadata['doc']} ({environment_name(one.name)})".replace("%", "%%"),
        )


def given_flags(args: argparse.Namespace | None) -> dict[str, SettingValue]:
    """The settings that were given as flags."""
    found = vars(args) if args is not None else {}
    return {
        key.removeprefix(_DEST): value
        for key, value in found.items()
        if key.startswith(_DEST) and value is not None
    }


def _text(finding: Finding) -> str:
    return f"{finding.where}: {finding.message} [{finding.rule}]"
