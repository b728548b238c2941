"""The `cache:` input of setup actions.

On GitHub it restores a package manager's download cache under a key of the lock files. Here those caches are folders of
this machine that all runs share (pip, npm, uv and their like take care of each other there), so nothing has to be packed
and restored. What stays is what a workflow can see: `cache-hit` says whether a job that succeeded has filled the caches
for these very lock files before, by a mark among the entries of actions/cache; and a missing lock file is an error.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from skep.cache.archive import pack
from skep.cache.blobs import Blobs, Stop, Stopped
from skep.cache.entries import CacheEntries, Entry
from skep.host.clock import Clock
from skep.host.glob import hash_files
from skep.model.errors import HostError
from skep.model.outcome import Outcome
from skep.pipeline.plan.cache_scopes import scopes_of
from skep.pipeline.ports import JobBox, NativeCall, NativeResult

from .background import in_thread
from .messages import Messages

_KEY = "cache-primary-key"
_FOUND = "cache-matched-key"
_VERSION: Final = hashlib.sha256(b"skep-setup-mark-1").hexdigest()

_SHARED: Mapping[str, Mapping[str, str]] = {
    "pip": {"PIP_CACHE_DIR": "{shared}/pip"},
    "pipenv": {"PIP_CACHE_DIR": "{shared}/pip", "PIPENV_CACHE_DIR": "{shared}/pipenv"},
    "poetry": {
        "POETRY_CACHE_DIR": "{shared}/pypoetry",
        # else every workspace would leave an environment in the shared folder
        "POETRY_VIRTUALENVS_PATH": "{home}/.cache/pypoetry/virtualenvs",
    },
    "npm": {"npm_config_cache": "{shared}/npm"},
    "yarn": {"YARN_CACHE_FOLDER": "{shared}/yarn", "YARN_GLOBAL_FOLDER": "{shared}/yarn-berry"},
    "pnpm": {
        "npm_config_store_dir": "{shared}/pnpm-store",
        # else packages would be hard links into the shared folder, and a job could change them for all
        "npm_config_package_import_method": "clone-or-copy",
    },
}
"""Where each package manager keeps what it downloads, for machines where its variable does not say so yet."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Marked:
    """What the look-up of a lock file gave."""

    key: str
    found: str  # the key that was found: `key` itself, an older one of the same kind, or ''

    @property
    def state(self) -> dict[str, str]:
        """What the post phase must know."""
        return {_KEY: self.key, _FOUND: self.found}


class DependencyMarks:
    """Marks of lock files whose packages are in the shared caches. One object serves all jobs of a run."""

    def __init__(self, blobs: Blobs, entries: CacheEntries, clock: Clock) -> None:
        self._blobs = blobs
        self._entries = entries
        self._clock = clock

    async def find(self, call: NativeCall, *, key: str, begins: Sequence[str]) -> Marked:
        """Looks a key up, and says what it found."""
        scopes = scopes_of(call.github)
        entry: Entry | None = await in_thread(
            lambda _: self._entries.find(keys=[key, *begins], version=_VERSION, scopes=scopes)
        )
        if entry is not None:
            call.log(f"Cache restored from key: {entry.key}")
        return Marked(key=key, found=entry.key if entry else "")

    async def keep(self, call: NativeCall) -> NativeResult:
        """The post phase: marks the lock file when the job has succeeded so far."""
        key, found = call.state.get(_KEY, ""), call.state.get(_FOUND, "")
        messages = Messages(call.log)
        if not key or call.job_status is not Outcome.SUCCESS:
            return NativeResult()
        if found == key:
            messages.info(f"Cache hit occurred on the primary key {key}, not saving cache.")
            return NativeResult()
        try:
            saved = await in_thread(lambda stop: self._mark(key, scopes_of(call.github)[0], stop))
        except Stopped:
            raise
        except (HostError, OSError) as problem:
            messages.warning(f"Failed to save: {problem}")
        else:
            messages.info(
                f"Cache saved with the key: {key}" if saved else f"Cache has the key already: {key}"
            )
        return NativeResult()

    def _mark(self, key: str, scope: str, stop: Stop) -> bool:
        with self._blobs.shared(), self._blobs.writer() as out:
            pack([], out.write, stop)
            return self._entries.save(
                key=key,
                version=_VERSION,
                scope=scope,
                archive=out.commit(),
                compression="none",
                created_at=self._clock.now(),
            )


async def hash_of(call: NativeCall, patterns: Sequence[str]) -> str:
    """`hashFiles` of files in the workspace; '' when none matches. Raises UserError, HostError."""
    return await in_thread(lambda _: hash_files(patterns, call.box.workspace))


def shared_caches(manager: str, env: Mapping[str, str], box: JobBox) -> dict[str, str]:
    """The variables to set so that a package manager keeps its downloads where all runs of this machine find them; those
    that are set already stay."""
    places = {"shared": f"{box.tool_cache}/caches", "home": box.home}
    wanted = _SHARED.get(manager, {})
    return {name: place.format(**places) for name, place in wanted.items() if not env.get(name)}


def cache_folder(manager: str, env: Mapping[str, str]) -> str:
    """Where a package manager keeps its downloads, for the log."""
    name = next(iter(_SHARED[manager]))
    return env.get(name, "")
