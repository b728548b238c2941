"""Short helper programs, such as git's plumbing: started, waited for, their output as bytes."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from skep.model.errors import HostError

from .process import OWN_COMMANDS

GIT_KEPT = frozenset(
    {"GIT_CONFIG_GLOBAL", "GIT_CONFIG_SYSTEM", "GIT_CONFIG_NOSYSTEM", "GIT_EXEC_PATH", "GIT_SSL_CAINFO"}
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Captured:
    """What a program left behind."""

    exit_code: int  # negative: ended by that signal
    stdout: bytes
    stderr: bytes

    @property
    def complaint(self) -> str:
        """The program's own words, for a message: the end of stderr, decoded with replacement."""
        return self.stderr.decode(errors="replace").strip()[-2000:]


def tool_environment() -> dict[str, str]:
    """Our own environment for git and its like: no repository chosen by variables (a git hook sets them), messages in
    English, no questions asked, no lock taken in the user's repository for a mere look."""
    kept = {
        name: value for name, value in os.environ.items() if not name.startswith("GIT_") or name in GIT_KEPT
    }
    return {**kept, "LC_ALL": "C.UTF-8", "GIT_OPTIONAL_LOCKS": "0", "GIT_TERMINAL_PROMPT": "0"}


class Capturing:
    """A started program whose output `finish` collects; meanwhile the caller works on."""

    def __init__(
        self,
        argv: Sequence[str | bytes],
        *,
        cwd: str,
        env: Mapping[str, str] | None = None,
        stdin: bytes | None = None,
    ) -> None:
        """Starts the program. Raises HostError when it cannot be started."""
        try:
            self._process = subprocess.Popen(
                list(argv),
                cwd=cwd,
                env=env,
                stdin=subprocess.DEVNULL if stdin is None else subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
            )
        except (OSError, ValueError) as exc:
            raise HostError(
                f"cannot start `{os.fsdecode(argv[0])}`: {exc}", hint="is it installed and on PATH?"
            ) from exc
        self._stdin = stdin
        OWN_COMMANDS.add(self._process.pid)

    def finish(self) -> Captured:
        """Waits for the end. Call once."""
        try:
            with self._process:
                out, err = self._process.communicate(self._stdin)
        finally:
            OWN_COMMANDS.discard(self._process.pid)
        return Captured(exit_code=self._process.returncode, stdout=out, stderr=err)


def run_captured(
    argv: Sequence[str | bytes], *, cwd: str, env: Mapping[str, str] | None = None, stdin: bytes = b""
) -> Captured:
    """Runs a program to its end. `env` None = ours. Raises HostError when it cannot be started."""
    return Capturing(argv, cwd=cwd, env=env, stdin=stdin or None).finish()
