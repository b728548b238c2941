"""The shop's `ci.yml` through `skep run`, as a new user has it: below the top of a git repository, nothing prepared."""

import json
import os
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tools import PROJECT

Fact = Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Shop:
    """A repository with the shop in a folder, and where Skep keeps its state."""

    repository: Path
    state: Path

    @property
    def root(self) -> Path:
        """The project root."""
        return self.repository / "services" / "shop"

    def git(self, *words: str) -> str:
        """Runs git in the repository."""
        identity = [
            "-c",
            "user.name=Ada",
            "-c",
            "user.email=ada@example.invalid",
            "-c",
            "commit.gpgsign=false",
        ]
        ran = subprocess.run(
            ["git", *identity, *words], cwd=self.repository, capture_output=True, text=True, check=True
        )
        return ran.stdout

    def skep(self, *words: str) -> subprocess.CompletedProcess[str]:
        """Runs Skep in the project root."""
        env = {**os.environ, "SKEP_STATE_DIR": str(self.state), "PYTHONPATH": str(PROJECT / "src")}
        return subprocess.run(
            [sys.executable, "-m", "skep", *words],
            cwd=self.root,
            env=env,
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )

    def facts(self, *words: str) -> list[Fact]:
        """The facts of a run that must succeed."""
        ran = self.skep("run", "--workflow", "ci.yml", "--json", *words)
        assert ran.returncode == 0, ran.stdout[-4000:] + ran.stderr[-4000:]
        return [json.loads(line) for line in ran.stdout.splitlines()]


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Shop:
    """A fresh repository; its first run has nothing cached."""
    folder = tmp_path_factory.mktemp("shop")
    made = Shop(repository=folder / "repository", state=folder / "state")
    shutil.copytree(
        PROJECT / "examples" / "shop",
        made.root,
        ignore=shutil.ignore_patterns(
            "node_modules", "dist", "build", ".cache", "reports", "__pycache__", "*.db"
        ),
    )
    (made.repository / "README.md").write_text("The shop is in services/shop.\n", encoding="utf-8")
    made.git("init", "-q", "-b", "main")
    made.git("add", "-A")
    made.git("commit", "-q", "-m", "Add the shop")
    return made


@pytest.fixture(scope="module")
def first_run(shop: Shop) -> list[Fact]:
    """The facts of the first run."""
    return shop.facts("--event", "workflow_dispatch", "--input", "products=300")


def named(facts: list[Fact], name: str) -> list[Fact]:
    """The facts of one name."""
    return [fact for fact in facts if fact["fact"] == name]


def test_every_job_of_the_shop_succeeds_or_is_skipped_for_a_missing_tool(first_run: list[Fact]) -> None:
    ended = {fact["job"]: fact["conclusion"] for fact in named(first_run, "job_finished")}
    expected = dict.fromkeys(["prepare", "test", "strict", "package", "smoke", "report"], "success")
    if shutil.which("npm"):
        expected["web"] = "success"
    assert {job.removeprefix("ci.yml:"): conclusion for job, conclusion in ended.items()} == expected


def test_the_matrix_comes_from_an_output_with_its_exclusion(first_run: list[Fact]) -> None:
    legs = [fact["name"] for fact in named(first_run, "job_finished") if fact["job"].endswith(":test")]
    assert sorted(legs) == [
        "test api (delete)",
        "test api (wal)",
        "test store (delete)",
        "test store (memory)",
        "test store (wal)",
    ]


def test_every_leg_stores_its_report_and_the_last_job_has_them_all(first_run: list[Fact]) -> None:
    stored = Counter(fact["name"].split("-")[0] for fact in named(first_run, "artifact_stored"))
    assert (stored["tests"], stored["shop"]) == (5, 1)
    (summary,) = [fact["markdown"] for fact in named(first_run, "summary_written")]
    assert "tests in 5 legs**" in summary


def test_the_token_of_the_smoke_test_is_masked(shop: Shop, first_run: list[Fact]) -> None:
    (started,) = named(first_run, "run_started")
    log = shop.skep("logs", started["run_id"], "--job", "smoke").stdout
    assert "the token is ***" in log
    assert "sold order 1 for 1999 cents" in log


def test_nothing_was_written_into_the_users_tree(shop: Shop, first_run: list[Fact]) -> None:
    assert shop.git("status", "--porcelain", "--ignored").strip() == ""


def test_a_later_run_takes_the_sample_catalogue_from_the_cache(shop: Shop, first_run: list[Fact]) -> None:
    facts = shop.facts("--event", "workflow_dispatch", "--input", "products=300", "--job", "prepare")
    steps = {fact["name"]: fact["conclusion"] for fact in named(facts, "step_finished")}
    assert steps["Make the sample catalogue"] == "skipped"


def test_a_chosen_journal_mode_gives_a_smaller_matrix(shop: Shop) -> None:
    facts = shop.facts("--event", "workflow_dispatch", "--input", "journal=memory", "--job", "test")
    legs = [fact["name"] for fact in named(facts, "job_finished") if fact["job"].endswith(":test")]
    assert legs == ["test store (memory)"]


def test_a_change_of_documents_alone_starts_nothing(shop: Shop) -> None:
    readme = shop.root / "README.md"
    readme.write_text(readme.read_text(encoding="utf-8") + "\nMore words.\n", encoding="utf-8")
    shop.git("commit", "-q", "-a", "-m", "Say more")
    ran = shop.skep("run", "--workflow", "ci.yml")
    assert ran.returncode == 0, ran.stderr
    assert "every changed file is in `paths-ignore` (`README.md`)" in ran.stdout
