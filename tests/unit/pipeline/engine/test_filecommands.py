"""GITHUB_ENV, GITHUB_OUTPUT, GITHUB_STATE and GITHUB_PATH files."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from skep.pipeline.engine.filecommands import FileCommandError, parse_pairs, parse_paths


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (b"", {}),
        (b"a=b\n", {"a": "b"}),
        (b"a=b", {"a": "b"}),
        (b"a=b=c<<d\n", {"a": "b=c<<d"}),
        (b"a=\n", {"a": ""}),
        (b"\n\na=1\n\n", {"a": "1"}),
        (b"a=1\na=2\n", {"a": "2"}),
        (b"a = b \n", {"a ": " b "}),
        (b"a<<EOF\none\ntwo\nEOF\n", {"a": "one\ntwo"}),
        (b"a<<EOF\nEOF\n", {"a": ""}),
        (b"a<<EOF\n\nEOF\n", {"a": ""}),
        (b"a<<EOF\none\n\nEOF\nb=2\n", {"a": "one\n", "b": "2"}),
        (b"a<<EOF\nx=y\nEOF", {"a": "x=y"}),
        (b"a<<=\nx\n=\n", {"a": "x"}),
        (b"a<<EOF\r\none\r\ntwo\r\nEOF\r\n", {"a": "one\r\ntwo\r"}),
        (b"a=1\rb=2\r\n", {"a": "1\rb=2\r"}),
        (b"a<<EOF\n10%\r100%\nEOF\n", {"a": "10%\r100%"}),
        (b"\xef\xbb\xbfa=b\n", {"a": "b"}),
        ("a=gr\u00fcn\n".encode(), {"a": "gr\u00fcn"}),
        (b"a=\xff\n", {"a": "\ufffd"}),
    ],
)
def test_pairs_are_read_as_the_runner_reads_them(text: bytes, expected: dict[str, str]) -> None:
    assert dict(parse_pairs(text, "GITHUB_OUTPUT")) == expected


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (b"nothing\n", "line 1: Invalid format 'nothing'"),
        (b"a=1\n=b\n", "line 2: Invalid format '=b'. Name must not be empty"),
        (b"<<EOF\nx\nEOF\n", "Name must not be empty and delimiter must not be empty"),
        (b"a<<\nx\n", "Name must not be empty and delimiter must not be empty"),
        (b"a<<EOF\nx\n", "Matching delimiter not found 'EOF'"),
        (b"a<<EOF\nx", "Matching delimiter not found 'EOF'"),
        (b"a<<EOF\nx\nEOF2\n", "Matching delimiter not found 'EOF'"),
    ],
)
def test_a_malformed_file_says_where_and_why(text: bytes, message: str) -> None:
    with pytest.raises(FileCommandError) as caught:
        list(parse_pairs(text, "GITHUB_ENV"))

    assert "GITHUB_ENV" in str(caught.value)
    assert message in str(caught.value)


def test_paths_are_lines_that_are_not_empty() -> None:
    assert parse_paths(b"/a\n\n/b c\r\n/d") == ["/a", "/b c", "/d"]


@given(st.binary(max_size=200))
def test_any_bytes_give_pairs_or_a_file_command_error(data: bytes) -> None:
    try:
        pairs = dict(parse_pairs(data, "GITHUB_ENV"))
    except FileCommandError:
        return
    assert all(name for name in pairs)


_NAMES = st.text(st.characters(codec="ascii", categories=["L", "N"]), min_size=1)


@given(st.dictionaries(_NAMES, st.text(st.characters(exclude_characters="\r"), max_size=40)))
def test_what_was_written_with_a_delimiter_is_read_back(pairs: dict[str, str]) -> None:
    text = "".join(f"{name}<<--end--\n{value}\n--end--\n" for name, value in pairs.items())

    assert dict(parse_pairs(text.encode("utf-8", "surrogatepass"), "F")) == {
        name: value.encode("utf-8", "surrogatepass").decode("utf-8", "replace")
        for name, value in pairs.items()
    }
