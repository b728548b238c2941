"""OIDC tokens that say which job asks, for clouds and vaults that trust this machine, and what they need to check them.

Source: OpenID Connect Core 1.0 and Discovery 1.0; GitHub's documentation, "OpenID Connect reference", for the claims.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping
from typing import Final

from skep.host.clock import Clock
from skep.pipeline.expressions.values import Value, to_text

from .http_values import HttpError, Request, Response
from .sessions import ID_TOKEN, Session, Sessions
from .signing_key import SigningKeys
from .tokens import Json
from .twirp import json_response

TOKEN_PATH: Final = "/oidc/token"  # noqa: S105
DISCOVERY_PATH: Final = "/.well-known/openid-configuration"
KEYS_PATH: Final = "/.well-known/jwks"
LIFE_S: Final = 300
LONGEST_AUDIENCE: Final = 2048
_PULL_REQUESTS = ("pull_request", "pull_request_target", "pull_request_review", "pull_request_review_comment")
_FROM_GITHUB = (
    "actor",
    "actor_id",
    "base_ref",
    "event_name",
    "head_ref",
    "ref",
    "ref_type",
    "repository",
    "repository_id",
    "repository_owner",
    "repository_owner_id",
    "repository_visibility",
    "run_attempt",
    "run_id",
    "run_number",
    "sha",
    "workflow",
    "workflow_ref",
    "workflow_sha",
)
"""Claims that are fields of the `github` context of the same name."""


class IdTokens:
    """Issues tokens, and serves discovery and keys. Any number of threads may use it."""

    def __init__(self, keys: SigningKeys, sessions: Sessions, clock: Clock, base: Callable[[], str]) -> None:
        self._keys, self._sessions, self._clock, self._base = keys, sessions, clock, base

    def token(self, request: Request) -> Response:
        """A token for the job that asks. Raises HttpError, HostError."""
        session = self._sessions.of(request, ID_TOKEN)
        if not session.job.may_have_id_token:
            raise HttpError(403, "the job has no `permissions: id-token: write`", code="permission_denied")
        if request.head.method not in ("GET", "POST"):
            raise HttpError(405, "only GET and POST are allowed here")
        audience = request.head.query.get("audience", "") or _default_audience(session.job.github)
        if len(audience) > LONGEST_AUDIENCE:
            raise HttpError(400, f"an audience has no more than {LONGEST_AUDIENCE} characters")
        now = int(self._clock.now())
        times: dict[str, Json] = {"iat": now, "nbf": now - 60, "exp": now + LIFE_S}
        claims = {
            **claims_of(session),
            **times,
            "iss": self._base(),
            "aud": audience,
            "jti": secrets.token_hex(16),
        }
        return json_response(200, {"value": self._keys.current().sign(claims)})

    def discovery(self, _: Request) -> Response:
        """What a verifier asks first."""
        claims: list[Json] = ["sub", "aud", "exp", "iat", "iss", "jti", "nbf", *_FROM_GITHUB]
        claims += [
            "environment",
            "job_workflow_ref",
            "job_workflow_sha",
            "ref_protected",
            "runner_environment",
        ]
        return json_response(
            200,
            {
                "issuer": self._base(),
                "jwks_uri": self._base() + KEYS_PATH,
                "subject_types_supported": ["public", "pairwise"],
                "response_types_supported": ["id_token"],
                "id_token_signing_alg_values_supported": ["RS256"],
                "scopes_supported": ["openid"],
                "claims_supported": claims,
            },
        )

    def keys(self, _: Request) -> Response:
        """The public keys. Raises HostError."""
        return json_response(200, {"keys": [*self._keys.public()]})


def claims_of(session: Session) -> dict[str, Json]:
    """What a token says of a job; all values are text, as GitHub's are."""
    job, github = session.job, session.job.github
    claims: dict[str, Json] = {name: to_text(github.get(name)) for name in _FROM_GITHUB}
    claims["ref_protected"] = to_text(github.get("ref_protected"))
    claims["job_workflow_ref"] = claims["workflow_ref"]
    claims["job_workflow_sha"] = claims["workflow_sha"]
    claims["runner_environment"] = "self-hosted"
    claims["sub"] = subject_of(github, job.environment)
    if job.environment:
        claims["environment"] = job.environment
    return claims


def subject_of(github: Mapping[str, Value], environment: str) -> str:
    """The subject: by the deployment environment, else that it is a pull request, else by the ref."""
    repository = f"repo:{to_text(github.get('repository'))}"
    if environment:
        return f"{repository}:environment:{environment.replace(':', '%3A')}"
    if to_text(github.get("event_name")) in _PULL_REQUESTS:
        return f"{repository}:pull_request"
    return f"{repository}:ref:{to_text(github.get('ref'))}"


def _default_audience(github: Mapping[str, Value]) -> str:
    return f"{to_text(github.get('server_url'))}/{to_text(github.get('repository_owner'))}"
