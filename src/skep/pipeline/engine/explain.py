"""Why a condition came out as it did: short sentences with the values it saw, for the journal and `skep why`.

`github.event_name == 'release' && inputs.dry != 'yes'`, false on a push, gives
"`github.event_name == 'release'` is false: `github.event_name` is 'push'". Values are masked before they are cut: a part of
a secret is a secret too. Pure but for what the scope's own functions read.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence

from skep.model.errors import SkepError
from skep.pipeline.expressions.closures import build_closure
from skep.pipeline.expressions.frame import Frame
from skep.pipeline.expressions.limits import Memory
from skep.pipeline.expressions.names import STATUS_FUNCTIONS
from skep.pipeline.expressions.scope import Scope
from skep.pipeline.expressions.syntax import Access, Call, Compare, Logic, Name, Node, Not, children
from skep.pipeline.expressions.values import Value, is_primitive, is_truthy, to_text
from skep.pipeline.workflow.tree import Condition

MAX_VALUE_LENGTH = 80
MAX_TEXT_LENGTH = 120
MAX_SENTENCES = 6
_MAX_VALUES = 4  # per sentence
_MAX_ITEMS = 8  # of a list that is shown

Mask = Callable[[str], str]


def explain(condition: Condition, scope: Scope, *, mask: Mask, status: str = "") -> tuple[str, ...]:
    """What decided the condition, one sentence each; () when nothing was written or it cannot be evaluated.

    `status` says why the status functions answer as they do: "`build`, which it needs, ended as failure".
    """
    expression = condition.expression
    if not condition.written or expression.tree is None:
        return ()
    telling = _Telling(expression.text, scope, mask, status, implied=needs_success(condition))
    try:
        return tuple(telling.sentences(expression.tree))
    except SkepError:
        return ()


def explain_true(condition: Condition, scope: Scope, *, mask: Mask) -> tuple[str, ...]:
    """`explain` for what runs: as cheap as the condition itself, so conditions that hash files are left out."""
    if not condition.written or "hashfiles" in condition.expression.functions:
        return ()
    return explain(condition, scope, mask=mask)


class _Telling:
    """One explanation under way."""

    def __init__(self, text: str, scope: Scope, mask: Mask, status: str, *, implied: bool) -> None:
        self._text, self._mask, self._status, self._implied = text, mask, status, implied
        self._frame = Frame(scope)
        self._memory_bytes = scope.memory_bytes

    def sentences(self, tree: Node) -> list[str]:
        found: list[str] = []
        for leaf in self._implied_leaves(tree) if self._implied else self._leaves(tree):
            if len(found) == MAX_SENTENCES:
                break
            if sentence := self._sentence(leaf):
                found.append(sentence)
        return found

    def value(self, node: Node) -> Value:
        self._frame.memory = Memory(self._memory_bytes)  # an evaluation of its own, with the same contexts
        return build_closure(node)(self._frame)

    def _implied_leaves(self, tree: Node) -> Iterator[Node]:
        """Of `success() && (...)`: both halves when both are false, for either alone would have been enough."""
        assert isinstance(tree, Logic)
        if not is_truthy(self.value(tree.operands[0])):
            yield tree.operands[0]
        for operand in tree.operands[1:]:
            if not is_truthy(self.value(operand)):
                yield from self._leaves(operand)
                return
        if is_truthy(self.value(tree.operands[0])):
            for operand in tree.operands[1:]:
                yield from self._leaves(operand)

    def _leaves(self, node: Node) -> Iterator[Node]:
        """The parts that decided: of a false `&&` the first false one, of a false `||` all, and the other way round."""
        match node:
            case Logic(operator=operator, operands=operands):
                deciding = operator == "||"
                for operand in operands:
                    if is_truthy(self.value(operand)) is deciding:
                        yield from self._leaves(operand)
                        return
                for operand in operands:
                    yield from self._leaves(operand)
            case Not(operand=operand):
                yield from self._leaves(operand)
            case _:
                yield node

    def _sentence(self, leaf: Node) -> str:
        value = self.value(leaf)
        if isinstance(leaf, Call) and leaf.name.lower() in STATUS_FUNCTIONS:
            return self._status_sentence(leaf, holds=is_truthy(value))
        text = _cut(self._mask(self._source(leaf)), MAX_TEXT_LENGTH)
        if isinstance(leaf, Access | Name):
            return f"`{text}` is {self._shown(leaf, value)}"
        seen = [f"`{_cut(self._mask(self._source(node)), MAX_TEXT_LENGTH)}` is {self._shown(node, self.value(node))}"
                for node in list(_read(leaf))[:_MAX_VALUES]]  # fmt: skip
        return f"`{text}` is {'true' if is_truthy(value) else 'false'}" + (
            f": {', '.join(dict.fromkeys(seen))}" if seen else ""
        )

    def _status_sentence(self, leaf: Call, *, holds: bool) -> str:
        name = leaf.name.lower()
        because = (
            f": {self._status}"
            if self._status and not (name == "always" or (name == "success" and holds))
            else ""
        )
        if self._implied and holds:
            return ""  # nobody wrote it, and it did not stand in the way
        if self._implied:
            return f"an `if` without a status function also needs `success()`, which is false{because}"
        return f"`{name}()` is {'true' if holds else 'false'}{because}"

    def _source(self, node: Node) -> str:
        return _unwrapped(" ".join(self._text[node.start : node.end].split()))

    def _shown(self, node: Node, value: Value) -> str:
        if _is_secret(node):
            return "empty" if value in (None, "") else "set"
        if value is None:
            return "null"
        if isinstance(value, str):
            return f"'{_cut(_one_line(self._mask(value)), MAX_VALUE_LENGTH)}'"
        if is_primitive(value):
            return _cut(self._mask(to_text(value)), MAX_VALUE_LENGTH)
        if isinstance(value, Mapping):
            return f"an object with {len(value)} {'entry' if len(value) == 1 else 'entries'}"
        if isinstance(value, Sequence):
            return self._shown_list(value)
        return "a value"

    def _shown_list(self, items: Sequence[Value]) -> str:
        if len(items) > _MAX_ITEMS or not all(is_primitive(item) for item in items):
            return f"a list of {len(items)}"
        return _cut(_one_line(self._mask(f"[{', '.join(map(to_text, items))}]")), MAX_VALUE_LENGTH)


def _read(leaf: Node) -> Iterator[Node]:
    """What a comparison or call looked at: each access as a whole, and calls that a comparison compares."""
    stack = list(reversed(children(leaf)))
    while stack:
        node = stack.pop()
        if isinstance(node, Access | Name):
            yield node
            continue
        if isinstance(node, Call) and isinstance(leaf, Compare):
            yield node
        stack.extend(reversed(children(node)))


def _is_secret(node: Node) -> bool:
    """Whether a value must not be shown whatever the masker knows."""
    names: list[str] = []
    while isinstance(node, Access):
        names.append(str(getattr(node.key, "value", "")).lower())
        node = node.target
    root = node.name.lower() if isinstance(node, Name) else ""
    return root == "secrets" or (root == "github" and names[-1:] == ["token"])


def needs_success(condition: Condition) -> bool:
    """Whether a condition that the user wrote has got `success() && (...)` around it."""
    added = condition.expression.text.startswith("success() && (")
    return added and not condition.written.lstrip(" ${").startswith("success()")


def _unwrapped(text: str) -> str:
    """Without parentheses around the whole."""
    while text.startswith("(") and _closes_at_end(text):
        text = text[1:-1].strip()
    return text


def _closes_at_end(text: str) -> bool:
    """Whether the parenthesis at the beginning is closed by the last character."""
    depth, quoted = 0, False
    for at, character in enumerate(text):
        if character == "'":
            quoted = not quoted
        elif not quoted and character in "()":
            depth += 1 if character == "(" else -1
            if not depth:
                return at == len(text) - 1
    return False


def _one_line(text: str) -> str:
    return text.replace("\r", "\\r").replace("\n", "\\n")


def _cut(text: str, length: int) -> str:
    return text if len(text) <= length else text[: length - 3] + "..."
