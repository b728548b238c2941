"""Only processes of a job get in, for their own run, while their token and their addresses hold."""

import base64
import json
import socket
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from typing import Any

import pytest

from .toolkit import Job, Services, other_run

RESULTS = "/twirp/github.actions.results.api.v1."


def ask(
    job: Job,
    path: str,
    data: bytes | None = b"{}",
    *,
    token: str | None = None,
    method: str = "POST",
    **headers: str,
) -> tuple[int, dict[str, Any]]:
    named = {"Content-Type": "application/json", **headers}
    if token != "":
        named["Authorization"] = f"Bearer {token or job.env['ACTIONS_RUNTIME_TOKEN']}"
    request = urllib.request.Request(job.base + path, data, named, method=method)
    try:
        with urllib.request.urlopen(request, timeout=20) as response:
            return response.status, json.load(response)
    except urllib.error.HTTPError as error:
        return error.code, json.load(error)


def flipped(token: str) -> str:
    return token[:-10] + ("A" if token[-10] != "A" else "B") + token[-9:]


def unsigned(token: str) -> str:
    return "eyJhbGciOiJub25lIiwidHlwIjoiSldUIn0." + token.split(".")[1] + "."


@pytest.mark.parametrize(
    "change", [lambda _: "", lambda _: "x", flipped, unsigned, lambda token: token + "A"]
)
@pytest.mark.parametrize(
    "path", [RESULTS + "ArtifactService/ListArtifacts", "/_apis/artifactcache/caches", "/oidc/token"]
)
def test_a_wrong_token_is_refused_everywhere(
    services: Services, path: str, change: Callable[[str], str]
) -> None:
    job = services.job(id_token=True)
    name = "ACTIONS_ID_TOKEN_REQUEST_TOKEN" if "oidc" in path else "ACTIONS_RUNTIME_TOKEN"
    status, answer = ask(job, path, token=change(job.env[name]))
    assert status == 401
    assert "token" in str(answer)


def test_a_token_is_for_its_own_kind_of_service(services: Services) -> None:
    job = services.job(id_token=True)
    listing = RESULTS + "ArtifactService/ListArtifacts"
    assert ask(job, listing, token=job.env["ACTIONS_ID_TOKEN_REQUEST_TOKEN"])[0] == 401
    assert ask(job, "/oidc/token", token=job.env["ACTIONS_RUNTIME_TOKEN"])[0] == 401


def ids(job: Job) -> dict[str, str]:
    payload = job.env["ACTIONS_RUNTIME_TOKEN"].split(".")[1]
    scope = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))["scp"]
    _, run, leg = scope.split(":")
    return {"workflow_run_backend_id": run, "workflow_job_run_backend_id": leg}


def test_a_job_writes_for_itself_and_sees_its_own_run_only(services: Services) -> None:
    job, sibling = services.job("one"), services.job("two")
    create = RESULTS + "ArtifactService/CreateArtifact"
    wrong = {**ids(job), "workflow_run_backend_id": "other", "name": "a"}
    assert ask(job, create, json.dumps(wrong).encode())[0] == 403
    as_sibling = {**ids(sibling), "name": "a"}
    assert ask(job, create, json.dumps(as_sibling).encode())[1]["code"] == "permission_denied"
    assert ask(job, RESULTS + "ArtifactService/ListArtifacts", json.dumps(wrong).encode())[0] == 403
    services.runner.run(services.toolkits.variables(other_run(job), action=True))
    assert ask(job, RESULTS + "ArtifactService/ListArtifacts", json.dumps(ids(job)).encode()) == (
        200,
        {"artifacts": []},
    )


def test_an_address_holds_for_its_purpose_its_path_and_its_time(
    services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = services.job()
    made = ask(job, RESULTS + "CacheService/CreateCacheEntry", b'{"key": "k", "version": "v"}')[1]
    address = made["signed_upload_url"]

    def put(url: str) -> int:
        request = urllib.request.Request(url, b"abc", {"x-ms-blob-type": "BlockBlob"}, method="PUT")
        try:
            with urllib.request.urlopen(request, timeout=20) as response:
                return int(response.status)
        except urllib.error.HTTPError as error:
            return error.code if "<Code>" in error.read().decode() else 0

    assert put(address) == 201
    assert put(address.replace("sp=w", "sp=r")) == 201  # what counts is signed, not said
    assert put(address.replace("se=1", "se=2")) == 403
    assert put(flipped(address)) == 403
    assert put(address.split("?")[0]) == 403
    assert put(address.replace("/skep/uploads/", "/skep/uploads/0")) == 403
    with pytest.raises(urllib.error.HTTPError, match="403"):
        urllib.request.urlopen(address.replace("uploads", "caches"), timeout=20)
    later = time.time() + 3601
    monkeypatch.setattr("time.time", lambda: later)
    assert put(address) == 403


def test_a_page_in_a_browser_cannot_reach_the_port_by_another_name(services: Services) -> None:
    job = services.job()
    status, _ = ask(job, RESULTS + "ArtifactService/ListArtifacts", Host="evil.example:80")
    assert status == 421


def test_the_server_listens_on_this_machine_alone(services: Services) -> None:
    job = services.job()
    port = int(job.base.rpartition(":")[2])
    with socket.create_connection(("127.0.0.1", port), timeout=5) as sock:
        assert sock.getpeername()[0] == "127.0.0.1"
    own = [str(info[4][0]) for info in socket.getaddrinfo(socket.gethostname(), port, socket.AF_INET)]
    for address in own:
        if not address.startswith("127."):
            with pytest.raises(OSError, match="refused"):
                socket.create_connection((address, port), timeout=5)


@pytest.mark.parametrize(
    ("path", "data", "code"),
    [
        ("CacheService/CreateCacheEntry", b"no json", "malformed"),
        ("CacheService/CreateCacheEntry", b"[1]", "malformed"),
        ("CacheService/CreateCacheEntry", b"[" * 100_000, "malformed"),
        ("CacheService/CreateCacheEntry", b"{}", "invalid_argument"),
        ("CacheService/CreateCacheEntry", b'{"key": 7, "version": "v"}', "malformed"),
        ("CacheService/CreateCacheEntry", b'{"key": "a,b", "version": "v"}', "invalid_argument"),
        ("CacheService/CreateCacheEntry", b'{"key": "\\ud800", "version": "v"}', "malformed"),
        (
            "CacheService/CreateCacheEntry",
            b'{"key": "%s", "version": "v"}' % (b"k" * 513),
            "invalid_argument",
        ),
        (
            "CacheService/GetCacheEntryDownloadURL",
            b'{"key": "k", "version": "v", "restore_keys": "x"}',
            "malformed",
        ),
        (
            "CacheService/FinalizeCacheEntryUpload",
            b'{"key": "k", "version": "v", "size_bytes": "1"}',
            "not_found",
        ),
        ("CacheService/Nothing", b"{}", "bad_route"),
        ("Nothing/Nothing", b"{}", "bad_route"),
    ],
)
def test_a_wrong_call_gets_a_twirp_error(services: Services, path: str, data: bytes, code: str) -> None:
    status, answer = ask(services.job(), RESULTS + path, data)
    assert 400 <= status < 500
    assert answer["code"] == code
    assert answer["msg"]
