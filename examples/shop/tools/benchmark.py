"""Measures the shop and compares with a baseline: `benchmark.py BASELINE [--factor 1.5] [--attempts 4]`.

Two things keep the gate quiet on a busy or another machine: only CPU time counts, and each operation is measured in turns with a
reference loop that the shop has no part in; what is compared is the ratio of the two. Noise only ever makes a ratio larger, so
the smallest of all rounds counts, and only what stays beyond the factor in every attempt fails. Without a baseline the measured
ratios become it.
"""

import argparse
import hashlib
import json
import sqlite3
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from shop import catalogue, orders, sample
from shop.database import connect, migrate
from shop.values import Line, NewOrder

EDITION = 1  # raise it to begin a new baseline, after a change that is slower on purpose
ROUNDS = 7
NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)

Ratios = dict[str, float]


def main() -> int:
    """1 when an operation is slower than the baseline allows."""
    parser = argparse.ArgumentParser(prog="benchmark", description=__doc__)
    parser.add_argument("baseline", type=Path)
    parser.add_argument("--factor", type=float, default=1.5)
    parser.add_argument("--attempts", type=int, default=4)
    arguments = parser.parse_args()
    before = read_baseline(arguments.baseline)
    best: Ratios = {}
    slow: list[str] = []
    for attempt in range(arguments.attempts):
        measured = measure()
        best = {name: min(ratio, best.get(name, ratio)) for name, ratio in measured.items()}
        slow = [name for name, ratio in best.items() if ratio > arguments.factor * before.get(name, ratio)]
        if not slow:
            break
        left = arguments.attempts - attempt - 1
        print(
            f"{', '.join(slow)} beyond {arguments.factor:g} times the baseline; {left} more attempts",
            file=sys.stderr,
        )
    write_table(best, before)
    for name in slow:
        times = best[name] / before[name]
        print(
            f"::error title=Slower than the baseline::`{name}` takes {times:.2f} times what it took, {arguments.factor:g} are "
            "allowed; make it faster, or raise EDITION in tools/benchmark.py when this is meant",
            file=sys.stderr,
        )
    if not before:
        arguments.baseline.parent.mkdir(parents=True, exist_ok=True)
        arguments.baseline.write_text(json.dumps(best, indent=1), encoding="utf-8")
        print(
            "::notice title=New baseline::there was none; later runs are compared with this one",
            file=sys.stderr,
        )
    return 1 if slow else 0


def measure() -> Ratios:
    """Each operation's CPU time in units of the reference loop's, the smallest of all rounds."""
    ratios: Ratios = {}
    with tempfile.TemporaryDirectory() as folder, closing(_filled(f"{folder}/shop.db")) as connection:
        for _ in range(ROUNDS):
            for name, operation in OPERATIONS.items():
                unit = min(_cpu_s(reference), _cpu_s(reference))
                ratio = _cpu_s(lambda work=operation: work(connection)) / unit  # type: ignore[misc]
                ratios[name] = min(ratio, ratios.get(name, ratio))
    return ratios


def reference() -> None:
    """What the machine does in the same moment without the shop: interpreter, hashing, SQLite in memory."""
    digest = b""
    for number in range(3000):
        digest = hashlib.sha256(digest + str(number).encode()).digest()
    with closing(sqlite3.connect(":memory:")) as memory:
        memory.execute("CREATE TABLE t (a INTEGER PRIMARY KEY, b TEXT)")
        memory.executemany("INSERT INTO t (b) VALUES (?)", ((str(number),) for number in range(3000)))
        memory.execute("SELECT sum(length(b)) FROM t").fetchone()


def browse(connection: sqlite3.Connection) -> None:
    """Reads the whole catalogue page by page."""
    after: int | None = 0
    while after is not None:
        after = catalogue.list_products(connection, after=after, limit=50).next


def sell(connection: sqlite3.Connection) -> None:
    """Places and cancels orders, so that the stock is the same afterwards."""
    for number in range(40):
        lines = (Line(product_id=number + 1, quantity=1), Line(product_id=number + 2, quantity=1))
        order, _ = orders.place_order(connection, NewOrder(customer="bench", lines=lines), now=NOON)
        orders.cancel_order(connection, order.id)


def look_back(connection: sqlite3.Connection) -> None:
    """Reads a customer's orders."""
    for _ in range(5):
        orders.list_orders(connection, "bench", limit=30)


OPERATIONS: dict[str, Callable[[sqlite3.Connection], None]] = {
    "browse": browse,
    "sell": sell,
    "look back": look_back,
}


def read_baseline(path: Path) -> Ratios:
    """The ratios of an earlier run; empty when there are none."""
    if not path.is_file():
        return {}
    return {str(name): float(ratio) for name, ratio in json.loads(path.read_text(encoding="utf-8")).items()}


def write_table(measured: Ratios, before: Ratios) -> None:
    """Prints Markdown."""
    print("| operation | units | baseline | times |\n|---|---:|---:|---:|")
    for name, ratio in measured.items():
        old = before.get(name)
        compared = f"{old:.2f} | {ratio / old:.2f}" if old else "none | "
        print(f"| {name} | {ratio:.2f} | {compared} |")


def _filled(path: str) -> sqlite3.Connection:
    connection = connect(path, journal="memory")
    connection.execute("PRAGMA synchronous = off")  # the disk is not what is measured
    migrate(connection)
    sample.fill(connection, 1000)
    connection.execute("UPDATE products SET stock = 1000")
    return connection


def _cpu_s(work: Callable[[], None]) -> float:
    started = time.process_time()
    work()
    return time.process_time() - started


if __name__ == "__main__":
    sys.exit(main())
