"""How a `run:` text becomes a program: shell name -> script file and argument list.

Source of every line: actions/runner `Handlers/ScriptHandlerHelpers.cs` and `ScriptHandler.cs`.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from skep.model.errors import UserError


@dataclass(frozen=True, slots=True, kw_only=True)
class ShellScript:
    """A script to write and the program to start; `{0}` in `argv` stands for the script's path."""

    argv: tuple[str, ...]
    suffix: str  # of the script file
    text: str

    def command(self, path: str) -> list[str]:
        """The argument list with the script's path filled in."""
        return [part.replace("{0}", path) for part in self.argv]


_KNOWN: dict[str, tuple[tuple[str, ...], str]] = {
    "bash": (("bash", "--noprofile", "--norc", "-e", "-o", "pipefail", "{0}"), ".sh"),
    "sh": (("sh", "-e", "{0}"), ".sh"),
    "python": (("python", "{0}"), ".py"),
    "pwsh": (("pwsh", "-command", ". '{0}'"), ".ps1"),
    "powershell": (("powershell", "-command", ". '{0}'"), ".ps1"),
    "cmd": (("cmd", "/D", "/E:ON", "/V:OFF", "/S", "/C", 'CALL "{0}"'), ".cmd"),
}
_PIECES = re.compile(r'\\*"|\\+|.', re.DOTALL)
_UNSPECIFIED = ("bash", "-e", "{0}")  # no pipefail: GitHub's default differs from `shell: bash`
_INSTALL_HINTS = {
    "pwsh": "install PowerShell, or run this step with `shell: bash`",
    "powershell": "Windows PowerShell exists on Windows only; use `shell: pwsh` or `shell: bash`",
    "cmd": "`cmd` exists on Windows only; use `shell: bash`",
}


def shell_script(shell: str | None, run: str, find: Callable[[str], str | None]) -> ShellScript:
    """The script and argument list for a `run:` text. `shell` None: none was given anywhere.

    `find` gives the path of a program in the step's PATH. Raises UserError when the shell is not on this machine or has no `{0}`.
    """
    if shell is None or not shell.strip():
        if find("bash"):
            return ShellScript(argv=_UNSPECIFIED, suffix=".sh", text=run)
        return ShellScript(argv=_KNOWN["sh"][0], suffix=".sh", text=run)
    name, _, rest = shell.strip().partition(" ")
    if not rest and name in _KNOWN:
        argv, suffix = _KNOWN[name]
        _require(name, find, argv[0])
        return ShellScript(argv=_python_fallback(argv, find), suffix=suffix, text=_wrapped(name, run))
    argv = split_arguments(shell)
    if not any("{0}" in part for part in argv):
        known = ", ".join(sorted(_KNOWN))
        raise UserError(
            f"`shell: {shell}` does not say where the script goes",
            hint=f"add `{{0}}`, or use one of: {known}",
        )
    _require(argv[0], find, argv[0])
    suffix = _KNOWN[argv[0]][1] if argv[0] in _KNOWN else ""
    return ShellScript(argv=argv, suffix=suffix, text=_wrapped(argv[0], run))


def split_arguments(line: str) -> tuple[str, ...]:
    """A line as .NET splits it, which starts the runner's shells: only `"` quotes, `\\` escapes only before a `"`.

    Single quotes are part of their word; a quote that is never closed ends with the line.
    """
    words: list[str] = []
    word, quoted, begun = "", False, False
    for part in _PIECES.findall(line):
        if part.endswith('"'):
            backslashes = len(part) - 1
            word += "\\" * (backslashes // 2)
            if backslashes % 2:
                word += '"'
            else:
                quoted = not quoted
            begun = True
        elif part in (" ", "\t") and not quoted:
            words += [word] if begun else []
            word, begun = "", False
        else:
            word, begun = word + part, True
    return (*words, word) if begun else tuple(words)


def _require(name: str, find: Callable[[str], str | None], program: str) -> None:
    if find(program) or (program == "python" and find("python3")):
        return
    hint = _INSTALL_HINTS.get(name, f"install `{program}`, or put its folder on PATH")
    raise UserError(f"the shell `{name}` is not on this machine", hint=hint)


def _python_fallback(argv: tuple[str, ...], find: Callable[[str], str | None]) -> tuple[str, ...]:
    """Debian has no `python`; GitHub's images do. `python3` is the same thing there."""
    if argv[0] == "python" and not find("python"):
        return ("python3", *argv[1:])
    return argv


def _wrapped(name: str, run: str) -> str:
    if name in ("pwsh", "powershell"):
        exit_line = "if ((Test-Path -LiteralPath variable:\\LASTEXITCODE)) { exit $LASTEXITCODE }"
        return f"$ErrorActionPreference = 'stop'\n{run}\n{exit_line}"
    if name == "cmd":
        return f"@echo off\n{run}"
    return run
