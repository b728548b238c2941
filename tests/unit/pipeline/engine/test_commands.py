"""Workflow commands: reading them, and what they do."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from skep.pipeline.engine.commands import parse_command
from skep.pipeline.engine.effects import CommandInterpreter, CommandRules, annotation_place


@pytest.mark.parametrize(
    ("line", "name", "properties", "data"),
    [
        ("::error::boom", "error", {}, "boom"),
        ("  ::error::boom", "error", {}, "boom"),
        ("::ERROR::boom", "error", {}, "boom"),
        ("::error file=a.py,line=3::x::y", "error", {"file": "a.py", "line": "3"}, "x::y"),
        ("::error file=a%2Cb%3Ac,title=t%25::m%0An%25", "error", {"file": "a,b:c", "title": "t%"}, "m\nn%"),
        ("::error file=,line::m", "error", {"file": ""}, "m"),
        ("::set-output name=a::", "set-output", {"name": "a"}, ""),
        ("##[error]boom", "error", {}, "boom"),
        ("text before ##[set-output name=a;]b", "set-output", {"name": "a"}, "b"),
        ("##[error file=a%3Bb%5D;line=2]m", "error", {"file": "a;b]", "line": "2"}, "m"),
    ],
)
def test_a_command_has_name_properties_and_data(
    line: str, name: str, properties: dict[str, str], data: str
) -> None:
    command = parse_command(line)

    assert command is not None
    assert (command.name, dict(command.properties), command.data) == (name, properties, data)


@pytest.mark.parametrize(
    "line",
    [
        "",
        "text",
        "a ::error::b",
        "::error",
        "::nonsense::x",
        "::",
        "::::",
        "##[nonsense]",
        "##[error",
        "std::error::Error",
    ],
)
def test_everything_else_is_text(line: str) -> None:
    assert parse_command(line) is None


class Console:
    """An interpreter with what it masked and annotated."""

    def __init__(self, *, debug: bool = False, allow_unsecure: bool = False) -> None:
        self.masks: list[str] = []
        self.annotations: list[tuple[str, str, dict[str, str]]] = []
        rules = CommandRules(debug=debug, allow_unsecure=allow_unsecure)
        self.interpreter = CommandInterpreter(
            rules, self.masks.append, lambda *args: self.annotations.append(args)
        )

    def take(self, *lines: str) -> list[str | None]:
        return [self.interpreter.take_line(line) for line in lines]


def test_outputs_and_state_are_saved_and_not_shown() -> None:
    console = Console()

    assert console.take("::set-output name=a::1", "::save-state name=s::2") == [None, None]
    assert console.interpreter.effects.outputs == {"a": "1"}
    assert console.interpreter.effects.state == {"s": "2"}


def test_a_missing_name_is_a_problem_of_the_step() -> None:
    console = Console()
    console.take("::set-output::1")

    assert console.interpreter.effects.problems == [
        "Required field 'name' is missing in ##[set-output] command."
    ]


def test_annotations_are_shown_and_reported_ten_of_a_level() -> None:
    console = Console()
    shown = console.take(*[f"::error file=a.py::e{index}" for index in range(12)], "::warning::w")

    assert shown[0] == "##[error]e0"
    assert shown[11] == "##[error]e11"
    assert [message for _, message, _ in console.annotations] == [f"e{index}" for index in range(10)] + ["w"]


def test_a_mask_is_added_and_never_shown_even_with_echo() -> None:
    console = Console()

    assert console.take("::echo::on", "::add-mask::s3cret") == [None, "::add-mask::***"]
    assert console.masks == ["s3cret"]
    assert "warning" in str(console.take("::add-mask::  ")[0])


def test_echo_shows_commands() -> None:
    console = Console()

    assert console.take("::set-output name=a::1", "::echo::on", "::set-output name=a::1", "::echo::off") == [
        None,
        None,
        "::set-output name=a::1",
        "::echo::off",
    ]


def test_stop_commands_turns_everything_into_text_until_its_token() -> None:
    console = Console()
    shown = console.take(
        "::stop-commands::long-token", "::error::x", "::long-token::", "::set-output name=a::1"
    )

    assert shown == ["::stop-commands::long-token", "::error::x", "::long-token::", None]
    assert console.masks == ["long-token"]
    assert console.annotations == []
    assert console.interpreter.effects.outputs == {"a": "1"}


@pytest.mark.parametrize("token", ["", "error", "pause-logging"])
def test_a_token_that_is_empty_or_a_command_is_refused(token: str) -> None:
    console = Console()
    console.take(f"::stop-commands::{token}")

    assert console.interpreter.effects.problems


def test_debug_lines_show_only_in_debug() -> None:
    assert Console().take("::debug::x") == [None]
    assert Console(debug=True).take("::debug::x") == ["##[debug]x"]


def test_set_env_and_add_path_need_to_be_allowed() -> None:
    refused, allowed = Console(), Console(allow_unsecure=True)
    refused.take("::set-env name=A::1", "::add-path::/x")
    allowed.take("::set-env name=A::1", "::add-path::/x")

    assert len(refused.interpreter.effects.problems) == 2
    assert refused.interpreter.effects.env == {}
    assert (allowed.interpreter.effects.env, allowed.interpreter.effects.paths) == ({"A": "1"}, ["/x"])


def test_node_options_are_refused_without_failing_the_step() -> None:
    console = Console(allow_unsecure=True)
    shown = console.take("::set-env name=node_options::--require x")

    assert shown == ["##[error]Can't update NODE_OPTIONS environment variable using ::set-env:: command."]
    assert (console.interpreter.effects.env, console.interpreter.effects.problems) == ({}, [])
    assert [level for level, _, _ in console.annotations] == ["error"]


def test_groups_and_plain_lines_are_shown() -> None:
    assert Console().take("::group::Build", "::endgroup::", "a::b::c") == [
        "##[group]Build",
        "##[endgroup]",
        "a::b::c",
    ]


@pytest.mark.parametrize(
    ("properties", "expected"),
    [
        ({}, ("", 0, 0, 0, 0)),
        ({"file": "/w/src/a.py", "line": "3"}, ("src/a.py", 3, 3, 0, 0)),
        ({"file": "a", "endline": "4"}, ("a", 4, 4, 0, 0)),
        ({"file": "a", "line": "1", "endline": "2", "col": "3", "endcolumn": "4"}, ("a", 1, 2, 0, 0)),
        ({"file": "a", "line": "1", "endcolumn": "4"}, ("a", 1, 1, 4, 4)),
        ({"file": "a", "line": "x", "col": "-1"}, ("a", 0, 0, 0, 0)),
    ],
)
def test_annotation_places_are_mended(
    properties: dict[str, str], expected: tuple[str, int, int, int, int]
) -> None:
    place = annotation_place(properties, "/w")

    assert tuple(place[key] for key in ("path", "line", "end_line", "column", "end_column")) == expected


@given(st.lists(st.text(max_size=30).map(lambda text: text.replace("\n", " ")), max_size=8))
def test_no_line_breaks_the_interpreter(lines: list[str]) -> None:
    console = Console(debug=True, allow_unsecure=True)
    for line in lines:
        for prefix in ("", "::", "::error ", "##[", "::stop-commands::", "::set-env name="):
            console.take(prefix + line)


def test_any_number_of_wrong_commands_makes_few_annotations_and_fails_the_step() -> None:
    annotations: list[str] = []
    interpreter = CommandInterpreter(
        CommandRules(), lambda _secret: None, lambda _level, message, _place: annotations.append(message)
    )
    for _ in range(11):
        interpreter.take_line("::error::by hand")
    for _ in range(1000):
        interpreter.take_line("::set-env name=x::y")
    assert annotations == ["by hand"] * 10
    assert len(interpreter.effects.problems) == 1


def test_a_line_number_of_any_length_is_read() -> None:
    assert annotation_place({"line": "9" * 5000, "col": "12"}, "")["line"] == 0
