"""Where a project's actions of other repositories come from: its mirrors, its tokens, its lock file."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from skep.host.files import read_regular
from skep.model.errors import HostError
from skep.pipeline.actions.lock import LOCK_FILE, Locked, parse_lock
from skep.pipeline.actions.remote import location_of, token_variable
from skep.source.remote_git import Origin, is_folder

_LOCK_BYTES = 16 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class RemotePlaces:
    """The origins of repositories, as a project's settings name them."""

    root: str  # of the project; folders of mirrors are relative to it
    server_url: str  # of the project's own remote: where repositories are that no mirror has
    mirrors: Sequence[str] = ()  # `owner=where`
    tokens: Sequence[str] = ()  # `host[/owner[/name]]=VARIABLE`
    environ: Mapping[str, str]

    def origin(self, repository: str) -> Origin:
        """Where `owner/name` is fetched from."""
        where, is_mirror = location_of(repository, self.mirrors, self.server_url)
        if is_folder(where):
            where = os.path.normpath(os.path.join(self.root, os.path.expanduser(where)))
        variable = token_variable(where, self.tokens)
        host = where.partition("://")[2].rpartition("@")[2].partition("/")[0]
        return Origin(
            repository=repository,
            where=where,
            token=self.environ.get(variable, "") if variable else "",
            is_mirror=is_mirror,
            token_hint=f"is the token in `{variable}` right, and not too old?"
            if variable
            else f"SKEP_ACTIONS_TOKENS={host}=MY_TOKEN takes a token from the variable MY_TOKEN",
        )

    def given_tokens(self) -> list[str]:
        """The tokens that are in the environment: secrets of every run."""
        names = [pair.partition("=")[2].strip() for pair in self.tokens]
        return [value for name in names if (value := self.environ.get(name, ""))]


def read_lock(root: str) -> dict[str, Locked]:
    """The entries of a project's skep.lock; none without one. Raises UserError, HostError."""
    path = f"{root}/{LOCK_FILE}"
    try:
        text = read_regular(path, _LOCK_BYTES).decode("utf-8", "replace")
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise HostError(f"`{path}` cannot be read: {error.strerror or error}") from error
    return parse_lock(text)
