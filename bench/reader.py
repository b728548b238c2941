"""How fast workflow files are read: beside PyYAML's loaders on the same text, in CPU time."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from pathlib import Path

import yaml

from skep.pipeline.workflow.limits import Limits
from skep.pipeline.workflow.reader import read_workflow

ROOT = Path(__file__).resolve().parents[1]
_ROUNDS = 7
_LOADERS = {"libyaml": getattr(yaml, "CSafeLoader", yaml.SafeLoader), "pure-yaml": yaml.SafeLoader}


def texts() -> list[str]:
    """The workflows of this project and its examples, and those of bench.corpus when they were fetched."""
    paths = [*ROOT.glob(".github/workflows/*.yml"), *ROOT.glob("examples/*/.github/workflows/*.yml")]
    found = [path.read_text(encoding="utf-8") for path in sorted(paths)]
    from bench.corpus import CORPUS, workflows_of

    for archive in sorted(CORPUS.glob("*/*.tar.gz")):
        found += [text for _, text in workflows_of(archive)]
    return found


def big_file(jobs: int) -> str:
    """One large workflow, without expressions repeated."""
    head = "on: push\njobs:\n"
    return head + "".join(
        f"  job{n}:\n    runs-on: ubuntu-latest\n    if: github.ref == 'refs/heads/{n}'\n    steps:\n"
        f"      - uses: actions/checkout@v4\n      - run: echo ${{{{ github.sha }}}} {n}\n        env: {{N: '{n}'}}\n"
        for n in range(jobs)
    )


def cpu_of(work: Callable[[], object]) -> float:
    """CPU seconds of one call."""
    started = time.process_time()
    work()
    return time.process_time() - started


def main() -> None:
    """Prints `name value unit` lines; loaders and reader take turns."""
    files = texts()
    size = sum(len(text.encode("utf-8", "surrogateescape")) for text in files)
    taken: dict[str, list[float]] = {"skep": [], **{name: [] for name in _LOADERS}}
    for _ in range(_ROUNDS):
        taken["skep"].append(cpu_of(lambda: [read_workflow(text, "x.yml") for text in files]))
        for name, loader in _LOADERS.items():
            taken[name].append(cpu_of(lambda loader=loader: [yaml.load(text, loader) for text in files]))  # type: ignore[misc]
    middle = {name: statistics.median(times) for name, times in taken.items()}
    print(f"reader.files {len(files)} count")
    print(f"reader.cpu-per-file {middle['skep'] / len(files) * 1000:.2f} ms")
    print(f"reader.throughput {size / middle['skep'] / 1e6:.2f} MB/s")
    for name in _LOADERS:
        print(f"reader.cpu-ratio-to-{name}-load {middle['skep'] / middle[name]:.2f} x")
    large = big_file(2500)
    spent = cpu_of(lambda: read_workflow(large, "x.yml", limits=Limits(max_nodes=10**7)))
    print(f"reader.large-file {len(large) / 1e6:.2f} MB")
    print(f"reader.large-file-cpu {spent:.2f} s")
    print(f"reader.refuse-10-mb {cpu_of(lambda: read_workflow('a: [' * 2_621_440, 'x.yml')) * 1000:.2f} ms")
    laughs = "".join(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}' if n else 'x'] * 10)}]\n" for n in range(50))
    print(f"reader.refuse-billion-laughs {cpu_of(lambda: read_workflow(laughs, 'x.yml')) * 1000:.2f} ms")


if __name__ == "__main__":
    main()
