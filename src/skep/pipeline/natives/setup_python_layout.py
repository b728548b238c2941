"""A Python of a job's own: a prefix that borrows the program and the standard library of an interpreter, and shares
nothing that `pip install` writes to.

It is no virtual environment: as on GitHub `sys.prefix == sys.base_prefix`, `pip install --user` works, and tools that
ask for the system's Python (`uv pip install --system`) take this one instead of the user's. CPython finds its prefix
from where its program is, links followed (`getpath`), so the program is copied; the library is linked, entry by entry.

    bin/python3.12 (copy), python3, python, pip ...      include/python3.12/* -> the interpreter's
    lib/python3.12/* -> the interpreter's, but site-packages      lib/libpython*, lib/pkgconfig/python* -> the interpreter's

Where CPython does not accept such a prefix (framework builds of macOS) it becomes a virtual environment.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable

from skep.host.files import copy_file

from .setup_python_probe import PythonFacts

_OWN = frozenset({"site-packages", "dist-packages", "EXTERNALLY-MANAGED"})
_LIBRARIES = re.compile(r"libpython.*|(lib)?(tcl|tk|itcl|thread)\d.*")
_PLAIN_PATH = re.compile(r"[!-~]{1,120}")

Stop = Callable[[], bool]


def lay_out_prefix(facts: PythonFacts, root: str) -> None:
    """Fills the empty folder `root`. Raises OSError."""
    library, headers = (
        os.path.join(root, os.path.relpath(path, facts.prefix)) for path in (facts.stdlib, facts.include)
    )
    _own_program(facts, root, copy=True)
    _link_entries(facts.stdlib, library, lambda name: name not in _OWN)
    os.makedirs(f"{library}/site-packages", exist_ok=True)
    _link_entries(facts.include, headers, lambda _: True)
    _link_entries(f"{facts.prefix}/lib", f"{root}/lib", lambda name: bool(_LIBRARIES.fullmatch(name)))
    pkgconfig = f"{facts.prefix}/lib/pkgconfig"
    _link_entries(pkgconfig, f"{root}/lib/pkgconfig", lambda name: name.startswith("python"))
    _link_entries(f"{facts.prefix}/share", f"{root}/share", lambda name: name == "terminfo")


def lay_out_venv(facts: PythonFacts, root: str) -> None:
    """Fills the empty folder `root` with a virtual environment without pip. Raises OSError."""
    _own_program(facts, root, copy=False)
    os.makedirs(f"{root}/lib/{facts.name}/site-packages")
    os.makedirs(f"{root}/include")
    with open(f"{root}/pyvenv.cfg", "w", encoding="utf-8") as file:
        file.write(f"home = {os.path.dirname(facts.executable)}\ninclude-system-site-packages = false\n")
        file.write(f"version = {facts.numbers[0]}.{facts.numbers[1]}.{facts.numbers[2]}\n")


def copy_layout(template: str, target: str, home: str, stop: Stop) -> None:
    """A private copy of a laid-out Python in the new folder `target`, which will be renamed to `home`: links made anew,
    files copied, scripts pointed to `home`. Raises OSError; InterruptedError when told to stop."""
    os.mkdir(target)
    _copy_into(template, target, stop)
    with os.scandir(f"{target}/bin") as entries:
        scripts = [entry.path for entry in entries if entry.is_file(follow_symlinks=False)]
    for script in scripts:
        point_script(script, f"{home}/bin/python3")


def point_script(path: str, python: str) -> None:
    """Makes a Python script of `bin` start with another interpreter. Programs stay as they are. Raises OSError."""
    with open(path, "rb") as file:
        if file.read(2) != b"#!":
            return
        lines = file.read().split(b"\n")
    body = lines[3:] if lines[0] == b"/bin/sh" else lines[1:]
    mode = os.stat(path).st_mode & 0o777
    with open(path, "wb") as file:
        file.write(first_lines(python) + b"\n".join(body))
    os.chmod(path, mode)


def first_lines(python: str) -> bytes:
    """What makes a script run by this interpreter. The kernel takes no blanks and no long names behind `#!` (execve(2)), so
    such names go through a shell that reads the lines as a command, and Python as a text."""
    raw = os.fsencode(python)
    if _PLAIN_PATH.fullmatch(python):
        return b"#!" + raw + b"\n"
    quoted = raw.replace(b"\\", b"\\\\").replace(b'"', b'\\"').replace(b"$", b"\\$").replace(b"`", b"\\`")
    return b"#!/bin/sh\n'''exec' \"" + quoted + b'" "$0" "$@"\n' + b"' '''\n"


def _own_program(facts: PythonFacts, root: str, *, copy: bool) -> None:
    os.makedirs(f"{root}/bin")
    program = f"{root}/bin/{facts.name}"
    if copy:
        copy_file(facts.executable, program)
    else:
        os.symlink(facts.executable, program)
    os.symlink(facts.name, f"{root}/bin/python3")
    os.symlink(facts.name, f"{root}/bin/python")
    folder = os.path.dirname(facts.executable)
    for name in (f"{facts.name}-config", "python3-config"):
        if os.path.exists(f"{folder}/{name}"):
            os.symlink(f"{folder}/{name}", f"{root}/bin/{name}")


def _link_entries(source: str, target: str, wanted: Callable[[str], bool]) -> None:
    os.makedirs(target, exist_ok=True)
    if not os.path.isdir(source):
        return
    for name in os.listdir(source):
        path = f"{target}/{name}"
        if wanted(name) and not os.path.lexists(path):
            os.symlink(f"{source}/{name}", path)


def _copy_into(source: str, target: str, stop: Stop) -> None:
    with os.scandir(source) as listed:
        entries = list(listed)
    for entry in entries:
        path = f"{target}/{entry.name}"
        if entry.is_symlink():
            os.symlink(os.readlink(entry.path), path)
        elif entry.is_dir():
            if stop():
                raise InterruptedError("told to stop")
            os.mkdir(path)
            _copy_into(entry.path, path, stop)
        else:
            copy_file(entry.path, path)
