"""@actions/cache, unmodified, against our cache service, by version 2 and version 1 of the protocol."""

import json
import os
import urllib.request
from pathlib import Path
from typing import Any

import pytest

from skep.pipeline.services.cache_service import RESERVED_S

from .toolkit import CACHE, Job, Services

pytestmark = pytest.mark.needs_tool("node", "npm:@actions/cache", "tar")
V1 = {"ACTIONS_CACHE_SERVICE_V2": ""}


def fill(job: Job, text: str = "one") -> None:
    (job.workspace / "deps/sub").mkdir(parents=True, exist_ok=True)
    (job.workspace / "deps/sub/x.txt").write_text(text, encoding="utf-8")
    (job.workspace / "deps/tool").write_text("#!/bin/sh\n", encoding="utf-8")
    (job.workspace / "deps/tool").chmod(0o755)
    (job.workspace / "deps/link").unlink(missing_ok=True)
    (job.workspace / "deps/link").symlink_to("sub/x.txt")


def save(job: Job, key: str, text: str = "one", **env: str) -> int:
    fill(job, text)
    saved: int = job.run(CACHE + f"answer.id = await cache.saveCache(['deps'], {json.dumps(key)});", **env)[
        "id"
    ]
    return saved


def restore(job: Job, key: str, *more: str, **env: str) -> str | None:
    keys = json.dumps(list(more))
    script = CACHE + f"answer.key = await cache.restoreCache(['deps'], {json.dumps(key)}, {keys}) ?? null;"
    found: str | None = job.run(script, **env)["key"]
    return found


@pytest.mark.parametrize("env", [{}, V1], ids=["v2", "v1"])
def test_a_cache_makes_the_round_trip(services: Services, env: dict[str, str]) -> None:
    one, other = services.job("one"), services.job("other")
    assert save(one, "linux-a", **env) > 0
    assert restore(other, "linux-b", "mac-", "linux-", **env) == "linux-a"
    deps = other.workspace / "deps"
    assert (deps / "link").read_text(encoding="utf-8") == "one"
    assert os.readlink(deps / "link") == "sub/x.txt"
    assert os.access(deps / "tool", os.X_OK)
    assert restore(other, "mac", **env) is None
    assert services.leftovers() == []


@pytest.mark.parametrize("env", [{}, V1], ids=["v2", "v1"])
def test_a_key_is_saved_once(services: Services, env: dict[str, str]) -> None:
    job = services.job()
    assert save(job, "k", **env) > 0
    assert save(job, "k", "two", **env) == -1
    assert "Unable to reserve cache with key k, another job may be creating this cache" in job.output
    assert len(list(services.stores.entries)) == 1
    assert services.leftovers() == []


@pytest.mark.parametrize("env", [{}, V1], ids=["v2", "v1"])
def test_what_is_too_large_for_one_request_comes_in_pieces(services: Services, env: dict[str, str]) -> None:
    job = services.job()
    data = os.urandom(1_000_000) * 140  # above 128 MiB: blocks of 64 MiB; by version 1 five pieces
    (job.workspace / "large").write_bytes(data)
    made = job.run(
        CACHE
        + """
        const id = await cache.saveCache(['large'], 'large');
        fs.renameSync('large', 'before');
        answer.key = await cache.restoreCache(['large'], 'large');
        answer.same = fs.readFileSync('large').equals(fs.readFileSync('before'));
        """,
        **env,
        **no_compression(job),
    )
    assert made == {"key": "large", "same": True}


def no_compression(job: Job) -> dict[str, str]:
    """A PATH whose zstd only copies: what repeats would shrink to nothing."""
    folder = Path(job.box.root, "bin")
    folder.mkdir()
    for name in ("zstd", "zstdmt", "unzstd"):
        script = '#!/bin/sh\ncase "$*" in *--version*) echo "v1.5.4";; *) exec cat;; esac\n'
        (folder / name).write_text(script, encoding="utf-8")
        (folder / name).chmod(0o755)
    return {"PATH": f"{folder}:{os.environ['PATH']}"}


def test_restore_keys_find_the_newest_and_own_refs_come_first(services: Services) -> None:
    main = services.job("main")
    for number in range(3):
        save(main, f"npm-{number}", f"main {number}")
    topic = services.job("topic", ref="refs/heads/topic", base_ref="next")
    assert restore(topic, "npm-9", "npm-") == "npm-2"
    save(services.job("next", ref="refs/heads/next"), "npm-0", "base")
    assert restore(topic, "npm-9", "npm-") == "npm-0"
    assert (topic.workspace / "deps/sub/x.txt").read_text(encoding="utf-8") == "base"
    save(topic, "npm-7", "own")
    assert restore(topic, "npm-0", "npm-") == "npm-7"
    assert restore(services.job("again"), "npm-7") is None  # main does not see what a topic saved
    assert restore(services.job("side", ref="refs/heads/side"), "npm-7", "npm-1") == "npm-1"


def call(job: Job, method: str, **fields: object) -> dict[str, Any]:
    request = urllib.request.Request(
        f"{job.base}/twirp/github.actions.results.api.v1.CacheService/{method}",
        json.dumps(fields).encode(),
        {"Content-Type": "application/json", "Authorization": f"Bearer {job.env['ACTIONS_RUNTIME_TOKEN']}"},
    )
    with urllib.request.urlopen(request, timeout=20) as response:
        answer: dict[str, Any] = json.load(response)
    return answer


def put(address: str, data: bytes) -> None:
    request = urllib.request.Request(address, data, {"x-ms-blob-type": "BlockBlob"}, method="PUT")
    with urllib.request.urlopen(request, timeout=20) as response:
        assert response.status == 201


def test_a_key_that_another_job_is_saving_is_taken_until_nothing_more_comes(
    services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    one, other = services.job("one"), services.job("other")
    assert call(one, "CreateCacheEntry", key="k", version="v")["ok"] is True
    assert call(other, "CreateCacheEntry", key="k", version="v")["ok"] is False
    assert call(other, "CreateCacheEntry", key="k", version="w")["ok"] is True
    begun = call(one, "CreateCacheEntry", key="k", version="v")  # the same job may begin anew
    put(begun["signed_upload_url"], b"abc")
    assert call(one, "FinalizeCacheEntryUpload", key="k", version="v", size_bytes="3")["ok"] is True
    assert (
        call(other, "GetCacheEntryDownloadURL", key="k", version="v", restore_keys=[])["matched_key"] == "k"
    )
    call(one, "CreateCacheEntry", key="dead", version="v")
    monkeypatch.setattr("skep.pipeline.services.cache_service.RESERVED_S", -RESERVED_S)
    assert call(other, "CreateCacheEntry", key="dead", version="v")["ok"] is True


def test_names_in_camel_case_and_numbers_as_numbers_are_understood(services: Services) -> None:
    job = services.job()
    put(call(job, "CreateCacheEntry", key="k", version="v")["signed_upload_url"], b"abc")
    assert call(job, "FinalizeCacheEntryUpload", key="k", version="v", sizeBytes=3)["entry_id"].isdecimal()
    found = call(job, "GetCacheEntryDownloadURL", key="x", version="v", restoreKeys=["k"])
    assert found["matched_key"] == "k"


def test_ranges_and_head_and_conditions_of_a_download(services: Services) -> None:
    job = services.job()
    data = bytes(range(256)) * 1000
    put(call(job, "CreateCacheEntry", key="k", version="v")["signed_upload_url"], data)
    call(job, "FinalizeCacheEntryUpload", key="k", version="v", size_bytes=len(data))
    address = call(job, "GetCacheEntryDownloadURL", key="k", version="v")["signed_download_url"]

    def get(method: str = "GET", **headers: str) -> tuple[int, bytes, dict[str, str]]:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        request = urllib.request.Request(address, headers=named, method=method)
        try:
            with urllib.request.urlopen(request, timeout=20) as response:
                return response.status, response.read(), dict(response.headers)
        except urllib.error.HTTPError as error:
            return error.code, error.read(), dict(error.headers)

    status, body, headers = get("HEAD")
    assert (status, body, headers["Content-Length"], headers["Accept-Ranges"]) == (
        200,
        b"",
        str(len(data)),
        "bytes",
    )
    assert get(Range="bytes=10-19")[:2] == (206, data[10:20])
    assert get(Range="bytes=-5")[:2] == (206, data[-5:])
    assert get(Range="bytes=255990-")[:2] == (206, data[255_990:])
    assert get(x_ms_range="bytes=0-0")[:2] == (206, data[:1])
    assert get(Range="bytes=10-19", If_Range='"other"')[:2] == (200, data)
    assert get(Range="bytes=5-4")[:2] == (200, data)  # no range at all: ignored
    assert get(Range=f"bytes={len(data)}-")[0] == 416
    assert get(Range="bytes=0-9")[2]["Content-Range"] == f"bytes 0-9/{len(data)}"
    assert get("PUT")[0] == 405


def test_a_damaged_archive_is_a_miss_and_forgotten(services: Services) -> None:
    job = services.job()
    save(job, "k")
    (entry,) = services.stores.entries
    blob = Path(services.stores.blobs.path(entry.archive.digest))
    blob.chmod(0o644)
    blob.write_bytes(b"x" * entry.archive.size_bytes)
    assert restore(services.job("other"), "k") is None
    assert list(services.stores.entries) == []
    assert save(job, "k") > 0


def test_a_truncated_upload_is_refused(services: Services) -> None:
    job = services.job()
    put(call(job, "CreateCacheEntry", key="k", version="v")["signed_upload_url"], b"abc")
    with pytest.raises(urllib.error.HTTPError) as refused:
        call(job, "FinalizeCacheEntryUpload", key="k", version="v", size_bytes="4")
    assert json.load(refused.value) == {
        "code": "invalid_argument",
        "msg": "the cache has 3 bytes here, not 4",
    }
    assert list(services.stores.entries) == []


def test_by_version_1_a_cache_with_a_hole_is_refused(services: Services) -> None:
    job = services.job()

    def ask(method: str, what: str, data: bytes, **headers: str) -> tuple[int, Any]:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        named["Authorization"] = f"Bearer {job.env['ACTIONS_RUNTIME_TOKEN']}"
        request = urllib.request.Request(f"{job.base}/_apis/artifactcache/{what}", data, named, method=method)
        try:
            with urllib.request.urlopen(request, timeout=20) as response:
                body = response.read()
                return response.status, json.loads(body) if body else None
        except urllib.error.HTTPError as error:
            return error.code, json.load(error)

    status, made = ask("POST", "caches", b'{"key": "k", "version": "v"}')
    assert status == 201
    number = f"caches/{made['cacheId']}"
    assert ask("PATCH", number, b"ghi", Content_Range="bytes 6-8/*")[0] == 204
    assert ask("PATCH", number, b"abc", Content_Range="bytes 0-2/*")[0] == 204
    assert ask("POST", number, b'{"size": 9}')[0] == 412
    assert ask("PATCH", number, b"de", Content_Range="bytes 3-5/*")[0] == 400
    assert ask("PATCH", number, b"def", Content_Range="bytes 5-3/*")[0] == 400
    assert ask("PATCH", number, b"def", Content_Range="bytes 3-5/*")[0] == 204
    assert ask("POST", number, b'{"size": 10}')[0] == 400
    assert ask("POST", number, b'{"size": 9}')[0] == 204
    assert ask("POST", number, b'{"size": 9}')[0] == 404
    (entry,) = services.stores.entries
    assert Path(services.stores.blobs.path(entry.archive.digest)).read_bytes() == b"abcdefghi"
    listed = ask("GET", "caches?key=k", b"")[1]
    assert [one["cacheKey"] for one in listed["artifactCaches"]] == ["k"]
