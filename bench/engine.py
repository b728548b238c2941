"""The engine through the `skep` command: a diamond of 200 jobs, 200 steps, a million log lines, and the command's start."""

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from bench.stopwatch import Lap, adopt_orphans, cpu, interleave, lap, say, wall

JOBS = 200
STEPS = 200
LINES = 1_000_000
SECRETS = [f"s3cr3t-{number:02}-{'abcdefghij'[number] * 9}" for number in range(10)]
ROUNDS = 5


class Bench:
    """A repository with generated workflows, and a state folder of its own."""

    def __init__(self, folder: str) -> None:
        self.root = f"{folder}/repository"
        self.folder = folder
        self.env = {**os.environ, "SKEP_STATE_DIR": f"{folder}/state", "SKEP_KEEP_COUNT": "2"}
        os.makedirs(f"{self.root}/.github/workflows")
        self.workflow("diamond", _diamond())
        self.workflow("steps", _steps(STEPS + 1))
        self.workflow("step", _steps(1))
        self.workflow("lines", _one_step(f"cat '{folder}/lines.txt'"))
        self.workflow("line", _one_step(f"head -n 1 '{folder}/lines.txt'"))
        Path(self.root, "true.sh").write_text("true", encoding="utf-8")
        Path(self.root, "Makefile").write_text(_makefile(), encoding="utf-8")
        Path(folder, "secrets").write_text(
            "".join(f"SECRET_{number}={value}\n" for number, value in enumerate(SECRETS)), encoding="utf-8"
        )
        identity = ["-c", "user.name=bench", "-c", "user.email=bench@example.invalid"]
        for words in (["init", "-q"], ["add", "-A"], [*identity, "commit", "-q", "-m", "Bench"]):
            subprocess.run(["git", *words], cwd=self.root, check=True, stdout=subprocess.DEVNULL)

    def workflow(self, name: str, text: str) -> None:
        """One workflow file."""
        Path(self.root, ".github", "workflows", f"{name}.yml").write_text(text, encoding="utf-8")

    def skep(self, name: str, *more: str) -> Lap:
        """Runs one workflow."""
        words = ["run", "--workflow", f"{name}.yml", "--event", "workflow_dispatch", *more]
        return lap([*skep_command(), *words], cwd=self.root, env=self.env)

    def plain(self, *argv: str) -> Lap:
        """Runs a peer."""
        return lap(argv, cwd=self.root)


def skep_command() -> list[str]:
    """The installed command beside this Python, else the module."""
    installed = os.path.join(os.path.dirname(sys.executable), "skep")
    return [installed] if os.access(installed, os.X_OK) else [sys.executable, "-m", "skep"]


def main() -> None:
    """Prints the figures."""
    adopt_orphans()
    measure_start()
    folder = tempfile.mkdtemp(prefix="skep-bench-")
    try:
        bench = Bench(folder)
        measure_diamond(bench)
        measure_steps(bench)
        measure_lines(bench)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def measure_start() -> None:
    """`skep --version` beside `python -c pass`."""
    ours, python = interleave(
        40,
        lambda: lap([*skep_command(), "--version"], cwd="/"),
        lambda: lap([sys.executable, "-c", "pass"], cwd="/"),
    )
    say("version_cpu", cpu(ours) * 1000, "ms")
    say("version_cpu_to_python", cpu(ours) / cpu(python), "x")


def measure_diamond(bench: Bench) -> None:
    """1 -> 198 -> 1 jobs, beside `make -j2` that spawns the same shells."""
    ours, make = interleave(
        ROUNDS, lambda: bench.skep("diamond", "-j", "2"), lambda: bench.plain("make", "-s", "-j2", "last")
    )
    say("diamond_wall", wall(ours) * 1000, "ms")
    say("diamond_cpu", cpu(ours) * 1000, "ms")
    say("diamond_make_wall", wall(make) * 1000, "ms")
    say("diamond_wall_to_make", wall(ours) / wall(make), "x")
    say("diamond_cpu_to_make", cpu(ours) / cpu(make), "x")


def measure_steps(bench: Bench) -> None:
    """CPU of a step beyond what its shell costs when it is spawned plainly."""
    script = f"i=0; while [ $i -lt {STEPS} ]; do bash -e true.sh; i=$((i+1)); done"
    many, one, plain = interleave(
        ROUNDS,
        lambda: bench.skep("steps"),
        lambda: bench.skep("step"),
        lambda: bench.plain("sh", "-c", script),
    )
    per_step, shell = (cpu(many) - cpu(one)) / STEPS, cpu(plain) / STEPS
    say("one_step_run_wall", wall(one) * 1000, "ms")
    say("one_step_run_cpu", cpu(one) * 1000, "ms")
    say("step_cpu", per_step * 1000, "ms")
    say("step_shell_cpu", shell * 1000, "ms")
    say("step_cpu_beyond_shell", (per_step - shell) * 1000, "ms")
    say("step_wall", (wall(many) - wall(one)) / STEPS * 1000, "ms")


def measure_lines(bench: Bench) -> None:
    """A million lines with ten secrets, from the step's pipe to the log on disk."""
    _write_lines(f"{bench.folder}/lines.txt")
    secrets = ["--secrets-file", f"{bench.folder}/secrets"]
    many, one = interleave(3, lambda: bench.skep("lines", *secrets), lambda: bench.skep("line", *secrets))
    _check_log(bench)
    say("lines_per_second", LINES / wall(many), "lines/s")  # the whole run, its start included
    say("lines_cpu", (cpu(many) - cpu(one)) / LINES * 1e6, "us/line")
    grown = max(lap.peak_bytes for lap in many) - max(lap.peak_bytes for lap in one)
    say("lines_memory_growth", grown / 1e6, "MB")


def _check_log(bench: Bench) -> None:
    """A figure of wrong work is no figure: all lines are there, no secret is."""
    logs = [path for path in Path(bench.folder, "state").rglob("*.log") if path.stat().st_size > LINES]
    assert logs, "no log was kept"
    text = logs[-1].read_bytes()
    lines = text.count(b" of the build said ")
    assert lines == LINES, f"{lines} of {LINES} lines in the log"
    assert not any(secret.encode() in text for secret in SECRETS), "a secret is in the log"
    assert text.count(b"***") >= LINES // 100, "secrets were not masked but lost"


def _write_lines(path: str) -> None:
    with open(path, "w", encoding="utf-8") as file:
        for number in range(LINES):
            tail = SECRETS[number // 100 % len(SECRETS)] if number % 100 == 0 else "nothing to hide"
            file.write(f"line {number} of the build said {tail}\n")


def _diamond() -> str:
    jobs = ["  first: {runs-on: ubuntu-latest, steps: [{run: 'true'}]}"]
    middle = [f"m{number}" for number in range(JOBS - 2)]
    jobs += [
        f"  {name}: {{needs: first, runs-on: ubuntu-latest, steps: [{{run: 'true'}}]}}" for name in middle
    ]
    jobs.append(f"  last: {{needs: [{', '.join(middle)}], runs-on: ubuntu-latest, steps: [{{run: 'true'}}]}}")
    return "on: workflow_dispatch\njobs:\n" + "\n".join(jobs) + "\n"


def _makefile() -> str:
    middle = " ".join(f"m{number}" for number in range(JOBS - 2))
    recipe = "\t@bash -e true.sh\n"
    return f".PHONY: first last {middle}\nlast: {middle}\n{recipe}{middle}: first\n{recipe}first:\n{recipe}"


def _steps(count: int) -> str:
    steps = "      - run: 'true'\n" * count
    return f"on: workflow_dispatch\njobs:\n  only:\n    runs-on: ubuntu-latest\n    steps:\n{steps}"


def _one_step(command: str) -> str:
    env = "".join(
        f"          SECRET_{number}: ${{{{ secrets.SECRET_{number} }}}}\n" for number in range(len(SECRETS))
    )
    step = f'      - run: "{command}"\n        env:\n{env}'
    return f"on: workflow_dispatch\njobs:\n  only:\n    runs-on: ubuntu-latest\n    steps:\n{step}"
