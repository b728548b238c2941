"""What clients send to signed addresses, until it is said to be whole: blocks and lists of blocks, as Azure's blobs take them.

`PUT ...&comp=block&blockid=<id>` any number of times and at once, then `PUT ...&comp=blocklist` with their order; or one `PUT`
with everything. Nothing of it is a blob before `Upload.commit`. Source: Azure Blob Storage REST API, "Put Blob", "Put
Block", "Put Block List".
"""

from __future__ import annotations

import base64
import hashlib
import secrets
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final
from xml.sax.saxutils import escape

from skep.cache.blobs import Blob, Blobs
from skep.cache.spool import Extent, Spool
from skep.host.clock import Clock
from skep.model.errors import HostError

from .block_list import LARGEST_BYTES, MOST_BLOCKS, parse_block_id, parse_block_list
from .http_values import Body, HttpError, Request, Response
from .tokens import Tokens

PREFIX: Final = "/skep/uploads/"
ADDRESS_LIFE_S: Final = 3600.0
_UNANNOUNCED_BYTES = 256 << 20  # of a block that comes in chunks
_MOST_OPEN = 10_000


class Upload:
    """One upload. Any number of threads may send pieces; what is committed is what a finished request made of them."""

    def __init__(self, spool: Spool, address_path: str, limit_bytes: int, at: float) -> None:
        self.path = address_path
        self.last_use = at  # monotonic
        self._spool = spool
        self._limit_bytes = limit_bytes
        self._blocks: dict[str, Extent] = {}
        self._content: list[Extent] | None = None
        self._failure: HostError | None = None
        self._lock = threading.Lock()

    @property
    def size_bytes(self) -> int | None:
        """Of what would be committed; None when nothing is whole yet."""
        content = self._content
        return None if content is None else sum(extent.size_bytes for extent in content)

    def put_block(self, block: str, body: Body, md5: str) -> None:
        """Takes one block; it replaces one of the same id. Raises HttpError, HostError."""
        extent = self._receive(body, md5)
        with self._lock:
            if len(self._blocks) >= MOST_BLOCKS and block not in self._blocks:
                raise HttpError(
                    409, f"a blob has no more than {MOST_BLOCKS} blocks", code="BlockCountExceedsLimit"
                )
            self._blocks[block] = extent

    def put_list(self, blocks: list[str]) -> None:
        """The content: these blocks in this order. Raises HttpError when one was never received as a whole."""
        with self._lock:
            missing = [block for block in blocks if block not in self._blocks]
            if missing:
                raise HttpError(400, f"the block `{missing[0]}` was not uploaded", code="InvalidBlockList")
            self._content = [self._blocks[block] for block in blocks]

    def put_all(self, body: Body, md5: str) -> None:
        """The content: this body. Raises HttpError, HostError."""
        extent = self._receive(body, md5)
        with self._lock:
            self._content = [extent]

    def put_at(self, offset: int, body: Body, size_bytes: int) -> None:
        """A piece that says where it belongs (version 1 of the cache). Raises HttpError, HostError."""
        if offset + size_bytes > self._limit_bytes:
            raise HttpError(413, f"an upload may have no more than {self._limit_bytes} bytes")
        at = offset
        for piece in body.pieces(size_bytes):
            self._spool.write(at, piece)
            at += len(piece)
        if at - offset != size_bytes:
            raise HttpError(400, "the body is shorter than its `Content-Range`")
        with self._lock:
            self._blocks[str(offset)] = Extent(offset=offset, size_bytes=size_bytes)
            self._content = _without_gaps(list(self._blocks.values()))

    @contextmanager
    def receiving(self) -> Iterator[None]:
        """Around what stores pieces: when the machine refuses one, the upload fails for good and its room is free at once.
        Raises HostError, for later pieces too."""
        if self._failure is not None:
            raise self._failure
        try:
            yield
        except HostError as error:
            self._failure = self._failure or error
            self._content = None
            self._spool.discard()
            raise self._failure  # noqa: B904 - it keeps its own cause

    def commit(self, observe: Callable[[memoryview], object] | None = None) -> Blob:
        """The content as a blob. Hold `Blobs.shared`. Raises HttpError when nothing is whole, HostError."""
        if self._content is None:
            raise HttpError(412, "nothing was uploaded, or not all of it", code="failed_precondition")
        return self._spool.commit(self._content, observe=observe)

    def discard(self) -> None:
        """Removes what was not committed. Safe to repeat."""
        self._spool.discard()

    def _receive(self, body: Body, md5: str) -> Extent:
        announced = body.size_bytes
        room = min(_UNANNOUNCED_BYTES if announced is None else announced, self._limit_bytes)
        if announced is not None and announced > self._limit_bytes:
            raise HttpError(413, f"an upload may have no more than {self._limit_bytes} bytes", close=True)
        offset = self._spool.reserve(room)
        digest = hashlib.md5(usedforsecurity=False) if md5 else None
        at = offset
        for piece in body.pieces(room):
            self._spool.write(at, piece)
            at += len(piece)
            if digest:
                digest.update(piece)
        if digest and base64.b64encode(digest.digest()).decode() != md5:
            raise HttpError(400, "the bytes are not what `Content-MD5` says", code="Md5Mismatch")
        return Extent(offset=offset, size_bytes=at - offset)


class Uploads:
    """The unfinished uploads of one run. Any number of threads may use it."""

    def __init__(self, blobs: Blobs, tokens: Tokens, clock: Clock) -> None:
        self._blobs, self._tokens, self._clock = blobs, tokens, clock
        self._open: dict[str, Upload] = {}
        self._lock = threading.Lock()

    def begin(self, limit_bytes: int) -> Upload:
        """A new upload. Raises HostError, HttpError when far too many are unfinished."""
        with self._lock:
            if len(self._open) >= _MOST_OPEN:
                raise HttpError(503, "too many uploads are unfinished", code="ServerBusy")
        path = f"{PREFIX}{secrets.token_hex(16)}"
        upload = Upload(Spool(self._blobs), path, limit_bytes, self._clock.monotonic())
        with self._lock:
            self._open[path] = upload
        return upload

    def address(self, upload: Upload) -> str:
        """Path and query where its bytes may be put."""
        return self._tokens.sign_address(upload.path, "write", ADDRESS_LIFE_S)

    def end(self, upload: Upload) -> None:
        """Forgets an upload, and what of it was not committed. Safe to repeat."""
        with self._lock:
            self._open.pop(upload.path, None)
        upload.discard()

    def close(self) -> None:
        """Forgets all of them."""
        for upload in list(self._open.values()):
            self.end(upload)

    def __call__(self, request: Request) -> Response:
        """Answers a `PUT` to a signed address. Raises HttpError, HostError."""
        head = request.head
        if not self._tokens.allows(head.path, head.query, "write"):
            raise HttpError(403, "the address is not signed, or no longer valid", code="AuthenticationFailed")
        if head.method != "PUT":
            raise HttpError(405, "only PUT is allowed here", code="UnsupportedHttpVerb")
        upload = self._open.get(head.path)
        if upload is None:
            raise HttpError(404, "this upload is finished, or was given up", code="BlobNotFound")
        upload.last_use = self._clock.monotonic()
        with upload.receiving():
            self._receive(upload, request)
        upload.last_use = self._clock.monotonic()
        headers = {"ETag": f'"{secrets.token_hex(8)}"', "x-ms-request-id": secrets.token_hex(16)}
        return Response(status=201, headers=headers)

    @staticmethod
    def _receive(upload: Upload, request: Request) -> None:
        head = request.head
        md5 = head.headers.get("content-md5", "")
        match head.query.get("comp", ""):
            case "block":
                upload.put_block(parse_block_id(head.query.get("blockid", "")), request.body, md5)
            case "blocklist":
                upload.put_list(parse_block_list(request.body.read(LARGEST_BYTES)))
            case "":
                if head.headers.get("x-ms-blob-type", "BlockBlob") != "BlockBlob":
                    raise HttpError(400, "only block blobs are kept here", code="InvalidHeaderValue")
                upload.put_all(request.body, md5)
            case other:
                raise HttpError(400, f"`comp={other}` is not known here", code="InvalidQueryParameterValue")


def storage_failure(error: HttpError) -> Response:
    """A refusal as Azure's clients read it."""
    code = error.code or "InvalidInput"
    text = f"<?xml version='1.0' encoding='utf-8'?><Error><Code>{escape(code)}</Code><Message>{escape(error.message)}</Message></Error>"
    headers = {"Content-Type": "application/xml", "x-ms-error-code": code}
    return Response(status=error.status, headers=headers, body=text.encode("utf-8", "replace"))


def _without_gaps(extents: list[Extent]) -> list[Extent] | None:
    """One extent over all pieces; None while something is missing between them."""
    end = 0
    for extent in sorted(extents, key=lambda one: one.offset):
        if extent.offset > end:
            return None
        end = max(end, extent.offset + extent.size_bytes)
    return [Extent(offset=0, size_bytes=end)]
