"""Why a condition came out as it did, in sentences."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from skep.model.finding import Location
from skep.pipeline.engine.explain import MAX_SENTENCES, MAX_VALUE_LENGTH, explain, explain_true
from skep.pipeline.expressions.compile import compile_expression
from skep.pipeline.expressions.conditions import add_success
from skep.pipeline.expressions.scope import Scope
from skep.pipeline.expressions.values import Value
from skep.pipeline.workflow.tree import Condition

SECRET = "s3cret" * 20
STATUS = "`build`, which it needs, ended as failure"
FUNCTIONS = dict.fromkeys(("always", "success", "failure", "cancelled", "hashFiles"), (0, 9))
CONTEXTS: dict[str, Value] = {
    "github": {
        "event_name": "push",
        "ref": "refs/heads/main",
        "token": SECRET,
        "event": {"commits": [{}, {}], "forced": False, "n": 3.0, "labels": ["a", "b"], "text": "x\ny"},
    },
    "env": {"LONG": "x" * 200, "KEY": SECRET, "AROUND": f"{'-' * 70}{SECRET}"},
    "secrets": {"TOKEN": SECRET, "NONE": ""},
    "matrix": {"os": "linux"},
}


def condition(written: str) -> Condition:
    where = Location(path="a.yml")
    return Condition(
        expression=compile_expression(add_success(written), functions=FUNCTIONS), written=written, span=where
    )


def scope(*, success: bool = True) -> Scope:
    def answers(value: Value) -> Callable[[Sequence[Value]], Value]:
        return lambda _: value

    functions = {
        "always": answers(True),
        "success": answers(success),
        "failure": answers(not success),
        "cancelled": answers(False),
        "hashfiles": answers(""),
    }
    return Scope(contexts=CONTEXTS, functions=functions)


def mask(text: str) -> str:
    return text.replace(SECRET, "***")


def check(written: str, *, success: bool = True) -> tuple[str, ...]:
    return explain(condition(written), scope(success=success), mask=mask, status="" if success else STATUS)


CASES: list[tuple[str, list[str]]] = [
    ("github.event_name == 'release'", ["`github.event_name == 'release'` is false: `github.event_name` is 'push'"]),
    ("${{ github.event_name == 'release' }}", ["`github.event_name == 'release'` is false: `github.event_name` is 'push'"]),
    ("matrix.os == 'linux' && github.event.n > 5", ["`github.event.n > 5` is false: `github.event.n` is 3"]),
    ("github.event.n > 5 && nothing", []),
    (
        "matrix.os == 'mac' || startsWith(github.ref, 'refs/tags/')",
        [
            "`matrix.os == 'mac'` is false: `matrix.os` is 'linux'",
            "`startsWith(github.ref, 'refs/tags/')` is false: `github.ref` is 'refs/heads/main'",
        ],
    ),
    ("github.event.forced", ["`github.event.forced` is false"]),
    ("github.event.absent", ["`github.event.absent` is null"]),
    ("!(matrix.os == 'linux')", ["`matrix.os == 'linux'` is true: `matrix.os` is 'linux'"]),
    ("contains(github.event.labels, 'c')", ["`contains(github.event.labels, 'c')` is false: `github.event.labels` is [a, b]"]),
    ("github.event.commits == 'c'", ["`github.event.commits == 'c'` is false: `github.event.commits` is a list of 2"]),
    ("github.event == 'c'", ["`github.event == 'c'` is false: `github.event` is an object with 5 entries"]),
    ("github.event.text == 'c'", ["`github.event.text == 'c'` is false: `github.event.text` is 'x\\ny'"]),
    ("hashFiles('a') != ''", ["`hashFiles('a') != ''` is false: `hashFiles('a')` is ''"]),
    ("secrets.TOKEN == ''", ["`secrets.TOKEN == ''` is false: `secrets.TOKEN` is set"]),
    ("secrets.NONE", ["`secrets.NONE` is empty"]),
    ("github.token == ''", ["`github.token == ''` is false: `github.token` is set"]),
    ("env.KEY == ''", ["`env.KEY == ''` is false: `env.KEY` is '***'"]),
    ("env.LONG == ''", [f"`env.LONG == ''` is false: `env.LONG` is '{'x' * (MAX_VALUE_LENGTH - 3)}...'"]),
    ("failure()", ["`failure()` is false"]),
    ("false", ["`false` is false"]),
    ("env['KEY'] == matrix.os", ["`env['KEY'] == matrix.os` is false: `env['KEY']` is '***', `matrix.os` is 'linux'"]),
]  # fmt: skip


@pytest.mark.parametrize(("written", "sentences"), [case for case in CASES if case[1]])
def test_the_part_that_was_false_is_named_with_what_it_saw(written: str, sentences: list[str]) -> None:
    assert list(check(written)) == sentences


def test_a_missing_success_is_told_before_what_the_user_wrote() -> None:
    assert check("github.event_name == 'push'", success=False) == (
        f"an `if` without a status function also needs `success()`, which is false: {STATUS}",
    )
    assert check("github.event_name == 'release'", success=False) == (
        f"an `if` without a status function also needs `success()`, which is false: {STATUS}",
        "`github.event_name == 'release'` is false: `github.event_name` is 'push'",
    )


def test_a_written_status_function_is_told_as_written() -> None:
    assert check("success() && true", success=False) == (f"`success()` is false: {STATUS}",)


def test_a_secret_is_masked_before_a_value_is_cut() -> None:
    (sentence,) = check("env.AROUND == ''")
    assert "s3cret" not in sentence
    assert "***" in sentence


def test_what_runs_is_explained_too() -> None:
    told = explain_true(condition("always() && matrix.os == 'linux'"), scope(), mask=mask)
    assert told == ("`always()` is true", "`matrix.os == 'linux'` is true: `matrix.os` is 'linux'")


def test_files_are_not_hashed_again_for_what_runs() -> None:
    assert explain_true(condition("hashFiles('a') == ''"), scope(), mask=mask) == ()


def test_without_a_written_condition_there_is_nothing_to_tell() -> None:
    assert check("") == ()


def test_a_condition_that_cannot_be_evaluated_is_not_explained() -> None:
    assert check("fromJSON('{')") == ()


def test_a_long_chain_is_cut() -> None:
    assert len(check(" || ".join(f"matrix.os == '{n}'" for n in range(50)))) == MAX_SENTENCES


_LEAVES = st.sampled_from(
    ["true", "false", "matrix.os == 'linux'", "env.KEY == ''", "secrets.TOKEN", "failure()", "''"]
)
_CONDITIONS = st.recursive(
    _LEAVES,
    lambda inner: st.one_of(
        st.builds("({} && {})".format, inner, inner),
        st.builds("({} || {})".format, inner, inner),
        st.builds("!{}".format, inner.map("({})".format)),
    ),
    max_leaves=12,
)


@given(written=_CONDITIONS, success=st.booleans())
def test_any_condition_is_explained_without_showing_a_secret(written: str, success: bool) -> None:
    told = explain(condition(written), scope(success=success), mask=mask)
    assert all("s3cret" not in sentence and "\n" not in sentence for sentence in told)
    assert len(told) <= MAX_SENTENCES
