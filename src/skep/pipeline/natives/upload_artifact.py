"""actions/upload-artifact of versions 1 to 7, done here.

Source: actions/upload-artifact. Its rules by version: until 3 a second upload of a name adds to the artifact, since 4 a name is
taken once per run; hidden files are left out since 4.4 (and 3.2). As on GitHub an artifact keeps no file modes.
"""

from __future__ import annotations

import os
from typing import Final

from skep.cache.artifact_names import name_problem
from skep.cache.artifacts import Artifact, ArtifactFile
from skep.cache.blobs import Stop
from skep.cache.unzip import unpacked
from skep.model.errors import UserError
from skep.pipeline.natives.artifact_writing import (
    ArtifactStores,
    announce,
    build_artifact,
    check_compression,
    home_of,
    retention_days,
    store_file,
)
from skep.pipeline.natives.background import in_thread
from skep.pipeline.natives.inputs import Inputs
from skep.pipeline.natives.messages import Messages
from skep.pipeline.natives.upload_search import FoundFiles, find_files, stored_path
from skep.pipeline.natives.versions import NEWEST_MINOR, read_version
from skep.pipeline.ports import NativeCall, NativeResult

NEWEST: Final = 7
NO_FILES: Final = ("warn", "error", "ignore")
_HIDDEN_LEFT_OUT_SINCE = {3: 2, 4: 4}  # major -> minor; later majors always
_NAMES_TAKEN_ONCE_SINCE = 4


class UploadArtifact:
    """Stores files of a job as an artifact of its run."""

    def __init__(self, stores: ArtifactStores) -> None:
        self._stores = stores

    async def __call__(self, call: NativeCall) -> NativeResult:
        """Searches, stores, announces. Raises UserError, HostError."""
        inputs, messages = Inputs(call.inputs), Messages(call.log)
        major, minor = read_version(call.ref, NEWEST) or (NEWEST, NEWEST_MINOR)
        path = inputs.required("path")
        if_none = inputs.choice("if-no-files-found", NO_FILES, "warn" if major > 1 else "error")
        archive = inputs.flag("archive", default=True) or major < 7
        check_compression(inputs)
        days = retention_days(inputs)
        hidden = inputs.flag("include-hidden-files") or keeps_hidden(major, minor)
        lines = inputs.lines("path")
        found = await in_thread(lambda _: find_files(lines, call.box.workspace, home_of(call), hidden=hidden))
        for line in found.messages:
            messages.info(line)
        if not found.files:
            return no_files(
                messages,
                f"No files were found with the provided path: {path}. No artifacts will be uploaded.",
                if_none,
            )
        count = len(found.files)
        messages.info(
            f"With the provided path, there will be {count} file{'' if count == 1 else 's'} uploaded"
        )
        if not archive and count > 1:
            raise UserError(
                f"When 'archive' is set to false, only a single file can be uploaded. Found {count} files to upload."
            )
        name = inputs.text("name", "artifact") if archive else os.path.basename(found.files[0])
        problem = name_problem(name)
        if problem:
            raise UserError(problem)
        upload = _Upload(
            self._stores,
            call,
            name,
            found,
            archived=archive,
            days=days,
            overwrite=inputs.flag("overwrite"),
            adds=major < _NAMES_TAKEN_ONCE_SINCE,
        )
        artifact = await in_thread(upload.run)
        return NativeResult(outputs=announce(call, artifact, artifact.created_at))


class _Upload:
    """The part of an upload that runs in a thread."""

    def __init__(
        self,
        stores: ArtifactStores,
        call: NativeCall,
        name: str,
        found: FoundFiles,
        *,
        archived: bool,
        days: int | None,
        overwrite: bool,
        adds: bool,
    ) -> None:
        self._stores = stores
        self._run_id = call.run_id
        self._name = name
        self._found = found
        self._archived = archived
        self._days = days
        self._overwrite = overwrite
        self._adds = adds

    def run(self, stop: Stop) -> Artifact:
        artifacts, blobs = self._stores.artifacts, self._stores.blobs
        if not (self._adds or self._overwrite) and artifacts.find(self._run_id, self._name):
            raise self._taken()
        with blobs.shared():
            files = [
                store_file(path, stored_path(path, self._found.root), blobs, stop)
                for path in self._found.files
            ]
            if not self._adds:
                return self._record(files, stop, replace=self._overwrite)
            with artifacts.adding(self._run_id):
                before = artifacts.find(self._run_id, self._name)
                earlier = unpacked(before, blobs, stop) if before else ()
                return self._record([*earlier, *files], stop, replace=True)

    def _record(self, files: list[ArtifactFile], stop: Stop, *, replace: bool) -> Artifact:
        artifact = build_artifact(
            self._stores,
            self._run_id,
            self._name,
            files,
            archived=self._archived,
            retention_days=self._days,
            stop=stop,
        )
        if not self._stores.artifacts.save(self._run_id, artifact, overwrite=replace):
            raise self._taken()
        return artifact

    def _taken(self) -> UserError:
        return UserError(
            "Failed to CreateArtifact: Received non-retryable error: Failed request: (409) Conflict: an artifact with this "
            f"name already exists on the workflow run: `{self._name}`",
            hint="give each job of a matrix its own name, or set `overwrite: true`",
        )


def keeps_hidden(major: int, minor: int) -> bool:
    """Whether a version takes hidden files without being told to."""
    return minor < _HIDDEN_LEFT_OUT_SINCE.get(major, NEWEST_MINOR + 1 if major < 3 else 0)


def no_files(messages: Messages, text: str, if_none: str) -> NativeResult:
    """What an action does that found nothing: `if-no-files-found`."""
    if if_none == "error":
        messages.error(text)
        return NativeResult(ok=False)
    if if_none == "warn":
        messages.warning(text)
    else:
        messages.info(text)
    return NativeResult()
