"""Compiling and evaluating expressions, and hashing files by pattern: CPU time of each."""

import os
import statistics
import tempfile
import time
from collections.abc import Callable

from bench.stopwatch import say
from skep.host.glob import hash_files
from skep.pipeline.expressions.compile import Expression, compile_expression
from skep.pipeline.expressions.scope import Scope
from skep.pipeline.expressions.values import Value

ROUNDS = 7
TEXTS = (
    "github.ref == 'refs/heads/main'",
    "success() && github.event_name == 'push' && contains(github.event.head_commit.message, '[deploy]')",
    "needs.build.outputs.version != '' && matrix.os == 'linux' || always()",
    "format('{0}-{1}-{2}', runner.os, matrix.python, hashFiles('**/requirements*.txt'))",
    "join(github.event.commits.*.author.name, ', ')",
    'fromJSON(\'{"include": [{"os": "linux"}]}\').include[0].os',
)
FUNCTIONS = {"success": (0, 0), "always": (0, 0), "hashfiles": (1, 255)}
GITHUB: Value = {
    "ref": "refs/heads/main",
    "event_name": "push",
    "event": {
        "head_commit": {"message": "Ship it [deploy]"},
        "commits": [{"author": {"name": f"author {number}"}} for number in range(20)],
    },
}
SCOPE = Scope(
    {
        "github": GITHUB,
        "needs": {"build": {"outputs": {"version": "1.2"}}},
        "matrix": {"os": "linux", "python": 3.11},
        "runner": {"os": "Linux"},
    },
    {"success": lambda _: True, "always": lambda _: True, "hashfiles": lambda _: "0" * 64},
)
FOLDERS, FILES = 100, 50


def main() -> None:
    """Prints the figures."""
    unique = iter(range(10_000_000))
    compiled = [_compiled(text) for text in TEXTS]
    fresh = _cpu_us(lambda: [_compiled(f"{text} && {next(unique)}") for text in TEXTS], 100)
    cached = _cpu_us(lambda: [_compiled(text) for text in TEXTS], 2_000)
    evaluated = _cpu_us(lambda: [expression.evaluate(SCOPE) for expression in compiled], 2_000)
    say("expression-compile", fresh / len(TEXTS), "us-cpu")
    say("expression-compile-cached", cached / len(TEXTS), "us-cpu")
    say("expression-evaluate", evaluated / len(TEXTS), "us-cpu")
    say("expression-evaluate-comparison", _cpu_us(lambda: compiled[0].evaluate(SCOPE), 10_000), "us-cpu")
    _measure_hash()


def _compiled(text: str) -> Expression:
    return compile_expression(text, functions=FUNCTIONS)


def _measure_hash() -> None:
    with tempfile.TemporaryDirectory() as root:
        for folder in range(FOLDERS):
            os.mkdir(f"{root}/{folder}")
            for file in range(FILES):
                with open(
                    f"{root}/{folder}/{file}.{'lock' if file == 0 else 'txt'}", "w", encoding="utf-8"
                ) as made:
                    made.write(f"{folder} {file}")
        cpu_us = _cpu_us(lambda: hash_files(["**/*.lock"], root), 1)
        say("hash-files-of-5000", cpu_us / 1000, "ms-cpu")


def _cpu_us(work: Callable[[], object], times: int) -> float:
    """CPU microseconds of one call: the median of several rounds."""
    taken = []
    for _ in range(ROUNDS):
        started = time.process_time()
        for _ in range(times):
            work()
        taken.append((time.process_time() - started) / times * 1e6)
    return statistics.median(taken)
