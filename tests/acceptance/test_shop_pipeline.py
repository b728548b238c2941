"""The shop's whole pipeline through `skep run`: to production and back, alone and two at once."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from .shop_repository import ShopRepository, copy_shop
from .skep_process import wait_until_gone

PIPELINE = ("run", "--workflow", "pipeline.yml")
APPROVED = ("--approve", "staging", "--approve", "production")

Fact = Mapping[str, Any]


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> ShopRepository:
    """The shop, below git's top level; its tests of the journal modes are left to the other acceptance test, but for two legs."""
    folder = tmp_path_factory.mktemp("pipeline")
    made = copy_shop(folder / "all" / "shop", folder / "state", top=folder / "all")
    made.edit(".github/workflows/pipeline.yml", "journal: [wal, delete, memory]", "journal: [wal]")
    made.edit(
        ".github/workflows/pipeline.yml",
        "exclude:\n          - journal: memory",
        "exclude:\n          - journal: off",
    )
    return made


@pytest.fixture(scope="module")
def first_run(shop: ShopRepository) -> list[Fact]:
    """The facts of the first run, which deploys into folders that stay."""
    root = f"SHOP_DEPLOY_ROOT={shop.state.parent}/deployed"
    code, said = shop.skep(*PIPELINE, *APPROVED, "--json", "--var", root)
    assert code == 0, said
    return [json.loads(line) for line in said.splitlines()]


def conclusions(facts: list[Fact]) -> dict[str, str]:
    """Name of each job -> how it ended."""
    ended = [fact for fact in facts if fact["fact"] in ("job_finished", "job_skipped")]
    return {str(fact["name"]): str(fact.get("conclusion", fact.get("outcome"))) for fact in ended}


def test_every_stage_of_the_pipeline_succeeds(first_run: list[Fact]) -> None:
    names = ["test store (wal)", "test api (wal)", "coverage", "performance", "build", "verify", "notify"]
    names += [f"quality ({check})" for check in ("lint", "types", "security")]
    names += [f"deploy-{where} / deploy to {where}" for where in ("staging", "production")]
    assert conclusions(first_run) == dict.fromkeys(names, "success")


def test_what_was_built_is_in_service_in_both_environments(
    shop: ShopRepository, first_run: list[Fact]
) -> None:
    deployed = shop.state.parent / "deployed"
    for environment in ("staging", "production"):
        (line,) = (deployed / environment / "releases.jsonl").read_text(encoding="utf-8").splitlines()
        record = json.loads(line)
        assert (record["environment"], record["before"]) == (environment, "")
        assert (deployed / environment / "current").readlink() == Path("releases", record["release"])
        assert (deployed / environment / "current" / "shop.pyz").is_file()


def test_the_report_says_of_every_job_how_it_ended(first_run: list[Fact]) -> None:
    summaries = [fact["markdown"] for fact in first_run if fact["fact"] == "summary_written"]
    told = dict(re.findall(r"^\| ([a-z-]+) \| (\w+) \|$", summaries[-1], re.MULTILINE))
    jobs = [
        "test",
        "coverage",
        "quality",
        "performance",
        "build",
        "deploy-staging",
        "deploy-production",
        "verify",
    ]
    assert {name: result for name, result in told.items() if name != "job"} == dict.fromkeys(jobs, "success")


def test_nothing_runs_on_and_nothing_is_written_into_the_tree(
    shop: ShopRepository, first_run: list[Fact]
) -> None:
    assert wait_until_gone(str(shop.state.parent / "deployed"), 2.0) == []
    assert wait_until_gone(str(shop.state), 2.0) == []
    assert not (shop.root / "deployed").exists()
    assert not (shop.root / "build").exists()


def test_two_pipelines_at_once_both_arrive(shop: ShopRepository, first_run: list[Fact]) -> None:
    both = [shop.start(*PIPELINE, *APPROVED) for _ in range(2)]
    said = [process.communicate(timeout=300)[0] for process in both]
    assert [process.returncode for process in both] == [0, 0], "\n".join(said)
    assert all("| sell |" in one and "none" not in one.split("| sell |")[1].split("\n")[0] for one in said)


def test_a_failing_test_stops_everything_but_the_report(shop: ShopRepository, first_run: list[Fact]) -> None:
    shop.edit("tests/store/test_orders.py", "self.assertTrue(is_new)", "self.assertFalse(is_new)")
    code, said = shop.skep(*PIPELINE, *APPROVED, "--json")
    shop.edit("tests/store/test_orders.py", "self.assertFalse(is_new)", "self.assertTrue(is_new)")

    facts = [json.loads(line) for line in said.splitlines()]
    ended = conclusions(facts)
    (annotation,) = [fact for fact in facts if fact["fact"] == "annotated" and fact["path"]]
    (summary,) = [fact["markdown"] for fact in facts if fact["fact"] == "summary_written"]
    assert code == 1
    assert ended["test store (wal)"] == "failure"
    assert {name: ended[name] for name in ("build", "deploy-production", "verify", "notify")} == {
        **dict.fromkeys(["build", "deploy-production", "verify"], "skipped"),
        "notify": "success",
    }
    assert (annotation["path"], annotation["message"]) == (
        "tests/store/test_orders.py",
        "AssertionError: True is not false",
    )
    assert "pipeline of main: failure; failure: test; skipped: coverage" in summary
    reasons = {fact["name"]: fact["reason"] for fact in facts if fact["fact"] == "job_skipped"}
    assert reasons["deploy-staging"] == "`build`, which it needs, ended as skipped"  # its own `if` is true


def test_a_pull_request_deploys_nothing(shop: ShopRepository, first_run: list[Fact]) -> None:
    code, said = shop.skep(*PIPELINE, "--event", "pull_request", "--json")
    ended = conclusions([json.loads(line) for line in said.splitlines()])
    assert code == 0, said
    assert {name for name, how in ended.items() if how == "skipped"} == {
        "deploy-staging",
        "deploy-production",
        "verify",
    }


def test_the_scan_finds_what_was_committed_and_taken_away_again(tmp_path: Path) -> None:
    shop = copy_shop(tmp_path / "shop", tmp_path / "state")
    scan = ("run", "--workflow", "security-scan.yml", "--event", "schedule")
    assert shop.skep(*scan)[0] == 0

    shop.commit("notes.txt", "postgres://shop:lamplight@db.example/shop\n")
    shop.commit("notes.txt", "nothing\n")
    code, said = shop.skep(*scan)

    assert code == 1, said
    assert "added what looks like a password in an address; change it there where it is valid" in said
