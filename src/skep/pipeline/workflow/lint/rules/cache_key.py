"""A dependency cache whose key does not follow the lock file, or whose keys do not fit each other."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from skep.model.finding import Finding, Severity
from skep.pipeline.workflow.lint.context import LintContext
from skep.pipeline.workflow.lint.facts.actions import ActionUse, action_use
from skep.pipeline.workflow.lint.facts.name_shapes import NameShape, written_name
from skep.pipeline.workflow.lint.facts.places import place_of_line
from skep.pipeline.workflow.lint.rule import RuleInfo
from skep.pipeline.workflow.nodes import MappingNode, Node, Scalar, Template
from skep.pipeline.workflow.tree import Job, Step

_CACHE, _RESTORE, _SAVE = "actions/cache", "actions/cache/restore", "actions/cache/save"
_LOCKS = (  # what stands in the path -> the file that says what is in there
    (re.compile(r"(?:^|/)node_modules/?\Z|\.npm/?\Z"), "**/package-lock.json"),
    (re.compile(r"\.yarn/(?:cache|berry)|\.cache/yarn"), "**/yarn.lock"),
    (re.compile(r"pnpm[-/]store|\.pnpm"), "**/pnpm-lock.yaml"),
    (re.compile(r"\.cache/pip\b|Library/Caches/pip\b|pip.Cache"), "**/requirements*.txt"),
    (re.compile(r"pypoetry|virtualenvs/?\Z"), "**/poetry.lock"),
    (re.compile(r"\.cache/uv\b"), "**/uv.lock"),
    (re.compile(r"(?:^|/)\.?venv/?\Z"), "**/requirements*.txt"),
    (re.compile(r"\.cargo(?:/|\Z)"), "**/Cargo.lock"),
    (re.compile(r"\.m2(?:/|\Z)"), "**/pom.xml"),
    (re.compile(r"\.gradle/(?:caches|wrapper)"), "**/*.gradle*"),
    (re.compile(r"vendor/bundle"), "**/Gemfile.lock"),
    (re.compile(r"go/pkg/mod|\.cache/go-build"), "**/go.sum"),
    (re.compile(r"\.nuget/packages"), "**/packages.lock.json"),
    (re.compile(r"composer/(?:files|cache)|\.composer"), "**/composer.lock"),
)
_CONSTANT = frozenset({"runner", "matrix", "strategy"})
_PER_REF = frozenset(
    (
        *("ref", "ref_name", "head_ref", "base_ref", "workflow", "job"),
        *("repository", "repository_owner", "event_name", "actor"),
    )
)
_RUNNER = re.compile(r"\$\{\{\s*runner\.(?:os|arch)\s*\}\}")
_PER_RUN = frozenset({"run_id", "run_number", "run_attempt"})


def check(context: LintContext) -> Iterator[Finding]:
    """Keys that stay when the dependencies change; `restore-keys` that no key begins with; keys that never come again."""
    uses = [(site.job, use) for site in context.steps if (use := action_use(site.step)) is not None]
    caches = [(job, use) for job, use in uses if use.name in (_CACHE, _RESTORE, _SAVE)]
    keys = [node.text for _, use in caches if (node := use.input("key")) is not None]
    for job, use in caches:
        node = use.input("key")
        if node is None:
            continue
        if use.name != _RESTORE:
            yield from _constant(context, job, use, node)
        if use.name == _CACHE:
            yield from _never_again(use, node, keys)
        if any(other.name != _RESTORE for _, other in caches):
            yield from _unrelated(context, use, keys)


def _constant(context: LintContext, job: Job, use: ActionUse, key: Scalar | Template) -> Iterator[Finding]:
    lock = _lock_of(use)
    if not lock or not _stays(context, job, use.step, key):
        return
    yield RULE.finding(
        f"the key `{key.text.strip()}` stays the same when the dependencies change: a cache is never written twice, "
        "so it keeps what it held first",
        key.span,
        hint=f"add the lock file: `{key.text.strip()}-${{{{ hashFiles('{lock}') }}}}`, and `{key.text.strip()}-` under `restore-keys`",
    )


def _lock_of(use: ActionUse) -> str:
    """The usual lock file of what is cached; '' when one path is something else."""
    found = []
    for path in use.lines("path"):
        if path.startswith("!"):
            continue
        lock = next((lock for pattern, lock in _LOCKS if pattern.search(path)), "")
        if not lock:
            return ""
        found.append(lock)
    return found[0] if found else ""


def _stays(context: LintContext, job: Job, step: Step, node: Node) -> bool:
    """Whether nothing in the key follows the content of files or changes from run to run."""
    if isinstance(node, Scalar):
        return True
    if not isinstance(node, Template) or "hashfiles" in node.expression.functions:
        return False
    for path in node.expression.paths:
        name = path[1].lower() if len(path) > 1 else ""
        if path[0] == "github":
            if name not in _PER_REF:
                return False
        elif path[0] == "env":
            value = _env_value(context, job, step, name)
            if value is None or not _stays(context, job, step, value):
                return False
        elif path[0] not in _CONSTANT:
            return False
    return node.expression.contexts <= _CONSTANT | {"github", "env"}


def _env_value(context: LintContext, job: Job, step: Step, name: str) -> Scalar | None:
    """A variable that is written as a literal; None when it may come from a run, or holds an expression."""
    if any("GITHUB_ENV" in script.text for script in context.scripts if script.job is job):
        return None
    for env in (step.env, job.env, context.workflow.env):
        for key, value in env if isinstance(env, MappingNode) else ():
            if key.lower() == name:
                return value if isinstance(value, Scalar) else None
    return None


def _never_again(use: ActionUse, key: Scalar | Template, keys: Sequence[str]) -> Iterator[Finding]:
    """A key with the number of the run, without `restore-keys`: no later run has it."""
    if not isinstance(key, Template) or use.lines("restore-keys") or keys.count(key.text) > 1:
        return
    names = {path[1].lower() for path in key.expression.paths if path[0] == "github" and len(path) > 1}
    if names & _PER_RUN:
        yield RULE.finding(
            f"the key `{key.text.strip()}` is new in every run, so this cache is written each time and never read",
            key.span,
            hint="add `restore-keys` with the part before the number of the run, or key it on the lock file",
        )


def _unrelated(context: LintContext, use: ActionUse, keys: Sequence[str]) -> Iterator[Finding]:
    node = use.input("restore-keys")
    shapes = [_shape(key.strip()) for key in keys]
    for line in use.lines("restore-keys"):
        wanted = _shape(line + "${{ rest }}")
        if node is not None and not any(shape.may_be(wanted) for shape in shapes):
            yield RULE.finding(
                f"no cache of this workflow has a key that begins with `{line}`",
                node.span,
                focus=place_of_line(context, node, line),
                hint=f"the key is `{use.text('key')}`: repeat its beginning",
            )


def _shape(text: str) -> NameShape:
    """The runner is the same for both keys, so what is written for it is one text."""
    return written_name(_RUNNER.sub("runner", text))


RULE = RuleInfo(
    id="cache-key",
    severity=Severity.WARNING,
    summary="a cache whose key does not follow what it holds",
    explanation=(
        "A cache is saved once under its key and never changed. A dependency cache whose key lacks the hash of the lock file "
        "therefore keeps the dependencies of its first day, and every run downloads the difference again. Put "
        "`hashFiles('**/lock-file')` into the key, and the part before it under `restore-keys`, so that a changed lock file "
        "begins with the nearest older cache. A restore key that no key begins with finds nothing."
    ),
    check=check,
)
"""The rule."""
