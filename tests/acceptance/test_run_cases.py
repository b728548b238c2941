"""`skep run` on whole workflows: every file of tests/cases/run says in its head how its jobs must end.

`# expect NAME: CONCLUSION`, `# log NAME has: TEXT`, `# log NAME lacks: TEXT`. The steps check themselves with `test`. All files
run once, together, in one repository.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

CASES = Path(__file__).parent.parent / "cases" / "run"
FILES = sorted(CASES.glob("*.yml"))
_EXPECT = re.compile(r"# expect (.+): (\w+)")
_ANNOTATION = re.compile(r"# annotation (.+?): (\w+) (\S+?):(\d+) (.*)")
_LOG = re.compile(r"# log (.+?) (has|lacks): (.*)")


@dataclass(frozen=True)
class Ran:
    """What one run said."""

    exit_code: int
    facts: list[dict[str, object]]
    stderr: str
    logs: Path

    def jobs(self, workflow: str) -> dict[str, str]:
        """Name of each job of a workflow -> conclusion."""
        ended = [fact for fact in self.facts if fact["fact"] in ("job_finished", "job_skipped")]
        return {
            str(fact["name"]): str(fact.get("conclusion", fact.get("outcome")))
            for fact in ended
            if str(fact["job"]).startswith(f"{workflow}:")
        }

    def explain(self, workflow: str) -> str:
        """Failed steps with their reasons."""
        lines = [
            f"{fact['leg']} {fact['name']}: {fact['reason']}"
            for fact in self.facts
            if fact["fact"] in ("step_finished", "job_finished", "job_skipped")
            and fact.get("reason")
            and workflow in str(fact["leg"])
        ]
        return "\n".join(lines)


def environment(home: Path, **extra: str) -> dict[str, str]:
    """A clean environment with its own state folder."""
    kept = {
        name: os.environ[name] for name in ("PATH", "LANG", "PYTHONPATH", "PYENV_ROOT") if name in os.environ
    }
    source = str(Path(__file__).parents[2] / "src")
    python_path = os.pathsep.join(filter(None, [source, kept.pop("PYTHONPATH", "")]))
    git = {"GIT_CONFIG_GLOBAL": "/dev/null", "GIT_CONFIG_NOSYSTEM": "1"}
    return {
        **kept,
        **git,
        "PYTHONPATH": python_path,
        "HOME": str(home),
        "SKEP_STATE_DIR": str(home / "state"),
        **extra,
    }


def run_skep(root: Path, env: Mapping[str, str], *words: str) -> Ran:
    """`skep run --json` in a project."""
    done = subprocess.run(
        [sys.executable, "-m", "skep.cli.main", "run", "--json", *words],
        cwd=root,
        env=dict(env),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    facts = [json.loads(line) for line in done.stdout.splitlines()]
    logs = next(Path(env["SKEP_STATE_DIR"]).glob("repos/*/runs"), Path())
    return Ran(done.returncode, facts, done.stderr, logs)


def make_repository(root: Path, env: Mapping[str, str]) -> None:
    """The repository that all cases share, committed."""
    shutil.copytree(CASES / "repository", root)
    workflows = root / ".github" / "workflows"
    workflows.mkdir(parents=True)
    for file in FILES:
        shutil.copy(file, workflows)
    for words in (["init", "-q", "-b", "main"], ["add", "-A"], ["commit", "-q", "-m", "cases"]):
        identity = ["-c", "user.name=Test", "-c", "user.email=test@example.invalid"]
        subprocess.run(["git", *identity, *words], cwd=root, env=dict(env), check=True)


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> Ran:
    home = tmp_path_factory.mktemp("home")
    secret_file = home / "secrets"
    secret_file.write_text("TOKEN=tops3cret\n")
    env = environment(home, SKEP_TEST_MARKER="leaked", SKEP_TEST_HOME=str(home))
    root = home / "project"
    make_repository(root, env)
    words = ["--secrets-file", str(secret_file), "--var", "COLOUR=blue", "-j", "4"]
    return run_skep(root, env, *words)


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_every_job_ends_as_its_workflow_says(file: Path, ran: Ran) -> None:
    expected = dict(_EXPECT.findall(file.read_text()))

    assert ran.jobs(file.name) == expected, ran.explain(file.name) + ran.stderr


@pytest.mark.parametrize(
    "file", [file for file in FILES if _LOG.search(file.read_text())], ids=lambda file: file.stem
)
def test_logs_hold_what_their_workflow_says(file: Path, ran: Ran) -> None:
    for name, how, text in _LOG.findall(file.read_text()):
        log = next(
            path for path in ran.logs.glob("*/logs/*.log") if path.name.startswith(f"{file.stem}-yml-{name}-")
        )
        assert (text in log.read_text()) == (how == "has"), f"{name} {how}: {text}"


@pytest.mark.parametrize(
    "file", [file for file in FILES if _ANNOTATION.search(file.read_text())], ids=lambda file: file.stem
)
def test_annotations_are_those_the_workflow_says(file: Path, ran: Ran) -> None:
    expected = _ANNOTATION.findall(file.read_text())
    found = [
        (fact["level"], fact["path"], str(fact["line"]), fact["message"])
        for fact in ran.facts
        if fact["fact"] == "annotated" and fact["leg"] == f"{file.name}:{expected[0][0]}"
    ]

    assert found == [tuple(one[1:]) for one in expected]


def test_a_failure_outweighs_what_cannot_run_here(ran: Ran) -> None:
    assert ran.exit_code == 1
    assert ran.facts[-1]["fact"] == "run_finished"
    assert ran.facts[-1]["status"] == "failure"


def test_annotations_and_summaries_are_facts(ran: Ran) -> None:
    annotations = [
        fact
        for fact in ran.facts
        if fact["fact"] == "annotated" and "annotations.yml:annotate" in str(fact["leg"])
    ]
    first = next(fact for fact in annotations if fact["level"] == "error")
    summaries = {
        str(fact["leg"]): fact["markdown"] for fact in ran.facts if fact["fact"] == "summary_written"
    }

    assert (first["path"], first["line"], first["column"], first["title"]) == ("src/a.py", 3, 5, "Wrong")
    assert first["message"] == "broken\nsecond line"
    assert [fact["level"] for fact in annotations] == ["error", "warning", "notice"]
    assert summaries["annotations.yml:annotate"] == "# Title\n"
    assert summaries["masking.yml:mask"] == "summary ***\n"


def test_no_secret_is_in_any_fact_or_log(ran: Ran) -> None:
    assert "tops3cret" not in json.dumps(ran.facts)
    for log in ran.logs.glob("*/logs/*.log"):
        if "masking" in log.name:
            assert "tops3cret" not in log.read_text()


def test_cpu_and_memory_of_steps_are_recorded(ran: Ran) -> None:
    steps = [fact for fact in ran.facts if fact["fact"] == "step_finished" and fact["exit_code"] == 0]

    assert all(
        float(str(step["cpu_s"])) > 0 and int(str(step["peak_memory_bytes"])) > 100_000 for step in steps
    )
