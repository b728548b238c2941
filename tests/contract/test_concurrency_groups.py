"""Every ConcurrencyGroups keeps the promises of `pipeline.ports`: the fake, and the store's within and
across connections."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Literal, Protocol

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from skep.model.errors import StoreError
from skep.pipeline.ports import ConcurrencyGroups, GroupClaim
from skep.store.local.groups import SqliteConcurrencyGroups
from skep.store.local.paths import state_paths
from skep.testing.records import FakeConcurrencyGroups

LIMIT_S = 20.0  # only a hang takes that long
KINDS = ("fake", "sqlite", "two-processes")


class Side(Protocol):
    """Gives the groups object that the n-th claimer uses."""

    def __call__(self, number: int) -> ConcurrencyGroups: ...


@asynccontextmanager
async def open_groups(kind: str, folder: Path) -> AsyncIterator[Side]:
    """`two-processes`: claimers alternate between two objects that share nothing but the database."""
    if kind == "fake":
        fake = FakeConcurrencyGroups()
        yield lambda number: fake
        return
    paths = state_paths(str(folder / "state"), str(folder))
    sides = [SqliteConcurrencyGroups(paths) for _ in range(2 if kind == "two-processes" else 1)]
    try:
        yield lambda number: sides[number % len(sides)]
    finally:
        for side in sides:
            await side.close()


@pytest.fixture(params=KINDS)
def play(
    request: pytest.FixtureRequest, tmp_path: Path
) -> Callable[[Callable[[Side], Awaitable[None]]], None]:
    """Plays a scene on groups of each kind."""

    def with_groups(scene: Callable[[Side], Awaitable[None]]) -> None:
        async def main() -> None:
            async with asyncio.timeout(LIMIT_S), open_groups(request.param, tmp_path) as side:
                await scene(side)

        asyncio.run(main())

    return with_groups


Play = Callable[[Callable[[Side], Coroutine[None, None, None]]], None]


def a_claim(
    holder: str, *, group: str = "deploy", cancel: bool = False, queue: Literal["single", "max"] = "single"
) -> GroupClaim:
    return GroupClaim(group=group, holder=holder, cancel_in_progress=cancel, queue=queue)


def nobody() -> None:
    raise AssertionError("cancelled without a wish")


async def soon(condition: Callable[[], bool]) -> None:
    """Waits until something is so."""
    while not condition():  # noqa: ASYNC110 - what is awaited may happen in another process
        await asyncio.sleep(0.005)


async def waiting(side: Side, number: int, claim: GroupClaim) -> asyncio.Task[bool]:
    """A claim that stands in line."""
    task = asyncio.create_task(side(number).claim(claim, nobody))
    await asyncio.sleep(0.03)
    assert not task.done()
    return task


def test_a_free_group_is_ours_at_once(play: Play) -> None:
    async def scene(side: Side) -> None:
        assert await side(0).claim(a_claim("a"), nobody)
        assert await side(1).claim(a_claim("b", group="other"), nobody)

    play(scene)


def test_the_next_gets_the_group_when_the_holder_lets_go(play: Play) -> None:
    async def scene(side: Side) -> None:
        first, second = a_claim("a"), a_claim("b")
        assert await side(0).claim(first, nobody)
        task = await waiting(side, 1, second)
        await side(0).release(first)
        assert await task
        await side(1).release(second)
        assert await side(0).claim(a_claim("c"), nobody)

    play(scene)


def test_a_newer_waiting_claim_replaces_the_older(play: Play) -> None:
    async def scene(side: Side) -> None:
        first = a_claim("a")
        assert await side(0).claim(first, nobody)
        older = await waiting(side, 1, a_claim("b"))
        newer = await waiting(side, 2, a_claim("c"))
        assert await older is False
        await side(0).release(first)
        assert await newer

    play(scene)


def test_with_queue_max_everybody_waits_first_come_first_served(play: Play) -> None:
    async def scene(side: Side) -> None:
        claims = [a_claim(str(number), queue="max") for number in range(5)]
        assert await side(0).claim(claims[0], nobody)
        tasks = [await waiting(side, number, claims[number]) for number in range(1, 5)]
        order: list[int] = []
        for number, task in enumerate(tasks, 1):
            await side(number - 1).release(claims[number - 1])
            assert await task
            order.append(number)
            assert not any(later.done() for later in tasks[number:])
        assert order == [1, 2, 3, 4]

    play(scene)


def test_cancel_in_progress_tells_the_holder_once_and_waits_for_it(play: Play) -> None:
    async def scene(side: Side) -> None:
        told: list[str] = []
        first = a_claim("a")
        assert await side(0).claim(first, lambda: told.append("a"))
        older = await waiting(side, 1, a_claim("b", cancel=True))
        await soon(lambda: told == ["a"])
        newer = await waiting(side, 1, a_claim("c", cancel=True))
        assert await older is False
        await asyncio.sleep(0.1)
        assert told == ["a"]
        assert not newer.done()
        await side(0).release(first)
        assert await newer

    play(scene)


def test_without_cancel_in_progress_nobody_is_told(play: Play) -> None:
    async def scene(side: Side) -> None:
        first = a_claim("a")
        assert await side(0).claim(first, nobody)
        task = await waiting(side, 1, a_claim("b"))
        await asyncio.sleep(0.1)
        await side(0).release(first)
        assert await task

    play(scene)


def test_letting_go_twice_or_of_what_was_never_held_is_fine(play: Play) -> None:
    async def scene(side: Side) -> None:
        first = a_claim("a")
        await side(0).release(first)
        assert await side(0).claim(first, nobody)
        await side(0).release(first)
        await side(0).release(first)
        assert await side(1).claim(a_claim("b"), nobody)

    play(scene)


def test_who_gives_up_waiting_is_passed_over(play: Play) -> None:
    async def scene(side: Side) -> None:
        first, second = a_claim("a", queue="max"), a_claim("b", queue="max")
        assert await side(0).claim(first, nobody)
        leaver = await waiting(side, 1, second)
        stayer = await waiting(side, 0, a_claim("c", queue="max"))
        leaver.cancel()
        with pytest.raises(asyncio.CancelledError):
            await leaver
        await side(0).release(first)
        assert await stayer

    play(scene)


def test_a_waiting_claim_that_is_released_is_told_false(play: Play) -> None:
    async def scene(side: Side) -> None:
        second = a_claim("b")
        assert await side(0).claim(a_claim("a"), nobody)
        task = await waiting(side, 1, second)
        await side(1).release(second)
        assert await task is False

    play(scene)


def test_a_release_hands_over_before_a_newer_claim_can_replace_the_next(play: Play) -> None:
    async def scene(side: Side) -> None:
        first, second = a_claim("a"), a_claim("b")
        assert await side(0).claim(first, nobody)
        task = await waiting(side, 1, second)
        await side(0).release(first)
        newer = asyncio.create_task(side(0).claim(a_claim("c"), nobody))  # at once: `b` may not know yet
        assert await task
        await side(1).release(second)
        assert await newer

    play(scene)


@pytest.mark.parametrize("kind", KINDS)
@settings(max_examples=12, suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture])
@given(
    scripts=st.lists(
        st.tuples(st.integers(0, 1), st.booleans(), st.sampled_from(["single", "max"])),
        min_size=1,
        max_size=8,
    )
)
def test_a_group_never_has_two_holders_and_every_claim_ends(
    kind: str,
    tmp_path_factory: pytest.TempPathFactory,
    scripts: list[tuple[int, bool, Literal["single", "max"]]],
) -> None:
    holders: set[str] = set()
    ended: list[bool] = []

    async def live(side: Side, number: int, claim: GroupClaim) -> None:
        won = await side(number).claim(claim, lambda: None)
        ended.append(won)
        if won:
            assert not holders
            holders.add(claim.holder)
            await asyncio.sleep(0.002)
            holders.remove(claim.holder)
            await side(number).release(claim)

    async def main() -> None:
        folder = tmp_path_factory.mktemp("groups")
        async with asyncio.timeout(LIMIT_S), open_groups(kind, folder) as side, asyncio.TaskGroup() as tasks:
            for index, (number, cancel, queue) in enumerate(scripts):
                tasks.create_task(live(side, number, a_claim(str(index), cancel=cancel, queue=queue)))

    asyncio.run(main())
    assert len(ended) == len(scripts)
    assert any(ended)


def test_a_database_that_is_busy_for_a_moment_only_delays(tmp_path: Path) -> None:
    paths = state_paths(str(tmp_path / "state"), str(tmp_path))

    async def main() -> None:
        groups = SqliteConcurrencyGroups(paths)
        assert await groups.claim(a_claim("a", group="other"), nobody)  # the database is there now
        writer = sqlite3.connect(paths.database, isolation_level=None)
        writer.execute("BEGIN IMMEDIATE")
        task = asyncio.create_task(groups.claim(a_claim("b"), nobody))
        await asyncio.sleep(0.2)
        assert not task.done()
        writer.execute("ROLLBACK")
        writer.close()
        async with asyncio.timeout(LIMIT_S):
            assert await task
        await groups.close()
        await groups.close()

    asyncio.run(main())


def test_a_damaged_database_is_an_error_of_ours(tmp_path: Path) -> None:
    paths = state_paths(str(tmp_path / "state"), str(tmp_path))
    paths.create()
    Path(paths.database).write_bytes(b"no database" * 1000)

    async def main() -> None:
        groups = SqliteConcurrencyGroups(paths)
        with pytest.raises(StoreError):
            await groups.claim(a_claim("a"), nobody)
        await groups.release(a_claim("a"))
        await groups.close()

    asyncio.run(main())
    assert list(Path(paths.locks).iterdir()) == []


def test_names_may_hold_bytes_that_are_no_utf_8(
    play: Callable[[Callable[[Side], Awaitable[None]]], None],
) -> None:
    async def scene(side: Side) -> None:
        first, second = a_claim("run/\udcff", group="g\ud800"), a_claim("run/\udcfe", group="g\ud800")
        assert await side(0).claim(first, nobody)
        waiting = asyncio.create_task(side(1).claim(second, nobody))
        await asyncio.sleep(0.05)
        assert not waiting.done()
        await side(0).release(first)
        assert await waiting
        await side(1).release(second)

    play(scene)
