"""What a mirror believes: the tree's paths, the stamps the user's files had when they were copied, and when that was.

On disk: one marshalled tuple behind a magic line. Numbers and bytes only, read in a millisecond per ten thousand
files; a file that is short, foreign or of another version reads as None, never as something half right.
"""

from __future__ import annotations

import marshal
import os
import zlib
from array import array
from dataclasses import dataclass, field

from skep.host.files import atomic_write

MAGIC = b"skep mirror 2\n"


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """One state of the user's tree, as it was copied."""

    paths: tuple[bytes, ...] = ()
    stamps: array[int] = field(default_factory=lambda: array("q"))  # flat, one per path; of the user's files
    watched: tuple[bytes, ...] = ()  # what the listing of paths depends on; () = always list again
    watched_stamps: array[int] = field(default_factory=lambda: array("q"))
    taken_at_ns: int = 0  # when the scan began: older stamps can be trusted
    boot: str = ""  # the boot during which it was written
    changed: frozenset[bytes] = frozenset()  # of a delta: the paths whose content lies in it, not in its base


def write_manifest(path: str, manifest: Manifest) -> None:
    """Writes whole or not at all. Raises OSError."""
    fields = (
        b"\0".join(manifest.paths),
        manifest.stamps.tobytes(),
        b"\0".join(manifest.watched),
        manifest.watched_stamps.tobytes(),
        manifest.taken_at_ns,
        manifest.boot,
        b"\0".join(manifest.changed),
    )
    body = marshal.dumps(fields, 2)
    atomic_write(path, MAGIC + zlib.crc32(body).to_bytes(4, "big") + body)


def read_manifest(path: str) -> Manifest | None:
    """The manifest, or None when there is none that can be trusted."""
    try:
        with open(path, "rb") as file:
            raw = file.read()
    except OSError:
        return None
    head = len(MAGIC) + 4
    body = memoryview(raw)[head:]
    if raw[: len(MAGIC)] != MAGIC or zlib.crc32(body).to_bytes(4, "big") != raw[len(MAGIC) : head]:
        return None
    try:
        paths, stamps, watched, watched_stamps, taken_at_ns, boot, changed = marshal.loads(body)  # noqa: S302
    except (ValueError, EOFError, TypeError):
        return None
    return Manifest(
        paths=_split(paths),
        stamps=array("q", stamps),
        watched=_split(watched),
        watched_stamps=array("q", watched_stamps),
        taken_at_ns=taken_at_ns,
        boot=boot,
        changed=frozenset(_split(changed)),
    )


def _split(joined: bytes) -> tuple[bytes, ...]:
    """Paths that were joined: several, or none."""
    return tuple(joined.split(b"\0")) if joined else ()


def boot_id() -> str:
    """Names the time since this machine started; '' where the system does not say."""
    try:
        with open("/proc/sys/kernel/random/boot_id", "rb") as file:
            return file.read().decode().strip()
    except OSError:
        return ""


def read_paths(path: str) -> tuple[bytes, ...]:
    """A plain list of paths, as `write_paths` wrote it; () when there is none."""
    try:
        with open(path, "rb") as file:
            return tuple(part for part in file.read().split(b"\0") if part)
    except OSError:
        return ()


def write_paths(path: str, paths: tuple[bytes, ...]) -> None:
    """Writes a list of paths, whole or not at all."""
    atomic_write(path, b"\0".join(paths))


def forget(path: str) -> None:
    """Removes a file if it is there."""
    try:
        os.unlink(path)
    except FileNotFoundError:
        return
