"""A job in, its scripts in order out, each with the commands of it when it is a POSIX script that can be read."""

from __future__ import annotations

from dataclasses import dataclass

from skep.model.finding import Location
from skep.pipeline.workflow.lint.context import LintContext
from skep.pipeline.workflow.lint.sites import steps_of
from skep.pipeline.workflow.nodes import MappingNode, Node, Scalar, Template
from skep.pipeline.workflow.tree import Job, Step, Workflow

from .places import place_within
from .script import Script, read_script
from .shells import POSIX, Shell, shell_of


@dataclass(frozen=True, slots=True, kw_only=True)
class StepScript:
    """The `run:` of one step."""

    step: Step
    index: int  # among all steps of the job
    node: Scalar | Template
    shell: Shell
    script: Script | None  # None: no POSIX shell for certain, or not readable

    @property
    def text(self) -> str:
        """The script, `${{ }}` included."""
        return self.node.text

    def place(self, context: LintContext, start: int, end: int) -> Location | None:
        """Where `text[start:end]` stands in the file, up to the end of its first line; None when it cannot be told."""
        return place_within(context, self.node, start, end)


def job_scripts(workflow: Workflow, job: Job) -> tuple[StepScript, ...]:
    """The `run:` steps of a job in order."""
    found = []
    for index, step in enumerate(steps_of(job)):
        if isinstance(step.run, Scalar | Template):
            shell = shell_of(workflow, job, step)
            script = read_script(step.run.text) if shell in POSIX else None
            found.append(StepScript(step=step, index=index, node=step.run, shell=shell, script=script))
    return tuple(found)


def env_names(*nodes: Node | None) -> frozenset[str] | None:
    """The names that `env:` blocks define; None when one of them is an expression."""
    names: set[str] = set()
    for node in nodes:
        if isinstance(node, MappingNode):
            if any(isinstance(key, Template) for key, _ in node.entries):
                return None
            names.update(key.text for key, _ in node.entries)
        elif node is not None:
            return None
    return frozenset(names)
