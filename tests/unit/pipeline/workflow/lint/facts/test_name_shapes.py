"""Two names with gaps meet exactly when some text fits both."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from skep.pipeline.workflow.lint.facts.name_shapes import pattern_name, written_name


@pytest.mark.parametrize(
    ("left", "right", "meet"),
    [
        ("dist", "dist", True),
        ("Dist", "dist", True),
        ("dist", "dists", False),
        ("dist-${{ matrix.os }}", "dist-linux", True),
        ("dist-${{ matrix.os }}", "log-${{ matrix.os }}", False),
        ("${{ a }}-linux", "dist-${{ b }}", True),
        ("a${{ x }}b", "a${{ y }}c", False),
        ("${{ '}}' }}", "anything", True),
        ("", "", True),
        ("", "a", False),
    ],
)
def test_names_with_expressions_meet(left: str, right: str, meet: bool) -> None:
    assert written_name(left).may_be(written_name(right)) is meet
    assert written_name(right).may_be(written_name(left)) is meet


@pytest.mark.parametrize(
    ("pattern", "name", "meet"),
    [
        ("dist-*", "dist-a", True),
        ("dist-?", "dist-a", True),
        ("[ab]-*", "a-b", True),
        ("{a,b}", "c", True),
        ("log*", "dist", False),
    ],
)
def test_patterns_meet_names(pattern: str, name: str, meet: bool) -> None:
    assert pattern_name(pattern).may_be(written_name(name)) is meet


TEXTS = st.text(alphabet="ab*", max_size=6)


@given(TEXTS, st.text(alphabet="ab", max_size=6))
def test_a_name_fits_a_pattern_as_a_regular_expression_says(pattern: str, name: str) -> None:
    program = re.compile(re.escape(pattern).replace(r"\*", ".*") + r"\Z")
    assert pattern_name(pattern).may_be(written_name(name)) is bool(program.match(name))


@given(TEXTS, TEXTS, st.text(alphabet="ab", max_size=8))
def test_what_fits_both_proves_that_they_meet(left: str, right: str, name: str) -> None:
    one, other, exact = pattern_name(left), pattern_name(right), written_name(name)
    if one.may_be(exact) and other.may_be(exact):
        assert one.may_be(other)
    assert one.may_be(other) is other.may_be(one)
