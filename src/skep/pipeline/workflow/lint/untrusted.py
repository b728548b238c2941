"""An expression in, the parts of its value that strangers write out.

Source: GitHub's "Security hardening" guide (script injections) and "Webhook events and payloads": whoever opens an issue or a
pull request chooses its title, text and branch name, and the name and address in its commits.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from skep.pipeline.expressions.syntax import Access, Call, Compare, Literal, Logic, Name, Node, Not, Star

_PULL = "pull_request pull_request_target pull_request_review pull_request_review_comment"
_PERSON = ("name", "email", "username")
_TEXTS = (
    ("github.head_ref", f"{_PULL} workflow_call"),
    ("github.event.issue.title", "issues issue_comment"),
    ("github.event.issue.body", "issues issue_comment"),
    *(
        (f"github.event.pull_request.{name}", f"{_PULL}")
        for name in (
            "title",
            "body",
            "head.ref",
            "head.label",
            "head.repo.default_branch",
            "head.repo.description",
            "head.repo.homepage",
        )
    ),
    (
        "github.event.comment.body",
        "issue_comment pull_request_review_comment discussion_comment commit_comment",
    ),
    ("github.event.review.body", "pull_request_review"),
    ("github.event.review_comment.body", "pull_request_review_comment"),
    ("github.event.discussion.title", "discussion discussion_comment"),
    ("github.event.discussion.body", "discussion discussion_comment"),
    ("github.event.pages.*.page_name", "gollum"),
    ("github.event.pages.*.title", "gollum"),
    ("github.event.commits.*.message", "push"),
    ("github.event.head_commit.message", "push"),
    *((f"github.event.commits.*.author.{name}", "push") for name in _PERSON),
    *((f"github.event.commits.*.committer.{name}", "push") for name in _PERSON),
    *((f"github.event.head_commit.author.{name}", "push") for name in _PERSON),
    *((f"github.event.head_commit.committer.{name}", "push") for name in _PERSON),
    ("github.event.workflow_run.head_branch", "workflow_run"),
    ("github.event.workflow_run.display_title", "workflow_run"),
    ("github.event.workflow_run.head_commit.message", "workflow_run"),
    ("github.event.workflow_run.head_commit.author.name", "workflow_run"),
    ("github.event.workflow_run.head_commit.author.email", "workflow_run"),
    ("github.event.workflow_run.pull_requests.*.head.ref", "workflow_run"),
)
UNTRUSTED: Mapping[tuple[str, ...], frozenset[str]] = {
    tuple(path.split(".")): frozenset(events.split()) for path, events in _TEXTS
}
"""Path -> the events that have it; a `workflow_call` may stand for any of them."""

_SAFE_CALLS = frozenset({"contains", "startswith", "endswith", "hashfiles"})


@dataclass(frozen=True, slots=True)
class Tainted:
    """A part of an expression that strangers write; `path` says what: `github.event.issue.title`."""

    node: Node
    path: str


def tainted_parts(tree: Node, events: Iterable[str], variables: Mapping[str, str]) -> Iterator[Tainted]:
    """The parts that reach the value of the expression. `variables`: names of `env`, and what strangers write in them."""
    listening = set(events)
    for node, whole in _reaching(tree, whole=False):
        path = _path(node)
        if path[:1] == ("env",) and len(path) == 2 and path[1] in variables:
            yield Tainted(node, variables[path[1]])
            continue
        hits = [
            known
            for known, needed in UNTRUSTED.items()
            if _meets(known, path, whole=whole)
            and (needed & listening or ("workflow_call" in listening and path == known))
        ]
        if hits:
            yield Tainted(node, ".".join(hits[0]))


def _reaching(tree: Node, *, whole: bool) -> Iterator[tuple[Node, bool]]:
    """The names and accesses whose text becomes part of the value; True when `toJSON` writes out all below one."""
    match tree:
        case Name() | Access():
            yield tree, whole
        case Logic(operator=operator, operands=operands):
            # `a && b` gives `a` only when that is empty or false
            for operand in operands[-1:] if operator == "&&" else operands:
                yield from _reaching(operand, whole=whole)
        case Call(name=name, arguments=arguments):
            if name.lower() == "case":
                arguments = (*arguments[1:-1:2], arguments[-1])
            for argument in () if name.lower() in _SAFE_CALLS else arguments:
                yield from _reaching(argument, whole=whole or name.lower() == "tojson")
        case Literal() | Not() | Compare():
            return


def _path(node: Node) -> tuple[str, ...]:
    """`github.event.commits[0].message` as its names, `*` for an index or star; () when it does not begin with a context."""
    names: list[str] = []
    while isinstance(node, Access):
        key = node.key
        is_name = isinstance(key, Literal) and isinstance(key.value, str)
        names.append(str(key.value).lower() if isinstance(key, Literal) and is_name else "*")
        if isinstance(key, Star):
            names[-1] = "*"
        node = node.target
    return (node.name.lower(), *reversed(names)) if isinstance(node, Name) else ()


def _meets(known: tuple[str, ...], path: tuple[str, ...], *, whole: bool) -> bool:
    """Whether a path reads what is known to be untrusted, or (`whole`) something that holds it."""
    if len(path) < 2 and not (whole and path):
        return False
    if len(path) > len(known) or (len(path) < len(known) and not whole):
        return False
    return all(mine in {theirs, "*"} or theirs == "*" for theirs, mine in zip(known, path, strict=False))
