"""A project's shelf of actions of other repositories, opened when it is first needed."""

from __future__ import annotations

import os

from skep.cli.loading import OpenRemote
from skep.cli.project import Project
from skep.pipeline.actions.lock import Lock
from skep.pipeline.natives.remote_shelf import RemoteShelf
from skep.wiring import remote_places, remote_shelf


def remote_opener(project: Project, lock: Lock | None = None) -> OpenRemote:
    """What opens the project's shelf of other repositories' actions: once, whoever asks again. `lock`: another than
    that of the project."""
    opened: list[RemoteShelf] = []

    def open_remote(server_url: str) -> RemoteShelf:
        if not opened:
            places = remote_places(project.settings, project.root, server_url, os.environ)
            opened.append(remote_shelf(project.settings, project.paths, places, lock=lock))
        return opened[0]

    return open_remote
