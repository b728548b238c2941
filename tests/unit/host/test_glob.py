"""Which files are found, in which order, and what `hashFiles` makes of them."""

import hashlib
import os
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from skep.host.glob import glob_files, hash_files, hash_files_call
from skep.model.errors import HostError, UserError

FILES = ["README.md", "b/z.py", "b/a.py", "b-1/x.py", "B/c.py", ".hidden/h.py", "b/.h.py", "b/deep/er/q.py"]


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    for name in FILES:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"content of {name}\n", encoding="utf-8")
    return tmp_path


def _names(found: Sequence[str], root: Path) -> list[str]:
    return [path.removeprefix(f"{root}/") for path in found]


def _digest(root: Path, names: Sequence[str]) -> str:
    digests = b"".join(hashlib.sha256((root / name).read_bytes()).digest() for name in names)
    return hashlib.sha256(digests).hexdigest()


def test_the_walk_goes_depth_first_in_byte_order(tree: Path) -> None:
    found = _names(glob_files(["**/*.py"], str(tree)), tree)
    assert found == [
        ".hidden/h.py",
        "B/c.py",
        "b/.h.py",
        "b/a.py",
        "b/deep/er/q.py",
        "b/z.py",
        "b-1/x.py",
    ]


def test_a_matching_folder_stands_before_what_it_holds(tree: Path) -> None:
    assert _names(glob_files(["b"], str(tree)), tree) == [
        "b/",
        "b/.h.py",
        "b/a.py",
        "b/deep/",
        "b/deep/er/",
        "b/deep/er/q.py",
        "b/z.py",
    ]
    assert _names(glob_files(["b"], str(tree), implicit_descendants=False), tree) == ["b/"]


def test_search_paths_come_in_the_order_of_their_patterns(tree: Path) -> None:
    found = glob_files(["b/z.py\nREADME.md", "b/a.py"], str(tree))
    assert _names(found, tree) == ["b/z.py", "README.md", "b/a.py"]
    one_walk = glob_files(["b/z.py", "b/*.py"], str(tree))
    assert _names(one_walk, tree) == ["b/.h.py", "b/a.py", "b/z.py"]


@pytest.mark.parametrize(
    ("patterns", "expected"),
    [
        (["b/*.py", "!b/a.py"], ["b/.h.py", "b/z.py"]),
        (["!b/a.py", "b/*.py"], ["b/.h.py", "b/a.py", "b/z.py"]),
        (["b/**", "!b/deep", "b/deep/er/q.py"], ["b/", "b/.h.py", "b/a.py", "b/deep/er/q.py", "b/z.py"]),
        (["*/", "!b*/", "!.hidden/"], ["B/", "B/c.py"]),
        (["README.md/"], []),
        (["nowhere/*", "README.md/x"], []),
        ([], []),
        (["# nothing"], []),
    ],
)
def test_later_patterns_overrule_earlier_ones(tree: Path, patterns: list[str], expected: list[str]) -> None:
    assert _names(glob_files(patterns, str(tree)), tree) == expected


def test_hidden_names_are_found_unless_excluded(tree: Path) -> None:
    found = _names(glob_files(["**/*.py"], str(tree), exclude_hidden=True), tree)
    assert found == ["B/c.py", "b/a.py", "b/deep/er/q.py", "b/z.py", "b-1/x.py"]


def test_a_link_to_an_ancestor_ends_the_walk_there(tree: Path) -> None:
    (tree / "b" / "deep" / "loop").symlink_to(tree / "b")
    (tree / "b" / "gone").symlink_to("nowhere")
    followed = _names(glob_files(["b/deep/**"], str(tree)), tree)
    assert followed[:3] == ["b/deep/", "b/deep/er/", "b/deep/er/q.py"]
    assert "b/deep/loop/a.py" in followed
    assert "b/deep/loop/deep/" not in followed
    assert "b/gone" not in _names(glob_files(["b/*"], str(tree)), tree)
    unfollowed = _names(glob_files(["b/*"], str(tree), follow_symlinks=False), tree)
    assert "b/deep/loop" in unfollowed
    assert "b/gone" in unfollowed


def test_home_is_where_the_tilde_points(tree: Path) -> None:
    assert glob_files(["~/README.md"], "/", home=str(tree)) == [f"{tree}/README.md"]


def test_a_hash_is_that_of_the_raw_digests_in_order(tree: Path) -> None:
    expected = _digest(tree, ["b/.h.py", "b/a.py", "b/z.py"])
    assert hash_files(["b/*.py"], str(tree)) == expected
    assert hash_files(["b/*.py"], f"{tree}/") == expected
    assert hash_files(["b/z.py", "b/a.py"], str(tree)) == _digest(tree, ["b/z.py", "b/a.py"])


def test_nothing_found_is_an_empty_hash(tree: Path) -> None:
    assert hash_files(["*.lock"], str(tree)) == ""
    assert hash_files(["b/deep/"], str(tree / "b" / "deep")) == ""


def test_files_outside_the_root_do_not_count(tree: Path) -> None:
    outside = f"{tree}/B/c.py"
    assert hash_files([outside], str(tree / "b")) == ""
    assert hash_files([outside, "a.py"], str(tree / "b")) == _digest(tree, ["b/a.py"])


def test_a_hash_follows_links_to_folders_only_when_asked(tree: Path) -> None:
    (tree / "link").symlink_to("b/deep")
    (tree / "file-link").symlink_to("README.md")
    assert hash_files(["link"], str(tree)) == ""
    followed = _digest(tree, ["b/deep/er/q.py"])
    assert hash_files(["link"], str(tree), follow_symlinks=True) == followed
    assert hash_files_call(["--Follow-Symbolic-Links", "link"], str(tree)) == followed
    assert hash_files_call(["file-link"], str(tree)) == _digest(tree, ["README.md"])


def test_only_one_option_exists_and_it_stands_first(tree: Path) -> None:
    with pytest.raises(UserError, match="--other"):
        hash_files_call(["--other", "x"], str(tree))
    assert hash_files_call(["README.md", "--follow-symbolic-links"], str(tree)) == _digest(
        tree, ["README.md"]
    )


def test_a_broken_link_among_the_matches_is_said(tree: Path) -> None:
    (tree / "gone").symlink_to("nowhere")
    with pytest.raises(UserError, match="broken link"):
        hash_files(["gone"], str(tree))
    assert hash_files(["gone"], str(tree), follow_symlinks=True) == ""


def _ticking(step_s: float) -> Callable[[], float]:
    now = 0.0

    def clock() -> float:
        nonlocal now
        now += step_s
        return now

    return clock


def test_a_hash_gives_up_at_its_limit(tree: Path) -> None:
    with pytest.raises(HostError, match="120 s"):
        hash_files(["**"], str(tree), clock=_ticking(50.0))
    with pytest.raises(HostError, match="120 s"):
        hash_files(["**/no-such-file"], str(tree), clock=_ticking(50.0))


def test_what_cannot_be_read_is_named(tree: Path) -> None:
    (tree / "self").symlink_to("self")
    with pytest.raises(HostError, match=r"cannot read `.*/self`"):
        glob_files(["*"], str(tree))
    with pytest.raises(HostError, match=r"cannot read `.*/self`"):
        hash_files(["self"], str(tree))


def test_a_name_that_is_no_text_is_found_and_hashed(tree: Path) -> None:
    name = os.fsdecode(b"\xff\xfe.bin")
    (tree / name).write_bytes(b"x")
    assert glob_files(["*.bin"], str(tree)) == [f"{tree}/{name}"]
    assert hash_files(["*.bin"], str(tree)) == _digest(tree, [name])


def test_hashing_ends_when_nobody_wants_the_answer_any_more(tree: Path) -> None:
    looks: list[bool] = []

    def stopped() -> bool:
        looks.append(True)
        return len(looks) > 2

    with pytest.raises(HostError, match="was stopped"):
        hash_files_call(["**"], str(tree), stopped)
    assert len(looks) == 3
