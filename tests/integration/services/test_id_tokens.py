"""OIDC tokens by @actions/core, unmodified, checked by node's own cryptography against our keys."""

import base64
import json
import os
import stat
import urllib.request
from pathlib import Path
from typing import Any

import pytest

from skep.host.clock import SystemClock
from skep.pipeline.expressions.values import Value
from skep.pipeline.services.signing_key import KEY_LIFE_S, SigningKeys

from .toolkit import CORE, Job, Services

pytestmark = pytest.mark.needs_tool("node", "npm:@actions/core", "openssl")
GITHUB: dict[str, Value] = {
    "repository": "octo/shop",
    "repository_owner": "octo",
    "server_url": "https://github.com",
    "event_name": "push",
    "run_id": "77",
    "run_number": "5",
    "run_attempt": "2",
    "actor": "monalisa",
    "workflow": "CI",
    "sha": "a" * 40,
    "workflow_ref": "octo/shop/.github/workflows/ci.yml@refs/heads/main",
    "ref_protected": False,
}
VERIFY = """
import crypto from 'crypto';
async function check(token) {
  const [head, payload, signature] = token.split('.');
  const claims = JSON.parse(Buffer.from(payload, 'base64url'));
  const {kid, alg} = JSON.parse(Buffer.from(head, 'base64url'));
  const found = await (await fetch(`${claims.iss}/.well-known/openid-configuration`)).json();
  const {keys} = await (await fetch(found.jwks_uri)).json();
  const key = crypto.createPublicKey({key: keys.find(one => one.kid === kid), format: 'jwk'});
  const sound = crypto.verify('RSA-SHA256', Buffer.from(`${head}.${payload}`), key, Buffer.from(signature, 'base64url'));
  return {claims, sound, alg, issuer: found.issuer};
}
"""


def tokens(job: Job, *audiences: str) -> list[dict[str, Any]]:
    script = CORE + VERIFY + "answer.all = [];"
    for audience in audiences:
        script += f"answer.all.push(await check(await core.getIDToken({json.dumps(audience)})));"
    found: list[dict[str, Any]] = job.run(script)["all"]
    return found


def test_a_token_says_which_job_asks_and_is_signed_by_a_key_that_can_be_found(services: Services) -> None:
    job = services.job(id_token=True, github=GITHUB)
    given, own = tokens(job, "", "sts.example & more")
    assert given["sound"] is True
    assert (given["alg"], given["issuer"], given["claims"]["iss"]) == ("RS256", job.base, job.base)
    assert given["claims"]["aud"] == "https://github.com/octo"
    assert own["claims"]["aud"] == "sts.example & more"
    claims = given["claims"]
    assert claims["sub"] == "repo:octo/shop:ref:refs/heads/main"
    assert claims["exp"] - claims["iat"] == 300
    assert claims["jti"] != own["claims"]["jti"]
    expected = {name: value for name, value in GITHUB.items() if name not in ("server_url", "ref_protected")}
    assert {name: claims[name] for name in expected} == expected
    assert (claims["ref_protected"], claims["runner_environment"]) == ("false", "self-hosted")
    assert "environment" not in claims


@pytest.mark.parametrize(
    ("event", "environment", "subject"),
    [
        ("push", "prod:eu", "repo:octo/shop:environment:prod%3Aeu"),
        ("pull_request", "", "repo:octo/shop:pull_request"),
        ("pull_request", "prod", "repo:octo/shop:environment:prod"),
    ],
)
def test_the_subject_follows_environment_then_pull_request_then_ref(
    services: Services, event: str, environment: str, subject: str
) -> None:
    job = services.job(id_token=True, environment=environment, github={**GITHUB, "event_name": event})
    request = urllib.request.Request(
        job.env["ACTIONS_ID_TOKEN_REQUEST_URL"] + "&audience=a",
        headers={"Authorization": f"Bearer {job.env['ACTIONS_ID_TOKEN_REQUEST_TOKEN']}"},
    )
    with urllib.request.urlopen(request, timeout=60) as response:
        payload = json.load(response)["value"].split(".")[1]
    claims = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    assert claims["sub"] == subject
    assert claims.get("environment", "") == environment


def test_a_job_without_the_permission_has_neither_address_nor_token(services: Services) -> None:
    job = services.job()
    assert [name for name in job.env if "ID_TOKEN" in name] == []
    got = job.run(
        CORE + "answer.refused = await core.getIDToken().catch(error => error.message);",
        ACTIONS_ID_TOKEN_REQUEST_URL=f"{job.base}/oidc/token?api-version=2.0",
        ACTIONS_ID_TOKEN_REQUEST_TOKEN=job.env["ACTIONS_RUNTIME_TOKEN"],
    )
    assert "401" in got["refused"]


def test_a_run_step_gets_the_address_of_tokens_and_nothing_else(services: Services) -> None:
    step = services.job(id_token=True, action=False)
    assert sorted(step.env) == ["ACTIONS_ID_TOKEN_REQUEST_TOKEN", "ACTIONS_ID_TOKEN_REQUEST_URL"]
    assert services.job("plain", action=False).env == {}


class MovedClock(SystemClock):
    """This machine's clock, moved."""

    moved_s = 0.0

    def now(self) -> float:
        return super().now() + self.moved_s


def test_a_key_is_for_its_user_alone_and_is_replaced_in_time(tmp_path: Path) -> None:
    clock = MovedClock()
    keys = SigningKeys(str(tmp_path / "oidc"), clock)
    first = keys.current()
    assert stat.S_IMODE(os.stat(first.path).st_mode) == 0o600
    assert stat.S_IMODE(os.stat(tmp_path / "oidc").st_mode) == 0o700
    assert SigningKeys(str(tmp_path / "oidc"), clock).current() == first
    clock.moved_s = KEY_LIFE_S + 10
    second = keys.current()
    assert second.id != first.id
    assert [key["kid"] for key in keys.public()] == [second.id, first.id]
    clock.moved_s = 2 * KEY_LIFE_S + 20
    third = keys.current()
    assert [key["kid"] for key in keys.public()] == [third.id, second.id]
    assert not Path(first.path).exists()
