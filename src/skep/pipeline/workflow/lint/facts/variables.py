"""The names that a script may define itself: a later `$NAME` in it need not come from outside."""

from __future__ import annotations

import re

from .script import Script

_SETTERS = frozenset(
    (
        "export",
        "declare",
        "typeset",
        "local",
        "readonly",
        "read",
        "mapfile",
        "readarray",
        "getopts",
        "printf",
        "unset",
        "let",
    )
)
_UNKNOWN_SOURCES = frozenset({"source", ".", "eval"})
_NAME = re.compile(r"([A-Za-z_][A-Za-z0-9_]*)(?:\[[^\]]*\])?(?:\+?=.*)?\Z", re.DOTALL)
_WITHIN = re.compile(  # also inside `$( )`, which is not taken apart
    r"(?:\b(?:for|select)\s+|(?:^|[;&|({`]|\bthen\b|\bdo\b|\belse\b)[ \t]*)(?P<name>[A-Za-z_]\w*)(?=\s+in\b|\s*;|\s*\n|\+?=)",
    re.MULTILINE,
)
_READ = re.compile(r"\bread\s+(?P<names>[^\n;|&<)]*)")
_WORD = re.compile(r"[A-Za-z_]\w*")

_GIVEN = re.compile(  # what a runner or shell defines, or programs read from a machine's own environment
    r"(?:GITHUB|RUNNER|ACTIONS|BASH|LC|XDG)_.*|PATH|HOME|CI|USER|LOGNAME|SHELL|PWD|OLDPWD|TMPDIR|TEMP|TMP|LANG|TERM|HOSTNAME"
    r"|UID|EUID|PPID|RANDOM|SECONDS|LINENO|IFS|OSTYPE|HOSTTYPE|MACHTYPE|PIPESTATUS|FUNCNAME|OPTARG|OPTIND|REPLY|EPOCH.*"
    r"|JAVA_HOME.*|GOROOT.*|ANDROID_.*|CONDA.*|CHROME.*|EDGE.*|GECKO.*|VCPKG.*|NVM_DIR|PIPX_.*|DEBIAN_FRONTEND|ImageOS|ImageVersion"
)


def is_given(name: str) -> bool:
    """Whether the runner, the shell or an installed tool usually defines it."""
    return bool(_GIVEN.fullmatch(name))


def names_set(script: Script) -> frozenset[str]:
    """Every name that the script may define: assignments, `for`, `read` and the like; rather too many than too few."""
    names = {name for command in script.commands for name in command.assignments}
    for command in script.commands:
        if command.name in _SETTERS or "read" in command.arguments:
            names.update(found[1] for word in command.words[1:] if (found := _NAME.match(word.text)))
    names.update(found["name"] for found in _WITHIN.finditer(script.text))
    for found in _READ.finditer(script.text):
        names.update(_WORD.findall(found["names"]))
    return frozenset(names)


def reads_unknown(script: Script) -> bool:
    """Whether it takes in other scripts, which may define anything."""
    return any(command.name in _UNKNOWN_SOURCES for command in script.commands)
