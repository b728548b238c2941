"""The `node` that a JavaScript action runs on."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence

from skep.model.errors import UserError
from skep.pipeline.actions.action import Action
from skep.pipeline.ports import ProcessEnd, ProcessSpec

from .invocation import Invocation
from .steps import LegSteps


async def node_program(
    steps: LegSteps, action: Action, invocation: Invocation, env: Mapping[str, str]
) -> str:
    """The program for an action: new enough for what its `using` asks. Raises UserError when there is none."""
    services, box = steps.services, steps.frame.box
    major = int(action.using.removeprefix("node"))
    if services.node is None:
        found = services.find_program("node", env["PATH"])
        if found is None:
            raise UserError(
                "JavaScript actions need `node`, and it is not on PATH",
                hint="install it: `apt-get install nodejs`",
            )
        return found

    async def run(argv: Sequence[str], cwd: str) -> ProcessEnd:
        spec = ProcessSpec(argv=argv, cwd=cwd, env=box.env)
        process = await services.runner.start(box, spec, invocation.output.feed)
        try:
            return await process.wait()
        except asyncio.CancelledError:
            process.send("KILL")  # later steps must not meet it
            raise

    return await services.node(major, box, env["PATH"], invocation.output.say, run)
