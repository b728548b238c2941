"""A part of a scalar is shown where it stands, or not at all."""

from __future__ import annotations

import pytest

from skep.pipeline.workflow.lint.facts.places import place_of_line, place_within
from skep.pipeline.workflow.nodes import Scalar

from .reading import context_of

HEAD = "on: push\njobs:\n  a:\n    runs-on: x\n    steps:\n"


@pytest.mark.parametrize(
    ("run", "part", "place"),
    [
        ("      - run: make test\n", "test", (6, 19)),
        ("      - run: 'make test'\n", "test", (6, 20)),
        ("      - run: |\n          a\n          a b\n", "a b", (8, 11)),
        ("      - run: |\n          a; a\n          a\n", "a\n", (8, 11)),
        ("      - run: >\n          a\n          b\n", "a b", None),
        ('      - run: "a\\tb c"\n', "\tb", None),
        ('      - run: "a\\tb c"\n', "c", (6, 20)),
    ],
)
def test_a_part_is_found_where_it_is_written(run: str, part: str, place: tuple[int, int] | None) -> None:
    context = context_of(HEAD + run)
    (site,) = context.steps
    node = site.step.run
    assert isinstance(node, Scalar)
    start = node.text.rindex(part)
    found = place_within(context, node, start, start + len(part))
    assert (found and (found.line, found.column)) == place


def test_a_line_is_found_among_others() -> None:
    context = context_of(HEAD + "      - run: |\n          ab\n            b\n          b c\n")
    node = context.steps[0].step.run
    assert isinstance(node, Scalar)
    places = [place_of_line(context, node, line) for line in ("ab", "b", "b c", "c")]
    assert [place and (place.line, place.column) for place in places] == [(7, 11), (8, 13), (9, 11), None]
