"""The files of an artifact into a folder, and never out of it."""

from __future__ import annotations

import os
from collections.abc import Iterable

from skep.cache.artifact_names import path_problem
from skep.cache.artifacts import ArtifactFile
from skep.cache.blobs import Blobs, Stop, Stopped, never, refusals
from skep.model.errors import HostError, UserError


def restore_files(files: Iterable[ArtifactFile], blobs: Blobs, folder: str, stop: Stop = never) -> int:
    """Writes `files` below `folder`, which is made when missing, and gives their number. A file or link that has the name of
    one is replaced, not written through. Raises UserError when a path leads out of `folder`, by its own words or through
    a link that stands there, HostError, BlobDamaged."""
    with refusals(f"cannot write below {folder}"):
        os.makedirs(folder, exist_ok=True)
        root = os.path.realpath(folder)
        parents: dict[str, str] = {}
        count = 0
        for file in files:
            if stop():
                raise Stopped("stopped")
            problem = path_problem(file.path)
            if problem:
                raise UserError(problem)
            parent, name = os.path.split(file.path)
            if parent not in parents:
                parents[parent] = _make_parent(root, parent)
            _write(os.path.join(parents[parent], name), file, blobs, stop)
            count += 1
    return count


def _make_parent(root: str, parent: str) -> str:
    """Makes the folders of `parent` one by one: a link on the way is followed only while it stays within `root`."""
    path = root
    for part in parent.split("/") if parent else ():
        path = os.path.join(path, part)
        try:
            os.mkdir(path)
        except FileExistsError:
            path = os.path.realpath(path)
            if path != root and not path.startswith(root.rstrip("/") + "/"):
                hint = "remove the link, or choose another `path`"
                raise UserError(f"`{parent}` leads out of `{root}` through a link", hint=hint) from None
    return path


def _write(path: str, file: ArtifactFile, blobs: Blobs, stop: Stop) -> None:
    if os.path.lexists(path):
        if os.path.isdir(path) and not os.path.islink(path):
            raise HostError(f"`{path}` is a folder, and the artifact has a file of this name")
        os.unlink(path)
    with open(path, "xb+", buffering=0) as out:
        try:
            blobs.copy_out(file.digest, out, stop)
        except HostError:
            os.unlink(path)
            raise
