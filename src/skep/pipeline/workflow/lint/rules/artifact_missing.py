"""An artifact is downloaded that nobody uploads, or not before."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Sequence

from skep.model.finding import Finding, Severity
from skep.pipeline.workflow.lint.context import LintContext
from skep.pipeline.workflow.lint.facts.artifacts import (
    Download,
    Upload,
    downloads,
    may_upload_unseen,
    uploads,
)
from skep.pipeline.workflow.lint.facts.running import ancestors
from skep.pipeline.workflow.lint.rule import RuleInfo

_SIMILAR = 0.75
_FIRST_IMMUTABLE = 4  # versions from here on and those before keep artifacts in different places


def check(context: LintContext) -> Iterator[Finding]:
    """Downloads without an upload that may have that name; with one, but not before; with one of another protocol."""
    workflow = context.workflow
    there = tuple(uploads(workflow))
    unseen = may_upload_unseen(workflow)
    jobs = {job.id.lower(): job for job in workflow.jobs}
    for download in downloads(workflow):
        fitting = [upload for upload in there if download.name is None or upload.name.may_be(download.name)]
        if not fitting:
            yield from _nobody(download, there, unseen=unseen)
            continue
        before = set(ancestors(download.job, jobs))
        ready = [
            upload
            for upload in fitting
            if upload.job.id.lower() in before
            or (upload.job is download.job and upload.index < download.index)
        ]
        if not ready and not unseen:
            yield _too_early(download, fitting)
        elif ready and all(_other_protocol(download, upload) for upload in ready) and not unseen:
            yield RULE.finding(
                f"download-artifact@v{download.use.major} does not see what upload-artifact@v{ready[0].use.major} uploads",
                download.where,
                hint="use version 4 or later of both",
            )


def _nobody(download: Download, there: Sequence[Upload], *, unseen: bool) -> Iterator[Finding]:
    names = [upload.written for upload in there]
    close = (
        difflib.get_close_matches(download.written, names, n=1, cutoff=_SIMILAR) if download.written else []
    )
    if unseen and not close:
        return
    if unseen and there and any(upload.name.is_anything for upload in there):
        return
    what = f"`{download.written}`" if download.written else "anything"
    hint = f"did you mean `{close[0]}`?" if close else "no step of this workflow uploads an artifact"
    if not close and names:
        hint = "uploaded here: " + ", ".join(f"`{name}`" for name in dict.fromkeys(names))
    yield RULE.finding(f"no job uploads {what}", download.where, hint=hint)


def _too_early(download: Download, fitting: Sequence[Upload]) -> Finding:
    upload = fitting[0]
    what = f"`{download.written}`" if download.written else "artifacts"
    if all(one.job is download.job for one in fitting):
        return RULE.finding(
            f"{what} is uploaded only later in the same job",
            download.where,
            hint="put the upload before the download",
        )
    return RULE.finding(
        f"{what} is downloaded without waiting for `{upload.job.id}`, which uploads it: "
        "the jobs run side by side, so it may not be there yet",
        download.where,
        hint=f"add `{upload.job.id}` to `needs` of `{download.job.id}`",
    )


def _other_protocol(download: Download, upload: Upload) -> bool:
    majors = download.use.major, upload.use.major
    if upload.use.name != "actions/upload-artifact" or None in majors:
        return False
    return ((majors[0] or 0) < _FIRST_IMMUTABLE) != ((majors[1] or 0) < _FIRST_IMMUTABLE)


RULE = RuleInfo(
    id="artifact-missing",
    severity=Severity.WARNING,
    summary="an artifact is downloaded that is not there",
    explanation=(
        "`download-artifact` takes what earlier jobs of the same run uploaded, by its exact name. It fails when no job uploads "
        "that name, and when the job does not wait for the one that does. Only `needs` makes a job wait. Artifacts of other "
        "runs need `run-id` and `github-token`."
    ),
    check=check,
)
"""The rule."""
