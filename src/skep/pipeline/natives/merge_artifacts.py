"""actions/upload-artifact/merge of versions 4 to 7, done here. Source: actions/upload-artifact `merge-artifacts.ts`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial

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
    retention_days,
)
from skep.pipeline.natives.background import in_thread
from skep.pipeline.natives.inputs import Inputs
from skep.pipeline.natives.messages import Messages
from skep.pipeline.natives.name_patterns import name_matcher
from skep.pipeline.natives.upload_artifact import NEWEST, NO_FILES, keeps_hidden, no_files
from skep.pipeline.natives.versions import NEWEST_MINOR, read_version
from skep.pipeline.ports import NativeCall, NativeResult


class MergeArtifacts:
    """Makes one artifact of several. No file is copied: the new one names the same blobs."""

    def __init__(self, stores: ArtifactStores) -> None:
        self._stores = stores

    async def __call__(self, call: NativeCall) -> NativeResult:
        """Selects, merges, announces. Raises UserError, HostError."""
        inputs, messages = Inputs(call.inputs), Messages(call.log)
        name, pattern = inputs.text("name", "merged-artifacts"), inputs.text("pattern", "*")
        if_none = inputs.choice("if-no-files-found", NO_FILES, "error")
        separate, delete = inputs.flag("separate-directories"), inputs.flag("delete-merged")
        hidden = inputs.flag("include-hidden-files") or keeps_hidden(*self._version(call))
        check_compression(inputs)
        days = retention_days(inputs)
        problem = name_problem(name)
        if problem:
            raise UserError(problem)
        matches = name_matcher(pattern)
        chosen = [one for one in self._stores.artifacts.of_run(call.run_id) if matches(one.name)]
        if not chosen:
            return no_files(
                messages, f"No artifacts were found with the provided pattern: {pattern}.", if_none
            )
        messages.info("Preparing to download the following artifacts:")
        for one in chosen:
            messages.info(f"- {one.name} (ID: {one.id}, Size: {one.size_bytes})")
        take = partial(self._files, chosen, separate=separate, hidden=hidden)
        artifact = await in_thread(lambda stop: self._merge(call, name, take, days, stop))
        outputs = announce(call, artifact, artifact.created_at)
        messages.info(f"The {len(chosen)} artifact(s) have been successfully merged!")
        if delete:
            for one in chosen:
                self._stores.artifacts.remove(call.run_id, one.name)
            messages.info(f"The {len(chosen)} artifact(s) have been deleted")
        return NativeResult(outputs=outputs)

    def _merge(
        self,
        call: NativeCall,
        name: str,
        take: Callable[[Stop], Sequence[ArtifactFile]],
        days: int | None,
        stop: Stop,
    ) -> Artifact:
        with self._stores.blobs.shared():
            files = take(stop)
            if not files:
                raise UserError("No files were found to upload")
            artifact = build_artifact(self._stores, call.run_id, name, files, retention_days=days, stop=stop)
            if not self._stores.artifacts.save(call.run_id, artifact):
                raise UserError(f"an artifact named `{name}` already exists on the workflow run")
        return artifact

    def _files(
        self, artifacts: Sequence[Artifact], stop: Stop, *, separate: bool, hidden: bool
    ) -> list[ArtifactFile]:
        files = []
        for artifact in artifacts:
            for file in unpacked(artifact, self._stores.blobs, stop):
                named = replace(file, path=f"{artifact.name}/{file.path}") if separate else file
                if hidden or not _is_hidden(named.path):
                    files.append(named)
        return files

    def _version(self, call: NativeCall) -> tuple[int, int]:
        return read_version(call.ref, NEWEST) or (NEWEST, NEWEST_MINOR)


def _is_hidden(path: str) -> bool:
    return any(part.startswith(".") for part in path.split("/"))
