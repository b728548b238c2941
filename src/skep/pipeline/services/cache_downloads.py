"""The archives of caches to whoever holds a signed address; ours in the form that a toolkit reads."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from typing import Final

from skep.cache.blobs import Blobs
from skep.cache.entries import CacheEntries, Entry
from skep.cache.toolkit_archives import renamed, wrapped
from skep.pipeline.ports import JobBox

from .downloads import ADDRESS_LIFE_S, check_address, send
from .http_values import FilePart, HttpError, Request, Response
from .sessions import Session, Sessions
from .tokens import Tokens

PREFIX: Final = "/skep/caches/"
_AS_STORED: Final = "stored"


class CacheDownloads:
    """Signs and answers addresses of archives. Any number of threads may use it."""

    def __init__(self, blobs: Blobs, entries: CacheEntries, tokens: Tokens, sessions: Sessions) -> None:
        self._blobs, self._entries, self._tokens, self._sessions = blobs, entries, tokens, sessions

    def address(self, session: Session, entry: Entry, version: str) -> str:
        """Path and query of an entry's archive, for a job that asked for `version`."""
        form = _AS_STORED if entry.layout == "toolkit" else self._entries.expected_by(version) or "gzip"
        path = f"{PREFIX}{session.id}/{form}/{entry.archive.digest}"
        return self._tokens.sign_address(path, "read", ADDRESS_LIFE_S)

    def __call__(self, request: Request) -> Response:
        """Answers a signed address. Raises HttpError, HostError."""
        check_address(self._tokens, request)
        job, form, digest = request.head.path.removeprefix(PREFIX).split("/")
        path = self._blobs.path(digest)
        try:
            size = os.stat(path).st_size
        except FileNotFoundError:
            raise HttpError(404, "this cache is no longer kept", code="BlobNotFound") from None
        if form == _AS_STORED:
            headers = {"Content-Type": "application/octet-stream"}
            return send(request, [FilePart(path=path, offset=0, size_bytes=size)], digest, headers)
        session = self._sessions.by_id(job)
        return Response(parts=self._converted(path, session.job.box, form))

    def _converted(self, path: str, box: JobBox, form: str) -> Iterator[bytes | memoryview]:
        with open(path, "rb") as archive:
            pieces = renamed(archive, toolkit_name(box))
            yield from wrapped(pieces, "zstd" if form == "zstd" else "gzip") if form != "none" else pieces


def toolkit_name(box: JobBox) -> Callable[[str], str]:
    """What turns a name of ours into one that tar, started in the workspace, puts to the same place in this job."""
    roots = {"home": box.home, "temp": box.temp, "root": ""}

    def name(ours: str) -> str:
        kind, _, rest = ours.partition("/")
        if kind == "workspace":
            return rest or "."
        return f"{roots.get(kind, ours)}/{rest}".rstrip("/") or "/"

    return name
