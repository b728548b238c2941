"""How logs of steps begin."""

from __future__ import annotations

from skep.pipeline.engine.headers import action_header, script_header


def test_a_script_is_shown_with_its_shell_and_environment_under_its_first_line_with_text() -> None:
    assert script_header("\n  make\ntest\n", "bash -e {0}", {"A": "1"}).split("\n") == [
        "##[group]Run make",
        "",
        "  make",
        "test",
        "shell: bash -e {0}",
        "env:",
        "  A: 1",
        "##[endgroup]",
    ]


def test_an_action_is_shown_with_the_inputs_that_have_a_value() -> None:
    header = action_header("./act", {"who": "you", "none": ""}, {})

    assert header.split("\n") == ["##[group]Run ./act", "with:", "  who: you", "##[endgroup]"]
