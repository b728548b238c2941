"""Which Python a workflow asks for: `python-version`, and the files that may say it. Pure.

Source: actions/setup-python, README and docs/advanced-usage.md, "Using the python-version input" and
"Using the python-version-file input".
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass

from skep.model.errors import UserError

from .setup_ranges import LONGEST, ToolVersion, VersionRange, read_range

MOST_VERSIONS = 20
_SHORT = re.compile(r"(\d{1,9})\.(\d{1,9})(\.\d{1,9})?(t)?(-dev)?")
_TOOL_LINE = re.compile(r"\s*python\s+(\S+)")
_OTHER_PYTHONS = (
    "pypy",
    "graalpy",
    "miniconda",
    "anaconda",
    "mambaforge",
    "miniforge",
    "jython",
    "ironpython",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class PythonSpec:
    """One Python that is asked for."""

    text: str  # as written
    range: VersionRange
    free_threaded: bool = False
    prereleases: bool = False  # take one when there is no release in the range

    def accepts(self, version: ToolVersion, *, free_threaded: bool, prereleases: bool = False) -> bool:
        """Whether an interpreter is what is asked for."""
        return free_threaded == self.free_threaded and self.range.has(version, prereleases=prereleases)


def read_spec(text: str, *, allow_prereleases: bool = False, free_threaded: bool = False) -> PythonSpec:
    """One line of `python-version`. Raises UserError for what no CPython can be."""
    text = text.strip()
    shown = text if len(text) <= 60 else f"{text[:60]}..."
    if text.lower().startswith(_OTHER_PYTHONS):
        raise UserError(
            f"`{shown}` is not on this machine: Skep sets up CPython only",
            hint="leave this leg out here with `--matrix`, or run it on a worker that has it",
        )
    text = re.sub(r"^(?:cpython|python)[-@]?(?=\d)", "", text)
    short = _SHORT.fullmatch(text) if len(text) <= LONGEST else None
    if short and short[5]:  # `3.13-dev`: the newest of 3.13, be it a pre-release
        return _spec(shown, f"~{short[1]}.{short[2]}.0-0", bool(short[4]) or free_threaded, prereleases=True)
    if short and short[4]:
        text, free_threaded = text.removesuffix("t"), True
    return _spec(shown, text, free_threaded, prereleases=allow_prereleases)


def _spec(shown: str, text: str, free_threaded: bool, *, prereleases: bool) -> PythonSpec:
    found = read_range(text) if text else None
    if found is None:
        raise UserError(
            f"`{shown}` is no version of Python",
            hint="write it as `3.12`, `3.12.1`, `3.x`, `>=3.11 <3.13`, `3.14-dev` or `3.13t`",
        )
    return PythonSpec(text=shown, range=found, free_threaded=free_threaded, prereleases=prereleases)


def versions_in_file(name: str, text: str) -> Sequence[str]:
    """The versions a file asks for, by its name: `pyproject.toml`, `.tool-versions`, `Pipfile`, else one in each line.
    Raises UserError when there is none in it."""
    base = name.rpartition("/")[2]
    if base.endswith(".toml"):
        versions = _in_pyproject(name, text)
    elif base == "Pipfile":
        versions = _in_pipfile(name, text)
    elif ".tool-versions" in base:
        versions = [found[1] for found in map(_TOOL_LINE.match, text.splitlines()) if found][:1]
    else:
        versions = split_versions(text)
    if not versions:
        raise UserError(f"`{name}` names no version of Python", hint="set the input `python-version`")
    return versions


def split_versions(text: str) -> list[str]:
    """The lines of a text that are neither blank nor comments. Raises UserError for too many."""
    lines = [line.strip() for line in text.splitlines()]
    versions = [line.partition(" #")[0].strip() for line in lines if line and not line.startswith("#")]
    if len(versions) > MOST_VERSIONS:
        raise UserError(f"{len(versions)} versions of Python are asked for; {MOST_VERSIONS} are the most")
    return versions


def _in_pyproject(name: str, text: str) -> list[str]:
    table = _toml(name, text)
    project = table.get("project")
    if isinstance(project, dict):
        return _texts(project.get("requires-python"))
    found: object = table
    for key in ("tool", "poetry", "dependencies", "python"):
        found = found.get(key) if isinstance(found, dict) else None
    return _texts(found)


def _in_pipfile(name: str, text: str) -> list[str]:
    requires = _toml(name, text).get("requires")
    if not isinstance(requires, dict):
        return []
    return _texts(requires.get("python_full_version")) or _texts(requires.get("python_version"))


def _toml(name: str, text: str) -> dict[str, object]:
    try:
        return tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise UserError(f"`{name}` cannot be read: {error}") from error


def _texts(value: object) -> list[str]:
    return [value] if isinstance(value, str) and value.strip() else []
