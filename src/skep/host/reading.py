"""The output of a helper command, read while the command runs. Standard library only, synchronous."""

from __future__ import annotations

import contextlib
import fcntl
import os
import signal
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import BinaryIO

from skep.host.process import OWN_COMMANDS, ProgramNotFound
from skep.model.errors import HostError

_PIPE_BYTES = 1 << 20
_SAID_BYTES = 4096


@contextmanager
def output_of(argv: Sequence[str]) -> Iterator[BinaryIO]:
    """What a command writes, as a file; the command is ended with the `with`. When the block raises after the command
    failed, the command's own words are the better reason: raises HostError with them. Raises ProgramNotFound."""
    with tempfile.TemporaryFile() as errors:
        try:
            process = subprocess.Popen(
                argv,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=errors,
                bufsize=_PIPE_BYTES,
                start_new_session=True,
            )
        except FileNotFoundError:
            raise ProgramNotFound(
                f"program not found: `{argv[0]}`", hint=f"install `{argv[0]}`, or put it on PATH"
            ) from None
        except OSError as error:
            raise HostError(f"cannot run `{argv[0]}`: {error.strerror or error}") from error
        OWN_COMMANDS.add(process.pid)
        try:
            assert process.stdout is not None
            with contextlib.suppress(
                OSError, AttributeError
            ):  # not Linux, or this user's pipes are many already
                fcntl.fcntl(process.stdout, fcntl.F_SETPIPE_SZ, _PIPE_BYTES)
            yield process.stdout  # type: ignore[misc]  # a BufferedReader, though declared as IO[bytes]
        except (HostError, OSError, EOFError) as error:
            _end(process)
            if process.returncode > 0:
                raise HostError(f"`{argv[0]}` failed: {_words(errors)}") from error
            raise
        finally:
            _end(process)
            OWN_COMMANDS.discard(process.pid)


def _end(process: subprocess.Popen[bytes]) -> None:
    """Lets a command that has nothing more to say end by itself, and kills one that goes on."""
    if process.stdout is not None:
        process.stdout.close()
    try:
        process.wait(0.2)
    except subprocess.TimeoutExpired:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def _words(errors: BinaryIO) -> str:
    errors.seek(0)
    return errors.read(_SAID_BYTES).decode("utf-8", "replace").strip() or "it says nothing"
