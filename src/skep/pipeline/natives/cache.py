"""actions/cache, actions/cache/restore and actions/cache/save of versions 1 to 5, done here.

Source: actions/cache `restoreImpl.ts` and `saveImpl.ts`, actions/toolkit `cache.ts`. As there: a cache that cannot be saved
or restored is a warning; `upload-chunk-size` and `enableCrossOsArchive` change nothing on Linux; `save-always` is
deprecated and without effect.
"""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Callable, Sequence
from typing import Final

from skep.cache.archive import Packed, pack, unpack
from skep.cache.blobs import Blob, BlobDamaged, Blobs, Stop, Stopped
from skep.cache.decompress import COMMANDS, open_archive
from skep.cache.entries import CacheEntries, Compression, Entry
from skep.cache.toolkit_archives import METHODS, toolkit_version
from skep.host.clock import Clock
from skep.model.errors import HostError, UserError
from skep.model.outcome import Outcome
from skep.pipeline.natives.background import in_thread
from skep.pipeline.natives.cache_places import CachePlaces
from skep.pipeline.natives.inputs import Inputs
from skep.pipeline.natives.messages import Messages
from skep.pipeline.plan.cache_scopes import scopes_of
from skep.pipeline.ports import NativeCall, NativeResult, Phase

LARGEST_BYTES: Final = 10 * 1024**3
_KEY_LIMIT = 512
_KEYS_LIMIT = 10
_COMPRESSION: Compression = "none"  # measured (bench/cache.py): gzip saves disk, and takes ten times as long
_SALT = "1.0"  # of the toolkit's versions
_KEY_STATE = "CACHE_KEY"
_FOUND_STATE = "CACHE_RESULT"


class CacheAction:
    """The three cache actions over one repository's entries. `housekeeping` runs in a thread after each save."""

    def __init__(
        self,
        blobs: Blobs,
        entries: CacheEntries,
        clock: Clock,
        *,
        housekeeping: Callable[[], object] | None = None,
        largest_bytes: int = LARGEST_BYTES,
    ) -> None:
        self._blobs = blobs
        self._entries = entries
        self._clock = clock
        self._housekeeping = housekeeping
        self._largest_bytes = largest_bytes

    async def __call__(self, call: NativeCall) -> NativeResult:
        """Restores, saves, or both in turn, by the action's name and phase. Raises UserError for wrong inputs."""
        if call.action.endswith("/save"):
            return await self._save(call, Inputs(call.inputs).required("key"), "")
        if call.phase is Phase.MAIN:
            return await self._restore(call)
        if call.job_status is not Outcome.SUCCESS:
            call.log("The job has not succeeded so far, not saving cache.")
            return NativeResult()
        return await self._save(call, call.state[_KEY_STATE], call.state.get(_FOUND_STATE, ""))

    async def _restore(self, call: NativeCall) -> NativeResult:
        inputs, messages = Inputs(call.inputs), Messages(call.log)
        key, more = inputs.required("key"), inputs.lines("restore-keys")
        inputs.required("path")
        check_keys([key, *more])
        if inputs.is_true("save-always"):
            messages.warning(
                "save-always does not work as intended and is without effect; use actions/cache/save."
            )
        outputs, state = {"cache-primary-key": key}, {_KEY_STATE: key}
        post = call.action == "actions/cache"
        entry = await self._find(call, [key, *more])
        if entry is None or not await self._bring_back(call, entry):
            if inputs.is_true("fail-on-cache-miss"):
                messages.error(
                    f"Failed to restore cache entry. Exiting as fail-on-cache-miss is set. Input key: {key}"
                )
                return NativeResult(ok=False, outputs=outputs)
            messages.info(f"Cache not found for input keys: {', '.join([key, *more])}")
            return NativeResult(outputs=outputs, state=state, post=post)
        outputs["cache-matched-key"] = state[_FOUND_STATE] = entry.key
        outputs["cache-hit"] = "true" if _is_same_key(entry.key, key) else "false"
        how = "found and can be" if inputs.is_true("lookup-only") else "restored"
        tail = "restored from key" if inputs.is_true("lookup-only") else "from key"
        messages.info(f"Cache {how} {tail}: {entry.key}")
        return NativeResult(outputs=outputs, state=state, post=post)

    async def _find(self, call: NativeCall, keys: Sequence[str]) -> Entry | None:
        versions = versions_of(Inputs(call.inputs).lines("path"))
        scopes = scopes_of(call.github)
        return await in_thread(lambda _: self._entries.find(keys=keys, version=versions, scopes=scopes))

    async def _bring_back(self, call: NativeCall, entry: Entry) -> bool:
        inputs, messages = Inputs(call.inputs), Messages(call.log)
        exact = "Cache hit for" if entry.key == inputs.text("key") else "Cache hit for restore-key"
        messages.info(f"{exact}: {entry.key}")
        if inputs.is_true("lookup-only"):
            messages.info("Lookup only - skipping download")
            return True
        messages.info(f"Cache Size: {_size(entry.archive)}")
        try:
            places = _places(call)
            await in_thread(lambda stop: self._unpack(entry, places, stop))
        except Stopped:
            raise
        except (HostError, UserError, OSError) as problem:
            if isinstance(problem, BlobDamaged):
                self._entries.remove(entry)
            messages.warning(f"Failed to restore: {problem}")
            return False
        messages.info("Cache restored successfully")
        return True

    def _unpack(self, entry: Entry, places: CachePlaces, stop: Stop) -> None:
        self._blobs.verify(entry.archive.digest, stop)
        place = places.place if entry.layout == "places" else places.place_relative
        with open_archive(self._blobs.path(entry.archive.digest), entry.compression) as archive:
            unpack(archive, place, stop)

    async def _save(self, call: NativeCall, key: str, found: str) -> NativeResult:
        inputs, messages = Inputs(call.inputs), Messages(call.log)
        inputs.required("path")
        if found and _is_same_key(found, key):
            messages.info(f"Cache hit occurred on the primary key {key}, not saving cache.")
            return NativeResult()
        try:
            check_keys([key])
            version, scope = version_of(inputs.lines("path")), scopes_of(call.github)[0]
            taken = self._entries.exists(key=key, version=version, scope=scope)
            saved = (
                None if taken else await in_thread(lambda stop: self._pack(call, key, version, scope, stop))
            )
        except Stopped:
            raise
        except (HostError, UserError, OSError) as problem:
            messages.warning(f"Failed to save: {problem}")
            return NativeResult()
        if saved is None:
            reason = f"Unable to reserve cache with key {key}, another job may be creating this cache."
            messages.info(f"Failed to save: {reason}")
            return NativeResult()
        for path in saved.left_out:
            messages.warning(f"Left out of the cache, since it is no file, folder or link any more: {path}")
        messages.info(f"Cache saved with key: {key}")
        if self._housekeeping:
            work = self._housekeeping
            await in_thread(lambda _: work())
        return NativeResult()

    def _pack(self, call: NativeCall, key: str, version: str, scope: str, stop: Stop) -> Packed | None:
        """None when another job has saved this key meanwhile."""
        members = _places(call).members()
        if not members:
            raise UserError(
                "Path Validation Error: Path(s) specified in the action for caching do(es) not exist, hence no cache is "
                "being saved."
            )
        with self._blobs.shared(), self._blobs.writer() as out:
            packed = pack(members, out.write, stop)
            if out.size_bytes > self._largest_bytes:
                size = f"~{_mebibytes(out.size_bytes)} MB ({out.size_bytes} B)"
                limit = f"{self._largest_bytes / 1024**3:g}GB"
                raise UserError(f"Cache size of {size} is over the {limit} limit, not saving cache.")
            saved = self._entries.save(
                key=key,
                version=version,
                scope=scope,
                archive=out.commit(),
                compression=_COMPRESSION,
                created_at=self._clock.now(),
            )
        lines = Inputs(call.inputs).lines("path")
        for method, compression in METHODS.items():  # so that the toolkits find it too
            self._entries.call_also(version, name=toolkit_version(lines, method), compression=compression)
        return packed if saved else None


def version_of(paths: Sequence[str]) -> str:
    """What, beside the key, two uses of a cache must agree on: the lines of `path`, and how archives are made."""
    return hashlib.sha256(
        "|".join([*paths, f"skep-{_COMPRESSION}", _SALT]).encode("utf-8", "surrogatepass")
    ).hexdigest()


def versions_of(paths: Sequence[str]) -> list[str]:
    """The versions of all archives of these `path` lines that can be read here: ours, and those of GitHub's toolkits whose
    compression a command of this machine undoes."""
    readable = [method for method, kind in METHODS.items() if shutil.which(COMMANDS[kind][0])]
    return [version_of(paths), *(toolkit_version(paths, method) for method in readable)]


def check_keys(keys: Sequence[str]) -> None:
    """Raises UserError for keys GitHub refuses."""
    if len(keys) > _KEYS_LIMIT:
        raise UserError(f"Key Validation Error: Keys are limited to a maximum of {_KEYS_LIMIT}.")
    for key in keys:
        if len(key) > _KEY_LIMIT:
            raise UserError(
                f"Key Validation Error: {key} cannot be larger than {_KEY_LIMIT} characters.",
                hint=f"it has {len(key)}; put what is long through `hashFiles(...)`, or shorten it",
            )
        if "," in key:
            raise UserError(
                f"Key Validation Error: {key} cannot contain commas.", hint="write `-` or `_` instead"
            )


def _places(call: NativeCall) -> CachePlaces:
    home = call.env.get("HOME") or call.box.home
    return CachePlaces(call.box, home, Inputs(call.inputs).lines("path"))


def _is_same_key(one: str, other: str) -> bool:
    return one.casefold() == other.casefold()  # the real action compares without regard to case


def _size(blob: Blob) -> str:
    return f"~{_mebibytes(blob.size_bytes)} MB ({blob.size_bytes} B)"


def _mebibytes(size_bytes: int) -> int:
    return round(size_bytes / 1024**2)
