"""The caches of a repository, by version 2 of GitHub's protocol; what version 1 needs too is in `CacheBook`.

Source: actions/toolkit, `packages/cache/src/cache.ts` and the generated client of `results.api.v1.CacheService`.
"""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from skep.cache.blobs import BlobDamaged, Blobs
from skep.cache.entries import CacheEntries, Entry
from skep.cache.toolkit_archives import compression_of
from skep.host.clock import Clock

from .sessions import Session
from .tokens import Json
from .twirp import Fields, TwirpError
from .uploads import Upload, Uploads

LARGEST_BYTES: Final = 10 << 30
KEY_LIMIT: Final = 512
KEYS_LIMIT: Final = 10
RESERVED_S: Final = 600.0
"""How long a key is kept for an upload from which nothing more comes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reservation:
    """A key that one job is saving."""

    session: Session
    key: str
    version: str
    upload: Upload

    @property
    def place(self) -> tuple[str, str, str]:
        """What may exist once: scope, version and key."""
        return self.session.scopes[0], self.version, self.key


class CacheBook:
    """Which keys are there and which are being saved. Any number of threads may use it."""

    def __init__(
        self,
        blobs: Blobs,
        entries: CacheEntries,
        uploads: Uploads,
        clock: Clock,
        *,
        housekeeping: Callable[[], object] | None = None,
        largest_bytes: int = LARGEST_BYTES,
    ) -> None:
        self._blobs, self._entries, self._uploads, self._clock = blobs, entries, uploads, clock
        self._housekeeping = housekeeping
        self._largest_bytes = largest_bytes
        self._reserved: dict[tuple[str, str, str], Reservation] = {}
        self._lock = threading.Lock()

    def reserve(
        self, session: Session, key: str, version: str, size_bytes: int | None = None
    ) -> Reservation | None:
        """The right to save a key; None when it is there, or another job is at it. Raises TwirpError, HostError."""
        check_keys([key])
        check_version(version)
        if size_bytes is not None and size_bytes > self._largest_bytes:
            raise TwirpError(
                "invalid_argument",
                f"Cache size of {size_bytes} bytes is over the limit of {self._largest_bytes} bytes",
            )
        if self._entries.exists(key=key, version=version, scope=session.scopes[0]):
            return None
        made = Reservation(
            session=session, key=key, version=version, upload=self._uploads.begin(self._largest_bytes)
        )
        with self._lock:
            before = self._reserved.get(made.place)
            if before is not None and before.session.id != session.id and self._is_alive(before):
                before, taken = made, True
            else:
                self._reserved[made.place], taken = made, False
        if before is not None:
            self._uploads.end(before.upload)
        return None if taken else made

    def reservation(self, session: Session, key: str, version: str) -> Reservation | None:
        """What a job has reserved."""
        found = self._reserved.get((session.scopes[0], version, key))
        return found if found is not None and found.session.id == session.id else None

    def reservations(self, session: Session) -> list[Reservation]:
        """All that a job has reserved."""
        return [one for one in list(self._reserved.values()) if one.session.id == session.id]

    def touch(self, reservation: Reservation) -> None:
        """Something came for a reservation."""
        reservation.upload.last_use = self._clock.monotonic()

    def save(self, reservation: Reservation, size_bytes: int) -> int | None:
        """Makes an upload the entry of its key, and gives its number; None when the key was taken meanwhile. Raises
        TwirpError when the upload is not whole, HostError."""
        upload = reservation.upload
        if upload.size_bytes is None:
            raise TwirpError("failed_precondition", "the cache was not uploaded, or not all of it")
        if upload.size_bytes != size_bytes:
            raise TwirpError(
                "invalid_argument", f"the cache has {upload.size_bytes} bytes here, not {size_bytes}"
            )
        scope, version, key = reservation.place
        with self._blobs.shared():
            archive = upload.commit()
            saved = self._entries.save(
                key=key,
                version=version,
                scope=scope,
                archive=archive,
                compression=compression_of(self._blobs.path(archive.digest)),
                layout="toolkit",
                created_at=self._clock.now(),
            )
        with self._lock:
            self._reserved.pop(reservation.place, None)
        self._uploads.end(upload)
        if self._housekeeping and saved:
            self._housekeeping()
        return entry_number(scope, version, key) if saved else None

    def find(self, session: Session, keys: Sequence[str], version: str) -> Entry | None:
        """The entry to restore, whole and undamaged. Raises TwirpError, HostError."""
        check_keys(keys)
        check_version(version)
        while entry := self._entries.find(keys=keys, version=version, scopes=session.scopes):
            try:
                self._blobs.verify(entry.archive.digest)
            except BlobDamaged:
                self._entries.remove(entry)
            else:
                return entry
        return None

    def of_key(self, session: Session, key: str) -> list[Entry]:
        """The entries whose key begins so and which the job may see, newest first."""
        seen = [
            entry for entry in self._entries if entry.scope in session.scopes and entry.key.startswith(key)
        ]
        return sorted(seen, key=lambda entry: entry.created_at, reverse=True)

    def _is_alive(self, reservation: Reservation) -> bool:
        return self._clock.monotonic() - reservation.upload.last_use < RESERVED_S


class CacheService:
    """The calls of CacheService. `address` gives the signed address of an entry's archive for a job."""

    def __init__(
        self, book: CacheBook, uploads: Uploads, address: Callable[[Session, Entry, str], str]
    ) -> None:
        self._book, self._uploads, self._address = book, uploads, address
        self.methods = {
            "CreateCacheEntry": self._create,
            "FinalizeCacheEntryUpload": self._finalize,
            "GetCacheEntryDownloadURL": self._get,
        }

    def _create(self, session: Session, fields: Fields, base: str) -> dict[str, Json]:
        reservation = self._book.reserve(session, fields.text("key"), fields.text("version"))
        if reservation is None:
            return {
                "ok": False,
                "message": "cache entry with the same key, version, and scope already exists",
            }
        return {"ok": True, "signed_upload_url": base + self._uploads.address(reservation.upload)}

    def _finalize(self, session: Session, fields: Fields, _: str) -> dict[str, Json]:
        key, version = fields.text("key"), fields.text("version")
        reservation = self._book.reservation(session, key, version)
        if reservation is None:
            raise TwirpError(
                "not_found", f"this job has not reserved the key `{key}`, or did nothing for too long"
            )
        number = self._book.save(reservation, fields.number("size_bytes") or 0)
        if number is None:
            return {"ok": False, "message": f"another job has saved the key `{key}` meanwhile"}
        return {"ok": True, "entry_id": str(number)}

    def _get(self, session: Session, fields: Fields, base: str) -> dict[str, Json]:
        keys, version = [fields.text("key"), *fields.texts("restore_keys")], fields.text("version")
        entry = self._book.find(session, keys, version)
        if entry is None:
            return {"ok": False}
        url = base + self._address(session, entry, version)
        return {"ok": True, "signed_download_url": url, "matched_key": entry.key}


def check_keys(keys: Sequence[str]) -> None:
    """Raises TwirpError for keys GitHub refuses."""
    if len(keys) > KEYS_LIMIT:
        raise TwirpError("invalid_argument", f"there may be no more than {KEYS_LIMIT} keys")
    for key in keys:
        if not key or len(key) > KEY_LIMIT or "," in key:
            raise TwirpError(
                "invalid_argument", f"a key has 1 to {KEY_LIMIT} characters, none of them a comma"
            )


def check_version(version: str) -> None:
    """Raises TwirpError for what is no version of a cache."""
    if not version or len(version) > KEY_LIMIT:
        raise TwirpError("invalid_argument", f"a version has 1 to {KEY_LIMIT} characters")


def entry_number(scope: str, version: str, key: str) -> int:
    """A number for an entry: unique in practice, below 2**48, never 0."""
    text = "\0".join((scope, version, key)).encode("utf-8", "surrogatepass")
    return int.from_bytes(hashlib.sha256(text).digest()[:6], "big") or 1
