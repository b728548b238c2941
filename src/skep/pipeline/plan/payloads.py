"""Event payloads in GitHub's shape, with what workflows commonly read in them. Urls are what they would be on the server.

Source: "Webhook events and payloads". As there, commits in Actions carry no lists of added and changed files.
"""

from __future__ import annotations

from dataclasses import dataclass

from skep.pipeline.expressions.values import Value

from .contexts import ref_name
from .values import RepositoryFacts

_NO_COMMIT = "0" * 40


@dataclass(frozen=True, slots=True, kw_only=True)
class CommitFacts:
    """One commit as payloads show it."""

    sha: str
    tree: str
    message: str
    timestamp: str  # ISO 8601
    author_name: str
    author_email: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Occasion:
    """All that payloads are made of."""

    repository: RepositoryFacts
    sha: str
    branch: str  # the branch of the work tree
    ref: str
    base: str  # short name of the target branch
    action: str
    number: int
    before: str
    base_sha: str
    commits: tuple[CommitFacts, ...]  # oldest first
    changed_files: int
    email: str
    schedule: str


def plain_payload(occasion: Occasion) -> dict[str, Value]:
    """What every event has: repository, sender, and the activity type or schedule where there is one."""
    payload: dict[str, Value] = {"repository": _repository(occasion), "sender": _user(occasion)}
    if occasion.action:
        payload["action"] = occasion.action
    if occasion.schedule:
        payload["schedule"] = occasion.schedule
    return payload


def push_payload(occasion: Occasion) -> dict[str, Value]:
    """A push of everything between `before` and HEAD."""
    commits = [_commit(occasion, commit) for commit in occasion.commits]
    return {
        "ref": occasion.ref,
        "before": occasion.before,
        "after": occasion.sha,
        "base_ref": None,
        "created": occasion.before == _NO_COMMIT,
        "deleted": False,
        "forced": False,
        "compare": f"{_url(occasion)}/compare/{occasion.before[:12]}...{occasion.sha[:12]}",
        "commits": commits,
        "head_commit": commits[-1] if commits else None,
        "pusher": {"name": occasion.repository.actor, "email": occasion.email},
        **plain_payload(occasion),
    }


def pull_request_payload(occasion: Occasion) -> dict[str, Value]:
    """A pull request of the work tree's branch into the base branch."""
    return {"number": occasion.number, "pull_request": _pull_request(occasion), **plain_payload(occasion)}


def review_payload(occasion: Occasion) -> dict[str, Value]:
    """A review, or a comment of one, on such a pull request."""
    said: dict[str, Value] = {
        "id": 1,
        "body": "",
        "state": "commented",
        "user": _user(occasion),
        "commit_id": occasion.sha,
    }
    return {**pull_request_payload(occasion), "review": said, "comment": said}


def merge_group_payload(occasion: Occasion) -> dict[str, Value]:
    """The work tree's branch queued for the base branch."""
    queue = f"gh-readonly-queue/{occasion.base}/pr-{occasion.number}-{occasion.base_sha}"
    return {
        "merge_group": {
            "head_sha": occasion.sha,
            "head_ref": f"refs/heads/{queue}",
            "base_sha": occasion.base_sha,
            "base_ref": f"refs/heads/{occasion.base}",
            "head_commit": _head_commit(occasion),
        },
        **plain_payload(occasion),
    }


def workflow_run_payload(occasion: Occasion) -> dict[str, Value]:
    """A workflow that ran on the work tree's branch and succeeded; which one, a payload file says (`workflow_run.name`)."""
    completed = occasion.action == "completed"
    return {
        "workflow_run": {
            "id": 1,
            "name": "",
            "event": "push",
            "head_branch": occasion.branch,
            "head_sha": occasion.sha,
            "head_commit": _head_commit(occasion),
            "status": occasion.action,
            "conclusion": "success" if completed else None,
            "run_number": 1,
            "run_attempt": 1,
            "html_url": f"{_url(occasion)}/actions/runs/1",
            "pull_requests": [],
            "repository": _repository(occasion),
            "head_repository": _repository(occasion),
        },
        **plain_payload(occasion),
    }


def release_payload(occasion: Occasion) -> dict[str, Value]:
    """A release of the tag `ref`."""
    tag = ref_name(occasion.ref)
    return {
        "release": {
            "id": 1,
            "tag_name": tag,
            "name": tag,
            "body": "",
            "draft": False,
            "prerelease": occasion.action == "prereleased",
            "target_commitish": occasion.repository.default_branch,
            "html_url": f"{_url(occasion)}/releases/tag/{tag}",
            "assets": [],
            "author": _user(occasion),
        },
        **plain_payload(occasion),
    }


def issues_payload(occasion: Occasion) -> dict[str, Value]:
    """An issue."""
    return {"issue": _issue(occasion), **plain_payload(occasion)}


def issue_comment_payload(occasion: Occasion) -> dict[str, Value]:
    """A comment on an issue."""
    comment: dict[str, Value] = {"id": 1, "body": "", "user": _user(occasion), "author_association": "OWNER"}
    return {"comment": comment, **issues_payload(occasion)}


def ref_payload(occasion: Occasion) -> dict[str, Value]:
    """A branch or tag that was created or deleted."""
    return {
        "ref": ref_name(occasion.ref),
        "ref_type": "tag" if occasion.ref.startswith("refs/tags/") else "branch",
        "master_branch": occasion.repository.default_branch,
        "pusher_type": "user",
        **plain_payload(occasion),
    }


def _url(occasion: Occasion) -> str:
    return f"{occasion.repository.server_url}/{occasion.repository.repository}"


def _user(occasion: Occasion) -> dict[str, Value]:
    return {"login": occasion.repository.actor, "id": 0, "type": "User", "site_admin": False}


def _repository(occasion: Occasion) -> dict[str, Value]:
    facts = occasion.repository
    owner: dict[str, Value] = {"login": facts.owner, "name": facts.owner, "id": 0, "type": "User"}
    return {
        "id": 0,
        "name": facts.repository.partition("/")[2],
        "full_name": facts.repository,
        "owner": owner,
        "private": True,
        "fork": False,
        "default_branch": facts.default_branch,
        "master_branch": facts.default_branch,
        "html_url": _url(occasion),
        "url": _url(occasion),
        "clone_url": f"{_url(occasion)}.git",
        "topics": [],
    }


def _commit(occasion: Occasion, commit: CommitFacts) -> dict[str, Value]:
    person: dict[str, Value] = {
        "name": commit.author_name,
        "email": commit.author_email,
        "username": occasion.repository.actor,
    }
    return {
        "id": commit.sha,
        "tree_id": commit.tree,
        "distinct": True,
        "message": commit.message,
        "timestamp": commit.timestamp,
        "url": f"{_url(occasion)}/commit/{commit.sha}",
        "author": person,
        "committer": person,
    }


def _head_commit(occasion: Occasion) -> Value:
    return _commit(occasion, occasion.commits[-1]) if occasion.commits else None


def _title(occasion: Occasion) -> str:
    message = occasion.commits[-1].message.strip() if occasion.commits else ""
    return message.splitlines()[0] if message else occasion.branch


def _pull_request(occasion: Occasion) -> dict[str, Value]:
    url = f"{_url(occasion)}/pull/{occasion.number}"
    return {
        "id": occasion.number,
        "number": occasion.number,
        "state": "closed" if occasion.action == "closed" else "open",
        "title": _title(occasion),
        "body": None,
        "draft": occasion.action == "converted_to_draft",
        "locked": False,
        "merged": False,
        "mergeable": True,
        "merge_commit_sha": occasion.sha,
        "user": _user(occasion),
        "author_association": "OWNER",
        "head": _side(occasion, occasion.branch, occasion.sha),
        "base": _side(occasion, occasion.base, occasion.base_sha),
        "labels": [],
        "assignees": [],
        "requested_reviewers": [],
        "commits": len(occasion.commits),
        "changed_files": occasion.changed_files,
        "html_url": url,
        "url": url,
    }


def _side(occasion: Occasion, ref: str, sha: str) -> dict[str, Value]:
    return {
        "label": f"{occasion.repository.owner}:{ref}",
        "ref": ref,
        "sha": sha,
        "user": _user(occasion),
        "repo": _repository(occasion),
    }


def _issue(occasion: Occasion) -> dict[str, Value]:
    return {
        "id": occasion.number,
        "number": occasion.number,
        "title": "",
        "body": "",
        "state": "closed" if occasion.action == "closed" else "open",
        "user": _user(occasion),
        "author_association": "OWNER",
        "labels": [],
        "assignees": [],
        "comments": 0,
        "html_url": f"{_url(occasion)}/issues/{occasion.number}",
    }
