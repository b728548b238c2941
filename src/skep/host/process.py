"""Short helper commands such as git: started, waited for, their output collected. Standard library only, synchronous.

Steps of jobs do not come this way: they are started by the guard (`skep.host.guard`).
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from skep.model.errors import HostError

LIMIT_S = 60.0
"""How long a helper command may take when nobody says otherwise: git waits for ever for a pipe in place of `.gitignore`."""
LAST_OUTPUT_S = 0.5  # after a kill: how long a process that left the group may still hold our pipes

OWN_COMMANDS: set[int] = set()
"""Pids of helper commands that run now; the guard's client spares them when it kills what a dead guard left behind."""

GIT_KEPT = frozenset(
    {"GIT_CONFIG_GLOBAL", "GIT_CONFIG_SYSTEM", "GIT_CONFIG_NOSYSTEM", "GIT_EXEC_PATH", "GIT_SSL_CAINFO"}
)


class ProgramNotFound(HostError):  # noqa: N818 - it reads as what happened, as RunnerLost does
    """A program that should be started is not on this machine."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Completed:
    """How a helper command ended and what it said."""

    exit_code: int  # 128 + signal when a signal ended it
    stdout: bytes
    stderr: bytes
    timed_out: bool = False

    @property
    def complaint(self) -> str:
        """The command's own words, for a message: the end of stderr, decoded with replacement."""
        return self.stderr.decode(errors="replace").strip()[-2000:]


def tool_environment() -> dict[str, str]:
    """Our own environment for git and its like: no repository chosen by variables (a git hook sets them), messages in
    English, no questions asked, no lock taken in the user's repository for a mere look."""
    kept = {
        name: value for name, value in os.environ.items() if not name.startswith("GIT_") or name in GIT_KEPT
    }
    return {**kept, "LC_ALL": "C.UTF-8", "GIT_OPTIONAL_LOCKS": "0", "GIT_TERMINAL_PROMPT": "0"}


class StartedCommand:
    """A command whose output `finish` collects; meanwhile the caller works on."""

    def __init__(
        self,
        argv: Sequence[str | bytes],
        *,
        cwd: str | os.PathLike[str],
        env: Mapping[str, str] | None = None,
        stdin: bytes | None = None,
    ) -> None:
        """Starts the command in a session of its own. `env` None: our own environment. Raises ProgramNotFound, and
        HostError for whatever else keeps it from starting."""
        self._stdin = stdin
        try:
            self._process = subprocess.Popen(
                list(argv),
                cwd=cwd,
                env=env,
                stdin=subprocess.DEVNULL if stdin is None else subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                start_new_session=True,
            )
        except (OSError, ValueError) as error:
            raise _start_error(argv, str(cwd), error) from error
        self._name = _name(argv)
        OWN_COMMANDS.add(self._process.pid)

    def finish(self, timeout_s: float = LIMIT_S) -> Completed:
        """Waits for the end; an exit code is never an error. Call once.

        Raises HostError when it takes longer than `timeout_s` from now: then its process group is killed.
        """
        try:
            return self._finish(timeout_s)
        finally:
            OWN_COMMANDS.discard(self._process.pid)

    def _finish(self, timeout_s: float) -> Completed:
        process = self._process
        try:
            with process:
                try:
                    out, err = process.communicate(self._stdin, timeout_s)
                except subprocess.TimeoutExpired:
                    _kill_group(process)
                    _last_output(process)
                    raise HostError(
                        f"`{self._name}` did not end within {timeout_s:g} s",
                        hint="does it wait for a file that is a pipe, or for a disk that does not answer?",
                    ) from None
                except BaseException:
                    _kill_group(process)
                    raise
        except OSError as error:
            raise HostError(f"lost touch with `{self._name}`: {error}") from error
        code = process.returncode
        return Completed(exit_code=code if code >= 0 else 128 - code, stdout=out, stderr=err)


def run_sync(
    argv: Sequence[str | bytes],
    *,
    cwd: str | os.PathLike[str],
    env: Mapping[str, str] | None = None,
    input: bytes | None = None,  # noqa: A002 - the word subprocess uses
    timeout_s: float = LIMIT_S,
) -> Completed:
    """Runs a command to its end: a StartedCommand that is finished at once. Raises what that raises."""
    return StartedCommand(argv, cwd=cwd, env=env, stdin=input).finish(timeout_s)


def _name(argv: Sequence[str | bytes]) -> str:
    """The command for a message: `git ls-files`, without options."""
    program, *arguments = map(os.fsdecode, argv)
    words = (word for word in arguments if not word.startswith("-") and "=" not in word and " " not in word)
    return f"{program} {next(words, '')}".strip()


def _kill_group(process: subprocess.Popen[bytes]) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)


def _last_output(process: subprocess.Popen[bytes]) -> None:
    """Something that left the group may hold the pipes for longer."""
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.communicate(timeout=LAST_OUTPUT_S)


def _start_error(argv: Sequence[str | bytes], cwd: str, error: OSError | ValueError) -> HostError:
    name = os.fsdecode(argv[0]) if argv else ""
    if isinstance(error, FileNotFoundError):
        if not os.path.isdir(cwd):
            return HostError(f"cannot run `{name}`: no folder `{cwd}`")
        return ProgramNotFound(f"program not found: `{name}`", hint=f"install `{name}`, or put it on PATH")
    return HostError(f"cannot run `{name}`: {getattr(error, 'strerror', None) or error}")
