"""`python -m bench [NAME...]`: runs the bench modules, each in a process of its own. Exit code 1 when one failed."""

import importlib
import os
import pkgutil
import subprocess
import sys

import bench

NOT_A_BENCH = {"__main__", "lint_classes", "lint_made", "stopwatch"}


def names() -> list[str]:
    """The bench modules that there are."""
    return sorted(
        found.name for found in pkgutil.iter_modules(bench.__path__) if found.name not in NOT_A_BENCH
    )


def main(argv: list[str]) -> int:
    """Runs the named ones, or all."""
    if argv[:1] == ["--one"]:
        sys.argv = [f"bench.{argv[1]}"]  # a module may read options of its own when it is called by itself
        importlib.import_module(f"bench.{argv[1]}").main()
        return 0
    unknown = sorted(set(argv) - set(names()))
    if unknown:
        print(
            f"error: no bench named {', '.join(unknown)}\n\nhint: known: {', '.join(names())}",
            file=sys.stderr,
        )
        return 2
    failed = []
    for name in argv or names():
        print(f"# {name} (load {os.getloadavg()[0]:.1f})", flush=True)
        if subprocess.run([sys.executable, "-m", "bench", "--one", name], check=False).returncode:
            failed.append(name)
    if failed:
        print(f"failed: {', '.join(failed)}", file=sys.stderr)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
