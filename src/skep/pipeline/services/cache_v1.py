"""The caches of a repository, by version 1 of GitHub's protocol: for toolkits that are not told of version 2.

    GET   cache?keys=a,b&version=v    200 with the archive's address, or 204
    POST  caches                      reserves a key: 201 with a number, or 409
    PATCH caches/<number>             a piece of the archive, where `Content-Range` says: 204
    POST  caches/<number>             the archive is whole: 204
    GET   caches?key=k                what is there, for diagnostics

Source: actions/toolkit, `packages/cache/src/internal/cacheHttpClient.ts`.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final

from skep.cache.entries import Entry

from .cache_service import CacheBook, Reservation, entry_number
from .http_values import HttpError, Request, Response
from .sessions import RUNTIME, Session, Sessions
from .tokens import Json
from .twirp import LARGEST_CALL_BYTES, Fields, TwirpError, json_response, parse_object, timestamp

PREFIX: Final = "/_apis/artifactcache/"
_NUMBER = re.compile(r"caches/(\d{1,15})")
_CONTENT_RANGE = re.compile(r"bytes (\d{1,15})-(\d{1,15})/(?:\*|\d{1,15})")
_MOST_LISTED = 100


class CacheV1:
    """Answers version 1. Any number of threads may use it."""

    def __init__(
        self,
        book: CacheBook,
        sessions: Sessions,
        address: Callable[[Session, Entry, str], str],
        base: Callable[[], str],
    ) -> None:
        self._book, self._sessions, self._address, self._base = book, sessions, address, base

    def __call__(self, request: Request) -> Response:
        """Answers a request that brings a job's token. Raises HttpError, HostError."""
        session = self._sessions.of(request, RUNTIME)
        what, method = request.head.path.removeprefix(PREFIX), request.head.method
        number = _NUMBER.fullmatch(what)
        if what == "cache" and method == "GET":
            return self._find(session, request)
        if what == "caches" and method == "GET":
            return self._list(session, request.head.query.get("key", ""))
        if what == "caches" and method == "POST":
            return self._reserve(session, _fields(request))
        if number and method == "PATCH":
            return self._receive(self._reserved(session, number[1]), request)
        if number and method == "POST":
            return self._commit(self._reserved(session, number[1]), _fields(request))
        raise HttpError(404, f"there is no `{method} {request.head.path}` here", code="bad_route")

    def _find(self, session: Session, request: Request) -> Response:
        version = request.head.query.get("version", "")
        entry = self._book.find(session, request.head.query.get("keys", "").split(","), version)
        if entry is None:
            return Response(status=204)
        described = _described(entry)
        described["archiveLocation"] = self._base() + self._address(session, entry, version)
        return json_response(200, described)

    def _list(self, session: Session, key: str) -> Response:
        found = self._book.of_key(session, key)
        shown: list[Json] = [_described(entry) for entry in found[:_MOST_LISTED]]
        return json_response(200, {"totalCount": len(found), "artifactCaches": shown})

    def _reserve(self, session: Session, fields: Fields) -> Response:
        key, version = fields.text("key"), fields.text("version")
        reservation = self._book.reserve(session, key, version, fields.number("cache_size"))
        if reservation is None:
            raise TwirpError("already_exists", f"Cache already exists: {key}")
        return json_response(201, {"cacheId": _number_of(reservation)})

    def _reserved(self, session: Session, number: str) -> Reservation:
        found = self._book.reservations(session)
        reservation = next((one for one in found if str(_number_of(one)) == number), None)
        if reservation is None:
            raise TwirpError("not_found", f"this job has reserved no cache {number}")
        return reservation

    def _receive(self, reservation: Reservation, request: Request) -> Response:
        found = _CONTENT_RANGE.fullmatch(request.head.headers.get("content-range", ""))
        first, last = (int(found[1]), int(found[2])) if found else (0, -1)
        if last < first:
            raise TwirpError("invalid_argument", "`Content-Range` must be `bytes <first>-<last>/*`")
        self._book.touch(reservation)
        with reservation.upload.receiving():
            reservation.upload.put_at(first, request.body, last - first + 1)
        return Response(status=204)

    def _commit(self, reservation: Reservation, fields: Fields) -> Response:
        if self._book.save(reservation, fields.number("size") or 0) is None:
            raise TwirpError("already_exists", f"Cache already exists: {reservation.key}")
        return Response(status=204)


def v1_failure(error: HttpError) -> Response:
    """A refusal as version 1 says it."""
    return json_response(error.status, {"message": error.message, "typeKey": error.code or "error"})


def _fields(request: Request) -> Fields:
    return Fields(parse_object(request.body.read(LARGEST_CALL_BYTES)))


def _number_of(reservation: Reservation) -> int:
    return entry_number(*reservation.place)


def _described(entry: Entry) -> dict[str, Json]:
    return {
        "cacheKey": entry.key,
        "cacheVersion": entry.version,
        "scope": entry.scope,
        "creationTime": timestamp(entry.created_at),
    }
