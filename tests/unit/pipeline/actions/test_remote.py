"""References to other repositories, what a project allows of them, and the lock file."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from skep.model.errors import UserError
from skep.pipeline.actions.lock import Lock, Locked, parse_lock, render_lock
from skep.pipeline.actions.remote import (
    RemotePolicy,
    location_of,
    parse_reference,
    refusal,
    token_variable,
)

SHA = "0123456789abcdef0123456789abcdef01234567"


@pytest.mark.parametrize(
    ("uses", "expected"),
    [
        ("octo/hello@v1", ("octo/hello", "", "v1")),
        (" octo/hello/a/b@feature/x ", ("octo/hello", "a/b", "feature/x")),
        ("octo/hello//a/./b/@v1", ("octo/hello", "a/b", "v1")),
        ("octo/hello\\a@v1", ("octo/hello", "a", "v1")),
        (f"octo/.github/.github/workflows/ci.yml@{SHA}", ("octo/.github", ".github/workflows/ci.yml", SHA)),
    ],
)
def test_a_reference_names_repository_path_and_ref(uses: str, expected: tuple[str, str, str]) -> None:
    found = parse_reference(uses)
    assert found is not None
    assert (found.repository, found.path, found.ref) == expected


@pytest.mark.parametrize(
    "uses",
    [
        "./local", "$/own", "docker://alpine", "octo", "octo/hello", "octo/hello@", "@v1", "octo/hello@v1@v2",
        "octo/../x@v1", "octo/hello/../../x@v1", "octo/..@v1", "-x/hello@v1", "oc to/hello@v1", "octo/he llo@v1",
        "octo/hello@-x", "octo/hello@--upload-pack=x", "octo/hello@a b", "octo/hello@a..b", "octo/hello@a^{}",
        "octo/hello@a:b", "octo/hello@a*", "octo/hello@/a", "octo/hello@a/", "octo/hello@a.lock", "octo/hello@@{x",
        "octo/hello@v\n1", "octo/hello/a\0b@v1",
    ],
)  # fmt: skip
def test_what_names_nothing_is_no_reference(uses: str) -> None:
    assert parse_reference(uses) is None


@given(st.text(max_size=40))
def test_a_reference_never_leads_out_or_looks_like_an_option(text: str) -> None:
    found = parse_reference(f"octo/hello/{text}@{text}") or parse_reference(text)
    if found is not None:
        assert ".." not in found.path.split("/")
        assert not found.path.startswith("/")
        assert not found.ref.startswith("-")
        assert not found.repository.startswith(("-", "."))
        assert parse_reference(str(found)) == found


@pytest.mark.parametrize(
    ("allowed", "fits"),
    [
        ("octo", True), ("OCTO", True), ("octo/*", True), ("octo/hello", True), ("octo/hello/sub", True),
        ("octo/h*", True), ("*/hello", True), ("*", True), ("octo@v1", True), ("octo/hello@v*", True),
        ("oct", False), ("octo/hell", False), ("octo/hello@v2", False), ("octo/other", False), ("other", False),
        ("octo/hello/other", False),
    ],
)  # fmt: skip
def test_allowed_names_owners_repositories_and_globs(allowed: str, fits: bool) -> None:
    reference = parse_reference("octo/hello/sub@v1")
    assert reference is not None
    found = refusal(reference, RemotePolicy(allowed=(allowed, "nobody/nothing")), locked=False)
    assert (found is None) is fits
    assert found is None or (found.rule == "action-not-allowed" and "octo" in found.hint)


@pytest.mark.parametrize(
    ("uses", "policy", "locked", "rule"),
    [
        ("octo/hello@v1", RemotePolicy(require_sha=True), True, "action-not-pinned"),
        (f"octo/hello@{SHA[:12]}", RemotePolicy(require_sha=True), True, "action-not-pinned"),
        (f"octo/hello@{SHA}", RemotePolicy(require_sha=True), False, ""),
        (f"octo/hello@{SHA}", RemotePolicy(require_lock=True), False, "action-not-locked"),
        ("octo/hello@v1", RemotePolicy(require_lock=True), True, ""),
        ("octo/hello@v1", RemotePolicy(), False, ""),
    ],
)
def test_policy_asks_for_commits_and_locks(uses: str, policy: RemotePolicy, locked: bool, rule: str) -> None:
    reference = parse_reference(uses)
    assert reference is not None
    found = refusal(reference, policy, locked=locked)
    assert ("" if found is None else found.rule) == rule


@pytest.mark.parametrize(
    ("mirrors", "expected"),
    [
        ([], ("https://server.invalid/Octo/hello", False)),
        (["octo=../m"], ("../m/hello", True)),
        (["octo=../m/", "octo/hello=ssh://h/x.git"], ("ssh://h/x.git", True)),
        (["*=/srv/git"], ("/srv/git/Octo/hello", True)),
        (["*=/srv/git", "octo=https://in.invalid/a=b"], ("https://in.invalid/a=b/hello", True)),
        (["other=../m"], ("https://server.invalid/Octo/hello", False)),
    ],
)
def test_the_nearest_mirror_counts(mirrors: list[str], expected: tuple[str, bool]) -> None:
    assert location_of("Octo/hello", mirrors, "https://server.invalid/") == expected


@pytest.mark.parametrize(
    ("where", "variable"),
    [
        ("https://git.invalid/octo/hello", "ONE"),
        ("https://me:word@GIT.invalid/octo/hello.git", "ONE"),
        ("https://git.invalid/octo/other", "OWNER"),
        ("https://git.invalid/other/x", "HOST"),
        ("http://git.invalid:8/octo/x", ""),
        ("https://git.invalid.evil.invalid/octo/hello", ""),
        ("https://evil.invalid/git.invalid/octo/hello", ""),
        ("ssh://git.invalid/octo/hello", ""),
        ("/git.invalid/octo/hello", ""),
    ],
)
def test_a_token_goes_to_the_host_it_is_for_and_to_no_other(where: str, variable: str) -> None:
    pairs = ["git.invalid=HOST", "git.invalid/octo=OWNER", "git.invalid/octo/hello=ONE"]
    assert token_variable(where, pairs) == variable


ids = st.text("0123456789abcdef", min_size=40, max_size=40)
names = st.text(st.characters(codec="utf-8", exclude_categories=("Cc", "Cs")), min_size=1, max_size=30)


@given(
    st.dictionaries(
        names.filter(lambda name: name != "version"), st.builds(Locked, sha=ids, tree=ids), max_size=4
    )
)
def test_a_lock_is_read_as_it_was_written(lock: Lock) -> None:
    assert parse_lock(render_lock(lock)) == lock


def test_a_lock_is_sorted_so_that_its_differences_read_well() -> None:
    one = Locked(sha=SHA, tree=SHA)
    text = render_lock({"b/b@v1": one, "a/a@v2": one, "a/a@v1": one})
    assert [line for line in text.splitlines() if line.startswith("[")] == [
        '["a/a@v1"]',
        '["a/a@v2"]',
        '["b/b@v1"]',
    ]


@pytest.mark.parametrize(
    ("text", "place", "words"),
    [
        ("version = 1\n[", "skep.lock:2:2", "cannot be read"),
        ("", "skep.lock:1:1", "version `None`"),
        ("version = 2\n", "skep.lock:1:1", "version `2`"),
        ("version = true\n", "skep.lock:1:1", "version `True`"),
        ('version = 1\n["a/b@v1"]\nsha = "x"\n', "skep.lock:2:1", "`a/b@v1`"),
        (f'version = 1\n\n["a/b@v1"]\nsha = "{SHA}"\ntree = 3\n', "skep.lock:3:1", "`a/b@v1`"),
        (f'version = 1\n["a/b@v1"]\nsha = "{SHA}"\ntree = "{SHA}"\nmore = 1\n', "skep.lock:2:1", "`a/b@v1`"),
    ],
)
def test_a_wrong_lock_is_refused_at_its_place(text: str, place: str, words: str) -> None:
    with pytest.raises(UserError, match=words.replace("`", "`")) as found:
        parse_lock(text)
    assert str(found.value.where) == place
    assert "skep actions lock" in found.value.hint
