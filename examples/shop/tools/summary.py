"""Reads the reports of all test legs and writes them as one Markdown table: `summary.py FOLDER`."""

import json
import sys
from pathlib import Path


def main(folder: str) -> int:
    """1 when no leg has reported."""
    reports = [json.loads(path.read_text(encoding="utf-8")) for path in sorted(Path(folder).rglob("*.json"))]
    print("| suite | journal | tests | failed | skipped | seconds |")
    print("|---|---|---:|---:|---:|---:|")
    for report in reports:
        suites = ", ".join(report["suites"])
        numbers = " | ".join(str(report[name]) for name in ("tests", "failed", "skipped", "seconds"))
        print(f"| {suites} | {report['journal']} | {numbers} |")
    total = sum(report["tests"] for report in reports)
    print(f"\n**{total} tests in {len(reports)} legs**")
    return 0 if reports else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
