"""`python3 -m tests SUITE... [--report FILE]`: runs suites; failures also as annotations; a JSON report on demand."""

import argparse
import json
import os
import sys
import time
import traceback
import unittest
from types import TracebackType
from typing import TypeAlias

HERE = os.path.dirname(os.path.abspath(__file__))
PROJECT = os.path.dirname(HERE)

Error: TypeAlias = tuple[type[BaseException], BaseException, TracebackType] | tuple[None, None, None]


class Result(unittest.TextTestResult):
    """Says where each failure is in the form that a CI system shows beside the code."""

    def addFailure(self, test: unittest.TestCase, err: Error) -> None:
        """Remembers it, and says where."""
        super().addFailure(test, err)
        _annotate(test, err)

    def addError(self, test: unittest.TestCase, err: Error) -> None:
        """Remembers it, and says where."""
        super().addError(test, err)
        _annotate(test, err)


def main() -> int:
    """0 when all tests passed."""
    parser = argparse.ArgumentParser(prog="tests", description=__doc__)
    parser.add_argument("suites", nargs="*", default=["store", "api"])
    parser.add_argument("--report", default="")
    arguments = parser.parse_args()
    loader, started = unittest.TestLoader(), time.monotonic()
    suite = unittest.TestSuite(
        loader.discover(os.path.join(HERE, name), top_level_dir=PROJECT) for name in arguments.suites
    )
    result = unittest.TextTestRunner(resultclass=lambda *given: Result(*given), verbosity=1).run(suite)
    if arguments.report:
        with open(arguments.report, "w", encoding="utf-8") as file:
            json.dump(_report(result, arguments.suites, time.monotonic() - started), file)
    return 0 if result.wasSuccessful() else 1


def _report(result: unittest.TestResult, suites: list[str], seconds: float) -> dict[str, object]:
    return {
        "suites": suites,
        "journal": os.environ.get("SHOP_JOURNAL", ""),
        "tests": result.testsRun,
        "failed": len(result.failures) + len(result.errors),
        "skipped": len(result.skipped),
        "seconds": round(seconds, 2),
    }


def _annotate(test: unittest.TestCase, err: Error) -> None:
    if not os.environ.get("GITHUB_ACTIONS"):
        return
    _, error, where_raised = err
    own = [frame for frame in traceback.extract_tb(where_raised) if frame.filename.startswith(PROJECT)]
    where = f"file={os.path.relpath(own[-1].filename, PROJECT)},line={own[-1].lineno}," if own else ""
    message = str(error).replace("%", "%25").replace("\n", "%0A")
    print(f"::error {where}title={test}::{message}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
