"""The GITHUB_* files of one step: made before it, read after it. A fresh set per step: a daemon of an earlier step writes into its own."""

from __future__ import annotations

import os
from dataclasses import dataclass

from .effects import StepEffects
from .filecommands import SUMMARY_LIMIT_BYTES, FileCommandError, parse_pairs, parse_paths

_NAMES = ("ENV", "OUTPUT", "PATH", "STATE", "STEP_SUMMARY")
_LIMIT_BYTES = 64 * 1024 * 1024
_BLOCKED = "NODE_OPTIONS"


@dataclass(frozen=True, slots=True)
class StepFiles:
    """The paths of one step's files."""

    prefix: str

    @classmethod
    def create(cls, folder: str, number: int) -> StepFiles:
        """Makes the empty files of the `number`-th step in `folder`."""
        files = cls(f"{folder}/{number}_")
        for name in _NAMES:
            os.close(os.open(files.prefix + name, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_CLOEXEC, 0o600))
        return files

    def variables(self) -> dict[str, str]:
        """GITHUB_ENV, GITHUB_OUTPUT, GITHUB_PATH, GITHUB_STATE and GITHUB_STEP_SUMMARY."""
        return {f"GITHUB_{name}": self.prefix + name for name in _NAMES}

    def collect(self, effects: StepEffects) -> str:
        """Adds what the files say to `effects`, problems included; gives the summary's Markdown, '' when none was written."""
        try:
            effects.outputs.update(parse_pairs(self._read("OUTPUT"), "GITHUB_OUTPUT"))
            effects.state.update(parse_pairs(self._read("STATE"), "GITHUB_STATE"))
            env = parse_pairs(self._read("ENV"), "GITHUB_ENV")
            if any(name.upper() == _BLOCKED for name in env):
                raise FileCommandError(
                    "GITHUB_ENV", 1, f"Can't store {_BLOCKED} output parameter using '$GITHUB_ENV' command."
                )
            effects.env.update(env)
            effects.paths.extend(parse_paths(self._read("PATH")))
            return self._summary(effects)
        except (FileCommandError, OSError) as exc:
            effects.problems.append(str(exc))
            return ""

    def _summary(self, effects: StepEffects) -> str:
        size = self._size("STEP_SUMMARY")
        if size > SUMMARY_LIMIT_BYTES:
            limit = SUMMARY_LIMIT_BYTES // 1024
            effects.problems.append(
                f"$GITHUB_STEP_SUMMARY supports content up to a size of {limit}k, got {size // 1024}k"
            )
            return ""
        return self._read("STEP_SUMMARY").decode("utf-8-sig", errors="replace")

    def _size(self, name: str) -> int:
        try:
            return os.stat(self.prefix + name).st_size
        except FileNotFoundError:
            return 0  # the step deleted it: it says nothing

    def _read(self, name: str) -> bytes:
        size = self._size(name)
        if not size:
            return b""
        if size > _LIMIT_BYTES:
            raise FileCommandError(
                f"GITHUB_{name}", 1, f"the file has {size} bytes; {_LIMIT_BYTES} is the limit"
            )
        with open(self.prefix + name, "rb") as file:
            return file.read(_LIMIT_BYTES)
