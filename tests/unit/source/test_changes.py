"""What a push or pull request of a real work tree would bring."""

import os
from pathlib import Path

import pytest

from skep.model.errors import UserError
from skep.source.changes import (
    NO_COMMIT,
    Changes,
    Repository,
    branch_name,
    full_ref,
    owner_and_name,
    pull_request_changes,
    pushed_changes,
    read_repository,
)
from skep.source.git import Git

from .repositories import a_clone, a_repository, commit, git, write

pytestmark = pytest.mark.usefixtures("no_git_settings")


@pytest.fixture
def origin(tmp_path: Path) -> Path:
    return a_repository(tmp_path / "origin")


def reading(root: Path) -> tuple[Git, Repository]:
    there = Git(str(root), os.environ)
    return there, read_repository(there, user="nobody")


def pushed(root: Path) -> Changes:
    return pushed_changes(*reading(root))


def test_a_push_is_what_the_upstream_lacks_and_the_work_tree_has(origin: Path, tmp_path: Path) -> None:
    base = commit(origin, "a", "b")
    clone = a_clone(origin, tmp_path / "clone")
    first = commit(clone, "c", message="first")
    second = commit(clone, "d", message="second")
    write(clone, "a", "untracked", text="y\n")
    changes = pushed(clone)
    assert (changes.before, changes.paths) == (base, ("a", "c", "d", "untracked"))
    assert [one.sha for one in changes.commits] == [first, second]


def test_a_push_starts_at_the_merge_base_when_the_upstream_went_on(origin: Path, tmp_path: Path) -> None:
    base = commit(origin, "a")
    clone = a_clone(origin, tmp_path / "clone")
    commit(origin, "theirs")
    commit(clone, "ours")
    git(clone, "fetch", "-q")
    changes = pushed(clone)
    assert (changes.before, changes.paths) == (base, ("ours",))


def test_without_an_upstream_a_push_starts_at_the_parent(origin: Path) -> None:
    first = commit(origin, "a")
    commit(origin, "b")
    write(origin, "c")
    changes = pushed(origin)
    assert (changes.before, changes.paths) == (first, ("b", "c"))
    assert len(changes.commits) == 1


def test_the_first_commit_starts_at_nothing(origin: Path) -> None:
    commit(origin, "a")
    write(origin, "b")
    assert (pushed(origin).before, pushed(origin).paths) == (NO_COMMIT, ("a", "b"))


def test_before_the_first_commit_every_file_is_new(origin: Path) -> None:
    write(origin, "a")
    changes = pushed(origin)
    assert (changes.before, changes.paths, changes.commits) == (NO_COMMIT, ("a",), ())


def test_with_nothing_to_push_it_is_the_push_that_was(origin: Path, tmp_path: Path) -> None:
    commit(origin, "a")
    parent = commit(origin, "b")
    commit(origin, "c")
    clone = a_clone(origin, tmp_path / "clone")
    assert (pushed(clone).before, pushed(clone).paths) == (parent, ("c",))
    write(clone, "edited")
    head = git(clone, "rev-parse", "HEAD")
    assert (pushed(clone).before, pushed(clone).paths) == (head, ("edited",))


def test_a_shallow_clone_does_not_know_what_changed(origin: Path, tmp_path: Path) -> None:
    commit(origin, "a")
    commit(origin, "b")
    clone = a_clone(origin, tmp_path / "clone", "--depth", "1")
    changes = pushed(clone)
    assert changes.paths is None
    assert "shallow" in changes.why


def test_outside_of_git_nothing_is_known(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "my project"
    folder.mkdir()
    there, repository = reading(folder)
    assert not repository.is_git
    assert (repository.owner, repository.name, repository.actor) == ("local", "my-project", "nobody")
    assert pushed_changes(there, repository).paths is None
    assert pull_request_changes(there, repository, "main").paths is None
    assert full_ref(there, repository, "") == "refs/heads/main"
    assert full_ref(there, repository, "v1") == "refs/heads/v1"


def test_a_pull_request_is_the_work_tree_against_the_merge_base(origin: Path, tmp_path: Path) -> None:
    base = commit(origin, "a")
    clone = a_clone(origin, tmp_path / "clone")
    git(clone, "checkout", "-q", "-b", "topic")
    ours = commit(clone, "b")
    git(clone, "checkout", "-q", "main")
    theirs = commit(clone, "other")
    git(clone, "checkout", "-q", "topic")
    write(clone, "c")
    there, repository = reading(clone)
    for spelled in ("main", "refs/heads/main", ""):
        changes = pull_request_changes(there, repository, spelled)
        assert (changes.before, changes.base_sha, changes.paths) == (base, theirs, ("b", "c"))
        assert [one.sha for one in changes.commits] == [ours]
    assert pull_request_changes(there, repository, "origin/main").base_sha == base


def test_a_base_that_only_the_remote_has_is_found(origin: Path, tmp_path: Path) -> None:
    base = commit(origin, "a")
    git(origin, "branch", "release")
    clone = a_clone(origin, tmp_path / "clone")
    commit(clone, "b")
    there, repository = reading(clone)
    changes = pull_request_changes(there, repository, "release")
    assert (changes.base_sha, changes.paths) == (base, ("b",))


def test_a_base_that_does_not_exist_is_refused_with_the_branches(origin: Path) -> None:
    commit(origin, "a")
    there, repository = reading(origin)
    with pytest.raises(UserError) as raised:
        pull_request_changes(there, repository, "mian")
    assert "`mian`" in str(raised.value)
    assert raised.value.hint == "branches: `main`"


def test_histories_without_a_common_commit(origin: Path) -> None:
    commit(origin, "a")
    git(origin, "checkout", "-q", "--orphan", "other")
    commit(origin, "b")
    there, repository = reading(origin)
    changes = pull_request_changes(there, repository, "main")
    assert changes.paths is None
    assert "no common commit" in changes.why


def test_the_repository_is_named_by_its_remote(origin: Path) -> None:
    commit(origin, "a")
    git(origin, "remote", "add", "upstream", "git@github.com:octo/other.git")
    assert (reading(origin)[1].owner, reading(origin)[1].name) == ("octo", "other")
    git(origin, "remote", "add", "origin", "https://github.com/mona/hello.git")
    assert (reading(origin)[1].owner, reading(origin)[1].name) == ("mona", "hello")
    assert (reading(origin)[1].actor, reading(origin)[1].email) == ("Ada", "ada@example.invalid")
    git(origin, "config", "github.user", "ada-l")
    assert reading(origin)[1].actor == "ada-l"


def test_a_remote_on_this_machine_has_no_owner(origin: Path, tmp_path: Path) -> None:
    commit(origin, "a")
    clone = a_clone(origin, tmp_path / "a clone")
    assert (reading(clone)[1].owner, reading(clone)[1].name) == ("local", "a-clone")


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("https://github.com/mona/hello.git", ("mona", "hello")),
        ("https://user:token@github.com/mona/hello", ("mona", "hello")),
        ("https://github.com/mona/hello/", ("mona", "hello")),
        ("git@github.com:mona/hello.git", ("mona", "hello")),
        ("github.com:mona/hello.git", ("mona", "hello")),
        ("ssh://git@github.com:22/mona/hello.git", ("mona", "hello")),
        ("git://example.org/group/sub/hello.git", ("sub", "hello")),
        ("/srv/git/hello.git", ("", "")),
        ("file:///srv/git/hello.git", ("", "")),
        ("../hello", ("", "")),
        ("C:/git/hello", ("", "")),
        ("https://github.com/hello", ("", "")),
        ("", ("", "")),
    ],
)
def test_owner_and_name_of_a_url(url: str, expected: tuple[str, str]) -> None:
    assert owner_and_name(url) == expected


def test_the_default_branch(origin: Path, tmp_path: Path) -> None:
    commit(origin, "a")
    git(origin, "checkout", "-q", "-b", "trunk")
    clone = a_clone(origin, tmp_path / "clone")
    assert reading(clone)[1].default_branch == "trunk"  # origin/HEAD
    assert reading(origin)[1].default_branch == "main"  # init.defaultBranch, and it exists
    git(origin, "branch", "-q", "-D", "main")
    assert reading(origin)[1].default_branch == "trunk"  # the branch HEAD is on
    git(origin, "branch", "-q", "master")
    assert reading(origin)[1].default_branch == "master"


def test_a_ref_is_a_tag_where_only_a_tag_has_the_name(origin: Path) -> None:
    commit(origin, "a")
    for name in ("v1", "both"):
        git(origin, "tag", name)
    git(origin, "branch", "both")
    there, repository = reading(origin)
    refs = {name: full_ref(there, repository, name) for name in ("", "v1", "both", "new", "refs/tags/x")}
    assert refs == {
        "": "refs/heads/main",
        "v1": "refs/tags/v1",
        "both": "refs/heads/both",
        "new": "refs/heads/new",
        "refs/tags/x": "refs/tags/x",
    }


def test_a_detached_head_counts_as_the_default_branch(origin: Path) -> None:
    commit(origin, "a")
    git(origin, "checkout", "-q", "--detach")
    there, repository = reading(origin)
    assert (repository.branch, full_ref(there, repository, "")) == ("", "refs/heads/main")


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("main", "main"),
        ("origin/main", "main"),
        ("refs/heads/a/b", "a/b"),
        ("origin/", "origin/"),
        ("upstream/x", "x"),
    ],
)
def test_the_short_name_of_a_base(written: str, expected: str) -> None:
    assert branch_name(written) == expected
