"""@actions/artifact, unmodified, against our artifact service."""

import hashlib
import json
import os
from pathlib import Path

import pytest

from skep.events.facts import ArtifactStored
from skep.model.ids import RunId

from .toolkit import ARTIFACT, Job, Services

pytestmark = pytest.mark.needs_tool("node", "npm:@actions/artifact")
RUN = RunId("20261121T101530-4f2a")


def fill(job: Job, **files: bytes) -> None:
    for name, data in files.items():
        path = job.workspace / name.replace("__", "/").replace("_dot_", ".")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)


def test_an_artifact_makes_the_round_trip(services: Services) -> None:
    one, other = services.job("one"), services.job("other")
    large = os.urandom(20_000_000)  # three blocks
    fill(one, large_dot_bin=large, sub__x_dot_txt=b"x", sub__empty=b"")
    made = one.run(
        ARTIFACT
        + """
        const files = ['large.bin', 'sub/x.txt', 'sub/empty'].map(name => path.join(ws, name));
        answer.upload = await artifacts.uploadArtifact('shop build', files, ws, {compressionLevel: 0});
        answer.again = await attempt(() => artifacts.uploadArtifact('shop build', files, ws));
        answer.list = await artifacts.listArtifacts({latest: true});
        """
    )
    (listed,) = made["list"]["artifacts"]
    assert (listed["id"], listed["size"]) == (made["upload"]["id"], made["upload"]["size"])
    assert listed["digest"] == f"sha256:{made['upload']['digest']}"
    assert (
        "(409) Conflict: an artifact with this name already exists on the workflow run"
        in made["again"]["error"]
    )
    got = other.run(
        ARTIFACT
        + """
        const {artifact} = await artifacts.getArtifact('shop build');
        answer.got = await artifacts.downloadArtifact(artifact.id, {path: path.join(ws, 'out'), expectedHash: artifact.digest});
        answer.deleted = await artifacts.deleteArtifact('shop build');
        answer.left = await artifacts.listArtifacts();
        answer.missing = await attempt(() => artifacts.getArtifact('shop build'));
        """
    )
    assert got["got"] == {"downloadPath": str(other.workspace / "out"), "digestMismatch": False}
    assert (other.workspace / "out/large.bin").read_bytes() == large
    assert (other.workspace / "out/sub/x.txt").read_bytes() == b"x"
    assert (other.workspace / "out/sub/empty").read_bytes() == b""
    assert got["deleted"]["id"] == made["upload"]["id"]
    assert got["left"] == {"artifacts": []}
    assert "Artifact not found for name: shop build" in got["missing"]["error"]
    (fact,) = services.settle()
    assert isinstance(fact, ArtifactStored)
    assert (fact.leg, fact.name, fact.files, fact.digest) == (
        one.asked.leg,
        "shop build",
        3,
        listed["digest"],
    )
    assert services.leftovers() == []


def test_a_single_file_is_kept_and_given_as_it_is(services: Services) -> None:
    job = services.job()
    name = 'report "50 %" é.html'.replace('"', "'")
    (job.workspace / name).write_bytes(b"<h1>50 %</h1>")
    got = job.run(
        ARTIFACT
        + """
        const name = fs.readdirSync(ws)[0];
        answer.upload = await artifacts.uploadArtifact('ignored', [path.join(ws, name)], ws, {skipArchive: true, retentionDays: 3});
        answer.got = await artifacts.downloadArtifact(answer.upload.id, {path: path.join(ws, 'out')});
        """
    )
    assert (job.workspace / "out" / name).read_bytes() == b"<h1>50 %</h1>"
    assert got["upload"]["digest"] == hashlib.sha256(b"<h1>50 %</h1>").hexdigest()
    stored = services.stores.artifacts.find(RUN, name)
    assert stored is not None
    assert (stored.archived, stored.media_type) == (False, "text/html")
    assert 2 * 86_400 < stored.expires_at - stored.created_at <= 3 * 86_400


def test_twenty_writers_at_once_lose_nothing(services: Services) -> None:
    job, reader = services.job(), services.job("reader")
    for number in range(20):
        fill(job, **{f"{number}_dot_bin": bytes([number]) * 1_000_000})
    made = job.run(
        ARTIFACT
        + """
        answer.ids = await Promise.all([...Array(20).keys()].map(async number =>
          (await artifacts.uploadArtifact(`part-${number}`, [path.join(ws, `${number}.bin`)], ws, {compressionLevel: 0})).id));
        """
    )
    assert len(set(made["ids"])) == 20
    reader.run(
        ARTIFACT
        + """
        const {artifacts: found} = await artifacts.listArtifacts();
        await Promise.all(found.map(one => artifacts.downloadArtifact(one.id, {path: path.join(ws, one.name), expectedHash: one.digest})));
        """
    )
    for number in range(20):
        assert (reader.workspace / f"part-{number}/{number}.bin").read_bytes() == bytes([number]) * 1_000_000


def test_of_two_jobs_with_one_name_one_wins(services: Services) -> None:
    one, other = services.job("one"), services.job("other")
    script = (
        ARTIFACT
        + """
        fs.writeFileSync(path.join(ws, 'who'), process.env.WHO.repeat(1000));
        answer.made = await attempt(() => artifacts.uploadArtifact('same', [path.join(ws, 'who')], ws));
    """
    )
    processes = [one.start(script, WHO="a"), other.start(script, WHO="b")]
    said = "".join(process.communicate(timeout=120)[0] for process in processes)
    made = [
        json.loads(Path(job.box.root, "answer.json").read_text(encoding="utf-8"))["made"]
        for job in (one, other)
    ]
    assert sorted("error" in answer for answer in made) == [False, True], said
    (kept,) = services.stores.artifacts.of_run(RUN)
    assert kept.id in [answer.get("id") for answer in made]


@pytest.mark.parametrize("name", ["a/b", "..", "a:b", "a\\b", 'q"', ""])
def test_a_name_that_no_file_system_takes_is_refused(services: Services, name: str) -> None:
    job = services.job()
    got = job.run(
        ARTIFACT
        + """
        import {internalArtifactTwirpClient} from './node_modules/@actions/artifact/lib/internal/shared/artifact-twirp-client.js';
        import {getBackendIdsFromToken} from './node_modules/@actions/artifact/lib/internal/shared/util.js';
        const client = internalArtifactTwirpClient();
        answer.refused = await attempt(() => client.CreateArtifact({...getBackendIdsFromToken(), name: process.env.NAME, version: 7}));
        """,
        NAME=name,
    )
    assert "(400) Bad Request" in got["refused"]["error"]
    assert services.leftovers() == []


def test_a_killed_client_leaves_nothing_that_could_be_taken_for_whole(services: Services) -> None:
    job, again = services.job("one"), services.job("again")
    process = job.start(
        ARTIFACT
        + """
        import {PassThrough} from 'stream';
        import {internalArtifactTwirpClient} from './node_modules/@actions/artifact/lib/internal/shared/artifact-twirp-client.js';
        import {getBackendIdsFromToken} from './node_modules/@actions/artifact/lib/internal/shared/util.js';
        import {uploadToBlobStorage} from './node_modules/@actions/artifact/lib/internal/upload/blob-upload.js';
        const asked = {...getBackendIdsFromToken(), name: 'half', version: 7};
        const {signedUploadUrl} = await internalArtifactTwirpClient().CreateArtifact(asked);
        const stream = new PassThrough();
        uploadToBlobStorage(signedUploadUrl, stream, 'application/zip');
        stream.write(Buffer.alloc(20_000_000, 1));
        setInterval(() => {}, 1000);
        """
    )
    assert process.stdout is not None
    for line in process.stdout:
        if line.startswith("Uploaded bytes"):
            break
    process.kill()
    process.communicate(timeout=60)
    assert services.stores.artifacts.of_run(RUN) == []
    fill(again, x=b"whole")
    made = again.run(
        ARTIFACT + "answer.made = await artifacts.uploadArtifact('half', [path.join(ws, 'x')], ws);"
    )
    (found,) = services.stores.artifacts.of_run(RUN)
    assert found.id == made["made"]["id"]


def test_what_is_uploaded_must_be_as_long_and_as_sound_as_it_was_said_to_be(services: Services) -> None:
    job = services.job()
    got = job.run(
        ARTIFACT
        + """
        import {BlockBlobClient} from '@azure/storage-blob';
        import {internalArtifactTwirpClient} from './node_modules/@actions/artifact/lib/internal/shared/artifact-twirp-client.js';
        import {getBackendIdsFromToken} from './node_modules/@actions/artifact/lib/internal/shared/util.js';
        const client = internalArtifactTwirpClient(), ids = getBackendIdsFromToken();
        async function finalize(name, upload, rest) {
          const {signedUploadUrl} = await client.CreateArtifact({...ids, name, version: 7});
          await upload(new BlockBlobClient(signedUploadUrl));
          return attempt(() => client.FinalizeArtifact({...ids, name, ...rest}));
        }
        const block = Buffer.from('0'.repeat(8)).toString('base64');
        answer.nothing = await finalize('nothing', async () => {}, {size: '3'});
        answer.unlisted = await finalize('unlisted', blob => blob.stageBlock(block, 'abc', 3), {size: '3'});
        answer.short = await finalize('short', blob => blob.upload('abc', 3), {size: '4'});
        answer.damaged = await finalize('damaged', blob => blob.upload('abc', 3), {size: '3', hash: {value: 'sha256:' + '0'.repeat(64)}});
        answer.unknown = await attempt(() => client.FinalizeArtifact({...ids, name: 'unknown', size: '3'}));
        const {signedUploadUrl} = await client.CreateArtifact({...ids, name: 'list', version: 7});
        answer.list = await attempt(() => new BlockBlobClient(signedUploadUrl).commitBlockList([block]));
        """
    )
    assert "was not uploaded, or not all of it" in got["nothing"]["error"]
    assert "was not uploaded, or not all of it" in got["unlisted"]["error"]
    assert "has 3 bytes here, not 4" in got["short"]["error"]
    assert "is damaged" in got["damaged"]["error"]
    assert "no upload of the artifact `unknown` was begun" in got["unknown"]["error"]
    assert "was not uploaded" in got["list"]["error"]
    assert services.stores.artifacts.of_run(RUN) == []
