"""Jobs that talk to the services, and the tokens they prove themselves with."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Literal

from skep.events.facts import Fact
from skep.pipeline.plan.cache_scopes import scopes_of
from skep.pipeline.ports import ToolkitJob

from .http_values import HttpError, Request
from .tokens import Tokens

RUNTIME: Final = "Actions.Results"
ID_TOKEN: Final = "Actions.IdToken"  # noqa: S105 - the name of a scope
TOKEN_LIFE_S: Final = 6.5 * 3600
"""Longer than GitHub lets a job run: a step that works for hours uploads at its end."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """One job."""

    job: ToolkitJob
    run: str  # how the toolkits call its run: opaque, without colons
    id: str  # how they call it
    publish: Callable[[Fact], None]  # from any thread

    @property
    def scopes(self) -> list[str]:
        """The refs whose caches it may read; it writes to the first."""
        return scopes_of(self.job.github)


class Sessions:
    """The jobs of one run. Any number of threads may use it."""

    def __init__(self, tokens: Tokens) -> None:
        self._tokens = tokens
        self._sessions: dict[str, Session] = {}
        self._lock = threading.Lock()

    def open(self, job: ToolkitJob, publish: Callable[[Fact], None]) -> Session:
        """The session of a job; what it said of itself last holds."""
        run = _opaque("run", job.run_id)
        session = Session(job=job, run=run, id=_opaque("job", job.run_id, job.leg), publish=publish)
        with self._lock:
            self._sessions[session.id] = session
        return session

    def token(self, session: Session, kind: Literal["Actions.Results", "Actions.IdToken"]) -> str:
        """A token for one kind of service."""
        claims = {"iss": "skep", "sub": session.id, "scp": f"{kind}:{session.run}:{session.id}"}
        return self._tokens.issue(claims, TOKEN_LIFE_S)

    def by_id(self, session: str) -> Session:
        """A session by its id. Raises HttpError 404."""
        found = self._sessions.get(session)
        if found is None:
            raise HttpError(404, "there is no such job", code="not_found")
        return found

    def of(self, request: Request, kind: str) -> Session:
        """Who asks. Raises HttpError 401 when the token is not ours, too old, or for something else."""
        claims = self._tokens.claims(request.bearer)
        scope = claims.get("scp") if claims else None
        if isinstance(scope, str):
            found, _, rest = scope.partition(":")
            run, _, job = rest.partition(":")
            session = self._sessions.get(job)
            if found == kind and session is not None and session.run == run:
                return session
        raise HttpError(401, "the token is not valid here, or no longer", code="unauthenticated")


def _opaque(*parts: str) -> str:
    digest = hashlib.sha256("\0".join(parts).encode("utf-8", "surrogatepass")).hexdigest()
    return f"{digest[:8]}-{digest[8:12]}-{digest[12:16]}-{digest[16:20]}-{digest[20:32]}"
