"""One thing that the doctor looked at, and how programs are looked at."""

from __future__ import annotations

import os
import re
import shutil
from dataclasses import dataclass
from typing import Literal

from skep.host.process import run_sync
from skep.model.errors import HostError

State = Literal["ok", "warning", "missing"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One thing that was looked at. `missing`: runs cannot work; `warning`: some runs or comforts do not."""

    name: str
    state: State
    detail: str
    mend: str = ""  # what to do, mostly a command


def check_program(
    name: str, option: str, *, missing: State, mend: str, needed: tuple[int, ...] = ()
) -> Check:
    """A program on PATH and its version. `missing` is the state when it is absent or older than `needed`."""
    path = shutil.which(name)
    if path is None:
        return Check(name=name, state=missing, detail="not on PATH", mend=mend)
    try:
        done = run_sync([path, option], cwd="/", timeout_s=20)
    except HostError as error:
        return Check(name=name, state=missing, detail=str(error), mend=mend)
    match = re.search(rb"(\d+(?:\.\d+)+)", done.stdout)
    if match is None:
        return Check(name=name, state=missing, detail=f"`{path} {option}` said no version", mend=mend)
    version = match[1].decode()
    if tuple(map(int, version.split("."))) < needed:
        return Check(
            name=name, state=missing, detail=f"{version}, needed: {'.'.join(map(str, needed))}", mend=mend
        )
    return Check(name=name, state="ok", detail=f"{version} ({path})")


def nearest_existing(path: str) -> str:
    """The folder itself, or the nearest one above it that is there."""
    path = os.path.abspath(os.path.expanduser(path))
    while not os.path.isdir(path) and path != "/":
        path = os.path.dirname(path)
    return path
