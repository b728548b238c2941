"""Concurrency groups."""

import pytest

from skep.model.errors import UserError
from skep.pipeline.expressions.scope import Scope
from skep.pipeline.plan.concurrency import Concurrency, read_concurrency

from .building import a_workflow

SCOPE = Scope(contexts={"github": {"ref": "refs/heads/Main", "event_name": "push"}})


def read(text: str) -> Concurrency | None:
    return read_concurrency(a_workflow(f"on: push\nconcurrency: {text}\n").concurrency, SCOPE)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Deploy", Concurrency(group="deploy")),
        ("ci-${{ github.ref }}", Concurrency(group="ci-refs/heads/main")),
        ("{group: a, cancel-in-progress: true}", Concurrency(group="a", cancel_in_progress=True)),
        (
            "{group: a, cancel-in-progress: \"${{ github.event_name == 'push' }}\"}",
            Concurrency(group="a", cancel_in_progress=True),
        ),
        ("{group: a, queue: max}", Concurrency(group="a", queue="max")),
        (
            "{group: a, queue: single, cancel-in-progress: true}",
            Concurrency(group="a", cancel_in_progress=True),
        ),
    ],
)
def test_a_group_is_read(text: str, expected: Concurrency) -> None:
    assert read(text) == expected


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("${{ github.nothing }}", "the concurrency group is empty"),
        ("${{ format('{0}', github) }}x${{ github.nothing }}", None),
        ('{group: a, cancel-in-progress: "${{ github.ref }}"}', "`cancel-in-progress` must be true or false"),
        ("{group: \"${{ format('{0}{0}{0}', '" + "x" * 200 + "') }}\"}", "longer than 400 characters"),
        ("\"${{ fromJSON('[1]') }}\"", "must be a text, not a list"),
    ],
)
def test_a_group_that_cannot_be_held_is_refused_at_its_place(text: str, message: str | None) -> None:
    if message is None:
        assert read(text) == Concurrency(group="objectx")
        return
    with pytest.raises(UserError) as raised:
        read(text)
    assert message in str(raised.value)
    assert raised.value.where is not None


def test_a_longer_queue_does_not_go_with_cancelling() -> None:
    text = "{group: a, queue: max, cancel-in-progress: \"${{ github.event_name == 'push' }}\"}"
    with pytest.raises(UserError, match="cannot go together"):
        read(text)


def test_without_the_key_there_is_no_group() -> None:
    assert read_concurrency(None, SCOPE) is None
