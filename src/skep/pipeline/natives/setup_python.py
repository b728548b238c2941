"""actions/setup-python, v1 to v7, from the Pythons on this machine: each job gets a Python of its own around one of them.

Source: actions/setup-python `action.yml`, `setup-python.ts`, `find-python.ts`, docs/advanced-usage.md. Nothing is downloaded
but by `uv python install`, where uv is there; `check-latest`, `token` and mirrors change nothing.
"""

from __future__ import annotations

import asyncio
import os
import re
import shlex
import shutil
from collections.abc import Sequence

from skep.model.errors import UserError
from skep.pipeline.ports import NativeCall, NativeResult, Phase

from .background import in_thread
from .inputs import Inputs
from .messages import Messages
from .setup_cache import DependencyMarks
from .setup_files import read_version_file
from .setup_places import ToolPlaces, check_architecture, own_architecture, tool_places
from .setup_python_caching import look_up
from .setup_python_find import find_python, list_pythons, shown_versions
from .setup_python_home import has_pip, provide_python
from .setup_python_probe import PythonFacts, PythonProbe
from .setup_python_versions import PythonSpec, read_spec, split_versions, versions_in_file

_FOR_UV = re.compile(r"[\w.<>=!~,*+-]+")


class SetupPython:
    """The action. One object serves all jobs of a run."""

    def __init__(self, marks: DependencyMarks, tool_caches: Sequence[str] = ()) -> None:
        """`tool_caches`: folders laid out as RUNNER_TOOL_CACHE, beside Skep's own."""
        self._marks = marks
        self._tool_caches = tuple(tool_caches)
        self._probes: dict[str, PythonProbe] = {}

    async def __call__(self, call: NativeCall) -> NativeResult:
        """Does the action. Raises UserError for wrong inputs and versions that are not here, HostError."""
        if call.phase is Phase.POST:
            return await self._marks.keep(call)
        inputs, messages = Inputs(call.inputs), Messages(call.log)
        architecture = inputs.text("architecture")
        if architecture:
            check_architecture(architecture, "Python")
        update = inputs.flag("update-environment", default=True)
        specs = await _specs(call, inputs, messages)
        places = tool_places(call.box, self._tool_caches, call.env)
        if inputs.flag("check-latest"):
            messages.info("check-latest: the newest version on this machine is taken; nothing is looked up")
        found = [await self._find(call, spec, places) for spec in specs]
        if not found:
            messages.warning(
                "The `python-version` input is not set. The version of Python currently in `PATH` will be used."
            )
            found = [await self._on_path(places)]
        result = NativeResult()
        for facts in found:
            result = await self._set_up(call, facts, result, update=update)
        await _install_packages(call, inputs, result.outputs["python-path"])
        return await look_up(self._marks, call, found[-1].version, result)

    async def _find(self, call: NativeCall, spec: PythonSpec, places: ToolPlaces) -> PythonFacts:
        probe = self._probe(places)
        found = await in_thread(lambda _: find_python(spec, places, probe))
        if found is None and await _install_by_uv(call, spec, places):
            found = await in_thread(lambda _: find_python(spec, places, probe))
        if found is None:
            there = await in_thread(lambda _: list_pythons(places, probe))
            raise not_here(spec, places, shown_versions(there))
        one, facts = found
        call.log(f"Version {spec.text} is {one.version}, from {one.source}: {facts.executable}")
        return facts

    async def _on_path(self, places: ToolPlaces) -> PythonFacts:
        probe, path = self._probe(places), places.env.get("PATH", "")
        for name in ("python", "python3"):
            facts = await asyncio.to_thread(probe.ask, shutil.which(name, path=path) or "")
            if facts:
                return facts
        found = await in_thread(lambda _: find_python(read_spec("3.x"), places, probe))
        if found is None:
            raise not_here(read_spec("3.x"), places, "")
        return found[1]

    def _probe(self, places: ToolPlaces) -> PythonProbe:
        folder = f"{places.own}/python-facts"
        return self._probes.setdefault(folder, PythonProbe(folder))

    async def _set_up(
        self, call: NativeCall, facts: PythonFacts, before: NativeResult, *, update: bool
    ) -> NativeResult:
        """What is known after one more Python was set up."""
        label = f"{facts.version}{'t' if facts.free_threaded else ''}"
        home = f"{call.box.root}/python/{label}/{own_architecture()}"
        await provide_python(facts, f"{call.box.tool_cache}/skep/python", home)
        if not has_pip(home):
            Messages(call.log).warning(
                f"{facts.executable} comes without pip: install the wheel of pip beside it (Debian, Ubuntu: "
                f"`apt install python3-venv`), or another Python (`uv python install {facts.numbers[0]}.{facts.numbers[1]}`)"
            )
        call.log(f"Successfully set up CPython ({label})")
        outputs = {"python-version": str(facts.version), "python-path": f"{home}/bin/python"}
        if not update:
            return NativeResult(outputs=outputs, env=before.env, paths=before.paths)
        env = {**before.env, **_variables(home, {**call.env, **before.env})}
        return NativeResult(outputs=outputs, env=env, paths=(*before.paths, home, f"{home}/bin"))


def _variables(home: str, env: dict[str, str]) -> dict[str, str]:
    libraries = [f"{home}/lib", *env.get("LD_LIBRARY_PATH", "").split(":")]
    names = ("pythonLocation", "Python_ROOT_DIR", "Python2_ROOT_DIR", "Python3_ROOT_DIR")
    variables = {
        **dict.fromkeys(names, home),
        "PKG_CONFIG_PATH": f"{home}/lib/pkgconfig",
        "LD_LIBRARY_PATH": ":".join(dict.fromkeys(filter(None, libraries))),
    }
    if os.geteuid() == 0 and "PIP_ROOT_USER_ACTION" not in env:
        variables["PIP_ROOT_USER_ACTION"] = (
            "ignore"  # it warns of what cannot happen: this Python is the job's
        )
    return variables


async def _specs(call: NativeCall, inputs: Inputs, messages: Messages) -> list[PythonSpec]:
    """What is asked for, in order; the last one will be first in PATH."""
    texts: Sequence[str] = split_versions(inputs.text("python-version"))
    file = inputs.text("python-version-file")
    if texts and file:
        messages.warning(
            "Both python-version and python-version-file inputs are specified, only python-version will be used."
        )
    if not texts:
        name = file or ".python-version"
        text = await in_thread(lambda _: read_version_file(call.box, name, "python version file"))
        if text is None and file:
            raise UserError(f"The specified python version file at: {file} doesn't exist.")
        if text is not None:
            texts = versions_in_file(name, text)
            messages.info(f"Resolved {name} as {', '.join(texts)}")
    pre, free = inputs.flag("allow-prereleases"), inputs.flag("freethreaded")
    return [read_spec(text, allow_prereleases=pre, free_threaded=free) for text in texts]


def not_here(spec: PythonSpec, places: ToolPlaces, there: str) -> UserError:
    """The refusal of a version that is not on this machine, with the way out."""
    wish = spec.text if re.fullmatch(r"[\w.]+", spec.text) else "<version>"
    hint = f"there are: {there}; " if there else ""
    if re.fullmatch(r"3\.\d", spec.text) and spec.text in ("3.1", "3.2"):
        hint += f"did you mean `'{spec.text}0'`? without quotes YAML reads a number; "
    ways = f"`uv python install {wish}`, or `pyenv install {wish}`"
    return UserError(
        f"The version '{spec.text}' with architecture '{places.architecture}' was not found on this machine",
        hint=f"{hint}install it: {ways}",
    )


async def _install_by_uv(call: NativeCall, spec: PythonSpec, places: ToolPlaces) -> bool:
    """Whether uv, where it is there, could install what is missing."""
    uv = shutil.which("uv", path=places.env.get("PATH", ""))
    wish = re.sub(r"\s+", ",", re.sub(r"([<>=~!])\s+", r"\1", spec.range.text)).replace(".x", "").lstrip("~^")
    if uv is None or not _FOR_UV.fullmatch(wish):
        return False
    if spec.free_threaded:
        wish += "t"
    folder = f"{places.own}/uv-python"
    os.makedirs(folder, exist_ok=True)
    # no lock of ours: uv locks that folder itself
    ended = await call.run([uv, "python", "install", "--install-dir", folder, "--", wish], call.box.temp)
    return ended.exit_code == 0


async def _install_packages(call: NativeCall, inputs: Inputs, python: str) -> None:
    """The inputs `pip-version` and `pip-install`."""
    version, packages = inputs.text("pip-version"), inputs.text("pip-install")
    if version and not re.fullmatch(r"\d+(\.\d+){0,2}", version):
        raise UserError(f"Invalid pip-version: {version}", hint="write it as `25`, `25.1` or `25.1.1`")
    try:
        words = shlex.split(packages)
    except ValueError as error:
        raise UserError(f"pip-install cannot be split into words: {error}") from error
    wanted = (
        [["--upgrade", f"pip=={version}.*" if version.count(".") < 2 else f"pip=={version}"]]
        if version
        else []
    )
    for options in [*wanted, *([words] if words else [])]:
        ended = await call.run([python, "-m", "pip", "install", *options], call.box.workspace)
        if ended.exit_code:
            raise UserError(f"`pip install {shlex.join(options)}` failed with exit code {ended.exit_code}")
