"""The services of one run behind `pipeline.ports.ToolkitServices`: built and started when the first process needs them."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from dataclasses import dataclass

from skep.cache.artifacts import Artifacts
from skep.cache.blobs import Blobs
from skep.cache.entries import CacheEntries
from skep.events.facts import Fact
from skep.host.clock import Clock
from skep.pipeline.ports import ToolkitJob

from . import artifact_service, cache_downloads, cache_v1, id_tokens, router, uploads
from .artifact_service import ArtifactService
from .cache_downloads import CacheDownloads
from .cache_service import CacheBook, CacheService
from .cache_v1 import CacheV1, v1_failure
from .connection import App, Limits
from .id_tokens import IdTokens
from .router import Router, Service, Twirp
from .server import Server
from .sessions import ID_TOKEN, RUNTIME, Session, Sessions
from .signing_key import SigningKeys
from .tokens import Tokens
from .uploads import Uploads


@dataclass(frozen=True, slots=True, kw_only=True)
class Stores:
    """What the services keep things in: the stores of the native actions."""

    blobs: Blobs
    entries: CacheEntries
    artifacts: Artifacts
    keys: str  # folder of the keys that sign OIDC tokens
    clock: Clock
    housekeeping: Callable[[], object] | None = None  # on a thread of its own, after a cache was saved
    report: Callable[[str], None] = lambda _: None  # what went wrong in the services; from any thread


class Toolkits:
    """The services of one run. See `pipeline.ports.ToolkitServices`."""

    def __init__(self, stores: Stores, *, limits: Limits | None = None) -> None:
        self._stores = stores
        self._threads: list[threading.Thread] = []
        tokens = Tokens(stores.clock)
        self._sessions = Sessions(tokens)
        self._uploads = Uploads(stores.blobs, tokens, stores.clock)
        self._server = Server(self._router(tokens), limits=limits, report=self._report)
        self._port = 0
        self._loop: asyncio.AbstractEventLoop | None = None

    async def variables(self, job: ToolkitJob, *, action: bool) -> dict[str, str]:
        """See the port."""
        if not (action or job.may_have_id_token):
            return {}
        self._loop = asyncio.get_running_loop()
        if not self._port:
            self._port = self._server.start()
        session = self._sessions.open(job, self._publisher(job))
        variables = self._of_action(session) if action else {}
        if job.may_have_id_token:
            variables["ACTIONS_ID_TOKEN_REQUEST_TOKEN"] = self._sessions.token(session, ID_TOKEN)
            variables["ACTIONS_ID_TOKEN_REQUEST_URL"] = (
                f"{self._base()}{id_tokens.TOKEN_PATH}?api-version=2.0"
            )
        return variables

    async def close(self) -> None:
        """See the port."""
        await asyncio.to_thread(self._close)

    def _close(self) -> None:
        self._server.close()
        self._uploads.close()
        for thread in self._threads:
            thread.join()

    def _of_action(self, session: Session) -> dict[str, str]:
        base = f"{self._base()}/"
        return {
            "ACTIONS_CACHE_SERVICE_V2": "True",
            "ACTIONS_CACHE_URL": base,
            "ACTIONS_RESULTS_URL": base,
            "ACTIONS_RUNTIME_TOKEN": self._sessions.token(session, RUNTIME),
            "ACTIONS_RUNTIME_URL": base,
        }

    def _publisher(self, job: ToolkitJob) -> Callable[[Fact], None]:
        return lambda fact: self._soon(lambda: job.publish(fact))

    def _report(self, problem: str) -> None:
        self._soon(lambda: self._stores.report(problem))

    def _soon(self, work: Callable[[], None]) -> None:
        """Does something on the loop's thread."""
        if self._loop is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(work)

    def _base(self) -> str:
        return f"http://127.0.0.1:{self._port}"

    def _router(self, tokens: Tokens) -> Router:
        stores = self._stores
        artifacts = ArtifactService(stores.blobs, stores.artifacts, self._uploads, tokens, stores.clock)
        housekeeping = self._clean_up if stores.housekeeping else None
        book = CacheBook(stores.blobs, stores.entries, self._uploads, stores.clock, housekeeping=housekeeping)
        downloads = CacheDownloads(stores.blobs, stores.entries, tokens, self._sessions)
        caches = CacheService(book, self._uploads, downloads.address)
        keys = SigningKeys(stores.keys, stores.clock)
        tokens_of_jobs = IdTokens(keys, self._sessions, stores.clock, self._base)
        services: dict[str, Service] = {"ArtifactService": artifacts, "CacheService": caches}
        apps: dict[str, App] = {
            router.TWIRP_PREFIX: Twirp(self._sessions, services, self._base),
            uploads.PREFIX: self._uploads,
            artifact_service.PREFIX: artifacts.download,
            cache_downloads.PREFIX: downloads,
            cache_v1.PREFIX: CacheV1(book, self._sessions, downloads.address, self._base),
            id_tokens.TOKEN_PATH: tokens_of_jobs.token,
            id_tokens.DISCOVERY_PATH: tokens_of_jobs.discovery,
            id_tokens.KEYS_PATH: tokens_of_jobs.keys,
        }
        storage = (uploads.PREFIX, artifact_service.PREFIX, cache_downloads.PREFIX)
        failures = dict.fromkeys(storage, uploads.storage_failure) | {cache_v1.PREFIX: v1_failure}
        return Router(apps, failures, lambda: self._port)

    def _clean_up(self) -> None:
        assert self._stores.housekeeping is not None
        thread = threading.Thread(target=self._stores.housekeeping, name="skep-eviction", daemon=True)
        self._threads.append(thread)
        thread.start()
