"""The artifacts of a run, by version 4 of GitHub's protocol.

Source: actions/toolkit, `packages/artifact/src/internal` and the generated client of `results.api.v1.ArtifactService`.
"""

from __future__ import annotations

import base64
import threading
import zlib
from dataclasses import dataclass
from typing import Final

from skep.cache.artifact_names import name_problem
from skep.cache.artifacts import Artifact, ArtifactFile, Artifacts, artifact_id
from skep.cache.blobs import Blobs
from skep.cache.unzip import count_members
from skep.cache.zipped import zip_parts
from skep.events.facts import ArtifactStored
from skep.host.clock import Clock

from .downloads import ADDRESS_LIFE_S, Part, as_attachment, check_address, send
from .http_values import FilePart, HttpError, Request, Response
from .sessions import Session
from .tokens import Json, Tokens
from .twirp import Fields, TwirpError, timestamp
from .uploads import Upload, Uploads

PREFIX: Final = "/skep/artifacts/"
LARGEST_BYTES: Final = 1 << 40
_OLDEST_VERSION, _NEWEST_VERSION = 4, 7
_ZIP_TYPES = ("", "application/zip", "application/x-zip-compressed", "application/zip-compressed")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Begun:
    """An artifact that is being uploaded."""

    upload: Upload
    media_type: str
    expires_at: float


class ArtifactService:
    """The calls of ArtifactService, and the downloads they sign. Any number of threads may use it."""

    def __init__(
        self, blobs: Blobs, artifacts: Artifacts, uploads: Uploads, tokens: Tokens, clock: Clock
    ) -> None:
        self._blobs, self._artifacts, self._uploads = blobs, artifacts, uploads
        self._tokens, self._clock = tokens, clock
        self._begun: dict[tuple[str, str], _Begun] = {}  # by session and name
        self._lock = threading.Lock()
        self.methods = {
            "CreateArtifact": self._create,
            "FinalizeArtifact": self._finalize,
            "ListArtifacts": self._list,
            "GetSignedArtifactURL": self._sign,
            "DeleteArtifact": self._delete,
        }

    # --- calls -----------------------------------------------------------------------------------------------------------
    def _create(self, session: Session, fields: Fields, base: str) -> dict[str, Json]:
        name = self._named(session, fields)
        version = fields.number("version") or _OLDEST_VERSION
        if not _OLDEST_VERSION <= version <= _NEWEST_VERSION:
            raise TwirpError("invalid_argument", f"version {version} of artifacts is not known here")
        if self._artifacts.find(session.job.run_id, name):
            raise self._taken(name)
        begun = _Begun(
            upload=self._uploads.begin(LARGEST_BYTES),
            media_type=fields.text("mime_type").partition(";")[0].strip().lower(),
            expires_at=fields.moment("expires_at") or 0.0,
        )
        with self._lock:
            before = self._begun.get((session.id, name))
            self._begun[session.id, name] = begun
        if before:  # the action tries again
            self._uploads.end(before.upload)
        return {"ok": True, "signed_upload_url": base + self._uploads.address(begun.upload)}

    def _finalize(self, session: Session, fields: Fields, _: str) -> dict[str, Json]:
        name = self._named(session, fields)
        with self._lock:
            begun = self._begun.get((session.id, name))
        if begun is None:
            raise TwirpError("not_found", f"no upload of the artifact `{name}` was begun by this job")
        size, said = begun.upload.size_bytes, fields.number("size") or 0
        if size is None:
            raise TwirpError(
                "failed_precondition", f"the artifact `{name}` was not uploaded, or not all of it"
            )
        if size != said:
            raise TwirpError(
                "invalid_argument",
                f"the artifact `{name}` has {size} bytes here, not {said}: upload it again",
            )
        artifact = self._store(session, name, begun, fields.text("hash"))
        with self._lock:
            self._begun.pop((session.id, name), None)
        self._uploads.end(begun.upload)
        session.publish(
            ArtifactStored(
                at=artifact.created_at,
                leg=session.job.leg,
                name=artifact.name,
                size_bytes=artifact.size_bytes,
                files=count_members(self._blobs.path(artifact.digest)) if artifact.packed else 1,
                digest=artifact.mark,
            )
        )
        return {"ok": True, "artifact_id": str(artifact.id)}

    def _store(self, session: Session, name: str, begun: _Begun, said: str) -> Artifact:
        crc = _Checksum()
        zipped = begun.media_type in _ZIP_TYPES
        with self._blobs.shared():
            blob = begun.upload.commit(None if zipped else crc.add)
            if said and said.lower() != f"sha256:{blob.digest}":
                raise TwirpError(
                    "invalid_argument", f"the artifact `{name}` is damaged: {blob.digest} is not {said}"
                )
            now = self._clock.now()
            path = f"{name}.zip" if zipped else name
            artifact = Artifact(
                name=name,
                id=artifact_id(session.job.run_id, name, now),
                files=(
                    ArtifactFile(path=path, digest=blob.digest, size_bytes=blob.size_bytes, crc32=crc.value),
                ),
                archived=zipped,
                packed=zipped,
                media_type=begun.media_type,
                digest=blob.digest,
                size_bytes=blob.size_bytes,
                created_at=now,
                expires_at=begun.expires_at,
            )
            if not self._artifacts.save(session.job.run_id, artifact):
                raise self._taken(name)
        return artifact

    def _list(self, session: Session, fields: Fields, _: str) -> dict[str, Json]:
        self._check_run(session, fields)
        name, number = fields.text("name_filter"), fields.number("id_filter")
        found = self._artifacts.of_run(session.job.run_id)
        chosen = [one for one in found if name in ("", one.name) and number in (None, one.id)]
        return {"artifacts": [_described(one, session) for one in chosen]}

    def _sign(self, session: Session, fields: Fields, base: str) -> dict[str, Json]:
        artifact = self._find(session, fields)
        for file in artifact.files:
            self._blobs.verify(file.digest)
        run, name = (
            base64.urlsafe_b64encode(text.encode("utf-8", "surrogatepass")).decode()
            for text in (session.job.run_id, artifact.name)
        )
        path = f"{PREFIX}{run}/{name}/{artifact.id}"
        return {"signed_url": base + self._tokens.sign_address(path, "read", ADDRESS_LIFE_S)}

    def _delete(self, session: Session, fields: Fields, _: str) -> dict[str, Json]:
        artifact = self._find(session, fields)
        self._artifacts.remove(session.job.run_id, artifact.name)
        return {"ok": True, "artifact_id": str(artifact.id)}

    # --- downloads -------------------------------------------------------------------------------------------------------
    def download(self, request: Request) -> Response:
        """Answers a signed address. Raises HttpError."""
        check_address(self._tokens, request)
        run, name, number = request.head.path.removeprefix(PREFIX).split("/")
        artifact = self._artifacts.find(_decoded(run), _decoded(name))  # type: ignore[arg-type]  # signed by us
        if artifact is None or str(artifact.id) != number:
            raise HttpError(404, "the artifact was deleted", code="BlobNotFound")
        media_type = (
            "application/zip" if artifact.archived else artifact.media_type or "application/octet-stream"
        )
        shown = f"{artifact.name}.zip" if artifact.archived else artifact.name
        headers = {"Content-Type": media_type, "Content-Disposition": as_attachment(shown)}
        return send(request, self._parts(artifact), artifact.digest, headers)

    def _parts(self, artifact: Artifact) -> list[Part]:
        whole = artifact.packed or not artifact.archived
        parts = artifact.files if whole else zip_parts(artifact.files)
        return [part if isinstance(part, bytes) else self._file(part) for part in parts]

    def _file(self, file: ArtifactFile) -> FilePart:
        return FilePart(path=self._blobs.path(file.digest), offset=0, size_bytes=file.size_bytes)

    # --- rules -----------------------------------------------------------------------------------------------------------
    def _named(self, session: Session, fields: Fields) -> str:
        """The name of an artifact that this job may write."""
        self._check_run(session, fields)
        if fields.text("workflow_job_run_backend_id") != session.id:
            raise TwirpError("permission_denied", "a job can only write artifacts of its own")
        name = fields.text("name")
        if problem := name_problem(name):
            raise TwirpError("invalid_argument", problem)
        return name

    def _find(self, session: Session, fields: Fields) -> Artifact:
        self._check_run(session, fields)
        name = fields.text("name")
        artifact = self._artifacts.find(session.job.run_id, name)
        if artifact is None:
            raise TwirpError("not_found", f"this run has no artifact `{name}`")
        return artifact

    @staticmethod
    def _check_run(session: Session, fields: Fields) -> None:
        if fields.text("workflow_run_backend_id") != session.run:
            raise TwirpError("permission_denied", "a job sees the artifacts of its own run only")

    @staticmethod
    def _taken(name: str) -> TwirpError:
        return TwirpError(
            "already_exists", f"an artifact with this name already exists on the workflow run: {name}"
        )


class _Checksum:
    def __init__(self) -> None:
        self.value = 0

    def add(self, piece: memoryview) -> None:
        self.value = zlib.crc32(piece, self.value)


def _described(artifact: Artifact, session: Session) -> dict[str, Json]:
    return {
        "workflow_run_backend_id": session.run,
        "workflow_job_run_backend_id": session.id,
        "database_id": str(artifact.id),
        "name": artifact.name,
        "size": str(artifact.size_bytes),
        "created_at": timestamp(artifact.created_at),
        "digest": artifact.mark,
    }


def _decoded(text: str) -> str:
    return base64.urlsafe_b64decode(text).decode("utf-8", "surrogatepass")
