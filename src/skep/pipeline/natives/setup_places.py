"""Where tools are on this machine: the folders that a setup action looks into."""

from __future__ import annotations

import hashlib
import os
import platform
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from skep.model.errors import UserError
from skep.pipeline.ports import JobBox

_ARCHITECTURES: Final = {
    "x86_64": "x64",
    "amd64": "x64",
    "aarch64": "arm64",
    "arm64": "arm64",
    "i686": "x86",
    "x64": "x64",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolPlaces:
    """What the search for tools depends on."""

    env: Mapping[str, str]  # of this machine, as jobs see it: PATH, PYENV_ROOT, NVM_DIR, ...
    tool_caches: Sequence[str]  # folders laid out as RUNNER_TOOL_CACHE: name/version/architecture
    architecture: str  # as GitHub names it: x64
    machine: str  # as the kernel names it: x86_64
    own: str  # Skep's part of the tool cache


def tool_places(box: JobBox, tool_caches: Sequence[str], step_env: Mapping[str, str]) -> ToolPlaces:
    """The places of a job. What the job itself put on PATH is left out: the search is for what is on the machine."""
    named = [step_env.get(name, "") for name in ("RUNNER_TOOL_CACHE", "AGENT_TOOLSDIRECTORY")]
    folders = [folder for folder in (box.tool_cache, *tool_caches, *named) if folder.startswith("/")]
    return ToolPlaces(
        env=box.env,
        tool_caches=tuple(dict.fromkeys(folders)),
        architecture=own_architecture(),
        machine=platform.machine(),
        own=f"{box.tool_cache}/skep",
    )


def own_architecture() -> str:
    """This machine's, as GitHub names it: `x64`, `arm64`."""
    machine = platform.machine().lower()
    return _ARCHITECTURES.get(machine, machine)


def check_architecture(wanted: str, tool: str) -> None:
    """Raises UserError for the architecture of another machine."""
    if _ARCHITECTURES.get(wanted.lower(), wanted.lower()) != own_architecture():
        raise UserError(
            f"{tool} for the architecture `{wanted[:40]}` cannot run here: this machine is {own_architecture()}",
            hint="leave `architecture` out, or run this leg on another machine",
        )


def names_in(folder: str) -> list[str]:
    """The names in a folder, sorted; none when there is no such folder."""
    try:
        return sorted(os.listdir(folder))
    except OSError:
        return []


def find_complete(tool_caches: Sequence[str], tool: str, architecture: str) -> Iterator[tuple[str, str]]:
    """The versions of a tool in tool caches that were installed to the end: name and folder.
    Source: actions/toolkit `tool-cache.ts`, `_completeToolPath`."""
    for cache in tool_caches:
        for name in names_in(f"{cache}/{tool}"):
            for kind in (architecture, f"{architecture}-freethreaded"):
                folder = f"{cache}/{tool}/{name}/{kind}"
                if os.path.exists(f"{folder}.complete"):
                    suffix = kind.removeprefix(architecture)
                    yield f"{name}{suffix}", folder


def program_folders(env: Mapping[str, str]) -> list[str]:
    """The absolute folders of PATH, each once, without those of shims."""
    folders = [folder.rstrip("/") for folder in env.get("PATH", "").split(os.pathsep)]
    absolute = [folder for folder in folders if folder.startswith("/")]
    return [folder for folder in dict.fromkeys(absolute) if os.path.basename(folder) != "shims"]


def is_script(path: str) -> bool:
    """Whether a program is a script, as the shims of version managers are; also when it cannot be read."""
    try:
        with open(path, "rb") as file:
            return file.read(2) == b"#!"
    except OSError:
        return True


def file_stamp(path: str) -> str:
    """Changes when another program stands at that path, or behind the link there; '' when there is none. The path counts,
    too: a virtual environment is known by the link in it."""
    try:
        found = os.stat(path)
    except OSError:
        return ""
    text = f"{path}\0{found.st_dev}\0{found.st_ino}\0{found.st_mtime_ns}\0{found.st_size}"
    return hashlib.sha256(text.encode("utf-8", "surrogateescape")).hexdigest()[:32]
