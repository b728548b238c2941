"""Concurrency groups in a folder of any name, and with a database that somebody else has written in."""

from __future__ import annotations

import asyncio
import os
import sqlite3
from pathlib import Path

import pytest

from skep.pipeline.ports import GroupClaim
from skep.store.local.groups import SqliteConcurrencyGroups
from skep.store.local.paths import StatePaths, state_paths
from skep.store.local.records import RunRecords

from .recording import record

FIRST = GroupClaim(group="g", holder="first", cancel_in_progress=False)
SECOND = GroupClaim(group="g", holder="second", cancel_in_progress=False)


def never() -> None:
    raise AssertionError("nobody asked for that")


def test_a_state_folder_whose_path_is_no_text_serves_as_any_other(tmp_path: Path) -> None:
    folder = os.fsdecode(os.fsencode(tmp_path) + b"/st\xff\xfete")
    paths = state_paths(folder, str(tmp_path))
    records = RunRecords(paths)
    run_id = record(records)
    assert [row.run_id for row in records.list_runs()] == [run_id]
    records.close()

    async def one_after_the_other() -> list[str]:
        order: list[str] = []
        one, other = SqliteConcurrencyGroups(paths), SqliteConcurrencyGroups(paths)
        assert await one.claim(FIRST, never)
        order.append("first holds")
        waiting = asyncio.create_task(other.claim(SECOND, never))
        await asyncio.sleep(0.05)
        assert not waiting.done()
        await one.release(FIRST)
        assert await waiting
        order.append("second holds")
        await one.close()
        await other.close()
        return order

    assert asyncio.run(one_after_the_other()) == ["first holds", "second holds"]
    assert not list(Path(paths.locks).glob("groups-*"))


@pytest.mark.parametrize("name", ["{victim}", "../victim", "groups-../../victim", "groups-\0", ""])
def test_a_forged_lock_file_is_nobodys_and_stays(tmp_path: Path, paths: StatePaths, name: str) -> None:
    victim = Path(paths.repository) / "victim"
    RunRecords(paths).close()
    victim.write_text("precious")
    connection = sqlite3.connect(paths.database)
    connection.execute(
        "INSERT INTO claims (group_name, holder, state, lock_path) VALUES ('g', 'forged', 'holding', ?)",
        (name.format(victim=victim),),
    )
    connection.commit()
    connection.close()

    async def claim() -> bool:
        groups = SqliteConcurrencyGroups(paths)
        try:
            return await groups.claim(FIRST, never)
        finally:
            await groups.close()

    assert asyncio.run(claim())
    assert victim.read_text() == "precious"


@pytest.mark.parametrize("forged", ["../../etc", "..", "", "nul\0byte", "a/b"])
def test_a_run_with_a_forged_id_is_listed_as_nobodys(paths: StatePaths, forged: str) -> None:
    records = RunRecords(paths)
    run_id = record(records)
    connection = sqlite3.connect(paths.database)
    connection.execute(
        "INSERT INTO runs (run_id, number, status, event, ref, sha, started_at, facts, head)"
        " VALUES (?, 99, 'running', 'push', '', '', 0, 1, '')",
        (forged,),
    )
    connection.commit()
    connection.close()
    rows = records.list_runs()
    assert [(row.run_id, row.status) for row in rows] == [(forged, "interrupted"), (run_id, "failure")]
    assert not records.is_alive(forged)
    records.close()
