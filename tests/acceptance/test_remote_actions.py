"""Workflows that use actions and workflows of other repositories, served from bare repositories, without a network."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from remote_repositories import git, make_bare
from skep.host.removal import remove_tree

from .remote_actions import HELLO_FILES, MIRRORS, make_remote_project
from .skep_process import SkepProject

USES = """
on: push
jobs:
  a:
    runs-on: ubuntu-latest
    steps:
      - run: echo first
      - {id: greet, uses: octo/hello/greet@v1, with: {who: you}}
      - {id: count, uses: octo/count/deep@v1, with: {label: outer}}
      - run: echo "got ${{ steps.greet.outputs.said }}, ${{ steps.count.outputs.phase }}, [$GITHUB_ACTION_REPOSITORY]"
"""


def test_composite_and_javascript_actions_run_with_pre_main_post_and_state(tmp_path: Path) -> None:
    remote = make_remote_project(tmp_path, USES)
    ran = remote.project.call("run")

    log = remote.log()
    assert ran.returncode == 0, (ran.stdout, ran.stderr, log)
    order = [
        "pre of inner",
        "pre of outer",
        "first",
        "hello you",
        "repository=octo/hello ref=v1",
        "main of inner required state=by-pre",
        "repository=octo/count ref=v1",
        "main of outer required state=by-pre",
        "got hello you, main, []",
        "post of outer by-pre by-main",
        "post of inner by-pre by-main",
    ]
    places = [log.find(line) for line in order]
    assert -1 not in places, (order[places.index(-1)], log)
    assert places == sorted(places), log
    assert "not in skep.lock: `v1` is " in log


def test_a_reusable_workflow_of_another_repository_calls_one_beside_it_and_gives_outputs(
    tmp_path: Path,
) -> None:
    text = """
on: push
jobs:
  call:
    uses: octo/hello/.github/workflows/shared.yml@v1
    with: {who: all}
  nested:
    uses: octo/hello/.github/workflows/nested.yml@v1
  after:
    needs: call
    runs-on: ubuntu-latest
    steps: [{run: 'echo "it said ${{ needs.call.outputs.said }}"'}]
"""
    remote = make_remote_project(tmp_path, text)
    ran = remote.project.call("run")
    log = remote.log()
    assert ran.returncode == 0, (ran.stdout, ran.stderr)
    assert "it said hello all" in log
    assert "hello nested" in log
    plan = remote.project.call("plan").stdout
    assert "nested / inner" in ran.stdout
    assert "not here" not in plan


def test_a_locked_run_needs_no_origin_at_all(tmp_path: Path) -> None:
    remote = make_remote_project(tmp_path, USES)
    locked = remote.project.call("actions", "lock")
    assert locked.returncode == 0, locked.stderr
    assert '["octo/count/deep@v1"]' in remote.lock()
    assert '["octo/hello/greet@v1"]' in remote.lock()

    (tmp_path / "octo").rename(tmp_path / "gone")
    ran = remote.project.call("run")
    assert ran.returncode == 0, (ran.stdout, ran.stderr)
    assert "not in skep.lock" not in remote.log()
    assert remote.project.call("actions", "lock").stdout.endswith("2 entries, nothing has changed\n")


def test_a_moved_tag_is_told_by_verify_and_taken_by_update_only(tmp_path: Path) -> None:
    remote = make_remote_project(tmp_path, USES)
    old = git(remote.hello.path, "rev-parse", "v1")
    remote.project.call("actions", "lock")
    assert remote.project.call("actions", "verify").returncode == 0
    new = remote.hello.commit({**HELLO_FILES, "greet/say.sh": "echo moved; exit 1\n"}, tag="v1")

    verified = remote.project.call("actions", "verify")
    assert verified.returncode == 1
    assert all(
        word in verified.stdout for word in ("moved", old, new, "skep actions update octo/hello/greet@v1")
    )
    assert remote.project.call("run").returncode == 0, "the locked commit still runs"

    updated = remote.project.call("actions", "update", "octo/hello")
    assert f"changed  octo/hello/greet@v1  {new[:12]} (was {old[:12]})" in updated.stdout
    assert remote.project.call("run").returncode == 1
    unknown = remote.project.call("actions", "update", "octo/nothing")
    assert (unknown.returncode, "nothing in skep.lock is called `octo/nothing`" in unknown.stderr) == (
        2,
        True,
    )


def test_a_locked_commit_that_its_origin_replaced_stops_the_run_with_both_ids(tmp_path: Path) -> None:
    remote = make_remote_project(tmp_path, USES)
    old = git(remote.hello.path, "rev-parse", "v1")
    remote.project.call("actions", "lock")
    new = remote.hello.commit({**HELLO_FILES, "more": "x"}, tag="v1")
    git(remote.hello.path, "reflog", "expire", "--expire=now", "--all")
    git(remote.hello.path, "gc", "--prune=now", "--quiet")
    _forget(remote.project)

    ran = remote.project.call("run")
    assert ran.returncode == 2, ran.stdout
    assert all(
        word in ran.stderr for word in (old, new, "action-not-as-locked", "skep actions update", "ci.yml:8")
    )
    assert "Run echo first" not in ran.stdout


def test_files_that_differ_from_the_lock_stop_the_run_with_both_trees(tmp_path: Path) -> None:
    remote = make_remote_project(tmp_path, USES)
    remote.project.call("actions", "lock")
    tree = git(remote.hello.path, "rev-parse", "v1^{tree}")
    (remote.project.root / "skep.lock").write_text(remote.lock().replace(tree, "0" * 40))
    ran = remote.project.call("run")
    assert ran.returncode == 2
    assert all(word in ran.stderr for word in (tree, "0" * 40, "is not what was locked"))


def test_a_broken_lock_is_said_with_its_place(tmp_path: Path) -> None:
    remote = make_remote_project(tmp_path, USES)
    (remote.project.root / "skep.lock").write_text('version = 1\n\n["octo/hello@v1"]\nsha = "short"\n')
    ran = remote.project.call("run")
    assert (ran.returncode, "skep.lock:3" in ran.stderr, "Traceback" in ran.stderr) == (2, True, False)


@pytest.mark.parametrize(
    ("settings", "rule", "words"),
    [
        ('allowed = ["actions", "octo/count"]', "action-not-allowed", "`octo/hello/greet@v1` is not among"),
        ("require_sha = true", "action-not-pinned", "not pinned to a commit"),
        ("require_lock = true", "action-not-locked", "not in skep.lock"),
    ],
)
def test_policy_refuses_before_anything_starts_at_the_place(
    tmp_path: Path, settings: str, rule: str, words: str
) -> None:
    remote = make_remote_project(tmp_path, USES)
    remote.settings(f"[actions]\n{settings}\n{MIRRORS}")
    for command in ("run", "plan"):
        ran = remote.project.call(command)
        assert ran.returncode == 2, ran.stdout
        assert all(word in ran.stderr for word in (rule, words, "ci.yml:8:"))
    assert not (remote.project.state / "actions").exists(), "nothing was fetched"


def test_what_cannot_be_had_makes_only_its_jobs_unsupported(tmp_path: Path) -> None:
    text = """
on: push
jobs:
  gone: {runs-on: ubuntu-latest, steps: [{uses: lost/action@v1}]}
  call: {uses: lost/action/.github/workflows/x.yml@v1}
  maybe: {runs-on: ubuntu-latest, steps: [{uses: lost/action@v1, if: false}, {run: echo fine}]}
"""
    remote = make_remote_project(tmp_path, text)
    remote.settings('[actions.mirrors]\nlost = "../lost"\n')
    ran = remote.project.call("run")
    assert ran.returncode == 2
    assert "mirror of `lost/action` is not there" in ran.stdout
    assert "fine" in remote.log()
    assert remote.project.call("run", "--allow-unsupported").returncode == 0


def test_offline_says_what_is_missing_and_a_mirror_made_before_serves_it(tmp_path: Path) -> None:
    remote = make_remote_project(tmp_path, USES)
    made = remote.project.call("actions", "mirror", str(tmp_path / "copy"))
    assert made.returncode == 0, made.stderr
    assert (tmp_path / "copy/octo/hello.git").is_dir()
    _forget(remote.project)

    remote.settings("[actions]\noffline = true\n")
    ran = remote.project.call("run")
    assert (ran.returncode, "Skep works offline" in ran.stdout) == (2, True), ran.stdout
    remote.settings('[actions]\noffline = true\n[actions.mirrors]\n"*" = "../copy"\n')
    ran = remote.project.call("run")
    assert ran.returncode == 0, (ran.stdout, ran.stderr)


@pytest.mark.parametrize(
    ("name", "files", "words"),
    [
        ("no using", {"action.yml": "name: a\ndescription: b\nruns: {main: x.js}\n"}, "`using` is missing"),
        ("nothing", {"README.md": "hello\n"}, "has no action.yml, action.yaml or Dockerfile"),
        ("docker", {"Dockerfile": "FROM scratch\n"}, "containers do not run here yet"),
        ("broken", {"action.yml": "runs: [\n"}, "yaml-syntax"),
        (
            "no script",
            {"action.yml": "name: a\ndescription: b\nruns: {using: node20, main: gone.js}\n"},
            "`gone.js` does not exist",
        ),
        (
            "itself",
            {
                "action.yml": "name: a\ndescription: b\nruns: {using: composite, steps: [{uses: octo/odd@v1}]}\n"
            },
            "nest deeper than 9",
        ),
    ],
)
def test_an_action_that_is_wrong_fails_its_job_with_the_reason(
    tmp_path: Path, name: str, files: dict[str, str], words: str
) -> None:
    text = "on: push\njobs: {a: {runs-on: ubuntu-latest, steps: [{uses: octo/odd@v1}]}}\n"
    remote = make_remote_project(tmp_path, text)
    make_bare(tmp_path / "octo", "odd").commit(files, tag="v1")
    ran = remote.project.call("run")
    said = ran.stdout + ran.stderr + remote.log()
    assert ran.returncode in (1, 2), (name, said)
    assert words in said
    assert "Traceback" not in said


def test_two_runs_at_once_fetch_one_action_and_both_go_well(tmp_path: Path) -> None:
    remote = make_remote_project(tmp_path, USES)
    started = [remote.project.start("run") for _ in range(3)]
    ended = [(process.communicate(timeout=120), process.returncode) for process in started]
    assert [code for _, code in ended] == [0, 0, 0], ended
    commits = {path.name for path in (remote.project.state / "actions/packs").iterdir()}
    assert len(commits) == 2
    assert list((remote.project.state / "actions/making").iterdir()) == []


def test_an_empty_token_is_told_before_the_action_starts(tmp_path: Path) -> None:
    remote = make_remote_project(tmp_path, USES)
    facts = remote.project.facts()
    notices = [str(fact["message"]) for fact in facts if fact["fact"] == "annotated"]
    assert any("`github.token` is empty here" in text and "`token`" in text for text in notices), notices
    assert all("--token NAME" in text for text in notices if "github.token" in text)
    given = SkepProject(remote.project.root, {**remote.project.env, "MINE": "hush-hush-hush"})
    assert not [fact for fact in given.facts("--token", "MINE") if fact["fact"] == "annotated"]


def test_list_shows_what_is_used_and_from_where(tmp_path: Path) -> None:
    remote = make_remote_project(tmp_path, USES)
    remote.project.call("actions", "lock")
    rows = json.loads(remote.project.call("actions", "list", "--json").stdout)
    assert [(row["uses"], row["state"], row["from"], row["problem"]) for row in rows] == [
        ("octo/count/deep@v1", "locked, here", str(tmp_path / "octo/count"), None),
        ("octo/hello/greet@v1", "locked, here", str(tmp_path / "octo/hello"), None),
    ]
    assert "octo/count/deep@v1" in remote.project.call("actions", "list").stdout


def _forget(project: SkepProject) -> None:
    """Removes everything that was fetched; its folders are read-only."""
    remove_tree(str(project.state / "actions"))


def test_a_repository_cannot_name_variables_as_tokens(tmp_path: Path) -> None:
    remote = make_remote_project(tmp_path, USES)
    remote.settings(f'[actions.tokens]\n"evil.invalid" = "HOME"\n{MIRRORS}')
    ran = remote.project.call("plan")
    assert (ran.returncode, "this file comes with the repository" in ran.stderr) == (2, True), ran.stderr
