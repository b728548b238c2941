"""What a request asks and a response says, and the reading of a request's head.

Strict on purpose: what is ambiguous is refused, never guessed. Source: RFC 9112; RFC 9110, sections 10.1.1 and 14.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Protocol
from urllib.parse import parse_qsl, unquote

LARGEST_HEAD_BYTES = 64 << 10
LARGEST_TARGET = 16 << 10
METHODS = frozenset({"GET", "HEAD", "PUT", "POST", "PATCH", "DELETE"})
_REQUEST_LINE = re.compile(r"([A-Z]{1,16}) (/[!-~]*) HTTP/1\.([01])")
_HEADER = re.compile(r"([!#$%&'*+.^_`|~0-9A-Za-z-]+):[ \t]*([\t -~\x80-\xff]*)")
_LENGTH = re.compile(r"[0-9]{1,18}")
_CHUNK_SIZE = re.compile(rb"([0-9A-Fa-f]{1,15})[ \t]*(?:;[\t -~\x80-\xff]*)?")
_RANGE = re.compile(r"bytes=(\d{0,18})-(\d{0,18})")


class HttpError(Exception):
    """An answer other than success. `close`: the connection cannot be used any more."""

    def __init__(self, status: int, message: str, *, code: str = "", close: bool = False) -> None:
        super().__init__(message)
        self.status, self.message, self.code, self.close = status, message, code, close


class Body(Protocol):
    """The body of a request, read once. Raises HttpError when it is cut short or too large."""

    @property
    def size_bytes(self) -> int | None:
        """As announced; None when it comes in chunks."""
        ...

    def pieces(self, limit_bytes: int) -> Iterator[memoryview]:
        """The bytes as they come; each piece is valid until the next."""
        ...

    def read(self, limit_bytes: int) -> bytes:
        """All of it."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Head:
    """The first part of a request."""

    method: str
    path: str  # percent-decoded
    query: Mapping[str, str]  # of a name given twice, the first
    headers: Mapping[str, str]  # lower-cased names
    keep_alive: bool
    takes_chunks: bool  # False: a client of HTTP/1.0
    length: int | None  # of the body; None: in chunks


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One request."""

    head: Head
    body: Body

    @property
    def bearer(self) -> str:
        """The token of `Authorization: Bearer`; '' without one."""
        scheme, _, token = self.head.headers.get("authorization", "").partition(" ")
        return token.strip() if scheme.lower() == "bearer" else ""


@dataclass(frozen=True, slots=True, kw_only=True)
class FilePart:
    """Bytes of a file."""

    path: str
    offset: int
    size_bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Response:
    """One answer."""

    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    parts: Iterable[bytes | memoryview | FilePart] | None = None  # instead of `body`
    size_bytes: int | None = None  # of `parts`; None: sent in chunks


def parse_head(text: bytes) -> Head:
    """The head of a request, without the empty line at its end. Raises HttpError 400, 413, 414, 417, 501 or 505."""
    first, *lines = text.decode("latin-1").split("\r\n")
    if len(first) > LARGEST_TARGET:
        raise HttpError(414, "the request's target is too long", close=True)
    line = _REQUEST_LINE.fullmatch(first)
    if line is None:
        raise HttpError(400, "this is no HTTP/1.1 request", close=True)
    method, target, minor = line.groups()
    if method not in METHODS:
        raise HttpError(501, f"the method {method} is not known here", close=True)
    headers = _headers(lines)
    if minor == "1" and "host" not in headers:
        raise HttpError(400, "a request needs `Host`", close=True)
    path, _, query = target.partition("?")
    options = {option.strip().lower() for option in headers.get("connection", "").split(",")}
    return Head(
        method=method,
        path=_decoded(path),
        query=_query(query),
        headers=headers,
        keep_alive="close" not in options and (minor == "1" or "keep-alive" in options),
        takes_chunks=minor == "1",
        length=_body_length(headers, minor),
    )


def parse_chunk_size(line: bytes) -> int:
    """The size of the next chunk of a body. Raises HttpError 400."""
    found = _CHUNK_SIZE.fullmatch(line)
    if found is None:
        raise HttpError(400, "the size of a chunk cannot be read", close=True)
    return int(found[1], 16)


def parse_range(text: str, size_bytes: int) -> tuple[int, int] | None:
    """`(first, number)` of bytes for a `Range` header; None when it is to be ignored. Raises HttpError 416."""
    found = _RANGE.fullmatch(text.strip())
    if found is None or found.groups() == ("", ""):
        return None
    first, last = found.groups()
    if not first:
        start, end = max(size_bytes - int(last), 0), size_bytes
        if int(last) == 0:
            raise HttpError(416, "the range holds nothing", code="InvalidRange")
    else:
        start, end = int(first), min(int(last) + 1, size_bytes) if last else size_bytes
        if last and int(last) < int(first):
            return None
    if start >= size_bytes:
        raise HttpError(416, f"the range begins behind the end, {size_bytes}", code="InvalidRange")
    return start, end - start


def _headers(lines: list[str]) -> dict[str, str]:
    headers: dict[str, str] = {}
    for line in lines:
        found = _HEADER.fullmatch(line)
        if found is None:
            raise HttpError(400, "a header line cannot be read", close=True)
        name, value = found[1].lower(), found[2].rstrip(" \t")
        if name in headers:
            if name in ("host", "content-length", "transfer-encoding", "authorization", "content-range"):
                raise HttpError(400, f"`{name}` is given twice", close=True)
            value = f"{headers[name]}, {value}"
        headers[name] = value
    return headers


def _body_length(headers: Mapping[str, str], minor: str) -> int | None:
    encoding, length = headers.get("transfer-encoding"), headers.get("content-length")
    if encoding is not None:
        if length is not None or minor == "0":
            raise HttpError(400, "`Transfer-Encoding` together with a length", close=True)
        if encoding.lower() != "chunked":
            raise HttpError(501, "only `chunked` bodies are known", close=True)
        return None
    if length is None:
        return 0
    if not _LENGTH.fullmatch(length):
        raise HttpError(400, "`Content-Length` is no number", close=True)
    return int(length)


def _decoded(path: str) -> str:
    try:
        decoded = unquote(path, errors="strict")
    except UnicodeDecodeError:
        raise HttpError(400, "the path is not UTF-8") from None
    if "\0" in decoded:
        raise HttpError(400, "the path holds a NUL")
    return decoded


def _query(text: str) -> dict[str, str]:
    query: dict[str, str] = {}
    try:
        for name, value in parse_qsl(text, keep_blank_values=True, errors="strict", max_num_fields=100):
            query.setdefault(name, value)
    except ValueError:
        raise HttpError(400, "the query cannot be read") from None
    return query
