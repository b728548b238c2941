"""The XML by which a client says which blocks, in which order, make up a blob.

Only what the format needs is read: no entity, no document type, nothing that could grow or point elsewhere. Source: Azure
Blob Storage REST API, "Put Block List".
"""

from __future__ import annotations

import base64
import binascii
from xml.parsers import expat

from .http_values import HttpError

LARGEST_BYTES = 8 << 20
MOST_BLOCKS = 50_000
_KINDS = ("Latest", "Uncommitted", "Committed")
_LONGEST_ID = 64


def parse_block_list(data: bytes) -> list[str]:
    """The ids of the blocks in order. Raises HttpError 400."""
    return _Reader().read(data)


def parse_block_id(text: str) -> str:
    """An id as given in an address or a list. Raises HttpError 400."""
    try:
        if text and len(base64.b64decode(text, validate=True)) <= _LONGEST_ID:
            return text
    except (binascii.Error, ValueError):
        pass
    raise HttpError(400, "a block id must be base64 of up to 64 bytes", code="InvalidQueryParameterValue")


class _Reader:
    def __init__(self) -> None:
        self._open: list[str] = []
        self._text: list[str] = []
        self._ids: list[str] = []

    def read(self, data: bytes) -> list[str]:
        parser = expat.ParserCreate("utf-8")
        parser.StartDoctypeDeclHandler = self._refuse
        parser.EntityDeclHandler = self._refuse
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._end
        parser.CharacterDataHandler = self._add_text
        try:
            parser.Parse(data, True)
        except expat.ExpatError as error:
            raise _wrong(f"the block list is no XML: {error}") from None
        return self._ids

    def _refuse(self, *_: object) -> None:
        raise _wrong("a block list has no document type")

    def _start(self, name: str, _: object) -> None:
        allowed = name == "BlockList" if not self._open else len(self._open) == 1 and name in _KINDS
        if not allowed:
            raise _wrong(f"`{name[:40]}` has no place in a block list")
        if len(self._ids) >= MOST_BLOCKS:
            raise _wrong(f"a blob has no more than {MOST_BLOCKS} blocks")
        self._open.append(name)
        self._text.clear()

    def _add_text(self, text: str) -> None:
        if len(self._open) == 2:
            self._text.append(text)
        elif text.strip():
            raise _wrong("text between the blocks of a block list")

    def _end(self, _: str) -> None:
        if len(self._open) == 2:
            self._ids.append(parse_block_id("".join(self._text).strip()))
        self._open.pop()


def _wrong(message: str) -> HttpError:
    return HttpError(400, message, code="InvalidXmlDocument")
