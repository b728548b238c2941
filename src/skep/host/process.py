"""Short helper commands such as git: started, awaited, their output collected. Standard library only, synchronous.

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

LAST_OUTPUT_S = 0.5  # after a kill: how long a process that left the group may still hold our pipes

OWN_COMMANDS: set[int] = set()
"""Pids of helper commands that run now; the guard's client spares them when it kills what a dead guard left behind."""


class ProgramNotFound(HostError):  # noqa: N818 - it reads as what happened, as RunnerLost does
    """A program that should be started is not on this machine."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Completed:
    """How a helper command ended and what it said."""

    exit_code: int  # 128 + signal when a signal ended it
    stdout: bytes
    stderr: bytes
    timed_out: bool = False


def run_sync(
    argv: Sequence[str],
    *,
    cwd: str | os.PathLike[str],
    env: Mapping[str, str] | None = None,
    input: bytes | None = None,  # noqa: A002 - the word subprocess uses
    timeout_s: float | None = None,
) -> Completed:
    """Runs a command to its end. `env` None: our own environment. On time-out its process group is killed (`timed_out`).

    Raises ProgramNotFound, and HostError for whatever else keeps it from starting; an exit code is never an error.
    """
    try:
        process = subprocess.Popen(
            argv,
            cwd=cwd,
            env=env,
            stdin=subprocess.DEVNULL if input is None else subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )
    except (OSError, ValueError) as error:
        raise _start_error(argv, str(cwd), error) from error
    OWN_COMMANDS.add(process.pid)
    try:
        return _finish(process, input, timeout_s)
    finally:
        OWN_COMMANDS.discard(process.pid)


def _finish(process: subprocess.Popen[bytes], given: bytes | None, timeout_s: float | None) -> Completed:
    try:
        with process:
            try:
                out, err = process.communicate(given, timeout_s)
            except subprocess.TimeoutExpired:
                _kill_group(process)
                out, err = _last_output(process)
                return Completed(exit_code=128 + signal.SIGKILL, stdout=out, stderr=err, timed_out=True)
            except BaseException:
                _kill_group(process)
                raise
    except OSError as error:
        raise HostError(f"lost touch with `{process.args!r}`: {error}") from error
    code = process.returncode
    return Completed(exit_code=code if code >= 0 else 128 - code, stdout=out, stderr=err)


def _kill_group(process: subprocess.Popen[bytes]) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)


def _last_output(process: subprocess.Popen[bytes]) -> tuple[bytes, bytes]:
    try:
        return process.communicate(timeout=LAST_OUTPUT_S)
    except subprocess.TimeoutExpired as late:
        return late.stdout or b"", late.stderr or b""


def _start_error(argv: Sequence[str], cwd: str, error: OSError | ValueError) -> HostError:
    name = argv[0] if argv else ""
    if isinstance(error, FileNotFoundError):
        if not os.path.isdir(cwd):
            return HostError(f"cannot run `{name}`: no folder `{cwd}`")
        return ProgramNotFound(f"program not found: `{name}`", hint=f"install `{name}`, or put it on PATH")
    return HostError(f"cannot run `{name}`: {getattr(error, 'strerror', None) or error}")
