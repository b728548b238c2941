"""actions/download-artifact of versions 1 to 8, done here.

Source: actions/download-artifact. By version: 1 downloads into a folder of the artifact's name; since 5 an artifact that is the
only one to download is put right into `path`, whichever way it was chosen. A damaged artifact always fails the step,
whatever `digest-mismatch` says: its bytes are gone.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Final

from skep.cache.artifacts import Artifact
from skep.cache.blobs import Stop
from skep.cache.restore import restore_files
from skep.cache.unzip import unpacked
from skep.model.errors import HostError, UserError
from skep.pipeline.expressions.values import to_text
from skep.pipeline.natives.artifact_writing import ArtifactStores, absolute, home_of
from skep.pipeline.natives.background import in_thread
from skep.pipeline.natives.inputs import Inputs
from skep.pipeline.natives.messages import Messages
from skep.pipeline.natives.name_patterns import name_matcher
from skep.pipeline.natives.versions import NEWEST_MINOR, read_version
from skep.pipeline.ports import NativeCall, NativeResult

NEWEST: Final = 8
_LONE_ONE_WITHOUT_FOLDER_SINCE = 5
_MISMATCH = ("ignore", "info", "warn", "error")


class DownloadArtifact:
    """Puts artifacts of the run into a job's folder."""

    def __init__(self, stores: ArtifactStores) -> None:
        self._stores = stores

    async def __call__(self, call: NativeCall) -> NativeResult:
        """Chooses, restores, tells where. Raises UserError, HostError."""
        inputs, messages = Inputs(call.inputs), Messages(call.log)
        major, _ = read_version(call.ref, NEWEST) or (NEWEST, NEWEST_MINOR)
        inputs.choice("digest-mismatch", _MISMATCH, "error")
        _check_source(call, inputs)
        target = _target(call, inputs, major)
        merge = inputs.flag("merge-multiple")
        try:
            chosen = self._choose(call, inputs, messages, merge=merge)
            direct = bool(inputs.text("name")) or merge
            direct = direct or (len(chosen) == 1 and major >= _LONE_ONE_WITHOUT_FOLDER_SINCE)
            if chosen:
                messages.info("Preparing to download the following artifacts:")
            for one in chosen:
                messages.info(
                    f"- {one.name} (ID: {one.id}, Size: {one.size_bytes}, Expected Digest: {one.mark})"
                )
            await in_thread(lambda stop: self._restore(chosen, target, direct=direct, stop=stop))
        except UserError as problem:
            raise UserError(f"Unable to download artifact(s): {problem}", hint=problem.hint) from problem
        except HostError as problem:
            raise HostError(f"Unable to download artifact(s): {problem}", hint=problem.hint) from problem
        messages.info(f"Total of {len(chosen)} artifact(s) downloaded")
        messages.info("Download artifact has finished successfully")
        return NativeResult(outputs={"download-path": target})

    def _choose(self, call: NativeCall, inputs: Inputs, messages: Messages, *, merge: bool) -> list[Artifact]:
        name, ids, pattern = (inputs.text(key) for key in ("name", "artifact-ids", "pattern"))
        if name and ids:
            raise UserError(
                "Inputs 'name' and 'artifact-ids' cannot be used together. Please specify only one."
            )
        if name:
            messages.info("Downloading single artifact")
            found = self._stores.artifacts.find(call.run_id, name)
            if found is None:
                known = ", ".join(f"`{one.name}`" for one in self._stores.artifacts.of_run(call.run_id))
                hint = (
                    f"this run has {known}"
                    if known
                    else "this run has none so far; does the job need the one that uploads?"
                )
                raise UserError(f"Artifact not found for name: {name}", hint=hint)
            return [found]
        stored = self._stores.artifacts.of_run(call.run_id)
        if ids:
            messages.info("Downloading artifacts by ID")
            return _by_ids(ids, stored, messages)
        if pattern:
            messages.info(f"Filtering artifacts by pattern '{pattern}'")
            matches = name_matcher(pattern)
            return [one for one in stored if matches(one.name)]
        messages.info("No input name, artifact-ids or pattern filtered specified, downloading all artifacts")
        if not merge:
            messages.info("An extra directory with the artifact name will be created for each download")
        return stored

    def _restore(self, chosen: Sequence[Artifact], target: str, *, direct: bool, stop: Stop) -> None:
        for artifact in chosen:
            folder = target if direct else os.path.join(target, artifact.name)
            with self._stores.blobs.shared():
                restore_files(unpacked(artifact, self._stores.blobs, stop), self._stores.blobs, folder, stop)


def _by_ids(text: str, stored: Sequence[Artifact], messages: Messages) -> list[Artifact]:
    wanted = [part.strip() for part in text.split(",") if part.strip()]
    if not wanted:
        raise UserError("No valid artifact IDs provided in 'artifact-ids' input")
    for part in wanted:
        if not part.isdecimal():
            raise UserError(f"Invalid artifact ID: '{part}'. Must be a number.")
    numbers = [int(part) for part in wanted]
    found = [one for one in stored if one.id in numbers]
    if not found:
        raise UserError("None of the provided artifact IDs were found")
    missing = [str(number) for number in numbers if number not in {one.id for one in found}]
    if missing:
        messages.warning(f"Could not find the following artifact IDs: {', '.join(missing)}")
    return found


def _check_source(call: NativeCall, inputs: Inputs) -> None:
    """Other runs and repositories need GitHub. As there, both inputs count only together with a token."""
    if not inputs.text("github-token"):
        return
    repository, run = inputs.text("repository"), inputs.text("run-id")
    if repository and repository.lower() != to_text(call.github.get("repository")).lower():
        raise UserError(
            f"Unable to download artifact(s): artifacts of another repository, `{repository}`, are not on this machine",
            hint="leave `repository` and `github-token` out to use this run's artifacts",
        )
    if run and run != to_text(call.github.get("run_id")):
        raise UserError(
            f"Unable to download artifact(s): only this run's artifacts can be had here, not those of run `{run}`",
            hint="leave `run-id` and `github-token` out to use this run's artifacts",
        )


def _target(call: NativeCall, inputs: Inputs, major: int) -> str:
    path = inputs.text("path")
    if not path:
        path = inputs.required("name") if major == 1 else "."
    if path.startswith("~"):
        path = home_of(call) + path[1:]
    return absolute(path, call)
