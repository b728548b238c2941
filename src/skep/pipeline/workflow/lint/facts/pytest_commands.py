"""The pytest commands of a workflow, with what could add options to them."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator
from dataclasses import dataclass

from skep.model.finding import Location
from skep.pipeline.workflow.lint.context import LintContext
from skep.pipeline.workflow.nodes import MappingNode, Node, Scalar

from .job_scripts import StepScript, job_scripts
from .script import Command
from .script_tokens import Token

_PROGRAMS = frozenset({"pytest", "py.test"})
_CONFIGURATIONS = (
    "pyproject.toml",
    "pytest.ini",
    ".pytest.ini",
    "pytest.toml",
    ".pytest.toml",
    "tox.ini",
    "setup.cfg",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class PytestCommand:
    """One pytest command whose options are all written."""

    item: StepScript
    options: tuple[Token, ...]
    elsewhere: str  # the texts in which more options may stand: configuration files, `PYTEST_ADDOPTS`

    def option(self, name: str) -> Token | None:
        """`--name` or `--name=value`."""
        return next((word for word in self.options if word.text.partition("=")[0] == name), None)

    def after(self, word: Token) -> Token | None:
        """The word after an option."""
        at = self.options.index(word) + 1
        return self.options[at] if at < len(self.options) else None

    def place(self, context: LintContext, word: Token) -> Location:
        """Where a word of it stands in the file."""
        return self.item.place(context, word.start, word.end) or self.item.node.span


def pytest_commands(context: LintContext) -> Iterator[PytestCommand]:
    """All of them; one with options that only a run knows (`$ARGS`, `${{ matrix.args }}`) is left out."""
    for job in context.workflow.jobs:
        for item in job_scripts(context.workflow, job):
            for command in item.script.commands if item.script is not None else ():
                options = _options(command)
                if options and not any(word.open and word.text.startswith(("$", "`")) for word in options):
                    given = (context.workflow.env, job.env, item.step.env)
                    elsewhere = " ".join((*_configurations(context, item), *map(_added, given)))
                    if "PYTEST_ADDOPTS" in item.text:
                        elsewhere += item.text
                    yield PytestCommand(item=item, options=options, elsewhere=elsewhere)


def _options(command: Command) -> tuple[Token, ...]:
    for index, word in enumerate(command.words[:8]):
        if posixpath.basename(word.text) in _PROGRAMS:
            return command.words[index + 1 :]
    return ()


def _configurations(context: LintContext, item: StepScript) -> Iterator[str]:
    node = item.step.working_directory
    folders = ["", node.text] if isinstance(node, Scalar) else [""]
    for folder in folders:
        for name in _CONFIGURATIONS:
            yield context.read_file(posixpath.normpath(posixpath.join(folder, name))) or ""


def _added(node: Node | None) -> str:
    value = node.get("PYTEST_ADDOPTS") if isinstance(node, MappingNode) else None
    return (
        value.text
        if value is not None and not isinstance(value, MappingNode) and hasattr(value, "text")
        else ""
    )
