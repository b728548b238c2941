"""Twirp calls: a JSON object in, a JSON object out, errors with Twirp's codes.

Names come as in the protocol's definition or in camel case, and numbers of 64 bits as text, as proto3's JSON has it.
Source: the Twirp protocol, version 7; Protocol Buffers, "ProtoJSON format".
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime

from .http_values import HttpError, Request, Response
from .tokens import Json

LARGEST_CALL_BYTES = 1 << 20
STATUS = {
    "invalid_argument": 400,
    "malformed": 400,
    "out_of_range": 400,
    "failed_precondition": 412,
    "unauthenticated": 401,
    "permission_denied": 403,
    "not_found": 404,
    "bad_route": 404,
    "already_exists": 409,
    "aborted": 409,
    "resource_exhausted": 507,  # Twirp says 429; that one means "try again", and a full disk stays full
    "data_loss": 422,  # Twirp says 500, which the toolkits would repeat for a minute
    "internal": 500,
}
_LARGEST_INT64 = 2**63 - 1


class TwirpError(HttpError):
    """A call that fails; `code` is one of STATUS."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(STATUS[code], message, code=code)


class Fields:
    """The fields of a call. Reading one raises TwirpError when it has the wrong type."""

    def __init__(self, content: Mapping[str, Json]) -> None:
        self._content = content

    def _get(self, name: str) -> Json:
        value = self._content.get(name)
        if value is None:
            first, *rest = name.split("_")
            value = self._content.get(first + "".join(part.title() for part in rest))
        if isinstance(value, dict) and "value" in value:  # a wrapped value, written out
            return value["value"]
        return value

    def text(self, name: str) -> str:
        """'' when absent."""
        value = self._get(name)
        if value is None:
            return ""
        if not isinstance(value, str) or not _is_unicode(value):
            raise TwirpError("malformed", f"`{name}` must be text")
        return value

    def texts(self, name: str) -> list[str]:
        """[] when absent."""
        value = self._get(name)
        if value is None:
            return []
        if not isinstance(value, list):
            raise TwirpError("malformed", f"`{name}` must be a list of texts")
        texts = [item for item in value if isinstance(item, str) and _is_unicode(item)]
        if len(texts) != len(value):
            raise TwirpError("malformed", f"`{name}` must be a list of texts")
        return texts

    def number(self, name: str) -> int | None:
        """A number that is not negative, below 2**63; None when absent."""
        value = self._get(name)
        if value is None:
            return None
        if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) < 20:
            value = int(value)
        if isinstance(value, float) and value.is_integer():
            value = int(value)
        if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= _LARGEST_INT64:
            raise TwirpError("malformed", f"`{name}` must be a number")
        return value

    def moment(self, name: str) -> float | None:
        """Seconds since the epoch, UTC; None when absent."""
        text = self.text(name)
        if not text:
            return None
        try:
            moment = datetime.fromisoformat(text)
            return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
        except (ValueError, OverflowError):
            raise TwirpError("malformed", f"`{name}` must be a time such as 2026-01-02T03:04:05Z") from None


def read_call(request: Request) -> Fields:
    """The fields of a request. Raises TwirpError, HttpError."""
    kind = request.head.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "application/json":
        raise TwirpError("bad_route", f"only application/json is spoken here, not `{kind}`")
    return Fields(parse_object(request.body.read(LARGEST_CALL_BYTES)))


def parse_object(data: bytes) -> dict[str, Json]:
    """A JSON object. Raises TwirpError."""
    try:
        content = json.loads(data.decode())
    except (ValueError, RecursionError):
        raise TwirpError("malformed", "the request is no JSON") from None
    if not isinstance(content, dict):
        raise TwirpError("malformed", "the request is no JSON object")
    return content


def answer(content: Mapping[str, Json]) -> Response:
    """A call's success."""
    return json_response(200, content)


def json_response(status: int, content: Mapping[str, Json]) -> Response:
    """An answer in JSON."""
    body = json.dumps(content).encode()
    return Response(status=status, headers={"Content-Type": "application/json"}, body=body)


def twirp_failure(error: HttpError) -> Response:
    """A call's failure, as the toolkits read it."""
    code = error.code if error.code in STATUS else "malformed" if error.status < 500 else "internal"
    return json_response(error.status, {"code": code, "msg": error.message})


def timestamp(moment: float) -> str:
    """Seconds since the epoch as proto3's JSON writes them."""
    return datetime.fromtimestamp(moment, UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def _is_unicode(text: str) -> bool:
    """Whether a text can be written as UTF-8: JSON may hold halves of surrogate pairs."""
    return not any("\ud800" <= character <= "\udfff" for character in text)
