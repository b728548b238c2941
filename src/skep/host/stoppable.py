"""A helper command that may take long, such as a fetch: it ends early when nobody wants its result any more."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence

from skep.model.errors import HostError

from .process import OWN_COMMANDS, Completed

_LOOK_S = 0.1  # how often `stop` is asked


def run_stoppable(
    argv: Sequence[str],
    *,
    cwd: str,
    env: Mapping[str, str],
    timeout_s: float,
    stop: Callable[[], bool] = lambda: False,
    stdin: bytes = b"",
) -> Completed:
    """Runs a command to its end, in a session of its own, so that it cannot ask questions on the terminal. When the time is
    over, or `stop` says so, it and all it started are killed (`timed_out`). Raises HostError when it cannot start."""
    try:
        process = subprocess.Popen(
            list(argv),
            cwd=cwd,
            env=dict(env),
            stdin=subprocess.PIPE if stdin else subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )
    except (OSError, ValueError) as error:
        raise HostError(f"cannot start `{argv[0]}`: {error}", hint="is it installed and on PATH?") from error
    OWN_COMMANDS.add(process.pid)
    try:
        with process:
            return _watch(process, stdin or None, time.monotonic() + timeout_s, stop)
    finally:
        OWN_COMMANDS.discard(process.pid)


def _watch(
    process: subprocess.Popen[bytes], stdin: bytes | None, until: float, stop: Callable[[], bool]
) -> Completed:
    ended = False
    try:
        while True:
            try:
                out, err = process.communicate(stdin, timeout=_LOOK_S)
            except subprocess.TimeoutExpired:
                if stop() or time.monotonic() >= until:
                    break
                continue
            ended = True
            code = process.returncode
            return Completed(exit_code=code if code >= 0 else 128 - code, stdout=out, stderr=err)
    finally:
        if not ended:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
    out, err = process.communicate()
    return Completed(exit_code=128 + signal.SIGKILL, stdout=out, stderr=err, timed_out=True)
