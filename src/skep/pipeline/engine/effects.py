"""What a step's commands did: outputs, state, environment, masks, annotations. One interpreter per running step."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field

from skep.model.errors import UserError

from .commands import ANNOTATION_LIMIT, MESSAGE_LIMIT, REGISTERED, WorkflowCommand, parse_command
from .kept_outputs import KeptTexts
from .matchers import Issue, Matchers, owners_in

_DIGITS = 9  # of a line or column; a step may print any number of them
_UNSECURE = "ACTIONS_ALLOW_UNSECURE_COMMANDS"
BLOCKED_VARIABLE = "NODE_OPTIONS"
"""The one variable, in any case, that a step may not set for later ones."""


@dataclass(slots=True, kw_only=True)
class StepEffects:
    """What a step changed so far, by commands and by its GITHUB_* files."""

    outputs: KeptTexts = field(default_factory=KeptTexts)
    state: KeptTexts = field(default_factory=KeptTexts)
    env: dict[str, str] = field(default_factory=dict)
    paths: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)  # each fails the step
    errors: list[str] = field(default_factory=list)  # said as errors; the step goes on


@dataclass(frozen=True, slots=True, kw_only=True)
class CommandRules:
    """What commands may do in this step."""

    debug: bool = False  # ACTIONS_STEP_DEBUG: show `::debug::` lines
    allow_unsecure: bool = False  # ACTIONS_ALLOW_UNSECURE_COMMANDS
    workspace: str = ""  # cut off the file of annotations
    matchers: Matchers = field(default_factory=Matchers)  # of the job


class CommandInterpreter:
    """Carries out the workflow commands of one step. `take_line` is what `StepOutput` calls for lines that may hold one."""

    def __init__(
        self,
        rules: CommandRules,
        add_mask: Callable[[str], None],
        annotate: Callable[[str, str, dict[str, str]], None],
    ) -> None:
        self.effects = StepEffects()
        self._rules = rules
        self._add_mask = add_mask
        self._annotate = annotate
        self._echo = rules.debug
        self._stop_token = ""
        self._counts: Counter[str] = Counter()

    def take_line(self, line: str) -> str | None:
        """The text to log for a line of output; None when the line shall not show."""
        if self._stop_token:
            if parse_command(line, frozenset([self._stop_token.lower()])):
                self._stop_token = ""
            return line
        command = parse_command(line)
        if command is None:
            return line
        echo = self._echo and command.name not in ("add-mask", "debug")
        shown = self._carry_out(command)
        return line if shown is None and (echo or self._stop_token) else shown

    def _carry_out(self, command: WorkflowCommand) -> str | None:
        match command.name:
            case "error" | "warning" | "notice":
                return self._annotation(command)
            case "group":
                return f"##[group]{command.data}"
            case "endgroup":
                return "##[endgroup]"
            case "debug":
                return f"##[debug]{command.data}" if self._rules.debug else None
            case "add-mask":
                return self._mask(command.data)
            case "echo":
                return self._set_echo(command.data)
            case "stop-commands":
                return self._stop(command.data)
            case "set-output" | "save-state":
                return self._save(command)
            case "set-env" | "add-path":
                return self._change_environment(command)
            case "add-matcher":
                return self._add_matcher(command.data)
            case "remove-matcher":
                return self._remove_matcher(command)
            case _:
                return None

    def _add_matcher(self, path: str) -> str | None:
        try:
            self._rules.matchers.add(os.path.join(self._rules.workspace, path.strip()))
        except UserError as error:
            text = f"{error} ({error.hint})" if error.hint else str(error)
            return self._problem(text.replace(f"{self._rules.workspace}/", ""))
        return None

    def _remove_matcher(self, command: WorkflowCommand) -> str | None:
        owner = command.properties.get("owner", "")
        try:
            owners = (
                [owner] if owner else owners_in(os.path.join(self._rules.workspace, command.data.strip()))
            )
        except UserError as error:
            return self._problem(str(error))
        for one in owners:
            self._rules.matchers.remove(one)
        return None

    def __bool__(self) -> bool:
        """Whether a problem matcher wants to see the output (`output.LineWatch`)."""
        return bool(self._rules.matchers)

    def take(self, lines: list[str]) -> None:
        """Looks for problems in whole lines of output (`output.LineWatch`)."""
        for issue in self._rules.matchers.take(lines):
            if self._may_annotate(issue.level):
                message = f"{issue.message} [{issue.code}]" if issue.code else issue.message
                place = {"file": _file_of(issue), "line": issue.line, "col": issue.column}
                self._annotate(issue.level, message[:MESSAGE_LIMIT], {k: v for k, v in place.items() if v})

    def _annotation(self, command: WorkflowCommand) -> str:
        if self._may_annotate(command.name):
            self._annotate(command.name, command.data[:MESSAGE_LIMIT], dict(command.properties))
        return f"##[{command.name}]{command.data}"

    def _mask(self, secret: str) -> str | None:
        if not secret.strip():
            return "##[warning]Can't add secret mask for empty string in ##[add-mask] command."
        try:
            self._add_mask(secret)
        except UserError as error:
            return self._problem(str(error))
        return "::add-mask::***" if self._echo else None

    def _set_echo(self, data: str) -> str | None:
        match data.strip().lower():
            case "on":
                self._echo = True
            case "off":
                self._echo = False
            case _:
                return self._problem(
                    f"Invalid echo command value. Possible values can be: 'on', 'off'. Current value is: '{data.strip()}'."
                )
        return None

    def _stop(self, token: str) -> str | None:
        if not token or token.lower() in REGISTERED or token.lower() == "pause-logging":
            return self._problem(
                f"Invalid stop-commands token `{token}`: it is empty or the name of a command."
            )
        if len(token) > 6:
            with suppress(UserError):  # it masks too much already: the token may show
                self._add_mask(token)
        self._stop_token = token
        return None

    def _save(self, command: WorkflowCommand) -> str | None:
        name = command.properties.get("name", "")
        if not name:
            return self._problem(f"Required field 'name' is missing in ##[{command.name}] command.")
        target = self.effects.outputs if command.name == "set-output" else self.effects.state
        target.save(name, command.data)
        return None

    def _change_environment(self, command: WorkflowCommand) -> str | None:
        if not self._rules.allow_unsecure:
            return self._problem(
                f"The `{command.name}` command is disabled. Use the GITHUB_ENV or GITHUB_PATH file instead, or set {_UNSECURE}: true."
            )
        if command.name == "add-path":
            if not command.data:
                return self._problem("##[add-path] command names no folder.")
            self.effects.paths.append(command.data)
            return None
        name = command.properties.get("name", "")
        if not name:
            return self._problem("Required field 'name' is missing in ##[set-env] command.")
        if name.upper() == BLOCKED_VARIABLE:
            message = f"Can't update {BLOCKED_VARIABLE} environment variable using ::set-env:: command."
            if self._may_annotate("error"):
                self._annotate("error", message, {})
            return f"##[error]{message}"
        self.effects.env[name] = command.data
        return None

    def _may_annotate(self, level: str) -> bool:
        """Counts one more annotation of that level; False beyond the limit."""
        self._counts[level] += 1
        return self._counts[level] <= ANNOTATION_LIMIT

    def _problem(self, message: str) -> str:
        if self._may_annotate("error"):  # any number of them may come
            self.effects.problems.append(message)
            self._annotate("error", message[:MESSAGE_LIMIT], {})
        self.effects.problems = self.effects.problems or [message]  # one at least: it fails the step
        return f"##[error]{message}"


def annotation_place(properties: dict[str, str], workspace: str) -> dict[str, str | int]:
    """Where an annotation points: GitHub's fix-up rules for file, line and col, as keyword arguments of `Annotated`."""
    path = properties.get("file", "")
    if workspace and path.startswith(workspace + "/"):
        path = path[len(workspace) + 1 :]
    line, end_line = _number(properties, "line"), _number(properties, "endline")
    column, end_column = _number(properties, "col"), _number(properties, "endcolumn")
    if end_line and not line:
        line = end_line
    if end_column and not column:
        column = end_column
    if line and not end_line:
        end_line = line
    if line != end_line:
        column = end_column = 0  # columns across lines mean nothing to GitHub
    return {"path": path, "line": line, "end_line": end_line, "column": column, "end_column": end_column}


def _number(properties: dict[str, str], name: str) -> int:
    text = properties.get(name, "").strip()
    return int(text) if text.isascii() and text.isdigit() and len(text) <= _DIGITS else 0


def _file_of(issue: Issue) -> str:
    """The file of an issue; relative to the folder of `fromPath` (a project file) when the matcher gave one."""
    if issue.file and issue.from_path and not os.path.isabs(issue.file):
        return os.path.normpath(os.path.join(os.path.dirname(issue.from_path), issue.file))
    return issue.file
