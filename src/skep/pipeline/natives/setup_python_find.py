"""Which CPythons are on this machine, and the best one for a wish.

Looked for in the tool caches, in what pyenv, uv, asdf and mise have installed, and on PATH. Shims are passed over: what
they start depends on the folder they are started in.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from .setup_places import ToolPlaces, find_complete, is_script, names_in, program_folders
from .setup_python_probe import PythonFacts, PythonProbe
from .setup_python_versions import PythonSpec
from .setup_ranges import ToolVersion, read_version_text

_PROGRAM = re.compile(r"python(?:3(?:\.\d{1,3}t?)?)?")
_UV_NAME = re.compile(r"cpython-(\d+\.\d+\.\d+(?:a|b|rc)?\d*)(\+freethreaded)?-[a-z]+-([a-z0-9_]+)-[a-z]+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Interpreter:
    """A CPython that was found."""

    version: ToolVersion
    free_threaded: bool
    executable: str
    source: str  # where it comes from, in a word: `pyenv`

    def __str__(self) -> str:
        return f"{self.version}{'t' if self.free_threaded else ''} ({self.source})"


def find_python(
    spec: PythonSpec, places: ToolPlaces, probe: PythonProbe
) -> tuple[Interpreter, PythonFacts] | None:
    """The newest that fits and works; None when there is none. Of equal versions the first by the order of places."""
    known = list_pythons(places, probe)
    for prereleases in (False, True) if spec.prereleases else (False,):
        fitting = [
            one
            for one in known
            if spec.accepts(one.version, free_threaded=one.free_threaded, prereleases=prereleases)
        ]
        for one in sorted(fitting, key=lambda one: one.version.key, reverse=True):
            facts = probe.ask(one.executable)
            if facts and facts.free_threaded == one.free_threaded and facts.version == one.version:
                return one, facts
    return None


def list_pythons(places: ToolPlaces, probe: PythonProbe) -> list[Interpreter]:
    """All that are there, by what their folders are called; those on PATH were asked."""
    uv_folders = (places.env.get("UV_PYTHON_INSTALL_DIR", ""), f"{places.own}/uv-python")
    return [
        *_in_tool_caches(places),
        *_of_managers(places.env),
        *(one for folder in uv_folders for one in _of_uv(folder, places.machine)),
        *_on_path(places, probe),
    ]


def _in_tool_caches(places: ToolPlaces) -> Iterator[Interpreter]:
    for name, folder in find_complete(places.tool_caches, "Python", places.architecture):
        yield from _named(name, folder, "tool cache")


def _of_managers(env: Mapping[str, str]) -> Iterator[Interpreter]:
    for variable, inside, source in (
        ("PYENV_ROOT", "versions", "pyenv"),
        ("ASDF_DATA_DIR", "installs/python", "asdf"),
        ("MISE_DATA_DIR", "installs/python", "mise"),
    ):
        if env.get(variable):
            folder = f"{env[variable]}/{inside}"
            for name in names_in(folder):
                if not os.path.exists(f"{folder}/{name}/pyvenv.cfg"):
                    yield from _named(name, f"{folder}/{name}", source)


def _of_uv(folder: str, machine: str) -> Iterator[Interpreter]:
    for name in names_in(folder) if folder else []:
        found = _UV_NAME.fullmatch(name)
        if found and found[3] == machine:
            yield from _named(f"{found[1]}{'t' if found[2] else ''}", f"{folder}/{name}", "uv")


def _named(name: str, folder: str, source: str) -> Iterator[Interpreter]:
    """The interpreter in a folder that is called like its version."""
    free_threaded = name.endswith(("t", "-freethreaded"))
    version = read_version_text(name.removesuffix("-freethreaded").removesuffix("t"))
    executable = f"{folder}/bin/python3"
    if version and os.access(executable, os.X_OK):
        yield Interpreter(version=version, free_threaded=free_threaded, executable=executable, source=source)


def _on_path(places: ToolPlaces, probe: PythonProbe) -> Iterator[Interpreter]:
    seen: set[str] = set()
    for folder in program_folders(places.env):
        for name in sorted(filter(_PROGRAM.fullmatch, names_in(folder))):
            path = f"{folder}/{name}"
            real = os.path.realpath(path)
            if real in seen or is_script(path):
                continue
            seen.add(real)
            facts = probe.ask(path)
            if facts:
                yield Interpreter(
                    version=facts.version,
                    free_threaded=facts.free_threaded,
                    executable=path,
                    source="PATH",
                )


def shown_versions(found: Sequence[Interpreter]) -> str:
    """The versions that are there, for a message, newest first."""
    by_version = {(*one.version.key, one.free_threaded): one for one in reversed(found)}
    ordered = sorted(by_version.items(), key=lambda item: item[0], reverse=True)
    return ", ".join(str(one) for _, one in ordered)
