"""Line coverage with the standard library alone.

`coverage.py run DATA -- -m MODULE ARGS...` runs a module and writes which lines of `shop/` ran; `coverage.py report FOLDER
--at-least PERCENT` joins the data of all runs, writes a Markdown table, and fails below the gate.
"""

import argparse
import json
import os
import runpy
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from types import CodeType, FrameType
from typing import Any

PROJECT = Path(__file__).resolve().parents[1]
PACKAGE = f"{PROJECT / 'shop'}{os.sep}"

Lines = dict[str, set[int]]


def main() -> int:
    """The exit code: that of the module, or 1 below the gate."""
    parser = argparse.ArgumentParser(prog="coverage", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    run = commands.add_parser("run")
    run.add_argument("data", type=Path)
    run.add_argument("words", nargs=argparse.REMAINDER)
    report = commands.add_parser("report")
    report.add_argument("folder", type=Path)
    report.add_argument("--at-least", type=float, default=0.0, metavar="PERCENT")
    arguments = parser.parse_args()
    if arguments.command == "run":
        words = arguments.words
        while words and words[0] in ("--", "-m"):
            words = words[1:]
        return run_traced(words, arguments.data)
    return write_report(arguments.folder, arguments.at_least)


def run_traced(words: list[str], data: Path) -> int:
    """Runs a module as `python -m` does, in this process; its exit code."""
    seen: Lines = {}

    def trace(frame: FrameType, event: str, _: object) -> Any:
        if not frame.f_code.co_filename.startswith(PACKAGE):
            return None  # foreign code runs at full speed
        seen.setdefault(frame.f_code.co_filename, set()).add(frame.f_lineno)
        return trace

    sys.path.insert(0, str(PROJECT))
    sys.argv = list(words)
    code = 0
    threading.settrace(trace)
    sys.settrace(trace)
    try:
        runpy.run_module(words[0], run_name="__main__", alter_sys=True)
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else int(end.code is not None)
    finally:
        sys.settrace(None)
        threading.settrace(None)  # type: ignore[arg-type] # None is what ends it
    data.parent.mkdir(parents=True, exist_ok=True)
    found = {os.path.relpath(name, PROJECT): sorted(lines) for name, lines in sorted(seen.items())}
    data.write_text(json.dumps(found), encoding="utf-8")
    return code


def write_report(folder: Path, at_least: float) -> int:
    """Prints the table; 1 when there is no data or too little of the package ran."""
    files = sorted(folder.rglob("*.json"))
    if not files:
        print(f"::error title=No coverage data::there is no .json file in `{folder}`; run the tests first")
        return 1
    ran: Lines = {}
    for file in files:
        for name, lines in json.loads(file.read_text(encoding="utf-8")).items():
            ran.setdefault(name, set()).update(lines)
    print("| file | lines | ran | % | not run |\n|---|---:|---:|---:|---|")
    all_lines = all_ran = 0
    for path in sorted((PROJECT / "shop").glob("*.py")):
        name = os.path.relpath(path, PROJECT)
        lines = code_lines(path)
        missed = sorted(lines - ran.get(name, set()))
        all_lines, all_ran = all_lines + len(lines), all_ran + len(lines) - len(missed)
        share = percent(len(lines) - len(missed), len(lines))
        print(f"| {name} | {len(lines)} | {len(lines) - len(missed)} | {share:.0f} | {ranges(missed)} |")
    total = percent(all_ran, all_lines)
    print(
        f"\n**{total:.1f} % of {all_lines} lines ran in {len(files)} test legs; the gate is {at_least:g} %**"
    )
    if total < at_least:
        print(
            f"::error title=Coverage below the gate::{total:.1f} % of the lines of shop/ ran, {at_least:g} % are wanted; "
            "the table names the lines that no test runs",
            file=sys.stderr,
        )
        return 1
    return 0


def code_lines(path: Path) -> set[int]:
    """The lines that the compiler made code for, docstrings and `def` headers of the module included."""
    return {
        line
        for code in _codes(compile(path.read_text(encoding="utf-8"), str(path), "exec"))
        for _, _, line in code.co_lines()
        if line
    }


def percent(part: int, whole: int) -> float:
    """100 of nothing."""
    return 100.0 * part / whole if whole else 100.0


def ranges(lines: list[int]) -> str:
    """`3, 7-9`."""
    found: list[list[int]] = []
    for line in lines:
        if found and line == found[-1][1] + 1:
            found[-1][1] = line
        else:
            found.append([line, line])
    return ", ".join(str(first) if first == last else f"{first}-{last}" for first, last in found)


def _codes(code: CodeType) -> Iterator[CodeType]:
    yield code
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _codes(constant)


if __name__ == "__main__":
    sys.exit(main())
