"""The headers of tar members, to bytes and back. See `archive`."""

from __future__ import annotations

import os
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

from skep.model.errors import HostError

BLOCK = 512
_HEADER = struct.Struct("100s8s8s8s12s12s8sc100s6s2s32s32s8s8s155s12x")
_LARGEST_OCTAL = 8**11 - 1
_LONGEST_EXTENSION = 1 << 20
_BLANK_SUM = 8 * ord(" ")
_MAGIC = b"ustar\x0000"


class TarError(HostError):
    """An archive that is broken, or that wants to write where it must not."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Header:
    """One member. Its content, `size` bytes filled up to whole blocks, follows in the archive."""

    name: str
    kind: str  # 0 file, 1 hard link, 2 symbolic link, 5 folder
    mode: int
    size: int
    mtime_ns: int
    link: str


def encode_header(
    name: bytes, *, mode: int, size: int, mtime_ns: int, kind: bytes, link: bytes = b""
) -> bytes:
    """The blocks before a member's content."""
    if kind == b"5":
        name += b"/"
    seconds, nanoseconds = divmod(mtime_ns, 10**9)
    records = b""
    if nanoseconds or not 0 <= seconds <= _LARGEST_OCTAL:
        records += _record(b"mtime", b"%s%d.%09d" % _signed(mtime_ns))
    if len(name) > 100 or not name.isascii():
        records += _record(b"path", name)
    if len(link) > 100 or not link.isascii():
        records += _record(b"linkpath", link)
    if size > _LARGEST_OCTAL:
        records += _record(b"size", b"%d" % size)
    seconds = min(max(seconds, 0), _LARGEST_OCTAL)
    size = min(size, _LARGEST_OCTAL)
    fields = _fields(name[:100], mode=mode, size=size, seconds=seconds, kind=kind, link=link[:100])
    if not records:
        return fields
    extension = _fields(b"././@PaxHeader", mode=0o644, size=len(records), seconds=0, kind=b"x", link=b"")
    return b"".join((extension, records, b"\0" * (-len(records) % BLOCK), fields))


def read_headers(archive: BinaryIO) -> Iterator[Header]:
    """The members in order. Before asking for the next, read or skip the content. Raises TarError."""
    extra: dict[str, bytes] = {}
    while True:
        block = archive.read(BLOCK)
        if len(block) < BLOCK:
            raise TarError("the archive ends without its end mark")
        if not block.strip(b"\0"):
            return
        name, mode, _, _, size, mtime, checksum, kind, link, *_, prefix = _HEADER.unpack(block)
        if _number(checksum) != sum(block) - sum(checksum) + _BLANK_SUM:
            raise TarError("a header of the archive is damaged")
        if kind in b"xgLK":
            _extend(extra, kind, _extension(archive, _number(size)))
            continue
        full = (
            _text(prefix) + b"/" + _text(name) if prefix[0] and block[257:263] == b"ustar\0" else _text(name)
        )
        yield Header(
            name=os.fsdecode(extra.get("path", full)).rstrip("/"),
            kind="0" if kind in b"0\x007" else kind.decode("latin-1"),
            mode=_number(mode),
            size=_decimal(extra["size"]) if "size" in extra else _number(size),
            mtime_ns=_nanoseconds(extra["mtime"]) if "mtime" in extra else _number(mtime) * 10**9,
            link=os.fsdecode(extra.get("linkpath", _text(link))),
        )
        extra = {}


def _fields(name: bytes, *, mode: int, size: int, seconds: int, kind: bytes, link: bytes) -> bytes:
    owner = b"0000000\0"
    head = b"".join(
        (name.ljust(100, b"\0"), b"%07o\0" % mode, owner, owner, b"%011o\0%011o\0" % (size, seconds))
    )
    tail = b"".join((kind, link.ljust(100, b"\0"), _MAGIC))
    return b"".join((head, b"%06o\0 " % (sum(head) + sum(tail) + _BLANK_SUM), tail)).ljust(BLOCK, b"\0")


def _record(key: bytes, value: bytes) -> bytes:
    """`<length> <key>=<value>` and a newline; the length counts itself."""
    rest = len(key) + len(value) + 3
    length = rest + len(str(rest))
    length = rest + len(str(length))
    return b"%d %s=%s\n" % (length, key, value)


def _signed(mtime_ns: int) -> tuple[bytes, int, int]:
    return b"-" if mtime_ns < 0 else b"", *divmod(abs(mtime_ns), 10**9)


def _extension(archive: BinaryIO, size: int) -> bytes:
    if size > _LONGEST_EXTENSION:
        raise TarError("a name in the archive is too long")
    padded = -(-size // BLOCK) * BLOCK
    data = archive.read(padded)
    if len(data) < padded:
        raise TarError("the archive ends within a name")
    return data[:size]


def _extend(extra: dict[str, bytes], kind: bytes, data: bytes) -> None:
    if kind == b"L":
        extra["path"] = data.rstrip(b"\0")
    elif kind == b"K":
        extra["linkpath"] = data.rstrip(b"\0")
    elif kind == b"x":
        while data:
            length, _, _ = data.partition(b" ")
            size = _decimal(length)
            record = data[len(length) + 1 : size - 1]
            if size <= len(length) or size > len(data):
                raise TarError("an extended header of the archive is damaged")
            key, _, value = record.partition(b"=")
            extra[key.decode("latin-1")] = value
            data = data[size:]


def _text(field: bytes) -> bytes:
    return field.partition(b"\0")[0]


def _number(field: bytes) -> int:
    if field[0] & 0x80:  # GNU: base 256
        return int.from_bytes(field, "big") & ((1 << (8 * len(field) - 1)) - 1)
    digits = field.strip(b" \0")
    if digits and not all(0x30 <= digit <= 0x37 for digit in digits):
        raise TarError("a number in the archive is damaged")
    return int(digits or b"0", 8)


def _decimal(text: bytes) -> int:
    if not text.isdigit() or len(text) > 20:
        raise TarError("a number in the archive is damaged")
    return int(text)


def _nanoseconds(text: bytes) -> int:
    whole, _, fraction = text.partition(b".")
    seconds = _decimal(whole.lstrip(b"-"))
    nanoseconds = seconds * 10**9 + _decimal(fraction[:9].ljust(9, b"0"))
    return -nanoseconds if text.startswith(b"-") else nanoseconds
