"""Stored bytes to whoever holds a signed address: whole, or in ranges."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from urllib.parse import quote

from .http_values import FilePart, HttpError, Request, Response, parse_range
from .tokens import Tokens

ADDRESS_LIFE_S = 3600.0

Part = bytes | FilePart


def check_address(tokens: Tokens, request: Request) -> None:
    """Raises HttpError when a request may not read here."""
    head = request.head
    if not tokens.allows(head.path, head.query, "read"):
        raise HttpError(403, "the address is not signed, or no longer valid", code="AuthenticationFailed")
    if head.method not in ("GET", "HEAD"):
        raise HttpError(405, "only GET and HEAD are allowed here", code="UnsupportedHttpVerb")


def send(request: Request, parts: Sequence[Part], digest: str, headers: Mapping[str, str]) -> Response:
    """All of `parts`, or the range that is asked for. Raises HttpError 416."""
    total = sum(map(_size, parts))
    known = {"Accept-Ranges": "bytes", "ETag": f'"{digest}"', "x-ms-blob-type": "BlockBlob", **headers}
    asked = request.head.headers
    found = (
        parse_range(asked.get("x-ms-range") or asked.get("range", ""), total)
        if request.head.method == "GET"
        else None
    )
    condition = asked.get("if-range", known["ETag"])
    if found is None or condition != known["ETag"]:
        return Response(headers=known, parts=parts, size_bytes=total)
    first, count = found
    known["Content-Range"] = f"bytes {first}-{first + count - 1}/{total}"
    return Response(status=206, headers=known, parts=list(cut(parts, first, count)), size_bytes=count)


def cut(parts: Iterable[Part], first: int, count: int) -> Iterator[Part]:
    """`count` bytes of the parts, from the byte `first` on."""
    for part in parts:
        size = _size(part)
        begin, end = min(first, size), min(first + count, size)
        if end > begin:
            yield part[begin:end] if isinstance(part, bytes) else _cut_file(part, begin, end)
            count -= end - begin
        first -= begin
        if not count:
            return


def as_attachment(name: str) -> str:
    """A `Content-Disposition` that keeps any name. Source: RFC 6266, RFC 8187."""
    plain = "".join(
        character if " " <= character <= "~" and character not in '"\\%;' else "_" for character in name
    )
    return f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(name, safe='')}"


def _size(part: Part) -> int:
    return len(part) if isinstance(part, bytes) else part.size_bytes


def _cut_file(part: FilePart, begin: int, end: int) -> FilePart:
    return FilePart(path=part.path, offset=part.offset + begin, size_bytes=end - begin)
