"""The output stream of a step: chunks in, masked log and commands out."""

from __future__ import annotations

import itertools

from hypothesis import example, given
from hypothesis import strategies as st

from skep.host.masking import Masker
from skep.model.ids import StepId
from skep.pipeline.engine.commands import parse_command
from skep.pipeline.engine.output import StepOutput
from skep.testing.records import FakeLogSink

STEP = StepId("s")


def logged(chunks: list[bytes], *, secrets: list[str] | None = None) -> tuple[str, list[str]]:
    """What was logged, and the lines that were commands."""
    masker, log, commands = Masker(secrets or []), FakeLogSink(), list[str]()

    def on_line(line: str) -> str | None:
        command = parse_command(line)
        if command is None:
            return line
        commands.append(line.strip())
        if command.name == "add-mask":
            masker.add(command.data)
        return None if command.name != "error" else f"##[error]{command.data}"

    output = StepOutput(STEP, masker.stream(), log, on_line)
    for chunk in chunks:
        output.feed(chunk)
    output.finish()
    return log.data.decode("utf-8", "replace"), commands


def test_text_passes_as_it_is() -> None:
    assert logged([b"a\nb", b"c\n\xff\x00\r\n"]) == ("a\nbc\n\ufffd\x00\r\n", [])


def test_a_command_is_found_across_chunks() -> None:
    assert logged([b"a\n ", b":", b":set-out", b"put name=x::1", b"\nb\n"]) == (
        "a\nb\n",
        ["::set-output name=x::1"],
    )


def test_an_old_command_may_stand_anywhere_in_a_line() -> None:
    assert logged([b"text #", b"#[set-output name=x;]1\nb\n"])[1] == ["text ##[set-output name=x;]1"]


def test_a_command_without_a_final_newline_counts() -> None:
    assert logged([b"::error::boom"]) == ("##[error]boom\n", ["::error::boom"])


def test_lines_with_double_colons_inside_are_text() -> None:
    assert logged([b"tests/a.py::test_x PASSED\nstd::io\n"]) == ("tests/a.py::test_x PASSED\nstd::io\n", [])


def test_a_secret_is_masked_from_the_line_that_named_it_on() -> None:
    text, _ = logged([b"s3cret-value\n::add-mask::s3cret-value\nnow s3cret-", b"value\n"])

    assert text == "s3cret-value\nnow ***\n"


def test_an_unfinished_line_that_cannot_be_a_command_is_not_held_back() -> None:
    log = FakeLogSink()
    output = StepOutput(STEP, Masker([]).stream(), log, lambda line: line)
    output.feed(b"Password: ")

    assert bytes(log.data) == b"Password: "


def test_a_huge_line_that_looks_like_a_command_is_text() -> None:
    text, commands = logged([b"::" + b"x" * 3_000_000, b"\n"])

    assert (len(text), commands) == (3_000_003, [])


_LINES = st.lists(
    st.sampled_from(
        [
            "plain",
            "::error::x",
            " ::set-output name=a::b",
            "##[error]y",
            "#",
            ":",
            "::nope::",
            "",
            "x::y",
            "s3cret",
        ]
    ),
    max_size=12,
)


@given(_LINES, st.data())
@example(lines=["#", "::error::x"], data=None)
def test_chunk_borders_never_change_what_is_logged(lines: list[str], data: st.DataObject | None) -> None:
    whole = "".join(f"{line}\n" for line in lines).encode()
    cuts = [] if data is None else sorted(data.draw(st.lists(st.integers(0, len(whole)), max_size=8)))
    borders = [0, *cuts, len(whole)]
    chunks = [whole[start:end] for start, end in itertools.pairwise(borders)]

    assert logged(chunks, secrets=["s3cret"]) == logged([whole], secrets=["s3cret"])


def test_a_watch_sees_whole_lines_of_the_process_and_nothing_else() -> None:
    class Watch:
        def __init__(self) -> None:
            self.seen: list[str] = []

        def __bool__(self) -> bool:
            return True

        def take(self, lines: list[str]) -> None:
            self.seen += lines

    watch = Watch()
    output = StepOutput(
        STEP, Masker([]).stream(), FakeLogSink(), lambda line: None if "::" in line else line, watch
    )
    output.say("of Skep itself")
    for chunk in (b"a.c:1", b": error\nb\r\n::set-output name=x::y\n", b"last"):
        output.feed(chunk)
    output.finish()

    assert watch.seen == ["a.c:1: error", "b", "last"]
