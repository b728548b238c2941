"""Shell scripts are taken apart as a shell does; what is no script is None."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from skep.pipeline.workflow.lint.facts.script import Script, read_script
from skep.pipeline.workflow.lint.facts.variables import names_set, reads_unknown


def _read(text: str) -> Script:
    script = read_script(text)
    assert script is not None
    return script


@pytest.mark.parametrize(
    ("text", "commands"),
    [
        ("make test", [["make", "test"]]),
        ("a; b && c || d | e &", [["a"], ["b"], ["c"], ["d"], ["e"]]),
        ("echo 'a b' \"c $D\" e\\ f", [["echo", "a b", "c $D", "e f"]]),
        ("# nothing\na # b\n\nc", [["a"], ["c"]]),
        ("a \\\n  b", [["a", "b"]]),
        ("X=1 Y=$(cat z) make", [["make"]]),
        (
            "if [ -f x ]; then a; elif b; then c; else d; fi",
            [["[", "-f", "x", "]"], ["a"], ["b"], ["c"], ["d"]],
        ),
        ("for x in 1 2; do a $x; done", [["a", "$x"]]),
        ("while read -r l; do a; done < list", [["read", "-r", "l"], ["a"], []]),
        ("case $1 in a|b) c ;; *) d ;; esac", [["c"], ["d"]]),
        ("f() { a; }\nf", [["a"], ["f"]]),
        ("function g { a; }", [["a"]]),
        ("(cd x && a) > log 2>&1", [["cd", "x"], ["a"], []]),
        ("[[ $a == b && -f c ]] || d", [["[[", "$a", "==", "b", "&&", "-f", "c", "]]"], ["d"]]),
        ("((i++)); a", [["a"]]),
        ("cat <<END\nnot a command\nEND\na", [["cat"], ["a"]]),
        ("cat <<-'END' | tee x\n\tit's\n\tEND\na", [["cat"], ["tee", "x"], ["a"]]),
        ("a <(b c) $(d 'e)' \"f)\") `g`", [["a", "<(b c)", "$(d 'e)' \"f)\")", "`g`"]]),
        ("echo ${{ github.ref == 'a b' }} x", [["echo", "${{ github.ref == 'a b' }}", "x"]]),
        ("list=(a b c)\nx", [[], ["x"]]),
        ("echo $((1 + (2 * 3))) ${a:-b c} ${#d}", [["echo", "$((1 + (2 * 3)))", "${a:-b c}", "${#d}"]]),
        ("echo $'it\\'s' a#b", [["echo", "$'it\\'s'", "a#b"]]),
        ("a 2> b 3>&1 >> c", [["a"]]),
        ("! a | b", [["a"], ["b"]]),
        ("{ a; b; } | c", [["a"], ["b"], ["c"]]),
        ("", []),
    ],
)
def test_commands_are_words_without_quotes_assignments_and_redirections(
    text: str, commands: list[list[str]]
) -> None:
    assert [[word.text for word in command.words] for command in _read(text).commands] == commands


@pytest.mark.parametrize(
    "text",
    [
        "if a; then b",
        "echo 'a",
        'echo "a',
        "fi",
        "a )",
        "cat <<END\nx",
        "echo $(a",
        "echo ${a",
        "case x in",
        "echo ${{ x",
    ],
)
def test_a_script_that_ends_too_soon_is_none(text: str) -> None:
    assert read_script(text) is None


@pytest.mark.parametrize(
    ("text", "unconditional"),
    [
        ("a", True),
        ("a; b", True),
        ("b && a", False),
        ("a || b", False),
        ("a | b", False),
        ("a &", False),
        ("(a)", False),
        ("if b; then a; fi", False),
        ("if b; then c; fi; a", True),
        ("f() { a; }", False),
        ("! a", False),
        ("b |\n\n a", False),
    ],
)
def test_a_command_is_unconditional_when_the_script_always_comes_to_it(
    text: str, unconditional: bool
) -> None:
    (command,) = [one for one in _read(text).commands if one.name == "a"]
    assert command.unconditional is unconditional


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("echo $a ${b} \"$c\" '$d' \\$e", ["a", "b", "c"]),
        ("echo ${f:-x} ${g:+y} ${#h} ${!i}", ["f?", "g?", "h", "i?"]),
        ("cat <<X\n$j \\$k\nX\ncat <<'Y'\n$l\nY", ["j"]),
        ('x=$(echo $m "${n}") ${{ env.o }} $((p + $q))', ["m", "n", "q"]),
        ("echo $1 $? $$ $", []),
    ],
)
def test_an_expansion_is_what_the_shell_replaces(text: str, names: list[str]) -> None:
    assert [one.name + "?" * one.optional for one in _read(text).expansions] == names


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("A=1\nexport B=2 C\nread -r D E", {"A", "B", "C", "D", "E", "r"}),
        ("for F in a; do G+=x; done; H[1]=2", {"F", "G", "H"}),
        ("x=$(while read I; do J=1; done)", {"x", "I", "J"}),
        ("make K=1 echo L=2", set()),
    ],
)
def test_names_that_a_script_sets_itself(text: str, names: set[str]) -> None:
    assert names_set(_read(text)) - {"-r"} >= names - {"r"}
    assert not names_set(_read(text)) & {"K", "L"}


def test_a_script_that_takes_in_others_may_define_anything() -> None:
    assert [reads_unknown(_read(text)) for text in (". x", "source x", 'eval "$(x)"', "echo source")] == [
        True,
        True,
        True,
        False,
    ]


PIECES = st.lists(
    st.sampled_from(
        ["a", " ", "\n", ";", "&&", "|", "(", ")", "((", "if ", "then ", "fi", "for x in y", "do ", "done", "case x in", "esac",
         ";;", "'", '"', "`", "$(", "${", "}", "{ ", "<<E\n", "\nE\n", "<", ">", "&", "\\", "#", "$x", "=", "[[ ", " ]]", "${{", "}}",
         "function f", "f() "]
    ),
    max_size=14,
)  # fmt: skip


@given(PIECES)
def test_any_text_is_read_or_is_none_and_places_are_in_it(pieces: list[str]) -> None:
    text = "".join(pieces)
    script = read_script(text)
    for command in script.commands if script is not None else ():
        assert 0 <= command.start <= command.end <= len(text)
        assert all(command.start <= word.start <= word.end <= command.end for word in command.words)
