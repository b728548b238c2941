"""actions/cache: restored in main, saved in post, in GitHub's words and with its outputs."""

from __future__ import annotations

import asyncio
import os
import threading
import time
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from skep.cache.blobs import Blobs, Stop, never
from skep.cache.eviction import evict
from skep.model.outcome import Outcome
from skep.pipeline.expressions.values import Value
from skep.pipeline.natives.cache import CacheAction, version_of
from skep.pipeline.plan.cache_scopes import scopes_of
from skep.pipeline.ports import NativeResult, Phase

from .calls import Job, Shop

KEYS = {"path": "~/.npm\nnode_modules\n", "key": "npm-1", "restore-keys": "npm-\nnode-"}


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    return Shop(tmp_path)


def fill(job: Job, text: str = "one") -> None:
    job.write({"node_modules/.bin/tool": text, "node_modules/a/index.js": text})
    (job.workspace / "node_modules/.bin/tool").chmod(0o755)
    (job.home / ".npm").mkdir(exist_ok=True)
    (job.home / ".npm/index").write_text(text)


def post(
    shop: Shop, job: Job, main: NativeResult, inputs: Mapping[str, str], **more: Outcome
) -> NativeResult:
    call = shop.call(job, "actions/cache@v4", inputs, phase=Phase.POST, state=main.state)
    return shop.act(replace(call, job_status=more.get("status", Outcome.SUCCESS)))


def save_once(shop: Shop, inputs: Mapping[str, str] = KEYS, text: str = "one") -> Job:
    job = shop.job()
    main = shop.use(job, "actions/cache@v4", inputs)
    fill(job, text)
    assert main.post
    post(shop, job, main, inputs)
    return job


def test_a_miss_then_a_save_then_an_exact_hit(shop: Shop) -> None:
    first = save_once(shop)
    assert first.log == ["Cache not found for input keys: npm-1, npm-, node-", "Cache saved with key: npm-1"]
    second = shop.job()
    main = shop.use(second, "actions/cache@v4", KEYS)
    assert main.outputs == {"cache-hit": "true", "cache-primary-key": "npm-1", "cache-matched-key": "npm-1"}
    assert second.files() == {"node_modules/.bin/tool": "one", "node_modules/a/index.js": "one"}
    assert os.access(second.workspace / "node_modules/.bin/tool", os.X_OK)
    assert (second.home / ".npm/index").read_text() == "one"
    assert post(shop, second, main, KEYS) == NativeResult()
    assert second.log[0] == "Cache hit for: npm-1"
    assert second.log[1].startswith("Cache Size: ~0 MB (")
    assert second.log[2:] == [
        "Cache restored successfully",
        "Cache restored from key: npm-1",
        "Cache hit occurred on the primary key npm-1, not saving cache.",
    ]


def test_a_miss_says_so_by_no_output_at_all(shop: Shop) -> None:
    assert shop.use(shop.job(), "actions/cache@v4", KEYS).outputs == {"cache-primary-key": "npm-1"}


def test_a_restore_key_restores_the_newest_and_saves_under_the_new_key(shop: Shop) -> None:
    save_once(shop, text="old")
    save_once(shop, {**KEYS, "key": "npm-2"}, text="new")
    job = shop.job()
    inputs = {**KEYS, "key": "npm-3"}
    main = shop.use(job, "actions/cache@v4", inputs)
    assert main.outputs == {"cache-hit": "false", "cache-primary-key": "npm-3", "cache-matched-key": "npm-2"}
    assert "Cache hit for restore-key: npm-2" in job.log
    assert job.files()["node_modules/a/index.js"] == "new"
    post(shop, job, main, inputs)
    assert job.log[-1] == "Cache saved with key: npm-3"


@pytest.mark.parametrize("status", [Outcome.FAILURE, Outcome.CANCELLED])
def test_a_job_that_did_not_succeed_saves_nothing(shop: Shop, status: Outcome) -> None:
    job = shop.job()
    main = shop.use(job, "actions/cache@v4", KEYS)
    fill(job)
    post(shop, job, main, KEYS, status=status)
    assert list(shop.entries) == []


def test_restore_and_save_alone(shop: Shop) -> None:
    job = shop.job()
    fill(job)
    assert shop.use(job, "actions/cache/save@v4", KEYS) == NativeResult()
    again = shop.use(job, "actions/cache/save@v4", KEYS)
    assert again == NativeResult()
    assert job.log == [
        "Cache saved with key: npm-1",
        "Failed to save: Unable to reserve cache with key npm-1, another job may be creating this cache.",
    ]
    other = shop.job()
    restored = shop.use(other, "actions/cache/restore@v4", KEYS)
    assert restored.outputs["cache-hit"] == "true"
    assert not restored.post
    assert other.files() == job.files()


def test_lookup_only_restores_nothing(shop: Shop) -> None:
    save_once(shop)
    job = shop.job()
    result = shop.use(job, "actions/cache@v4", {**KEYS, "lookup-only": "true"})
    assert result.outputs["cache-hit"] == "true"
    assert job.files() == {}
    assert job.log[-1] == "Cache found and can be restored from key: npm-1"


def test_fail_on_cache_miss_fails_but_tells_the_key(shop: Shop) -> None:
    job = shop.job()
    result = shop.use(job, "actions/cache@v4", {**KEYS, "fail-on-cache-miss": "true"})
    assert (result.ok, result.post, result.outputs) == (False, False, {"cache-primary-key": "npm-1"})
    assert job.log == [
        "::error::Failed to restore cache entry. Exiting as fail-on-cache-miss is set. Input key: npm-1"
    ]


def test_other_paths_are_another_cache(shop: Shop) -> None:
    save_once(shop)
    result = shop.use(shop.job(), "actions/cache@v4", {**KEYS, "path": "node_modules"})
    assert "cache-hit" not in result.outputs


def test_globs_negations_and_absolute_paths_are_cached_as_on_github(shop: Shop) -> None:
    outside = shop.root / "opt"
    (outside / "sdk").mkdir(parents=True)
    (outside / "sdk/lib").write_text("absolute")
    inputs = {"path": f"build/*.o\n!build/b.o\n! build/c.o\n{outside}/sdk\n", "key": "k"}
    job = shop.job()
    job.write({"build/a.o": "a", "build/b.o": "b", "build/c.o": "c", "build/d.txt": "d"})
    shop.use(job, "actions/cache/save@v4", inputs)
    (outside / "sdk/lib").write_text("changed")
    other = shop.job()
    shop.use(other, "actions/cache/restore@v4", inputs)
    assert other.files() == {"build/a.o": "a"}
    assert (outside / "sdk/lib").read_text() == "absolute"


def test_home_is_the_steps_home(shop: Shop) -> None:
    job, other = shop.job(), shop.job()
    moved = job.workspace.parent / "moved"
    (moved / ".cache").mkdir(parents=True)
    (moved / ".cache/x").write_text("x")
    shop.use(job, "actions/cache/save@v4", {"path": "~/.cache", "key": "k"}, env={"HOME": str(moved)})
    shop.use(other, "actions/cache/restore@v4", {"path": "~/.cache", "key": "k"})
    assert (other.home / ".cache/x").read_text() == "x"


def test_nothing_to_cache_is_a_warning(shop: Shop) -> None:
    job = shop.job()
    assert shop.use(job, "actions/cache/save@v4", KEYS).ok
    reason = "Path(s) specified in the action for caching do(es) not exist, hence no cache is being saved."
    assert job.log == [f"::warning::Failed to save: Path Validation Error: {reason}"]


def test_a_damaged_archive_is_a_miss_that_leaves_the_workspace_alone_and_is_saved_anew(shop: Shop) -> None:
    save_once(shop)
    (entry,) = shop.entries
    archive = Path(shop.blobs.path(entry.archive.digest))
    archive.chmod(0o644)
    archive.write_bytes(archive.read_bytes()[:-1] + b"!")
    job = shop.job()
    result = shop.use(job, "actions/cache@v4", KEYS)
    assert "cache-hit" not in result.outputs
    assert job.files() == {}
    assert any(line.startswith("::warning::Failed to restore: the stored file") for line in job.log)
    fill(job)
    post(shop, job, result, KEYS)
    assert shop.use(shop.job(), "actions/cache@v4", KEYS).outputs["cache-hit"] == "true"


@pytest.mark.parametrize(
    ("inputs", "reason"),
    [
        ({"path": "x"}, "Input required and not supplied: key"),
        ({"key": "k"}, "Input required and not supplied: path"),
        ({"key": "k" * 513, "path": "x"}, "cannot be larger than 512 characters"),
        ({"key": "a,b", "path": "x"}, "a,b cannot contain commas"),
        ({"key": "k", "path": "x", "restore-keys": "a,b"}, "a,b cannot contain commas"),
        ({"key": "k", "path": "x", "restore-keys": "\n".join("abcdefghij")}, "limited to a maximum of 10"),
    ],
)
def test_wrong_inputs_fail_with_githubs_reason(shop: Shop, inputs: dict[str, str], reason: str) -> None:
    assert reason in shop.refusal(shop.job(), "actions/cache@v4", inputs)


def test_saving_under_a_key_github_refuses_is_a_warning(shop: Shop) -> None:
    job = shop.job()
    fill(job)
    assert shop.use(job, "actions/cache/save@v4", {**KEYS, "key": "a,b"}).ok
    assert job.log == ["::warning::Failed to save: Key Validation Error: a,b cannot contain commas."]


def test_a_cache_above_the_limit_is_not_saved(shop: Shop) -> None:
    small = CacheAction(shop.blobs, shop.entries, shop.clock, largest_bytes=1024)
    shop.actions["actions/cache/save"] = small
    job = shop.job()
    fill(job)
    shop.use(job, "actions/cache/save@v4", KEYS)
    assert "over the" in job.log[0]
    assert list(shop.entries) == []
    assert list(shop.blobs) == []


def test_housekeeping_follows_a_save(shop: Shop) -> None:
    def housekeeping() -> object:
        return evict(shop.blobs, [shop.entries], [shop.artifacts], limit_bytes=0)

    keeper = CacheAction(shop.blobs, shop.entries, shop.clock, housekeeping=housekeeping)
    shop.actions["actions/cache/save"] = keeper
    job = shop.job()
    fill(job)
    shop.use(job, "actions/cache/save@v4", KEYS)
    assert list(shop.entries) == []
    assert list(shop.blobs) == []


@pytest.mark.parametrize(
    ("github", "scopes"),
    [
        ({"ref": "refs/heads/x"}, ["refs/heads/x"]),
        ({"ref": "refs/pull/3/merge", "base_ref": "dev"}, ["refs/pull/3/merge", "refs/heads/dev"]),
        (
            {"ref": "refs/tags/v1", "base_ref": "", "event": {"repository": {"default_branch": "main"}}},
            ["refs/tags/v1", "refs/heads/main"],
        ),
        ({"event": {"repository": "odd"}}, ["HEAD"]),
        ({}, ["HEAD"]),
    ],
)
def test_a_run_reads_its_own_its_base_and_the_default_branch(
    github: Mapping[str, Value], scopes: list[str]
) -> None:
    assert scopes_of(github) == scopes


def test_a_branch_reads_the_default_branchs_cache_but_not_anothers(shop: Shop) -> None:
    for ref, text in (("refs/heads/main", "main"), ("refs/heads/other", "other")):
        job = shop.job()
        fill(job, text)
        shop.use(job, "actions/cache/save@v4", KEYS, github={"ref": ref})
    job = shop.job()
    assert shop.use(job, "actions/cache/restore@v4", KEYS).outputs["cache-hit"] == "true"
    assert job.files()["node_modules/a/index.js"] == "main"


def test_the_version_depends_on_every_path_and_their_order() -> None:
    versions = {version_of(paths) for paths in (["a"], ["b"], ["a", "b"], ["b", "a"], ["a|b"])}
    assert len(versions) == 4  # joined by `|`, as the toolkit does


def test_an_archive_cannot_bring_files_that_path_does_not_cover(shop: Shop) -> None:
    """A save with a wide path, then the same entry offered to a narrow one, as a forged store would."""
    job = shop.job()
    job.write({"secret/a": "a", "cache/b": "b"})
    shop.use(job, "actions/cache/save@v4", {"path": "secret\ncache", "key": "k"})
    (entry,) = shop.entries
    shop.entries.save(
        key="k",
        version=version_of(["cache"]),
        scope=entry.scope,
        archive=entry.archive,
        compression="none",
        created_at=9.0,
    )
    other = shop.job()
    result = shop.use(other, "actions/cache/restore@v4", {"path": "cache", "key": "k"})
    assert "cache-hit" not in result.outputs
    assert other.files() == {}
    assert any("does not cover" in line for line in other.log)


class SlowBlobs(Blobs):
    """Waits in the middle of a verification, so that a cancellation meets work under way."""

    def __init__(self, root: str) -> None:
        super().__init__(root)
        self.began = threading.Event()

    def verify(self, digest: str, stop: Stop = never) -> None:
        self.began.set()
        while not stop():
            time.sleep(0.005)
        super().verify(digest, stop)


def test_a_cancelled_restore_has_stopped_when_the_step_ends(shop: Shop) -> None:
    save_once(shop)
    slow = SlowBlobs(shop.blobs.root)
    action = CacheAction(slow, shop.entries, shop.clock)
    job = shop.job()

    async def cancel_halfway() -> None:
        task = asyncio.ensure_future(action(shop.call(job, "actions/cache@v4", KEYS)))
        await asyncio.to_thread(slow.began.wait, 30)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(cancel_halfway())
    assert job.files() == {}


def test_a_pattern_that_climbs_is_a_warning_on_both_ways(shop: Shop) -> None:
    job = shop.job()
    fill(job)
    inputs = {**KEYS, "path": "node_modules/../node_modules"}
    assert shop.use(job, "actions/cache/save@v4", inputs).ok
    (warning,) = job.log
    assert warning.startswith("::warning::Failed to save: ")
    assert list(shop.entries) == []
