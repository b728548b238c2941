"""Archives of any compression as plain tars, by the commands that made them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import BinaryIO

from skep.cache.entries import Compression
from skep.host.reading import output_of

COMMANDS: Mapping[Compression, Sequence[str]] = {
    "gzip": ("gzip", "-dcq"),
    "zstd": ("zstd", "-dcq", "--long=30"),  # as much memory as toolkits of before 2021 let it use
}
"""Compression -> the command that undoes it, to which the path is added. A second process: it works while we write."""


@contextmanager
def open_archive(path: str, compression: Compression) -> Iterator[BinaryIO]:
    """A tar, whatever its compression. Raises ProgramNotFound, HostError, OSError."""
    if compression == "none":
        with open(path, "rb") as archive:
            yield archive
        return
    with output_of([*COMMANDS[compression], "--", path]) as archive:
        yield archive
