"""How fast `skep lint` is, and what it says of the workflows of well-known projects (those that bench.corpus fetched).

`python -m bench.lint` prints each error it finds there: every one must stand in docs/lint-disputed.md, or be a mistake of ours.
"""

from __future__ import annotations

import os
import statistics
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from bench.corpus import CORPUS, workflows_of
from bench.stopwatch import lap, say
from skep.cli.findings import render_finding
from skep.cli.lint_project import LintedFile, LintProject
from skep.pipeline.workflow.lint.options import LintOptions

ROOT = Path(__file__).resolve().parents[1]
_FILES = 100
_ROUNDS = 5


def projects() -> Iterator[tuple[str, dict[str, str]]]:
    """(name, path -> text of each workflow) of the projects that were fetched."""
    for archive in sorted(CORPUS.glob("*/*.tar.gz")):
        files = dict(workflows_of(archive))
        if files:
            yield archive.parent.name, files


def write_project(folder: str, files: dict[str, str]) -> list[str]:
    """The files on disk; their paths."""
    for path, text in files.items():
        target = Path(folder, path)
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text, encoding="utf-8", errors="surrogateescape")
    return sorted(files)


def lint_project(files: dict[str, str]) -> list[LintedFile]:
    """What `skep lint` finds in a project with these files."""
    with tempfile.TemporaryDirectory() as folder:
        paths = write_project(folder, files)
        return LintProject(root=folder, options=LintOptions()).lint(paths)


def corpus() -> None:
    """Counts by rule and severity over the corpus, then every error."""
    counts: Counter[tuple[str, str]] = Counter()
    errors: list[str] = []
    number = 0
    for name, files in projects():
        for file in lint_project(files):
            number += 1
            for finding in file.result.findings:
                counts[finding.rule, str(finding.severity)] += 1
                if finding.is_error:
                    errors.append(f"{name}: {render_finding(finding, file.text, colour=False)}")
    say("lint.corpus-files", number, "count")
    for (rule, severity), count in sorted(counts.items()):
        say(f"lint.corpus.{rule}.{severity}", count, "count")
    say("lint.corpus-errors", len(errors), "count")
    for error in errors:
        print(error, end="\n\n")


def hundred() -> dict[str, str]:
    """100 workflow files: those of the corpus, over again; made ones when there is no corpus."""
    texts = [text for _, files in projects() for text in files.values()]
    if not texts:
        texts = [
            path.read_text(encoding="utf-8")
            for path in sorted(ROOT.glob("examples/*/.github/workflows/*.yml"))
        ]
    return {f".github/workflows/{n:03}.yml": texts[n % len(texts)] for n in range(_FILES)}


def main() -> None:
    """Prints `name value unit` lines."""
    files = hundred()
    taken = []
    with tempfile.TemporaryDirectory() as folder:
        paths = write_project(folder, files)
        for _ in range(_ROUNDS):
            started = time.process_time()
            LintProject(root=folder, options=LintOptions()).lint(paths)
            taken.append(time.process_time() - started)
        env = {**os.environ, "PYTHONPATH": str(ROOT / "src"), "SKEP_STATE_DIR": f"{folder}/.state"}
        laps = [lap([sys.executable, "-m", "skep", "lint"], cwd=folder, env=env) for _ in range(_ROUNDS)]
    size = sum(len(text.encode("utf-8", "surrogateescape")) for text in files.values())
    say("lint.files", len(files), "count")
    say("lint.size", size / 1e6, "MB")
    say("lint.cpu-in-process", statistics.median(taken), "s")
    say("lint.command-cpu", statistics.median(one.cpu_s for one in laps), "s")
    say("lint.command-wall", statistics.median(one.wall_s for one in laps), "s")
    corpus()


if __name__ == "__main__":
    main()
