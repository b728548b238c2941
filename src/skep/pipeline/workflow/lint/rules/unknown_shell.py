"""A step names a shell that the runner does not know how to call."""

from __future__ import annotations

from collections.abc import Iterator

from skep.model.finding import Finding, Severity
from skep.pipeline.workflow.lint.context import LintContext
from skep.pipeline.workflow.lint.rule import RuleInfo
from skep.pipeline.workflow.nodes import Node, Scalar
from skep.pipeline.workflow.report import did_you_mean, quoted

_KNOWN = ("bash", "cmd", "powershell", "pwsh", "python", "sh")
_PROGRAMS = (
    "zsh",
    "fish",
    "dash",
    "ksh",
    "csh",
    "tcsh",
    "perl",
    "ruby",
    "node",
    "python3",
    "nu",
)  # often written so


def check(context: LintContext) -> Iterator[Finding]:
    """`shell` of steps, and of the defaults of jobs and the workflow."""
    nodes: list[Node | None] = [context.workflow.defaults.shell]
    nodes += [job.defaults.shell for job in context.workflow.jobs]
    nodes += [site.step.shell for site in context.steps]
    for node in nodes:
        if isinstance(node, Scalar) and node.text and node.text not in _KNOWN and "{0}" not in node.text:
            yield RULE.finding(
                f"the runner does not know how to call the shell {quoted(node.text)}",
                node.span,
                hint=_hint(node.text),
            )


def _hint(shell: str) -> str:
    first = shell.partition(" ")[0]
    near = "" if first in (*_PROGRAMS, *_KNOWN) else did_you_mean(shell, _KNOWN, list_all=False)
    return near or f"say where the script goes: `{shell} {{0}}`"


RULE = RuleInfo(
    id="unknown-shell",
    severity=Severity.ERROR,
    summary="a step names a shell that the runner does not know",
    explanation=(
        "The runner knows `bash`, `sh`, `pwsh`, `powershell`, `cmd` and `python` by name. Any other program, and a known one "
        "with options, is called as it is written, and needs `{0}` where the path of the script goes: `perl {0}`, "
        "`bash -x {0}`. Without it the step fails before it begins."
    ),
    check=check,
    stands_alone=True,
)
