"""Gives a job a Python of its own: a template per interpreter is made once, with pip in it, and copied for each job."""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
import re
import tempfile
from collections.abc import Callable, Sequence

from skep.cache.blobs import Stopped
from skep.host.process import run_sync
from skep.host.removal import remove_tree
from skep.model.errors import HostError

from .background import in_thread
from .setup_places import file_stamp
from .setup_python_layout import copy_layout, lay_out_prefix, lay_out_venv
from .setup_python_probe import ANSWER_S, PythonFacts
from .setup_store import make_once

LAYOUT: str = "1"
"""Part of a template's name: changes with what a template is."""

PIP_S = 300.0
WHEEL_FOLDERS = ("/usr/share/python-wheels", "/usr/share/python3-wheels")
_ASK = (
    "import json, sys, sysconfig, zlib; "
    "print(json.dumps([sys.prefix, sysconfig.get_path('purelib'), sysconfig.get_path('scripts')]))"
)
_INSTALL = (
    "import runpy, sys; sys.path.insert(0, sys.argv[1]); sys.argv = ['pip', *sys.argv[2:]]; "
    "runpy.run_module('pip', run_name='__main__', alter_sys=True)"
)


async def provide_python(facts: PythonFacts, templates: str, home: str) -> bool:
    """Sees to it that `home` is a Python of the job's own; False when it was there already. `templates`: the folder that
    keeps what is copied, shared by runs. Steps, jobs and processes may ask at once. Raises HostError."""
    template = f"{templates}/{template_name(facts)}"
    await make_once(template, lambda part: _in_thread_once(lambda: make_template(facts, part)))
    return await in_thread(lambda stop: _copy(template, home, stop))


def template_name(facts: PythonFacts) -> str:
    """Another one when the interpreter was replaced."""
    text = f"{LAYOUT}\0{facts}\0{file_stamp(facts.executable)}"
    digest = hashlib.sha256(text.encode("utf-8", "surrogateescape")).hexdigest()[:16]
    return f"{facts.version}{'t' if facts.free_threaded else ''}-{digest}"


def make_template(facts: PythonFacts, root: str, wheel_folders: Sequence[str] = WHEEL_FOLDERS) -> None:
    """Fills an empty folder with a Python that works, and with pip when its wheel comes with the interpreter or is in one of
    the folders. Raises HostError."""
    try:
        lay_out_prefix(facts, root)
        if not _is_accepted(facts, root):
            remove_tree(root)
            os.mkdir(root)
            lay_out_venv(facts, root)
            if not _is_accepted(facts, root):
                raise HostError(
                    f"`{facts.executable}` does not work from another folder",
                    hint=f"install another one: `uv python install {facts.numbers[0]}.{facts.numbers[1]}`",
                )
        _install_pip(facts, root, wheel_folders)
    except OSError as error:
        raise HostError(f"cannot make a Python in `{root}`: {error.strerror or error}") from error


def _is_accepted(facts: PythonFacts, root: str) -> bool:
    """Whether CPython takes the folder for its prefix, and installs nothing elsewhere."""
    try:
        answer = run_sync([f"{root}/bin/{facts.name}", "-I", "-c", _ASK], cwd="/", env={}, timeout_s=ANSWER_S)
        prefix, packages, scripts = json.loads(answer.stdout)
    except (HostError, ValueError):
        return False
    if packages.startswith(f"{root}/local/") and not os.path.lexists(f"{root}/local"):
        os.symlink(".", f"{root}/local")  # Debian's Python installs below `local`
    os.makedirs(packages, exist_ok=True)
    inside = os.path.realpath(root)
    return bool(prefix == root) and all(
        os.path.realpath(path).startswith(f"{inside}/") for path in (packages, scripts)
    )


def _install_pip(facts: PythonFacts, root: str, wheel_folders: Sequence[str]) -> None:
    """From the wheels that come with the interpreter, as ensurepip does it; without network."""
    wheels = _bundled(facts, wheel_folders)
    if not wheels:
        return
    python = f"{root}/bin/{facts.name}"
    options = ["install", "--quiet", "--no-index", "--no-deps", "--isolated", "--no-cache-dir"]
    done = run_sync(
        [python, "-I", "-c", _INSTALL, wheels[0], *options, *wheels],
        cwd="/",
        env={"PATH": os.defpath, "PIP_DISABLE_PIP_VERSION_CHECK": "1", "HOME": root},
        timeout_s=PIP_S,
    )
    if done.exit_code:
        said = done.stderr.decode(errors="replace").strip()[-500:]
        raise HostError(f"pip cannot be installed for `{facts.executable}`: {said}")


def _bundled(facts: PythonFacts, wheel_folders: Sequence[str]) -> list[str]:
    """The wheel of pip, then that of setuptools for Pythons that come with it."""
    for folder in (f"{facts.stdlib}/ensurepip/_bundled", *wheel_folders):
        try:
            names = os.listdir(folder)
        except OSError:
            continue
        pip, setuptools = (_newest_wheel(tool, names) for tool in ("pip", "setuptools"))
        if pip:
            return [f"{folder}/{name}" for name in (pip, setuptools) if name]
    return []


def _newest_wheel(tool: str, names: Sequence[str]) -> str:
    wheels = [name for name in names if re.fullmatch(rf"{tool}-[\d.]+-.*\.whl", name)]
    return max(
        wheels, key=lambda name: [int(part) for part in re.findall(r"\d+", name.split("-")[1])], default=""
    )


def has_pip(home: str) -> bool:
    """Whether a Python made here came with pip."""
    return os.path.exists(f"{home}/bin/pip")


async def _in_thread_once(work: Callable[[], None]) -> None:
    """Waited for even when cancelled, so that nobody writes into a folder that is being removed."""
    task = asyncio.ensure_future(asyncio.to_thread(work))
    try:
        await asyncio.shield(task)
    except asyncio.CancelledError:
        await asyncio.wait([task])
        raise


def _copy(template: str, home: str, stop: Callable[[], bool]) -> bool:
    if os.path.isdir(home):
        return False
    parent, name = os.path.split(home)
    try:
        os.makedirs(parent, exist_ok=True)
        part = tempfile.mkdtemp(prefix=f".{name}-", dir=parent)
        copy_layout(template, f"{part}/{name}", home, stop)
        try:
            os.rename(f"{part}/{name}", home)
        except OSError:
            if not os.path.isdir(home):  # else another step of this job was quicker
                raise
        remove_tree(part)
    except InterruptedError as stopped:
        raise Stopped(str(stopped)) from stopped
    except OSError as error:
        raise HostError(
            f"cannot make a Python for the job in `{home}`: {error.strerror or error}",
            hint="is the disk full? see `skep doctor`",
        ) from error
    return True
