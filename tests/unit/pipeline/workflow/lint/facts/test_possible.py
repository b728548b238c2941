"""Conditions are decided only where what is known decides them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from skep.pipeline.expressions.compile import compile_expression
from skep.pipeline.expressions.scope import Scope
from skep.pipeline.expressions.values import Value, is_truthy
from skep.pipeline.workflow.lint.facts.possible import (
    UNKNOWN,
    Knowledge,
    Possible,
    beginning_with,
    certainly,
    holds,
    one_of,
    possible,
    something,
)
from skep.pipeline.workflow.lint.sites import parsed

KNOWN = Knowledge(
    values={
        "github.event_name": certainly("push"),
        "github.ref": beginning_with("refs/heads/"),
        "github.base_ref": certainly(""),
        "github.event.pull_request": certainly(None),
        "github.event.release": something(),
        "steps.a.conclusion": one_of("success", "skipped"),
        "inputs": certainly({"deep": {"er": True}}),
    },
    statuses={"failure": False},
)


@pytest.mark.parametrize(
    ("text", "truth"),
    [
        ("github.event_name == 'push'", True),
        ("github.event_name == 'PUSH'", True),
        ("GitHub.Event_Name != 'push'", False),
        ("github.event_name == 'release' && vars.X", False),
        ("vars.X && github.event_name == 'release'", False),
        ("vars.X || github.event_name == 'push'", True),
        ("vars.X || github.event_name == 'release'", None),
        ("!(vars.X && false)", True),
        ("!vars.X", None),
        ("github.ref == 'refs/heads/main'", None),
        ("github.ref == 'refs/tags/v1'", False),
        ("github.ref != 'refs/tags/v1'", True),
        ("'refs/tags/v1' == github.ref", False),
        ("startsWith(github.ref, 'refs/tags/')", False),
        ("startsWith(github.ref, 'refs/')", True),
        ("startsWith(github.ref, 'refs/heads/rel')", None),
        ("contains(github.ref, 'heads')", True),
        ("contains(github.ref, 'main')", None),
        ("endsWith(github.ref, 'main')", None),
        ('contains(fromJSON(\'["push", "release"]\'), github.event_name)', True),
        ("contains(fromJSON('[\"refs/tags/a\"]'), github.ref)", False),
        ("contains(fromJSON('[\"refs/heads/a\"]'), github.ref)", None),
        ("contains(github.event.pull_request.labels.*.name, 'x')", False),
        ("github.event.pull_request.merged == true", False),
        ("github.event.pull_request.draft == false", True),
        ("github.event.release", True),
        ("github.event.release.draft", None),
        ("github.event.release == null", None),
        ("inputs.deep.er", True),
        ("inputs.deep['er'] && inputs.other", False),
        ("inputs[vars.X]", None),
        ('fromJSON(\'["a", ""]\')[1]', False),
        ("fromJSON('{\"push\": 1}')[github.event_name] == 1", True),
        ("fromJSON('[1]')[vars.X]", None),
        ("join(github.event.release.*.x, ',')", None),
        ("steps.a.conclusion == 'failure'", False),
        ("steps.a.conclusion == 'success'", None),
        ("steps.a.conclusion != 'failure'", True),
        ("always()", True),
        ("failure()", False),
        ("!cancelled()", None),
        ("success() || always()", True),
        ("hashFiles('x') == ''", None),
        ("format('{0}-{1}', github.event_name, 1) == 'push-1'", True),
        ("github.event_name && github.base_ref || 'x'", True),
        ("(github.base_ref || github.event_name) == 'push'", True),
        ("(vars.X || github.event_name) == 'push'", None),
        ("1 < 2", True),
        ("github.ref < 'z'", None),
        ("fromJSON('{')", None),
    ],
)
def test_a_condition_is_true_false_or_open(text: str, truth: bool | None) -> None:
    tree = parsed(text)
    assert tree is not None
    assert holds(tree, KNOWN) is truth


def test_nothing_is_known_of_what_was_not_said() -> None:
    tree = parsed("needs.a.outputs.b")
    assert tree is not None
    assert possible(tree, KNOWN) == UNKNOWN


ATOMS = st.sampled_from(
    [
        "a.x",
        "a.y",
        "a.z",
        "'main'",
        "'refs/heads/main'",
        "''",
        "true",
        "false",
        "null",
        "1",
        "always()",
        "failure()",
    ]
)
VALUES: dict[str, list[Value]] = {
    "x": ["refs/heads/main", "refs/heads/a"],
    "y": ["main", ""],
    "z": [None, True, 1.0],
}


def _joined(parts: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    return st.one_of(
        st.tuples(parts, st.sampled_from(["==", "!=", "&&", "||", "<"]), parts).map(
            lambda t: f"({t[0]} {t[1]} {t[2]})"
        ),
        parts.map(lambda part: f"!({part})"),
        st.tuples(parts, parts).map(lambda t: f"startsWith({t[0]}, {t[1]})"),
        st.tuples(parts, parts).map(lambda t: f"contains({t[0]}, {t[1]})"),
    )


@given(st.recursive(ATOMS, _joined, max_leaves=6), st.sampled_from(["certain", "partly", "open"]))
def test_what_is_certain_is_what_evaluation_gives_for_every_value(text: str, how: str) -> None:
    told: dict[str, dict[str, Possible]] = {
        "certain": {"a.x": certainly("refs/heads/main"), "a.y": certainly("main"), "a.z": certainly(None)},
        "partly": {"a.x": beginning_with("refs/heads/"), "a.y": one_of("main", ""), "a.z": UNKNOWN},
        "open": {},
    }
    tree = parsed(text)
    assert tree is not None
    truth = holds(tree, Knowledge(values=told[how], statuses={"failure": False} if how == "certain" else {}))
    compiled = compile_expression(text, functions={"always": (0, 0), "failure": (0, 0)})
    first = how == "certain"
    for x in VALUES["x"][:1] if first else VALUES["x"]:
        for y in VALUES["y"][:1] if first else VALUES["y"]:
            for z in VALUES["z"][:1] if first else VALUES["z"]:
                for failed in [False] if first else [False, True]:
                    scope = Scope(
                        contexts={"a": {"x": x, "y": y, "z": z}},
                        functions={"always": lambda _: True, "failure": lambda _, f=failed: f},  # type: ignore[misc]
                    )
                    actual = is_truthy(compiled.evaluate(scope))
                    assert truth in (None, actual)
                    assert not first or truth is actual
