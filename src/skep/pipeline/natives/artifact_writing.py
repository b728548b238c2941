"""How the artifact actions store: files into blobs, blobs into an artifact, and what they say about it."""

from __future__ import annotations

import os
import zlib
from collections.abc import Sequence
from dataclasses import dataclass

from skep.cache.artifact_names import path_problem
from skep.cache.artifacts import Artifact, ArtifactFile, Artifacts, artifact_id
from skep.cache.blobs import Blobs, Stop, Stopped, chunks, refusals
from skep.cache.zipped import zip_digest, zip_size
from skep.events.facts import ArtifactStored
from skep.host.clock import Clock
from skep.host.files import regular_only
from skep.model.errors import UserError
from skep.model.ids import RunId
from skep.pipeline.expressions.values import to_text
from skep.pipeline.natives.inputs import Inputs
from skep.pipeline.natives.messages import Messages
from skep.pipeline.ports import NativeCall

_DAY_S = 86_400


@dataclass(frozen=True, slots=True, kw_only=True)
class ArtifactStores:
    """What the artifact actions need."""

    blobs: Blobs
    artifacts: Artifacts
    clock: Clock


def store_file(source: str, path: str, blobs: Blobs, stop: Stop) -> ArtifactFile:
    """Stores one file under `path`; links are followed. Raises UserError when an artifact cannot hold that path, HostError."""
    problem = path_problem(path)
    if problem:
        raise UserError(problem)
    crc = 0
    with (
        blobs.writer() as out,
        refusals(f"cannot upload {source}"),
        open(source, "rb", buffering=0, opener=regular_only) as file,
    ):
        for chunk in chunks(file, stop):
            crc = zlib.crc32(chunk, crc)
            out.write(chunk)
        blob = out.commit()
    return ArtifactFile(path=path, digest=blob.digest, size_bytes=blob.size_bytes, crc32=crc)


def build_artifact(
    stores: ArtifactStores,
    run_id: RunId,
    name: str,
    files: Sequence[ArtifactFile],
    *,
    archived: bool = True,
    retention_days: int | None = None,
    stop: Stop,
) -> Artifact:
    """An artifact of stored files, not yet recorded. Of one path the last file wins. Raises HostError, Stopped."""
    if stop():
        raise Stopped("stopped")
    now = stores.clock.now()
    unique = tuple({file.path: file for file in files}.values())
    if archived:
        digest, size = zip_digest(unique, stores.blobs, stop), zip_size(unique)
    else:
        digest, size = unique[0].digest, unique[0].size_bytes
    return Artifact(
        name=name,
        id=artifact_id(run_id, name, now),
        files=unique,
        archived=archived,
        digest=digest,
        size_bytes=size,
        created_at=now,
        expires_at=now + retention_days * _DAY_S if retention_days else 0.0,
    )


def announce(call: NativeCall, artifact: Artifact, at: float) -> dict[str, str]:
    """Says that an artifact is stored, in the log and as a fact; gives the action's outputs."""
    messages = Messages(call.log)
    kind = "zip" if artifact.archived else "file"
    messages.info(f"SHA256 digest of uploaded artifact {kind} is {artifact.digest}")
    messages.info(
        f"Artifact {artifact.name} has been successfully uploaded! Final size is {artifact.size_bytes} bytes. "
        f"Artifact ID is {artifact.id}"
    )
    call.publish(
        ArtifactStored(
            at=at,
            leg=call.leg,
            name=artifact.name,
            size_bytes=artifact.size_bytes,
            files=len(artifact.files),
            digest=artifact.mark,
        )
    )
    server, repository, run = (
        to_text(call.github.get(key)) for key in ("server_url", "repository", "run_id")
    )
    url = f"{server}/{repository}/actions/runs/{run}/artifacts/{artifact.id}"
    return {"artifact-id": str(artifact.id), "artifact-url": url, "artifact-digest": artifact.digest}


def retention_days(inputs: Inputs) -> int | None:
    """Days to keep; None = as long as the run. Raises UserError."""
    days = inputs.number("retention-days")
    if days is not None and days < 0:
        raise UserError("Invalid retention-days")
    return days or None


def check_compression(inputs: Inputs) -> None:
    """Raises UserError for a level outside of 0 to 9. The level itself changes nothing here: zips are stored."""
    level = inputs.number("compression-level")
    if level is not None and not 0 <= level <= 9:
        raise UserError("Invalid compression-level. Valid values are 0-9")


def home_of(call: NativeCall) -> str:
    """What `~` means for a step."""
    return call.env.get("HOME") or call.box.home


def absolute(path: str, call: NativeCall) -> str:
    """A path of the workspace, or an absolute one, normalized."""
    return os.path.normpath(os.path.join(call.box.workspace, path))
