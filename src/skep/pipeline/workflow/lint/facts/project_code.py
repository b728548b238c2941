"""A script in, whether it runs code of the work tree out: builds, tests, installs, scripts."""

from __future__ import annotations

import posixpath
from collections.abc import Sequence

from .script import Command, Script

_ALWAYS = frozenset(
    (
        *(
            "pytest",
            "py.test",
            "tox",
            "nox",
            "make",
            "cmake",
            "mvn",
            "mvnw",
            "gradle",
            "gradlew",
            "bundle",
            "rake",
            "composer",
        ),
        *("poetry", "hatch", "pdm", "invoke", "just", "npx", "jest", "vitest", "eslint", "tsc"),
    )
)
_WITH: dict[str, frozenset[str]] = {
    **dict.fromkeys(
        ("npm", "pnpm", "yarn", "bun"),
        frozenset({"ci", "install", "i", "run", "test", "t", "build", "exec", "start"}),
    ),
    "uv": frozenset({"sync", "run", "build"}),
    "cargo": frozenset({"build", "test", "run", "bench", "check", "clippy"}),
    "go": frozenset({"test", "run", "build", "generate"}),
    "dotnet": frozenset({"build", "test", "run", "restore"}),
    "docker": frozenset({"build", "compose", "buildx"}),
    "pre-commit": frozenset({"run"}),
    "bazel": frozenset({"build", "test", "run"}),
}
_INTERPRETERS = frozenset({"python", "python3", "node", "ruby", "perl", "bash", "sh", "deno", "php"})
_INSTALLS_OWN = ("-e", "-r", "--editable", "--requirement", "--group")
_TOOLS = frozenset({"pip", "venv", "json.tool", "ensurepip", "site", "http.server", "virtualenv"})
_BEFORE = frozenset({"sudo", "time", "env", "exec", "nice", "command", "xvfb-run"})


def runs_project_code(script: Script) -> bool:
    """Whether one of its commands certainly runs what stands in the work tree."""
    return any(_runs(_words(command)) for command in script.commands)


def changes_into(script: Script, folder: str) -> bool:
    """Whether it goes to a folder first."""
    wanted = posixpath.normpath(folder)
    return any(
        command.name in ("cd", "pushd")
        and command.arguments
        and (posixpath.normpath(command.arguments[0]) + "/").startswith(f"{wanted}/")
        for command in script.commands
    )


def _words(command: Command) -> Sequence[str]:
    words = [word.text for word in command.words]
    while words and words[0] in _BEFORE:
        words = words[1:]
    return words


def _runs(words: Sequence[str]) -> bool:
    if not words:
        return False
    name, rest = posixpath.basename(words[0]), words[1:]
    if words[0].startswith("./") or name in _ALWAYS:
        return not (rest and rest[0] in ("--version", "--help"))
    if name in _WITH:
        return any(word in _WITH[name] for word in rest[:2]) or (name == "yarn" and not rest)
    if name in ("pip", "pip3"):
        return _installs(rest)
    if name in _INTERPRETERS and rest:
        if rest[0] == "-m" and rest[1:]:
            return _installs(rest[2:]) if rest[1] == "pip" else rest[1] not in _TOOLS
        return not rest[0].startswith(("-", "$", "<", "/"))
    return False


def _installs(words: Sequence[str]) -> bool:
    """`pip install .`, `-e .`, `-r file`: what the project says is installed, or is run by doing so."""
    return (
        bool(words)
        and words[0] == "install"
        and any(word.startswith((".", *_INSTALLS_OWN)) for word in words[1:])
    )
