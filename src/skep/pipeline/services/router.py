"""Which app answers a request, and in which shape it says no."""

from __future__ import annotations

import errno
from collections.abc import Callable, Mapping
from typing import Final, Protocol

from skep.model.errors import HostError, SkepError, UserError

from .connection import App
from .http_values import HttpError, Request, Response
from .sessions import RUNTIME, Session, Sessions
from .tokens import Json
from .twirp import Fields, TwirpError, answer, read_call, twirp_failure

TWIRP_PREFIX: Final = "/twirp/github.actions.results.api.v1."
_FULL = (errno.ENOSPC, errno.EDQUOT)

Method = Callable[[Session, Fields, str], dict[str, Json]]
"""One call: who asks, what is asked, and the address this server is known by."""


class Service(Protocol):
    """Calls by name."""

    @property
    def methods(self) -> Mapping[str, Method]: ...


class Twirp:
    """The Twirp services. Requests need a job's token."""

    def __init__(self, sessions: Sessions, services: Mapping[str, Service], base: Callable[[], str]) -> None:
        self._sessions, self._services, self._base = sessions, services, base

    def __call__(self, request: Request) -> Response:
        """Answers a call. Raises HttpError."""
        session = self._sessions.of(request, RUNTIME)
        if request.head.method != "POST":
            raise TwirpError("bad_route", "calls are made by POST")
        name, _, call = request.head.path.removeprefix(TWIRP_PREFIX).partition("/")
        service = self._services.get(name)
        method = service.methods.get(call) if service else None
        if method is None:
            raise TwirpError("bad_route", f"there is no `{request.head.path}` here")
        return answer(method(session, read_call(request), self._base()))


class Router:
    """Sends a request to the app of its path. Nobody but a process that names this server as 127.0.0.1 gets through: a
    page in a browser could reach the port by a name of its own (DNS rebinding)."""

    def __init__(
        self,
        apps: Mapping[str, App],
        failures: Mapping[str, Callable[[HttpError], Response]],
        port: Callable[[], int],
    ):
        self._apps = apps  # by the beginning of a path
        self._failures = failures
        self._port = port

    def __call__(self, request: Request) -> Response:
        """Answers everything, failures too."""
        path = request.head.path
        prefix = next((one for one in self._apps if path.startswith(one)), "")
        try:
            host = request.head.headers.get("host", "")
            if host not in (f"127.0.0.1:{self._port()}", f"localhost:{self._port()}"):
                raise HttpError(421, "this server is known as 127.0.0.1 only")
            if not prefix:
                raise HttpError(404, f"there is no `{path}` here", code="bad_route")
            return self._apps[prefix](request)
        except HttpError as error:
            failure = error
        except SkepError as error:
            failure = as_http(error)
        shape = self._failures.get(prefix, twirp_failure)
        response = shape(failure)
        return Response(
            status=response.status,
            headers={**response.headers, **({"Connection": "close"} if failure.close else {})},
            body=response.body,
        )


def as_http(error: SkepError) -> HttpError:
    """A refusal of the stores as an answer: a full disk as 507, which no client repeats."""
    text = f"{error}. {error.hint}" if error.hint else str(error)
    if isinstance(error, UserError):
        return HttpError(400, text, code="invalid_argument")
    cause = error.__cause__
    if isinstance(cause, OSError) and cause.errno in _FULL:
        return HttpError(507, text, code="resource_exhausted")
    if isinstance(error, HostError):
        return HttpError(422, text, code="data_loss")
    return HttpError(500, text, code="internal")
