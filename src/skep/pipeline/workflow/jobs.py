"""The value of `jobs:` in, jobs out."""

from __future__ import annotations

import re

from .conditions import JOB_IF, read_condition
from .embed import Embedder
from .identifiers import Identifiers
from .job_parts import check_concurrency, check_containers, check_matrix, check_runs_on, check_snapshot
from .needs import check_needs
from .nodes import MappingNode, Node, Scalar, SequenceNode
from .report import Report, quoted
from .steps import read_steps
from .tree import Job, Need, RunDefaults

_CALL = re.compile(r"(?P<repository>[^/@\s]+/[^/@\s]+)/(?P<path>[^@\s]+)@(?P<ref>\S+)\Z")
_FOLDER = ".github/workflows/"


def read_jobs(node: Node | None, embedder: Embedder) -> tuple[Job, ...]:
    """The jobs of a workflow in file order; what is wrong with them is reported."""
    if not isinstance(node, MappingNode):
        return ()
    jobs = tuple(
        _job(key, value, embedder)
        for key, value in node.entries
        if isinstance(key, Scalar) and isinstance(value, MappingNode)
    )
    if len(jobs) == len(node.entries):
        check_needs(jobs, node.span, embedder.report)
    return jobs


def read_run_defaults(node: Node | None) -> RunDefaults:
    """`defaults:` of a workflow or a job."""
    run = node.get("run") if isinstance(node, MappingNode) else None
    if not isinstance(run, MappingNode):
        return RunDefaults(written=node)
    return RunDefaults(shell=run.get("shell"), working_directory=run.get("working-directory"), written=node)


def _job(key: Scalar, node: MappingNode, embedder: Embedder) -> Job:
    report = embedder.report
    if key.text and (problem := Identifiers().problem_with(key.text)):
        report.error("bad-id", f"job id {quoted(key.text)}: an id {problem}", key.span)
    uses = node.get("uses")
    if isinstance(uses, Scalar):
        _check_call(uses, report)
    check_runs_on(node.get("runs-on"), report)
    check_concurrency(node.get("concurrency"), report)
    check_containers(node, report)
    check_matrix(node.get("strategy"), report)
    check_snapshot(node.get("snapshot"), embedder)
    outputs, with_, secrets = (node.get(name) for name in ("outputs", "with", "secrets"))
    return Job(
        id=key.text,
        span=key.span,
        condition=read_condition(node.get("if"), key.span, JOB_IF, embedder),
        name=node.get("name"),
        needs=_needs(node.get("needs")),
        strategy=node.get("strategy"),
        permissions=node.get("permissions"),
        concurrency=node.get("concurrency"),
        runs_on=node.get("runs-on"),
        timeout_minutes=node.get("timeout-minutes"),
        cancel_timeout_minutes=node.get("cancel-timeout-minutes"),
        continue_on_error=node.get("continue-on-error"),
        container=node.get("container"),
        services=node.get("services"),
        env=node.get("env"),
        environment=node.get("environment"),
        outputs=outputs if isinstance(outputs, MappingNode) else None,
        defaults=read_run_defaults(node.get("defaults")),
        snapshot=node.get("snapshot"),
        steps=read_steps(node.get("steps"), embedder),
        uses=uses if isinstance(uses, Scalar) else None,
        with_=with_ if isinstance(with_, MappingNode) else None,
        secrets=secrets if isinstance(secrets, MappingNode) else None,
        secrets_inherit=isinstance(secrets, Scalar) and secrets.text == "inherit",
    )


def _needs(node: Node | None) -> tuple[Need, ...]:
    items = node.items if isinstance(node, SequenceNode) else (node,)
    return tuple(
        Need(job_id=item.text, span=item.span) for item in items if isinstance(item, Scalar) and item.text
    )


def _check_call(uses: Scalar, report: Report) -> None:
    text = uses.text
    hint = "write `./.github/workflows/file.yml` or `owner/repository/.github/workflows/file.yml@ref`"
    if text.startswith(("./", "$/")):
        if "@" in text:
            report.error(
                "bad-uses", f"{quoted(text)}: a workflow of this repository has no `@ref`", uses.span
            )
        elif not text[2:].startswith(_FOLDER):
            report.error("bad-uses", f"{quoted(text)} is not in `{_FOLDER}`", uses.span, hint=hint)
        return
    found = _CALL.match(text)
    if found is None:
        report.error("bad-uses", f"{quoted(text)} is not a reusable workflow", uses.span, hint=hint)
    elif not found["path"].startswith(_FOLDER):
        report.error("bad-uses", f"{quoted(text)} is not in `{_FOLDER}`", uses.span, hint=hint)
