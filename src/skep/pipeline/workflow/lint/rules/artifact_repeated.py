"""Several uploads of one run under one name: from version 4 on, the second one fails."""

from __future__ import annotations

from collections.abc import Iterator

from skep.model.finding import Finding, Severity
from skep.pipeline.workflow.lint.context import LintContext
from skep.pipeline.workflow.lint.facts.actions import is_true
from skep.pipeline.workflow.lint.facts.artifacts import Upload, uploads
from skep.pipeline.workflow.lint.facts.matrices import matrix_of
from skep.pipeline.workflow.lint.rule import RuleInfo
from skep.pipeline.workflow.nodes import Scalar, Template

_FIRST_IMMUTABLE = 4
_SAME_FOR_ALL_LEGS = frozenset({"github", "inputs", "vars", "needs", "secrets"})


def check(context: LintContext) -> Iterator[Finding]:
    """A name that all legs of a matrix share; one literal name in two steps that both run."""
    own = [upload for upload in uploads(context.workflow) if upload.index >= 0 and _is_immutable(upload)]
    for upload in own:
        matrix = matrix_of(upload.job)
        count = matrix.leg_count if matrix is not None else None
        if count is not None and count > 1 and _is_same_for_all(upload) and _runs_on_all_legs(upload):
            yield RULE.finding(
                f"{'both' if count == 2 else f'all {count}'} legs of `{upload.job.id}` upload `{upload.written}`: "
                f"the first succeeds, the other{'s fail' if count > 2 else ' fails'}",
                upload.where,
                hint=f"add what tells the legs apart: `{upload.written}-${{{{ strategy.job-index }}}}`, "
                "and download with `pattern` and `merge-multiple: true`",
            )
    seen: dict[str, Upload] = {}
    for upload in own:
        if not upload.name.is_literal or not _always_runs(upload):
            continue
        first = seen.setdefault(upload.written.lower(), upload)
        if first is not upload:
            where = "the same job" if first.job is upload.job else f"`{first.job.id}`"
            yield RULE.finding(
                f"`{upload.written}` is already uploaded by {where} (line {first.where.line}): this upload fails",
                upload.where,
                hint="give it a name of its own, or write `overwrite: true` when the later one shall win",
            )


def _is_immutable(upload: Upload) -> bool:
    use = upload.use
    overwrite = use.input("overwrite")
    return (
        use.name == "actions/upload-artifact"
        and use.major is not None
        and use.major >= _FIRST_IMMUTABLE
        and (overwrite is None or (isinstance(overwrite, Scalar) and not is_true(overwrite)))
        and use.input("archive") is None  # without one, files keep their own names
    )


def _is_same_for_all(upload: Upload) -> bool:
    node = upload.use.input("name")
    return not isinstance(node, Template) or node.expression.contexts <= _SAME_FOR_ALL_LEGS


def _runs_on_all_legs(upload: Upload) -> bool:
    """Whether no condition can choose one leg."""
    return upload.step.condition.expression.contexts <= _SAME_FOR_ALL_LEGS and not (
        upload.step.condition.expression.functions & {"failure", "cancelled"}
    )


def _always_runs(upload: Upload) -> bool:
    return not upload.step.condition.written.strip() and not upload.job.condition.written.strip()


RULE = RuleInfo(
    id="artifact-repeated",
    severity=Severity.WARNING,
    summary="two uploads under one name",
    explanation=(
        "From version 4 of upload-artifact on, an artifact cannot be changed once it is there: a second upload under the same "
        "name fails with `Conflict: an artifact with this name already exists on the workflow run`. The legs of a matrix "
        "upload side by side, so the name must hold something of the leg. Download them together with `pattern`."
    ),
    check=check,
)
"""The rule."""
