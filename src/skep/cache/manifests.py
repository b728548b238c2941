"""Small JSON files that say what blobs mean: written whole or not at all, made at most once, read without trust."""

from __future__ import annotations

import json
import os
import secrets
from collections.abc import Mapping
from typing import TypeAlias

from skep.cache.blobs import refusals, sync_folder

Json: TypeAlias = "bool | int | float | str | list[Json] | dict[str, Json] | None"


def write_manifest(path: str, content: Mapping[str, Json], *, replace: bool, sync: bool = False) -> bool:
    """Puts `content` at `path`, with its folders. With `replace` False: only if there is nothing yet; gives whether it
    was written. Of several writers at once exactly one gets True. Raises HostError."""
    folder = os.path.dirname(path)
    with refusals(f"cannot write {path}"):
        os.makedirs(folder, exist_ok=True)
        temporary = os.path.join(folder, f".{secrets.token_hex(8)}.tmp")
        try:
            with open(temporary, "x", encoding="utf-8") as out:
                json.dump(content, out, ensure_ascii=True)
                if sync:
                    out.flush()
                    os.fsync(out.fileno())
            written = _put(temporary, path, replace=replace)
        finally:
            if os.path.lexists(temporary):
                os.unlink(temporary)
        if sync:
            sync_folder(folder)
    return written


def read_manifest(path: str) -> dict[str, Json] | None:
    """What is there; None when the file is missing, or is no JSON object (as after a crash of the machine)."""
    try:
        with open(path, encoding="utf-8") as file:
            content = json.load(file)
    except (OSError, ValueError, RecursionError):
        return None
    return content if isinstance(content, dict) else None


def _put(temporary: str, path: str, *, replace: bool) -> bool:
    if replace:
        os.replace(temporary, path)
        return True
    try:
        os.link(temporary, path)  # fails when the name is taken; the second name goes away with `temporary`
    except FileExistsError:
        return False
    return True
