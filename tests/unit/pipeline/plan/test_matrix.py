"""The legs of a strategy: GitHub's documented examples and the rules of its matrix builder."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from skep.model.errors import UserError
from skep.pipeline.expressions.values import Value
from skep.pipeline.plan.matrix import MAX_LEGS, expand_strategy, job_display_name, strategy_context
from skep.pipeline.plan.values import MatrixLeg

from .building import cases


@pytest.mark.parametrize("case", cases("matrix"), ids=lambda case: case["case"])
def test_a_strategy_expands_as_on_github(case: dict[str, Value]) -> None:
    if "error" in case:
        with pytest.raises(UserError) as raised:
            expand_strategy(case["strategy"])
        assert str(case["error"]) in str(raised.value)
        return
    strategy = expand_strategy(case["strategy"])
    if "names" in case:
        assert [job_display_name(None, "job", leg) for leg in strategy.legs] == case["names"]
    if "values" in case:
        assert [leg.values for leg in strategy.legs] == case["values"]
    if "count" in case:
        assert len(strategy.legs) == case["count"]
    assert [leg.index for leg in strategy.legs] == list(range(len(strategy.legs)))
    assert strategy.fail_fast == case.get("fail_fast", True)
    assert strategy.max_parallel == case.get("max_parallel")
    assert strategy.is_matrix == case.get("is_matrix", True)


LEG = MatrixLeg(index=0, values={"a": 1}, suffix="(1)")


@pytest.mark.parametrize(
    ("name", "evaluated", "expected"),
    [
        (None, False, "build (1)"),
        ("Build it", False, "Build it (1)"),
        ("Build 1", True, "Build 1"),
        ("", True, "build (1)"),
        (None, True, "build (1)"),
        ("x" * 200, True, "x" * 97 + "..."),
    ],
)
def test_a_name_that_is_an_expression_stands_alone(name: str | None, evaluated: bool, expected: str) -> None:
    assert job_display_name(name, "build", LEG, evaluated=evaluated) == expected


def test_the_strategy_context_counts_legs_and_defaults_its_limit_to_them() -> None:
    strategy = expand_strategy({"matrix": {"a": [1, 2]}, "fail-fast": False})
    assert strategy_context(strategy, strategy.legs[1]) == {
        "fail-fast": False,
        "job-index": 1,
        "job-total": 2,
        "max-parallel": 2,
    }
    limited = expand_strategy({"matrix": {"a": [1, 2]}, "max-parallel": 1})
    assert strategy_context(limited, limited.legs[0])["max-parallel"] == 1


SCALARS = st.one_of(st.integers(0, 3), st.sampled_from(["x", "y", "z"]), st.booleans())
VECTORS = st.dictionaries(
    st.sampled_from(["a", "b", "c"]), st.lists(SCALARS, min_size=1, max_size=3), min_size=1, max_size=3
)
ENTRIES = st.lists(
    st.dictionaries(st.sampled_from(["a", "b", "c", "d"]), SCALARS, min_size=1, max_size=3), max_size=4
)


@given(VECTORS)
def test_without_filters_the_legs_are_the_product_in_key_order(vectors: dict[str, list[Value]]) -> None:
    legs = expand_strategy({"matrix": vectors}).legs
    rows = [dict(zip(vectors, row, strict=True)) for row in itertools.product(*vectors.values())]
    assert [leg.values for leg in legs] == rows


@given(VECTORS, ENTRIES)
def test_includes_keep_every_row_and_lose_no_entry(
    vectors: dict[str, list[Value]], includes: list[dict[str, Value]]
) -> None:
    product = expand_strategy({"matrix": vectors}).legs
    legs = expand_strategy({"matrix": {**vectors, "include": includes}}).legs
    for before, after in zip(product, legs, strict=False):
        assert {key: after.values[key] for key in vectors} == before.values
        assert after.suffix == before.suffix
    added = [dict(leg.values) for leg in legs[len(product) :]]
    assert all(row in includes for row in added)
    assert len(legs) <= len(product) + len(includes)


@given(VECTORS, ENTRIES)
def test_excludes_only_take_rows_away(
    vectors: dict[str, list[Value]], entries: list[dict[str, Value]]
) -> None:
    excludes = [{key: value for key, value in entry.items() if key in vectors} for entry in entries]
    excludes = [entry for entry in excludes if entry]
    everything = [leg.values for leg in expand_strategy({"matrix": vectors}).legs]
    strategy = expand_strategy({"matrix": {**vectors, "exclude": excludes}})
    if strategy.is_matrix:
        kept = iter(everything)
        assert all(any(row == leg.values for row in kept) for leg in strategy.legs)  # in order, nothing new


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.floats() | st.text(max_size=3),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text("abfm", max_size=2), inner, max_size=3)
    ),
    max_leaves=8,
)


@given(st.dictionaries(st.sampled_from(["matrix", "fail-fast", "max-parallel"]), ANYTHING))
def test_any_value_expands_or_raises_for_the_user(value: dict[str, Value]) -> None:
    try:
        legs = expand_strategy(value).legs
    except UserError:
        return
    assert 1 <= len(legs) <= MAX_LEGS
