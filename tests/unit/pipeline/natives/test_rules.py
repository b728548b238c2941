"""The small rules of the natives: versions, name patterns, stored paths, inputs, messages."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from skep.cache.artifact_names import path_problem
from skep.cache.tar_headers import TarError
from skep.model.errors import UserError
from skep.model.ids import LegKey
from skep.pipeline.natives.cache_places import CachePlaces
from skep.pipeline.natives.inputs import Inputs
from skep.pipeline.natives.messages import Messages
from skep.pipeline.natives.name_patterns import name_matcher
from skep.pipeline.natives.registry import VERSIONS, natives_table
from skep.pipeline.natives.upload_search import common_ancestor, find_files, stored_path
from skep.pipeline.natives.versions import NEWEST_MINOR, read_version
from skep.pipeline.ports import JobBox, NativeCall, NativeResult


@pytest.mark.parametrize(
    ("ref", "version"),
    [
        ("v4", (4, NEWEST_MINOR)),
        ("v4.3", (4, 3)),
        ("v4.3.1", (4, 3)),
        ("4.2", (4, 2)),
        ("v3-node20", (3, NEWEST_MINOR)),
        ("v4.0.0-beta.1", (4, 0)),
        ("0123456789abcdef0123456789abcdef01234567", (9, NEWEST_MINOR)),
        ("main", (9, NEWEST_MINOR)),
        ("releases/v1", None),
        ("vnext", None),
        ("", None),
        ("0123456789abcdef", None),
    ],
)
def test_versions_are_read_from_refs(ref: str, version: tuple[int, int] | None) -> None:
    assert read_version(ref, 9) == version


class Named:
    """An action that only tells which it is."""

    def __init__(self, name: str) -> None:
        self.name = name

    async def __call__(self, call: NativeCall) -> NativeResult:
        return NativeResult(outputs={"name": self.name})


@pytest.mark.parametrize(
    ("name", "ref", "found"),
    [
        ("actions/cache", "v4", "cache"),
        ("actions/cache/restore", "v4.2.0", "cache"),
        ("actions/cache/save", "v5", "cache"),
        ("actions/cache/save", "v2", None),
        ("actions/cache", "v6", None),
        ("actions/cache", "a" * 40, "cache"),
        ("actions/checkout", "v4", "checkout"),
        ("actions/checkout", "v0", None),
        ("actions/upload-artifact", "v7", "upload"),
        ("actions/upload-artifact", "v8", None),
        ("actions/upload-artifact/merge", "v4", "merge"),
        ("actions/upload-artifact/merge", "v3", None),
        ("actions/download-artifact", "v8", "download"),
        ("actions/download-artifact", "some-branch", None),
        ("actions/setup-python", "v5", "python"),
        ("actions/setup-node", "v4", "node"),
        ("actions/setup-python", "v9", None),
        ("actions/cache/other", "v4", None),
    ],
)
def test_the_registry_knows_our_actions_and_their_versions(name: str, ref: str, found: str | None) -> None:
    words = ("cache", "checkout", "download", "merge", "node", "python", "upload")
    cache, checkout, download, merge, node, python, upload = (Named(word) for word in words)
    table = natives_table(
        cache=cache,
        checkout=checkout,
        download=download,
        merge=merge,
        node=node,
        python=python,
        upload=upload,
    )
    action = table(name, ref)
    assert (action.name if isinstance(action, Named) else None) == found
    assert all(table(known, f"v{newest}") for known, (_, newest) in VERSIONS.items())


@pytest.mark.parametrize(
    ("pattern", "yes", "no"),
    [
        ("*", ["a", "a.b", "a b"], [".a"]),
        ("a*", ["a", "abc"], ["ba", "A"]),
        ("*-linux", ["x-linux"], ["x-linux2"]),
        ("**", ["abc"], [".abc"]),
        ("a**b", ["ab", "axxb"], ["a"]),
        ("?b", ["ab"], ["b", "aab", ".b"]),
        ("[a-c]x", ["ax", "cx"], ["dx", "-x"]),
        ("[!a-c]x", ["dx"], ["ax", ".x"]),
        ("[^a]x", ["bx"], ["ax"]),
        ("[z-a]", [], ["z", "a"]),
        ("[ab", ["[ab"], ["a"]),
        ("{a,b*}c", ["ac", "bxc"], ["c", "dc"]),
        ("{a,{b,c}}d", ["ad", "bd", "cd"], ["d"]),
        ("v{1..3}", ["v1", "v2", "v3"], ["v4", "v{1..3}"]),
        ("v{3..1}", ["v1", "v3"], ["v0"]),
        ("{a}", ["{a}"], ["a"]),
        ("a{", ["a{"], ["a"]),
        ("!a", ["b"], ["a"]),
        ("!!a", ["a"], ["b"]),
        ("!(a|b)", ["a", "b", "c"], ["(a|b)"]),
        ("x!(a|b)", ["x", "xc", "xab"], ["xa", "xb"]),
        ("x!(a)y", ["xy", "xby"], ["xay"]),
        ("a**(b)", ["a", "ax", "abb"], ["b"]),
        ("?(a)*", ["a", ".a"], []),
        ("+(ab)", ["ab", "abab"], ["", "a"]),
        ("x?(y)", ["x", "xy"], ["xyy"]),
        ("x*(y|z)", ["x", "xyzy"], ["xa"]),
        ("@(a|b)", ["a", "b"], ["ab"]),
        ("@(a", ["@(a"], ["a"]),
        ("a.b", ["a.b"], ["axb"]),
        ("a\\*", ["a*"], ["ab"]),
        (".*", [".a"], ["a"]),
        ("#a", [], ["#a", "a"]),
        ("", [], ["", "a"]),
        ("(a|b)+$^", ["(a|b)+$^"], ["a"]),
    ],
)
def test_patterns_of_names_match_as_minimatch_does(pattern: str, yes: list[str], no: list[str]) -> None:
    matches = name_matcher(pattern)
    assert {name: matches(name) for name in (*yes, *no)} == {
        **dict.fromkeys(yes, True),
        **dict.fromkeys(no, False),
    }


@given(st.text(alphabet="ab*?[]!^{},()|+@.\\-#", max_size=15), st.text(alphabet="ab.", max_size=6))
def test_any_text_is_a_pattern(pattern: str, name: str) -> None:
    assert name_matcher(pattern)(name) in (True, False)


PART = st.sampled_from(["a", "b", "c.d", "é"])
PATHS = st.lists(
    st.lists(PART, min_size=1, max_size=5).map(lambda parts: "/" + "/".join(parts)), min_size=2, max_size=5
)


@given(PATHS)
def test_the_ancestor_is_above_all_paths_and_no_deeper_folder_is(paths: list[str]) -> None:
    ancestor = common_ancestor(paths)
    parts = [path.split("/") for path in paths]
    depth = 0 if ancestor == "/" else len(ancestor.split("/")) - 1
    assert all(path[: depth + 1] == parts[0][: depth + 1] for path in parts)
    assert "/".join(parts[0][: depth + 1]) == ancestor.rstrip("/")
    assert any(len(path) == depth + 1 for path in parts) or len({path[depth + 1] for path in parts}) > 1


NAMES = st.lists(st.lists(PART, min_size=1, max_size=3).map("/".join), min_size=1, max_size=4, unique=True)


@given(NAMES, st.lists(st.sampled_from(["a", "b", "**/c.d", "a/*", ".", "é"]), min_size=1, max_size=3))
def test_stored_paths_never_leave_the_artifact_and_lead_back_to_their_files(
    tmp_path_factory: pytest.TempPathFactory, names: list[str], patterns: list[str]
) -> None:
    root = str(tmp_path_factory.mktemp("search"))
    for name in names:
        path = Path(root, name)
        if not any(parent.is_file() for parent in path.parents) and not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(name)
    found = find_files(patterns, root, root, hidden=False)
    for path_found in found.files:
        inside = stored_path(path_found, found.root)
        assert path_problem(inside) is None
        assert os.path.join(found.root, inside) == path_found


def a_box(root: str) -> JobBox:
    places = {name: f"{root}/{name}" for name in ("workspace", "temp", "home", "tool_cache", "commands")}
    return JobBox(leg=LegKey("j"), root=root, env={}, **places)


@given(
    st.lists(st.sampled_from(["a", "..", ".", "", "workspace", "home", "root", "etc"]), max_size=5).map(
        "/".join
    )
)
def test_no_name_of_an_archive_leads_out_of_what_path_covers(name: str) -> None:
    places = CachePlaces(a_box("/box"), "/box/home", ["a", "~/a", "/opt/a"])
    try:
        path = places.place(name)
    except TarError:
        return
    assert path.startswith(("/box/workspace/a", "/box/home/a", "/opt/a"))
    assert os.path.normpath(path) == path


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("/box/workspace", "workspace"),
        ("/box/workspace/a/b", "workspace/a/b"),
        ("/box/home/.npm", "home/.npm"),
        ("/box/temp", "temp"),
        ("/box/homely", "root/box/homely"),
        ("/opt/x", "root/opt/x"),
        ("/", "root"),
    ],
)
def test_archive_names_stand_for_the_jobs_places_and_come_back(path: str, name: str) -> None:
    places = CachePlaces(a_box("/box"), "/box/home", ["/"])
    assert places.name_of(path) == name
    assert places.place(name) == path


def test_a_home_within_the_workspace_is_the_home() -> None:
    places = CachePlaces(a_box("/box"), "/box/workspace/.home", ["/"])
    assert places.name_of("/box/workspace/.home/.npm") == "home/.npm"


def test_inputs_are_read_as_the_toolkit_reads_them() -> None:
    inputs = Inputs({"a": "  x ", "flag": "TRUE", "n": "12px", "lines": " a \n\n! b\n", "empty": " "})
    assert (inputs.text("A"), inputs.text("empty", "d"), inputs.required("a")) == ("x", "d", "x")
    assert (inputs.flag("flag"), inputs.flag("none"), inputs.flag("none", default=True)) == (
        True,
        False,
        True,
    )
    assert (inputs.number("n"), inputs.number("none")) == (12, None)
    assert inputs.lines("lines") == ["a", "!b"]
    assert inputs.choice("a", ["x", "y"], "y") == "x"
    assert not inputs.is_true("flag")
    for wrong in (inputs.required, inputs.number):
        with pytest.raises(UserError):
            wrong("empty" if wrong == inputs.required else "a")


def test_messages_are_escaped_for_commands_only() -> None:
    lines: list[str] = []
    messages = Messages(lines.append)
    messages.info("100%\nnext")
    messages.warning("100%\r\nnext")
    messages.error("e")
    messages.debug("d")
    assert lines == ["100%", "next", "::warning::100%25%0D%0Anext", "::error::e", "::debug::d"]
