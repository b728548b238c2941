"""Actions of other repositories in a job: fetched before its first step, their `pre` scripts run, then used like local ones."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from skep.model.errors import SkepError, UserError
from skep.pipeline.actions.action import Action
from skep.pipeline.actions.remote import parse_reference
from skep.pipeline.ports import FetchedAction
from skep.pipeline.workflow.nodes import Scalar
from skep.pipeline.workflow.tree import Step

from .folder_action import COMPOSITE_DEPTH, ActionPlace, FolderAction
from .frame import StepsFrame
from .step_call import PostStep, StepCall
from .steps import LegSteps


@dataclass(frozen=True, slots=True, kw_only=True)
class _Prepared:
    """A use of an action whose files are here."""

    step: Step
    place: ActionPlace
    action: Action
    inside: tuple[_Prepared, ...] = ()

    @property
    def has_pre(self) -> bool:
        """Whether something of it runs before the job's steps."""
        return bool(self.action.pre) or any(one.has_pre for one in self.inside)


class RemoteUse:
    """The actions of other repositories that one leg uses."""

    def __init__(self, steps: LegSteps, folders: FolderAction) -> None:
        self._steps = steps
        self._folders = folders

    async def prepare(self, steps: Sequence[Step], top: StepsFrame) -> None:
        """Fetches everything the steps use, and what that uses; adds the `pre` scripts to the job. Raises SkepError when
        a step that has no `if` could not run; other steps may never need it."""
        own = self._workflow_reference()
        for one in await self._prepared(steps, own, 0):
            if one.has_pre:
                name = one.step.uses.text if one.step.uses is not None else ""
                condition = one.action.pre_if if one.action.pre else None
                self._steps.pres.append(
                    PostStep(
                        step=one.step,
                        name=f"Pre Run {name}",
                        frame=top,
                        condition=condition,
                        work=self._pre_work(one),
                        phase="pre",
                    )
                )

    async def run(self, call: StepCall, uses: str) -> None:
        """Runs the action. Raises SkepError when it cannot be had."""
        invocation = self._steps.invocation(call)
        fetched: list[FetchedAction] = []

        async def work() -> bool:
            fetched.append(await self._fetch(uses))
            return True

        try:
            await invocation.run_coroutine(work(), call.stops, call.ending)
        finally:
            invocation.finish(call.ending)
        if fetched:
            await self._folders.run(call, place_of(fetched[0]))

    def _pre_work(self, prepared: _Prepared) -> _PreWork:
        return _PreWork(self._steps, self._folders, prepared)

    async def _prepared(self, steps: Iterable[Step], own: str, depth: int) -> list[_Prepared]:
        wanted = [(step, uses) for step in steps if (uses := self._reference(step, own))]
        found = await asyncio.gather(*(self._prepare_one(step, uses, depth) for step, uses in wanted))
        return [one for one in found if one is not None]

    async def _prepare_one(self, step: Step, uses: str, depth: int) -> _Prepared | None:
        assert step.uses is not None
        try:
            if depth > COMPOSITE_DEPTH:
                raise UserError(
                    f"composite actions nest deeper than {COMPOSITE_DEPTH}",
                    where=step.uses.span,
                    hint="does one use itself?",
                )
            fetched = await self._fetch(uses)
            place = place_of(fetched)
            action = self._folders.read(place, step.uses)
            inside = await self._prepared(action.steps, f"{fetched.repository}@{fetched.ref}", depth + 1)
        except SkepError as error:
            if step.condition.written:
                return None
            where = None if error.where is not None and "@" in error.where.path else step.uses.span
            raise type(error)(str(error), hint=error.hint, where=error.where or where) from error
        return _Prepared(step=step, place=place, action=action, inside=tuple(inside))

    def _reference(self, step: Step, own: str) -> str:
        """What a step uses of another repository; '' for anything else."""
        services = self._steps.services
        if step.uses is None or services.remote is None:
            return ""
        uses = step.uses.text.strip()
        if uses.startswith("$/"):
            return _inside(own, uses)
        name, _, ref = uses.partition("@")
        if services.native_action(name.lower(), ref) is not None or parse_reference(uses) is None:
            return ""
        return uses

    async def _fetch(self, uses: str) -> FetchedAction:
        remote = self._steps.services.remote
        assert remote is not None
        fetched = await remote.fetch(uses)
        for note in fetched.notes:
            self._steps.note(f"`{fetched.uses}`: {note}")
        return fetched

    def _workflow_reference(self) -> str:
        return repository_of_workflow(self._steps.frame.plan.workflow.path)


class _PreWork:
    """The `pre` of one use: its script, or those of the actions inside a composite one."""

    def __init__(self, steps: LegSteps, folders: FolderAction, prepared: _Prepared) -> None:
        self._steps = steps
        self._folders = folders
        self._prepared = prepared

    async def __call__(self, call: StepCall) -> None:
        one, folders = self._prepared, self._folders
        if one.action.pre:
            await folders.run_pre(one.action, one.place, call)
            return
        frame = folders.inner_frame(one.place, await folders.pre_inputs(one.action, call), call)
        for inner in one.inside:
            if inner.has_pre:
                pre = PostStep(
                    step=inner.step,
                    name=f"Pre Run {_text(inner.step.uses)}",
                    frame=frame,
                    condition=inner.action.pre_if if inner.action.pre else None,
                    work=_PreWork(self._steps, folders, inner),
                    phase="pre",
                )
                await self._steps.run_nested_pre(pre, call)


def place_of(fetched: FetchedAction) -> ActionPlace:
    """Where the action lies."""
    return ActionPlace(
        folder=fetched.folder, repository=fetched.repository, ref=fetched.ref, shown=fetched.uses
    )


def repository_of_workflow(path: str) -> str:
    """`owner/name@ref` of a called workflow of another repository, by its path; '' for one of this."""
    repository, found, rest = path.partition("/.github/workflows/")
    return f"{repository}@{rest.rpartition('@')[2]}" if found and "@" in rest else ""


def own_repository_reference(uses: str, frame: StepsFrame) -> str | None:
    """What `$/path` names, in a workflow or action of another repository; None in those of this one, and for other `uses`."""
    if not uses.startswith("$/"):
        return None
    if frame.outer is not None:
        repository = frame.github.get("action_repository")
        own = f"{repository}@{frame.github.get('action_ref')}" if repository else ""
    else:
        own = repository_of_workflow(frame.job.plan.workflow.path)
    return _inside(own, uses) or None


def _inside(own: str, uses: str) -> str:
    repository, at, ref = own.partition("@")
    return f"{repository}/{uses[2:]}@{ref}" if at else ""


def _text(uses: Scalar | None) -> str:
    return uses.text if uses is not None else ""
