"""Workflows that use actions and workflows of other repositories, served from bare repositories, without a network."""

from __future__ import annotations

from pathlib import Path

from .remote_actions import make_remote_project

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
