"""Where every error of a command ends: a message and an exit code, never a traceback."""

from __future__ import annotations

import io
import os
import re
import sys
import time
from collections.abc import Callable, Mapping, Sequence

from skep import __version__
from skep.model.errors import SkepError

INTERRUPTED = 130
PIPE_CLOSED = 141  # what a shell reports for a program that SIGPIPE ended
OUR_BUG = 3
_SECRET_FLAGS = ("--secret", "-s", "--env", "--token")


def guarded(command: Callable[[list[str]], int], argv: list[str]) -> int:
    """Calls a command; every error becomes text on stderr and an exit code."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(
            errors="backslashreplace"
        )  # no name is worth a crash, whatever the terminal's encoding
    try:
        code = command(argv)
        sys.stdout.flush()
    except SkepError as error:
        return _report_error(error)
    except KeyboardInterrupt:
        return INTERRUPTED
    except SystemExit as error:  # argparse has printed what is wrong
        return error.code if isinstance(error.code, int) else 2 if error.code else 0
    except BrokenPipeError:
        # The reader went away (`skep logs | head`). The interpreter's own flush at exit must not fail again.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return PIPE_CLOSED
    except Exception as error:  # noqa: BLE001 - the boundary: whatever we did not foresee
        return _report_bug(error, argv)
    return code


def without_secrets(argv: Sequence[str]) -> tuple[list[str], set[str]]:
    """A command line with the values of secrets replaced by ***, and those values."""
    shown: list[str] = []
    secrets: set[str] = set()
    follows = False
    for word in argv:
        flag, equals, rest = word.partition("=")
        if follows:
            shown.append(_hide(word, secrets))
        elif flag in _SECRET_FLAGS and equals:
            shown.append(f"{flag}={_hide(rest, secrets)}")
        else:
            shown.append(word)
        follows = word in _SECRET_FLAGS
    return shown, secrets


def _hide(assignment: str, secrets: set[str]) -> str:
    name, equals, value = assignment.partition("=")
    if not equals:
        return assignment
    if value:
        secrets.add(value)
    return f"{name}=***"


def _report_error(error: SkepError) -> int:
    from skep.cli.log_text import plain_lines  # warm paths do without

    where = f"{error.where}: " if error.where else ""
    print(plain_lines(f"error: {where}{error}"), file=sys.stderr)
    if error.hint:
        print(plain_lines(f"\nhint: {error.hint}"), file=sys.stderr)
    return error.exit_code


def _report_bug(error: Exception, argv: Sequence[str]) -> int:
    try:
        path = _write_report(bug_report(error, argv), os.environ)
        place = f"a report is in `{path}`"
    except OSError as failure:
        place = f"no report could be written ({failure.strerror})"
    print(f"error: a bug in skep stopped this command: {type(error).__name__}", file=sys.stderr)
    print(f"\nhint: {place}; please send it to the makers of skep", file=sys.stderr)
    return OUR_BUG


def bug_report(error: Exception, argv: Sequence[str]) -> str:
    """All we need to know of an error that should not have been, without values of secrets from the
    command line."""
    import platform
    import traceback

    shown, secrets = without_secrets(argv)
    text = "\n".join(
        [
            f"skep {__version__}, Python {platform.python_version()}, {platform.platform()}",
            f"command: skep {' '.join(shown)}",
            "",
            *traceback.format_exception(error),
        ]
    )
    for secret in sorted(secrets, key=len, reverse=True):
        text = re.sub(re.escape(secret), "***", text)
    return text


def _write_report(text: str, environ: Mapping[str, str]) -> str:
    from skep.settings import default_state_dir
    from skep.store.local.paths import make_private

    folder = os.path.join(environ.get("SKEP_STATE_DIR") or default_state_dir(environ), "reports")
    make_private(folder)
    path = os.path.join(folder, f"{time.strftime('%Y%m%dT%H%M%SZ', time.gmtime())}-{os.getpid()}.txt")
    with open(
        os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8", errors="replace"
    ) as file:
        file.write(text)
    return path
