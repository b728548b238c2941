"""`uses:` steps: which action is meant, and is it at hand?"""

from __future__ import annotations

import os

from skep.model.errors import UserError
from skep.pipeline.actions.remote import parse_reference

from .folder_action import ActionPlace, FolderAction
from .native_use import NativeUse, given_inputs
from .remote_use import RemoteUse, own_repository_reference
from .step_call import StepCall
from .steps import LegSteps


class UseAction:
    """The work of a `uses:` step."""

    def __init__(self, steps: LegSteps) -> None:
        self._steps = steps
        self._folders = FolderAction(steps)
        self._remote = RemoteUse(steps, self._folders)
        steps.prepare = self._remote.prepare

    async def __call__(self, call: StepCall) -> None:
        """Finds the action and runs it. Raises UserError when it cannot be had here."""
        assert call.step.uses is not None
        uses = call.step.uses.text.strip()
        if uses.startswith(("./", "../", "$/")) or uses == ".":
            own = own_repository_reference(uses, call.frame)
            if own is not None:
                await self._remote.run(call, own)
            else:
                await self._folders.run(call, ActionPlace(folder=self._local_folder(uses, call)))
            return
        name, _, ref = uses.partition("@")
        action = self._steps.services.native_action(name.lower(), ref)
        if action is None:
            if self._steps.services.remote is not None and parse_reference(uses) is not None:
                await self._remote.run(call, uses)
                return
            raise UserError(unavailable_reason(uses), where=call.step.uses.span, hint=UNAVAILABLE_HINT)
        inputs = await self._steps.frame.hashes.settle(lambda: given_inputs(call))
        use = NativeUse(steps=self._steps, action=action, name=name.lower(), ref=ref, inputs=inputs)
        await use.run(call)

    def _local_folder(self, uses: str, call: StepCall) -> str:
        root = self._steps.frame.box.workspace
        if uses.startswith("$/"):
            root, uses = self._steps.services.project_root, uses[2:]
        folder = os.path.normpath(os.path.join(root, uses))
        if os.path.commonpath([root, folder]) != os.path.normpath(root):
            raise UserError(
                f"`uses: {uses}` leaves the workspace",
                where=call.step.span,
                hint="point it below the workspace",
            )
        return folder


UNAVAILABLE_HINT = (
    "write `owner/name[/path]@ref` for an action of another repository, `./path` for one of this"
)


def unavailable_reason(uses: str) -> str:
    """Why an action that is neither local nor native cannot run."""
    if uses.startswith("docker://"):
        return f"`{uses}` needs a container engine, and containers do not run here yet"
    return f"the action `{uses}` is not on this machine"
