"""Paths as typed in, what is wrong with the workflows and local actions behind them out."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from skep.model.errors import UserError
from skep.model.finding import Finding
from skep.pipeline.actions.manifest import read_action
from skep.pipeline.workflow.lint.check import LintResult, lint_read
from skep.pipeline.workflow.lint.options import LintOptions
from skep.pipeline.workflow.reader import read_workflow
from skep.pipeline.workflow.tree import Workflow

from .loading import WORKFLOWS, called_from, read_text, workflow_names
from .project import find_root

_SUFFIXES = (".yml", ".yaml")
_MANIFESTS = ("action.yml", "action.yaml")


@dataclass(frozen=True, slots=True, kw_only=True)
class LintedFile:
    """One file that was looked at."""

    path: str  # relative to the project's root, as findings name it
    place: str  # absolute
    text: str
    result: LintResult


@dataclass(slots=True, kw_only=True)
class LintProject:
    """The workflows of one root. Files are read once."""

    root: str
    options: LintOptions
    _texts: dict[str, str | None] = field(default_factory=dict)  # path -> text
    _trees: dict[str, tuple[Workflow | None, tuple[Finding, ...]]] = field(default_factory=dict)

    def lint(self, paths: Iterable[str]) -> list[LintedFile]:
        """What is wrong with these files (relative paths), and with the actions of the project that they use."""
        for name in workflow_names(self.root):
            self._tree(f"{WORKFLOWS}/{name}")
        wanted = list(dict.fromkeys(paths))
        linted = [self._workflow(path) for path in wanted if not _is_manifest(path)]
        used = {path for path, text in self._texts.items() if _is_manifest(path) and text is not None}
        manifests = used | {path for path in wanted if _is_manifest(path)}
        return linted + [self._action(path) for path in sorted(manifests)]

    def lint_text(self, path: str, text: str) -> LintResult:
        """What would be wrong with a workflow if it held this text."""
        workflow, findings = self._read(path, text)
        return self._checked(path, text, workflow, findings)

    def read_file(self, path: str) -> str | None:
        """The text of a file of the project, never outside of its root; None when there is none."""
        if path not in self._texts:
            top = os.path.realpath(self.root)
            place = os.path.realpath(os.path.join(top, path))
            inside = os.path.commonpath((place, top)) == top and os.path.isfile(place)
            self._texts[path] = read_text(place) if inside else None
        return self._texts[path]

    def _workflow(self, path: str) -> LintedFile:
        text = self._text(path)
        workflow, findings = self._tree(path)
        result = self._checked(path, text, workflow, findings)
        return LintedFile(path=path, place=os.path.join(self.root, path), text=text, result=result)

    def _checked(
        self, path: str, text: str, workflow: Workflow | None, findings: Sequence[Finding]
    ) -> LintResult:
        trees = {name: tree for name, (tree, _) in self._trees.items() if tree is not None}
        return lint_read(
            workflow,
            [
                finding for finding in findings if finding.where.path == path
            ],  # those it calls speak for themselves
            text,
            path,
            options=self.options,
            workflows=trees,
            read_file=self.read_file,
        )

    def _action(self, path: str) -> LintedFile:
        text = self._text(path)
        _, findings = read_action(text, path)
        if self.options.only:
            findings = ()
        result = LintResult(findings=findings)
        return LintedFile(path=path, place=os.path.join(self.root, path), text=text, result=result)

    def _tree(self, path: str) -> tuple[Workflow | None, tuple[Finding, ...]]:
        if path not in self._trees:
            self._trees[path] = self._read(path, self._text(path))
        return self._trees[path]

    def _read(self, path: str, text: str) -> tuple[Workflow | None, tuple[Finding, ...]]:
        texts = {name: held for name, held in self._texts.items() if held is not None}
        return read_workflow(text, path, called=called_from(self.root, texts))

    def _text(self, path: str) -> str:
        if path not in self._texts:
            self._texts[path] = read_text(os.path.join(self.root, path))
        return self._texts[path] or ""


def group_by_root(paths: Sequence[str], here: str) -> Mapping[str, list[str]]:
    """Root of a project -> paths of files relative to it. Without paths: the workflows of the project around `here`.

    A folder stands for the workflows of the project that begins there, or for the YAML files in it. Raises UserError for
    a path that does not exist or holds nothing to check.
    """
    if not paths:
        root = find_root(here)
        return {root: [f"{WORKFLOWS}/{name}" for name in workflow_names(root)]}
    groups: dict[str, list[str]] = {}
    for path in paths:
        for root, file in _files_of(os.path.join(here, path), path):
            groups.setdefault(root, []).append(file)
    return groups


def _files_of(place: str, typed: str) -> list[tuple[str, str]]:
    place = os.path.realpath(place)
    if os.path.isfile(place):
        root = _root_of(os.path.dirname(place))
        return [(root, os.path.relpath(place, root).replace(os.sep, "/"))]
    if not os.path.isdir(place):
        raise UserError(
            f"there is no `{typed}`", hint="name workflow files, or folders with workflows in them"
        )
    if os.path.isdir(os.path.join(place, WORKFLOWS)):
        return [(place, f"{WORKFLOWS}/{name}") for name in workflow_names(place)]
    root = _root_of(place)
    names = sorted(name for name in os.listdir(place) if name.endswith(_SUFFIXES))
    files = [os.path.join(place, name) for name in names]
    found = [(root, os.path.relpath(file, root)) for file in files if os.path.isfile(file)]
    if not found:
        raise UserError(
            f"there is nothing to check in `{typed}`", hint=f"it holds neither `{WORKFLOWS}` nor YAML files"
        )
    return found


def _root_of(folder: str) -> str:
    try:
        return find_root(folder)
    except UserError:  # a file outside of any project is its own
        return folder


def _is_manifest(path: str) -> bool:
    folder, _, name = path.rpartition("/")
    return name in _MANIFESTS and folder != WORKFLOWS


def seen_from(file: LintedFile, prefix: str) -> LintedFile:
    """The file with its paths below `prefix`: where several projects are looked at, each place says in which it is."""
    if not prefix:
        return file

    def moved(finding: Finding) -> Finding:
        where = replace(finding.where, path=f"{prefix}{finding.where.path}")
        focus = finding.focus and replace(finding.focus, path=f"{prefix}{finding.focus.path}")
        return replace(finding, where=where, focus=focus)

    result = LintResult(
        findings=tuple(moved(finding) for finding in file.result.findings),
        silenced=tuple((moved(finding), reason) for finding, reason in file.result.silenced),
    )
    return replace(file, path=f"{prefix}{file.path}", result=result)
