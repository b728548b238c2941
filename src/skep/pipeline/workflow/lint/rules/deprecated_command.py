"""A script sets outputs, state, variables or paths by commands that GitHub has deprecated or disabled."""

from __future__ import annotations

import re
from collections.abc import Iterator

from skep.model.finding import Edit, Finding, Severity
from skep.pipeline.workflow.lint.context import LintContext
from skep.pipeline.workflow.lint.rule import RuleInfo
from skep.pipeline.workflow.lint.sites import ScriptSite
from skep.pipeline.workflow.nodes import MappingNode, Scalar

_COMMAND = re.compile(r"(?<![\w:])::(?P<command>set-output|save-state|set-env|add-path)(?=[ :])")
_FILES = {
    "set-output": "GITHUB_OUTPUT",
    "save-state": "GITHUB_STATE",
    "set-env": "GITHUB_ENV",
    "add-path": "GITHUB_PATH",
}
_DISABLED = frozenset({"set-env", "add-path"})
_UNSECURE = "ACTIONS_ALLOW_UNSECURE_COMMANDS"
# one `echo` of one command and nothing else on its line; `%` and `\` are left alone, they are escapes in commands
_ECHO = re.compile(
    r"echo (?P<quote>[\"']?)::(?P<command>set-output|save-state|set-env|add-path)"
    r"(?: name=(?P<name>[\w.-]+))?::(?P<value>[^\n%\\]*?)(?P=quote)(?=[ \t]*(?:\r?\n|\Z))",
    re.ASCII,
)
_BARE = re.compile(r"[\w$./:{}@,+=-]*\Z", re.ASCII)


def check(context: LintContext) -> Iterator[Finding]:
    """Each command in a script; comments are looked over."""
    for script in context.scripts:
        written = context.written(script.span)
        for found in _COMMAND.finditer(written):
            if _is_comment(written, found.start()):
                continue
            command = found["command"]
            refused = command in _DISABLED and not _is_allowed(context, script)
            yield RULE.finding(
                f"the command `{command}` is {'refused by GitHub' if refused else 'deprecated'}",
                script.span,
                focus=context.inside(script.span, found.start(), found.end()),
                hint=f"append a line to the file `${_FILES[command]}`: {_example(command)}",
                severity=Severity.ERROR if refused else None,
                edits=_mended(context, script, written, found.start()),
            )


def _is_comment(written: str, offset: int) -> bool:
    return written[written.rfind("\n", 0, offset) + 1 : offset].lstrip().startswith("#")


def _is_allowed(context: LintContext, script: ScriptSite) -> bool:
    return any(
        isinstance(node, MappingNode) and isinstance(value := node.get(_UNSECURE), Scalar) and value.text
        for node in (context.workflow.env, script.job.env, script.step.env)
    )


def _example(command: str) -> str:
    line = "/opt/tool/bin" if command == "add-path" else "name=value"
    return f'`echo "{line}" >> "${_FILES[command]}"`'


# --- fixes ------------------------------------------------------------------------------------------------------------
def _mended(context: LintContext, script: ScriptSite, written: str, at: int) -> tuple[Edit, ...]:
    """The line with the file in place of the command; () where the shell or the form of the line leaves a doubt."""
    if script.shell not in {"bash", "sh"} or not _is_verbatim(written):
        return ()
    begin = written.rfind("\n", 0, at) + 1
    echo = next((found for found in _ECHO.finditer(written, begin) if found.start() < at < found.end()), None)
    if echo is None:
        return ()
    line = _line(echo)
    if not line:
        return ()
    first = context.source.offset(script.span.line, script.span.column)
    return (Edit(start=first + echo.start(), end=first + echo.end(), replacement=line),)


def _is_verbatim(written: str) -> bool:
    """Whether the script stands in the file as the shell will read it: a literal block, or plain on one line."""
    return written.startswith("|") or (written[:1] not in {">", '"', "'"} and "\n" not in written)


def _line(echo: re.Match[str]) -> str:
    quote, name, value, command = echo["quote"], echo["name"], echo["value"], echo["command"]
    if (name is None) is not (command == "add-path"):
        return ""
    if quote == "":
        if not _BARE.match(value):
            return ""
    elif quote in value or (quote == '"' and "`" in value):
        return ""
    text = value if name is None else f"{name}={value}"
    return f'echo {quote}{text}{quote} >> "${_FILES[command]}"'


RULE = RuleInfo(
    id="deprecated-command",
    severity=Severity.WARNING,
    summary="a script uses a command that GitHub has deprecated or disabled",
    explanation=(
        "`::set-output` and `::save-state` are deprecated since 2022, because whatever a program prints could set outputs; "
        "`::set-env` and `::add-path` are refused since 2020. Append lines to the files that the variables GITHUB_OUTPUT, "
        'GITHUB_STATE, GITHUB_ENV and GITHUB_PATH name: `echo "name=value" >> "$GITHUB_OUTPUT"`. `--fix` rewrites an `echo` '
        "of one command that stands alone on its line."
    ),
    check=check,
    fixable=True,
    stands_alone=True,
)
