"""Secrets for a run: from a file, from the environment by name, from a prompt. Never from the command line itself."""

from __future__ import annotations

import getpass
import os
import re
import stat
import sys
from collections.abc import Iterable, Mapping

from skep.cli.log_text import plain_lines
from skep.model.errors import UserError

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\Z")


def read_secrets(
    names: Iterable[str], file: str, environ: Mapping[str, str], ask: bool | None = None
) -> dict[str, str]:
    """The secrets by upper-cased name: all of `file` (`NAME=value` lines), then `names`, from the environment or a prompt.

    `ask`: whether a missing one may be asked for; None: when standard input is a terminal. Raises UserError.
    """
    secrets = parse_secret_file(_read(file), file) if file else {}
    ask = sys.stdin.isatty() if ask is None else ask
    for name in names:
        if "=" in name:
            shown = name.partition("=")[0]
            raise UserError(
                f"`--secret {shown}=...` would show the value to every user of this machine",
                hint=f"put it into the environment and write `--secret {shown}`, or use `--secrets-file`",
            )
        if not _NAME.match(name):
            raise UserError(
                f"`{name}` cannot be the name of a secret", hint="letters, digits and `_`, no digit first"
            )
        value = environ.get(name)
        if value is None and ask:
            value = getpass.getpass(f"secret {name}: ", stream=sys.stderr)
        if value is None:
            raise UserError(
                f"the secret `{name}` is not in the environment", hint=f"set {name}, or use `--secrets-file`"
            )
        secrets[name.upper()] = value
    return secrets


def parse_secret_file(text: str, path: str) -> dict[str, str]:
    """`NAME=value` lines; `#` lines and empty ones are skipped, `export ` and one pair of quotes around a value are dropped.

    A quoted value may span lines. Raises UserError with the line of what cannot be read; the text itself is never shown.
    """
    secrets: dict[str, str] = {}
    lines = iter(enumerate(text.splitlines(), start=1))
    for number, line in lines:
        stripped = line.strip().removeprefix("export ").strip()
        if not stripped or stripped.startswith("#"):
            continue
        name, equals, value = stripped.partition("=")
        if not equals or not _NAME.match(name.strip()):
            raise UserError(
                f"{path}:{number}: expected `NAME=value`",
                hint="one secret a line; quote values with newlines",
            )
        value = value.strip()
        quote = value[:1]
        if quote in ("'", '"') and (len(value) == 1 or not value.endswith(quote)):
            parts = [value]
            for _, more in lines:
                parts.append(more)
                if more.rstrip().endswith(quote):
                    break
            else:
                raise UserError(
                    f"{path}:{number}: the quote is not closed", hint=f"end the value with {quote}"
                )
            value = "\n".join(parts).rstrip()
        if quote in ("'", '"') and value.endswith(quote) and len(value) > 1:
            value = value[1:-1]
        secrets[name.strip().upper()] = value
    return secrets


def _warn_if_open(path: str, found: os.stat_result) -> None:
    if stat.S_ISREG(found.st_mode) and found.st_mode & 0o077:
        text = f"warning: other users can read the secrets file `{path}`; `chmod 600 {path}` keeps it yours"
        print(plain_lines(text), file=sys.stderr)


def _read(path: str) -> str:
    try:
        with open(path, encoding="utf-8") as file:
            _warn_if_open(path, os.fstat(file.fileno()))
            return file.read()
    except UnicodeDecodeError as exc:
        raise UserError(f"the secrets file `{path}` is not UTF-8", hint="save it as UTF-8") from exc
    except OSError as exc:
        reason = exc.strerror or os.strerror(exc.errno or 0)
        raise UserError(
            f"the secrets file `{path}` cannot be read: {reason}", hint="see --secrets-file"
        ) from exc
