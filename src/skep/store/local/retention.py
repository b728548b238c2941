"""Which old runs go: by age, number and bytes; whole runs only, never a living one, never the newest."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from skep.store.local.database import transaction
from skep.store.local.locks import Lock
from skep.store.local.paths import StatePaths

ORPHAN_AFTER_S = 3600.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Keep:
    """What is kept; 0 means no limit."""

    days: float = 0.0
    size_bytes: int = 0
    count: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredRun:
    """A run as retention sees it."""

    run_id: str
    started_at: float
    size_bytes: int
    alive: bool


def runs_to_drop(runs: Iterable[StoredRun], keep: Keep, now: float) -> list[str]:
    """The ids that go; `runs` come newest first. Living runs and the newest one stay, and count."""
    dropped, count, size = [], 0, 0
    for index, run in enumerate(runs):
        count, size = count + 1, size + run.size_bytes
        too_old = bool(keep.days) and now - run.started_at > keep.days * 86400
        too_many = bool(keep.count) and count > keep.count
        too_big = bool(keep.size_bytes) and size > keep.size_bytes
        if index and not run.alive and (too_old or too_many or too_big):
            dropped.append(run.run_id)
            count, size = count - 1, size - run.size_bytes
    return dropped


def prune(
    connection: sqlite3.Connection, paths: StatePaths, keep: Keep, now: float, is_alive: Callable[[str], bool]
) -> tuple[str, ...]:
    """Drops what `keep` no longer covers, and folders of runs that no record knows. Gives the ids of the
    dropped runs.
    Raises sqlite3.Error, OSError."""
    runs = [
        StoredRun(
            run_id=run_id,
            started_at=started_at,
            alive=finished_at is None and is_alive(run_id),
            size_bytes=_size(connection, paths, run_id) if size_bytes is None else size_bytes,
        )
        for run_id, started_at, finished_at, size_bytes in connection.execute(
            "SELECT run_id, started_at, finished_at, size_bytes FROM runs ORDER BY number DESC"
        ).fetchall()
    ]
    dropped = tuple(run_id for run_id in runs_to_drop(runs, keep, now) if _drop(connection, paths, run_id))
    _drop_orphans(paths, {run.run_id for run in runs}, now)
    if dropped:
        connection.executescript("PRAGMA incremental_vacuum")  # `execute` would step once: one page
    return dropped


def _size(connection: sqlite3.Connection, paths: StatePaths, run_id: str) -> int:
    """Bytes of a run's folder and journal; remembered once the run is over."""
    (size,) = connection.execute(
        "SELECT coalesce(sum(length(entry) + 100), 0) FROM journal WHERE run_id = ?", (run_id,)
    ).fetchone()
    for folder, _, names in os.walk(paths.run(run_id).root):
        for name in names:
            size += os.lstat(os.path.join(folder, name)).st_size
    connection.execute(
        "UPDATE runs SET size_bytes = ? WHERE run_id = ? AND finished_at IS NOT NULL", (size, run_id)
    )
    return int(size)


def _drop(connection: sqlite3.Connection, paths: StatePaths, run_id: str) -> bool:
    places = paths.run(run_id)
    lock = None
    if os.path.isdir(places.root):
        try:
            lock = Lock(places.alive)
        except BlockingIOError:
            return False
    try:
        with transaction(connection):
            connection.execute("DELETE FROM journal WHERE run_id = ?", (run_id,))
            connection.execute("DELETE FROM runs WHERE run_id = ?", (run_id,))
        _remove(places.root)
    finally:
        if lock is not None:
            lock.release()
    return True


def _drop_orphans(paths: StatePaths, known: set[str], now: float) -> None:
    """Folders that a killed `prune` left, or a run whose record could never be written."""
    with os.scandir(paths.runs) as folders:
        old = [
            one.name
            for one in folders
            if one.name not in known
            and one.is_dir(follow_symlinks=False)
            and now - one.stat(follow_symlinks=False).st_mtime > ORPHAN_AFTER_S
        ]
    for name in old:
        places = paths.run(name)
        try:
            lock = Lock(places.alive)
        except OSError:
            continue
        _remove(places.root)
        lock.release()


def _remove(folder: str) -> None:
    import shutil  # with its compressors it costs 5 ms, which no warm path pays

    shutil.rmtree(folder, ignore_errors=True)
