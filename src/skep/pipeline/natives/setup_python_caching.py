"""The `cache:` input of actions/setup-python: pip, pipenv or poetry, keyed as there.
Source: actions/setup-python `cache-distributions/*.ts`."""

from __future__ import annotations

import platform
from dataclasses import dataclass, replace

from skep.model.errors import UserError
from skep.pipeline.ports import NativeCall, NativeResult

from .inputs import Inputs
from .setup_cache import DependencyMarks, cache_folder, hash_of, shared_caches
from .setup_places import own_architecture
from .setup_ranges import ToolVersion


@dataclass(frozen=True, slots=True, kw_only=True)
class _Lock:
    """Which files a package manager's packages depend on."""

    patterns: str
    otherwise: str = ""  # when nothing matches
    by_prefix: bool = False  # an older key will do, too
    mark: str = ""


_LOCKS = {
    "pip": _Lock(patterns="**/requirements.txt", otherwise="**/pyproject.toml", by_prefix=True),
    "pipenv": _Lock(patterns="**/Pipfile.lock"),
    "poetry": _Lock(patterns="**/poetry.lock", mark="v2-"),
}


async def look_up(
    marks: DependencyMarks, call: NativeCall, version: ToolVersion, result: NativeResult
) -> NativeResult:
    """`result` with what the input `cache` adds. Raises UserError when there is no lock file, HostError."""
    inputs = Inputs(call.inputs)
    manager, given = inputs.text("cache"), inputs.lines("cache-dependency-path")
    if not manager:
        return result
    lock = _LOCKS.get(manager)
    if lock is None:
        raise UserError(
            f"Caching for '{manager}' is not supported", hint=f"choose one of {', '.join(_LOCKS)}"
        )
    patterns = given or [lock.patterns]
    digest = await hash_of(call, patterns)
    if not digest and lock.otherwise:
        digest = await hash_of(call, [lock.otherwise])
    if not digest:
        names = ",".join(patterns) + (f" or {lock.otherwise}" if lock.otherwise else "")
        raise UserError(
            f"No file in {call.box.workspace} matched to [{names}], make sure you have checked out the target repository",
            hint="name the lock file: `cache-dependency-path: ...`",
        )
    begin = f"setup-python-Linux-{own_architecture()}-{_system()}python-{version}-{manager}"
    key = f"{begin}-{lock.mark}{digest}"
    env = shared_caches(manager, call.env, call.box)
    call.log(
        f"The cache of {manager} is shared by all runs of this machine: {cache_folder(manager, {**call.env, **env})}"
    )
    marked = await marks.find(call, key=key, begins=[begin] if lock.by_prefix else [])
    if not marked.found:
        call.log(f"{manager} cache is not found")
    hit = "true" if marked.found == key else "false"
    return replace(
        result,
        outputs={**result.outputs, "cache-hit": hit},
        env={**result.env, **env},
        state=marked.state,
        post=True,
    )


def _system() -> str:
    """Which distribution and release this is: wheels built for one may not run on another."""
    try:
        release = platform.freedesktop_os_release()
    except OSError:
        return ""
    return f"{release.get('VERSION_ID', '')}-{release.get('ID', '')}-"
