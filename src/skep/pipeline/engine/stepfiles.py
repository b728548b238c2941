"""The GITHUB_* files of one step: made before it, read after it. A fresh set per step: a daemon of an earlier step writes into its own.

They lie in a folder that steps can write to. Whatever a step does there, later ones get theirs.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from secrets import token_hex

from skep.host.files import read_regular

from .effects import BLOCKED_VARIABLE, StepEffects
from .filecommands import SUMMARY_LIMIT_BYTES, FileCommandError, parse_pairs, parse_paths

_NAMES = ("ENV", "OUTPUT", "PATH", "STATE", "STEP_SUMMARY")
_LIMIT_BYTES = 64 * 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class StepFiles:
    """The paths of one step's files; none when they could not be made."""

    paths: Mapping[str, str] = field(default_factory=dict)  # ENV, OUTPUT, ... -> path
    problem: str = ""  # why there are none

    @classmethod
    def create(cls, folder: str, number: int) -> StepFiles:
        """Makes the empty files of the `number`-th step in `folder`."""
        paths: dict[str, str] = {}
        try:
            for name in _NAMES:
                handle, paths[name] = new_file(folder, f"{number}_{name}")
                os.close(handle)
        except OSError as exc:
            return cls(problem=f"{exc.strerror or exc}: `{exc.filename or folder}`")
        return cls(paths=paths)

    def variables(self) -> dict[str, str]:
        """GITHUB_ENV, GITHUB_OUTPUT, GITHUB_PATH, GITHUB_STATE and GITHUB_STEP_SUMMARY."""
        return {f"GITHUB_{name}": self.paths.get(name, "") for name in _NAMES}

    def collect(self, effects: StepEffects) -> str:
        """Adds what the files say to `effects`, problems included; gives the summary's Markdown, '' when none was written.

        A file that is wrong stops neither the others nor what stands in it before the wrong line.
        """
        env: dict[str, str] = {}
        targets = (
            ("ENV", env.__setitem__),
            ("OUTPUT", effects.outputs.save),
            ("STATE", effects.state.save),
        )
        for name, save in targets:
            try:
                for key, value in parse_pairs(self._read(name), f"GITHUB_{name}"):
                    save(key, value)
            except (FileCommandError, OSError) as exc:
                effects.problems.append(_problem(exc, name))
        for name, value in env.items():
            if name.upper() == BLOCKED_VARIABLE:
                effects.errors.append(f"Can't store {name} output parameter using '$GITHUB_ENV' command.")
            else:
                effects.env[name] = value
        try:
            effects.paths.extend(parse_paths(self._read("PATH")))
        except (FileCommandError, OSError) as exc:
            effects.problems.append(_problem(exc, "PATH"))
        return self._summary(effects)

    def _summary(self, effects: StepEffects) -> str:
        try:
            size = self._size("STEP_SUMMARY")
            if size <= SUMMARY_LIMIT_BYTES:
                return self._read("STEP_SUMMARY").decode("utf-8-sig", errors="replace")
        except (FileCommandError, OSError) as exc:
            effects.errors.append(f"Failed to create step summary using 'GITHUB_STEP_SUMMARY': {exc}")
            return ""
        limit = SUMMARY_LIMIT_BYTES // 1024
        effects.errors.append(
            f"$GITHUB_STEP_SUMMARY supports content up to a size of {limit}k, got {size // 1024}k"
        )
        return ""

    def _size(self, name: str) -> int:
        try:
            return os.stat(self.paths[name]).st_size if self.paths else 0
        except (FileNotFoundError, NotADirectoryError):
            return 0  # the step deleted it: it says nothing

    def _read(self, name: str) -> bytes:
        size = self._size(name)
        if not size:
            return b""
        if size > _LIMIT_BYTES:
            raise FileCommandError(
                f"GITHUB_{name}", 1, f"the file has {size} bytes; {_LIMIT_BYTES} is the limit"
            )
        return read_regular(self.paths[name], _LIMIT_BYTES)


def new_file(folder: str, name: str) -> tuple[int, str]:
    """A new, empty file for writing, and its path. A name that an earlier step took gets an addition; a folder that one
    removed or replaced is made again. Raises OSError."""
    try:
        return _create(folder, name)
    except OSError:
        _renew(folder)
        return _create(folder, name)


def _create(folder: str, name: str) -> tuple[int, str]:
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    path = f"{folder}/{name}"
    try:
        return os.open(path, flags, 0o600), path
    except FileExistsError:
        stem, dot, suffix = name.partition(".")
        path = f"{folder}/{stem}_{token_hex(8)}{dot}{suffix}"
        return os.open(path, flags, 0o600), path


def _renew(folder: str) -> None:
    with suppress(OSError):
        if stat.S_ISDIR(os.lstat(folder).st_mode):
            os.chmod(folder, 0o700)
        else:
            os.unlink(folder)
    os.makedirs(folder, 0o700, exist_ok=True)


def _problem(error: FileCommandError | OSError, name: str) -> str:
    if isinstance(error, FileCommandError):
        return str(error)
    return f"Unable to process file command 'GITHUB_{name}' successfully: {error.strerror or error}"
