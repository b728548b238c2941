"""Skep's own cache and artifact actions and GitHub's packages see each other's work."""

import os
import time
import zipfile
from collections.abc import Mapping
from pathlib import Path

import pytest

from skep.cache.artifacts import Artifact, ArtifactFile, artifact_id
from skep.pipeline.ports import NativeResult, Phase
from unit.pipeline.natives.calls import Job as NativeJob
from unit.pipeline.natives.calls import Shop

from .toolkit import ARTIFACT, CACHE, Job, Services

pytestmark = pytest.mark.needs_tool(
    "node", "npm:@actions/cache", "npm:@actions/artifact", "tar", "gzip", "zstd"
)
GITHUB = {"ref": "refs/heads/main"}
PATHS = "deps\n~/.npm\n"


class Worlds:
    """The native actions over the stores of running services."""

    def __init__(self, services: Services) -> None:
        self.services = services
        self.shop = Shop(services.root)
        self.shop.clock.time = time.time()

    def act(
        self, job: Job, uses: str, inputs: Mapping[str, str], **more: object
    ) -> tuple[NativeResult, list[str]]:
        native = NativeJob(job.box)
        call = self.shop.call(
            native,
            uses,
            inputs,
            github=GITHUB,
            run_id=job.asked.run_id,
            phase=more.get("phase", Phase.MAIN),  # type: ignore[arg-type]
        )
        return self.shop.act(call), native.log


@pytest.fixture
def worlds(services: Services) -> Worlds:
    return Worlds(services)


def fill(job: Job) -> None:
    deps, npm = job.workspace / "deps", Path(job.box.home, ".npm")
    (deps / "sub").mkdir(parents=True)
    npm.mkdir()
    (deps / "tool").write_text("tool", encoding="utf-8")
    (deps / "tool").chmod(0o755)
    os.utime(deps / "tool", ns=(10**18 + 5, 10**18 + 5))
    os.link(deps / "tool", deps / "sub/same")
    (deps / "link").symlink_to("sub/same")
    (deps / ("long" * 40)).write_text("long name", encoding="utf-8")
    (deps / "größe").write_text("not ASCII", encoding="utf-8")
    (npm / "index").write_text("home", encoding="utf-8")


def check_filled(job: Job) -> None:
    deps = job.workspace / "deps"
    assert (deps / "sub/same").read_text(encoding="utf-8") == "tool"
    assert os.stat(deps / "tool").st_nlink == 2
    assert os.stat(deps / "tool").st_mtime_ns == 10**18 + 5
    assert os.access(deps / "tool", os.X_OK)
    assert os.readlink(deps / "link") == "sub/same"
    assert (deps / ("long" * 40)).read_text(encoding="utf-8") == "long name"
    assert (deps / "größe").read_text(encoding="utf-8") == "not ASCII"
    assert Path(job.box.home, ".npm/index").read_text(encoding="utf-8") == "home"


def without_zstd(job: Job) -> dict[str, str]:
    """A PATH on which a toolkit finds what it needs, and no zstd."""
    folder = Path(job.box.root, "bin")
    folder.mkdir()
    for name in ("tar", "gzip", "node", "sh"):
        target = next(
            f"{one}/{name}" for one in os.environ["PATH"].split(":") if os.path.exists(f"{one}/{name}")
        )
        (folder / name).symlink_to(target)
    return {"PATH": str(folder)}


SAVE = CACHE + "answer.id = await cache.saveCache(['deps', '~/.npm'], 'from-toolkit');"
RESTORE = CACHE + "answer.key = await cache.restoreCache(['deps', '~/.npm'], 'x', ['from-']) ?? null;"


@pytest.mark.parametrize("compression", ["zstd", "gzip"])
def test_the_native_action_restores_what_a_toolkit_saved(worlds: Worlds, compression: str) -> None:
    one, other = worlds.services.job("one"), worlds.services.job("other")
    fill(one)
    assert one.run(SAVE, **({} if compression == "zstd" else without_zstd(one)))["id"] > 0
    (entry,) = worlds.services.stores.entries
    assert (entry.compression, entry.layout) == (compression, "toolkit")
    inputs = {"path": PATHS, "key": "from-native", "restore-keys": "from-"}
    result, log = worlds.act(other, "actions/cache/restore@v4", inputs)
    assert result.outputs["cache-matched-key"] == "from-toolkit", log
    assert log[-1] == "Cache restored from key: from-toolkit"
    check_filled(other)


@pytest.mark.parametrize("compression", ["zstd", "gzip"])
def test_a_toolkit_restores_what_the_native_action_saved(worlds: Worlds, compression: str) -> None:
    one, other = worlds.services.job("one"), worlds.services.job("other")
    fill(one)
    worlds.act(one, "actions/cache/save@v4", {"path": PATHS, "key": "from-native"})
    env = {} if compression == "zstd" else without_zstd(other)
    assert other.run(RESTORE, **env)["key"] == "from-native", other.output
    check_filled(other)
    assert other.run(SAVE.replace("from-toolkit", "from-native"), **env)["id"] == -1


def test_what_a_toolkit_saved_for_other_paths_is_not_restored(worlds: Worlds) -> None:
    one, other = worlds.services.job("one"), worlds.services.job("other")
    fill(one)
    one.run(SAVE)
    result, _ = worlds.act(other, "actions/cache/restore@v4", {"path": "deps", "key": "from-toolkit"})
    assert "cache-hit" not in result.outputs


def test_the_native_actions_download_and_merge_what_a_toolkit_uploaded(worlds: Worlds) -> None:
    one, other = worlds.services.job("one"), worlds.services.job("other")
    fill(one)
    one.run(
        ARTIFACT
        + """
        const files = ['deps/tool', 'deps/sub/same'].map(name => path.join(ws, name));
        answer.zip = await artifacts.uploadArtifact('zipped', files, ws);
        answer.raw = await artifacts.uploadArtifact('', [path.join(ws, 'deps/tool')], ws, {skipArchive: true});
        """
    )
    worlds.act(other, "actions/download-artifact@v4", {"path": "out"})
    out = other.workspace / "out"
    found = sorted(str(path.relative_to(out)) for path in out.rglob("*") if path.is_file())
    assert found == ["tool/tool", "zipped/deps/sub/same", "zipped/deps/tool"]
    merged, _ = worlds.act(
        other, "actions/upload-artifact/merge@v4", {"name": "all", "separate-directories": "true"}
    )
    assert merged.ok
    artifact = worlds.services.stores.artifacts.find(one.asked.run_id, "all")
    assert artifact is not None
    assert sorted(file.path for file in artifact.files) == found


def test_a_toolkit_downloads_what_the_native_action_uploaded(worlds: Worlds) -> None:
    one, other = worlds.services.job("one"), worlds.services.job("other")
    fill(one)
    made, _ = worlds.act(one, "actions/upload-artifact@v4", {"name": "native", "path": "deps"})
    got = other.run(
        ARTIFACT
        + """
        const {artifact} = await artifacts.getArtifact('native');
        answer.digest = artifact.digest;
        answer.id = artifact.id;
        answer.got = await artifacts.downloadArtifact(artifact.id, {path: ws + '/out', expectedHash: artifact.digest});
        """
    )
    assert got["digest"] == f"sha256:{made.outputs['artifact-digest']}"
    assert str(got["id"]) == made.outputs["artifact-id"]
    assert got["got"]["digestMismatch"] is False
    assert (other.workspace / "out/größe").read_text(encoding="utf-8") == "not ASCII"
    assert (other.workspace / "out/sub/same").read_text(encoding="utf-8") == "tool"


@pytest.mark.parametrize("member", ["../escaped", "/etc/escaped", "a/../../escaped", "a\\..\\b:c"])
def test_a_zip_that_would_write_elsewhere_is_refused(worlds: Worlds, member: str) -> None:
    job = worlds.services.job()
    path = Path(job.box.root, "evil.zip")
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("first", "harmless")
        archive.writestr(member, "escaped")
    store_zip(worlds.services, job, path.read_bytes())
    with pytest.raises(Exception, match="The path for one of the files in artifact is not valid"):
        worlds.act(job, "actions/download-artifact@v4", {"name": "evil", "path": "out"})
    assert [str(found) for found in worlds.services.root.rglob("*escaped*")] == []
    assert not (job.workspace / "out/first").exists()


@pytest.mark.parametrize("data", [b"", b"no zip", b"PK\x03\x04" + bytes(100)])
def test_an_artifact_that_is_no_zip_is_refused_in_plain_words(worlds: Worlds, data: bytes) -> None:
    job = worlds.services.job()
    store_zip(worlds.services, job, data)
    with pytest.raises(Exception, match="the artifact `evil` is no zip that can be read"):
        worlds.act(job, "actions/download-artifact@v4", {"name": "evil"})


def store_zip(services: Services, job: Job, data: bytes) -> None:
    """An artifact as the service would keep it."""
    blob = services.stores.blobs.add(data)
    file = ArtifactFile(path="evil.zip", digest=blob.digest, size_bytes=blob.size_bytes, crc32=0)
    artifact = Artifact(
        name="evil",
        id=artifact_id(job.asked.run_id, "evil", 1.0),
        files=(file,),
        archived=True,
        packed=True,
        digest=blob.digest,
        size_bytes=blob.size_bytes,
        created_at=1.0,
    )
    assert services.stores.artifacts.save(job.asked.run_id, artifact)
