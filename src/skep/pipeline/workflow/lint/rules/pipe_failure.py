"""The failure of a command is lost in the pipe to `tee`."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator, Sequence

from skep.model.finding import Finding, Severity
from skep.pipeline.workflow.lint.context import LintContext
from skep.pipeline.workflow.lint.facts.job_scripts import StepScript, job_scripts
from skep.pipeline.workflow.lint.facts.script import Command
from skep.pipeline.workflow.lint.facts.shells import Shell
from skep.pipeline.workflow.lint.rule import RuleInfo

_HARMLESS = frozenset(  # they tell something; nobody waits for their failure
    (
        *(
            "echo",
            "printf",
            "cat",
            "ls",
            "find",
            "date",
            "env",
            "printenv",
            "jq",
            "head",
            "tail",
            "sort",
            "uniq",
            "grep",
        ),
        *(
            "egrep",
            "sed",
            "awk",
            "cut",
            "tr",
            "wc",
            "xargs",
            "git",
            "df",
            "du",
            "free",
            "ps",
            "pwd",
            "uname",
            "which",
        ),
        *(
            "yes",
            "seq",
            "tee",
            "column",
            "envsubst",
            "hostname",
            "id",
            "whoami",
            "true",
            ":",
            "[",
            "[[",
            "gh",
            "curl",
        ),
        *("wget", "base64", "sha256sum", "md5sum", "basename", "dirname", "sudo"),
    )
)


def check(context: LintContext) -> Iterator[Finding]:
    """`tests | tee log` where the shell looks at `tee` alone."""
    for job in context.workflow.jobs:
        for item in job_scripts(context.workflow, job):
            if item.shell in (Shell.DEFAULT, Shell.SH) and not _looks_itself(item):
                for command in _swallowed(item):
                    name = posixpath.basename(command.name)
                    yield RULE.finding(
                        f"when `{name}` fails here, the step goes on: without `pipefail` a pipe has the status of its last "
                        "command, and `tee` succeeds",
                        item.node.span,
                        focus=item.place(context, command.start, command.end),
                        hint="write `shell: bash`, which sets `pipefail`"
                        if item.shell is Shell.DEFAULT
                        else "write into the file with `>` and show it with `cat` afterwards, or use `shell: bash`",
                    )


def _looks_itself(item: StepScript) -> bool:
    return "pipefail" in item.text or "PIPESTATUS" in item.text


def _swallowed(item: StepScript) -> Iterator[Command]:
    commands: Sequence[Command] = item.script.commands if item.script is not None else ()
    for index, command in enumerate(commands[:-1]):
        last = commands[index + 1]
        if command.after != "|" or last.name != "tee" or last.after in ("|", "||", "&&"):
            continue
        if command.before in ("if", "elif", "while", "until", "!", "|", "||") or not command.words:
            continue
        if posixpath.basename(command.name) not in _HARMLESS and not command.words[0].open:
            yield command


RULE = RuleInfo(
    id="pipe-failure",
    severity=Severity.WARNING,
    summary="a failure is lost in a pipe to `tee`",
    explanation=(
        "A step without `shell:` runs `bash -e` without `pipefail`: a pipe then fails only when its last command does. In "
        "`pytest | tee log` that is `tee`, so the step is green with failing tests. `shell: bash`, written out, runs "
        "`bash -eo pipefail`."
    ),
    check=check,
)
"""The rule."""
