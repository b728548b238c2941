"""An expression and what is known of its contexts in; what it may be, out. The logic has three values: true, false, not known.

known       a value that is certain: `github.event_name` on a push
beginning   a text whose beginning is certain: `refs/heads/` and something
truth       not known, but certainly true or false: an object of the event
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from skep.pipeline.expressions.closures import build_closure
from skep.pipeline.expressions.errors import ExpressionError
from skep.pipeline.expressions.frame import Frame
from skep.pipeline.expressions.names import STATUS_FUNCTIONS
from skep.pipeline.expressions.scope import Scope
from skep.pipeline.expressions.syntax import (
    Access,
    Call,
    Compare,
    Literal,
    Logic,
    Name,
    Node,
    Not,
    Star,
    static_path,
)
from skep.pipeline.expressions.values import FilteredArray, Value, is_truthy, kind_of

_PURE = frozenset({"contains", "startswith", "endswith", "format", "join", "fromjson", "tojson"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Possible:
    """What a value may be."""

    known: bool = False
    value: Value = None  # when known
    beginning: str = ""  # of a text that is not known further, in lower case
    options: frozenset[str] = frozenset()  # the texts it may be, in lower case; empty: any
    truth: bool | None = None  # whether it is truthy; None: not known


UNKNOWN = Possible()


def certainly(value: Value) -> Possible:
    """A value that is known."""
    return Possible(known=True, value=value, truth=is_truthy(value))


def beginning_with(text: str) -> Possible:
    """A text of which only the beginning is known."""
    return Possible(beginning=text.lower(), truth=True)


def one_of(*texts: str) -> Possible:
    """One of some texts."""
    return Possible(options=frozenset(text.lower() for text in texts), truth=True if all(texts) else None)


def something(*, truth: bool | None = True) -> Possible:
    """A value of which only the truth is known."""
    return Possible(truth=truth)


@dataclass(frozen=True, slots=True, kw_only=True)
class Knowledge:
    """What is known: values by their dotted path in lower case, and what status functions give.

    A path below one that is known is taken from it (`github.event.x` of a null `github.event` is null); others are not known.
    """

    values: Mapping[str, Possible] = field(default_factory=dict)
    statuses: Mapping[str, bool | None] = field(default_factory=dict)  # `always` is always true

    def at(self, path: Sequence[str]) -> Possible:
        """What a path may be."""
        names = [name.lower() for name in path]
        for length in range(len(names), 0, -1):
            found = self.values.get(".".join(names[:length]))
            if found is not None:
                return found if length == len(names) else _below(found, names[length:])
        return UNKNOWN


def _below(found: Possible, names: Sequence[str]) -> Possible:
    if not found.known:
        return UNKNOWN
    value = found.value
    for name in names:
        if not isinstance(value, Mapping):
            return certainly(None)
        value = next((item for key, item in value.items() if key.lower() == name), None)
    return certainly(value)


def possible(tree: Node, knowledge: Knowledge) -> Possible:
    """What an expression may be."""
    path = static_path(tree)
    if path is not None:
        return knowledge.at(path)
    match tree:
        case Literal(value=value):
            return certainly(value)
        case Not(operand=operand):
            truth = possible(operand, knowledge).truth
            return UNKNOWN if truth is None else certainly(not truth)
        case Logic(operator=operator, operands=operands):
            return _logic(operator == "||", [possible(operand, knowledge) for operand in operands])
        case Compare():
            return _compare(tree, possible(tree.left, knowledge), possible(tree.right, knowledge))
        case Access():
            return _access(tree, knowledge)
        case Call():
            return _call(tree, knowledge)
        case Name():
            return knowledge.at((tree.name,))


def holds(tree: Node, knowledge: Knowledge) -> bool | None:
    """Whether a condition is true; None when that is not certain."""
    return possible(tree, knowledge).truth


def _logic(stops_at: bool, operands: Sequence[Possible]) -> Possible:
    """The operand that decides; when an earlier one is not known, only the truth can be."""
    certain = True
    for operand in operands[:-1]:
        if operand.truth is stops_at:
            return operand if certain else something(truth=stops_at)
        certain = certain and operand.truth is not None
    last = operands[-1]
    if certain:
        return last
    return something(truth=stops_at if last.truth is stops_at else None)


def _compare(tree: Compare, left: Possible, right: Possible) -> Possible:
    if left.known and right.known:
        return _evaluated(Compare(0, 0, tree.operator, _literal(left), _literal(right), 2))
    if tree.operator not in {"==", "!="}:
        return UNKNOWN
    if _differ(left, right) or _differ(right, left):
        return certainly(tree.operator == "!=")
    return UNKNOWN


def _differ(guess: Possible, other: Possible) -> bool:
    """Whether a text with a known beginning is certainly not the other value."""
    if guess.options:
        return other.known and isinstance(other.value, str) and other.value.lower() not in guess.options
    if not guess.beginning:
        return False
    if other.known:
        return isinstance(other.value, str) and not other.value.lower().startswith(guess.beginning)
    short, long = sorted((guess.beginning, other.beginning), key=len)
    return bool(other.beginning) and not long.startswith(short)


def _access(tree: Access, knowledge: Knowledge) -> Possible:
    target = possible(tree.target, knowledge)
    if not target.known:
        return UNKNOWN
    if isinstance(tree.key, Star):
        return _evaluated(Access(0, 0, _literal(target), Star(0, 0), 2))
    key = possible(tree.key, knowledge)
    return _evaluated(Access(0, 0, _literal(target), _literal(key), 2)) if key.known else UNKNOWN


def _call(tree: Call, knowledge: Knowledge) -> Possible:
    name = tree.name.lower()
    if name in STATUS_FUNCTIONS:
        truth = True if name == "always" else knowledge.statuses.get(name)
        return UNKNOWN if truth is None else certainly(truth)
    if name not in _PURE:
        return UNKNOWN
    arguments = [possible(argument, knowledge) for argument in tree.arguments]
    if all(argument.known for argument in arguments):
        return _evaluated(Call(0, 0, tree.name, tuple(map(_literal, arguments)), 2))
    return _partly(name, arguments)


def _partly(name: str, arguments: Sequence[Possible]) -> Possible:
    """Calls that can be decided although an argument is not wholly known."""
    first, second = arguments[0], arguments[-1]
    if name == "startswith" and first.beginning and second.known and isinstance(second.value, str):
        wanted = second.value.lower()
        if first.beginning.startswith(wanted):
            return certainly(True)
        if not wanted.startswith(first.beginning):
            return certainly(False)
    if name == "contains":
        if first.beginning and second.known and isinstance(second.value, str):
            return certainly(True) if second.value.lower() in first.beginning else UNKNOWN
        if first.known and first.value is None and second.truth is True:
            return certainly(False)  # an empty text holds only an empty one
        if first.known and kind_of(first.value) == "Array":
            return _member(first.value, second)
    return UNKNOWN


def _member(items: Value, wanted: Possible) -> Possible:
    """Whether a list has a value of which something is known: only a no can be certain."""
    members = items if isinstance(items, Sequence) and not isinstance(items, str) else ()
    if not members or (wanted.beginning and all(_differ(wanted, certainly(item)) for item in members)):
        return certainly(False)
    return UNKNOWN


def _literal(guess: Possible) -> Literal:
    return Literal(0, 0, guess.value)


def _evaluated(tree: Node) -> Possible:
    """A tree of literals only."""
    evaluate: Callable[[Frame], Value] = build_closure(tree)
    try:
        value = evaluate(Frame(Scope()))
    except ExpressionError:  # it fails at run time, too: a rule of its own
        return UNKNOWN
    if isinstance(value, FilteredArray) and not value:
        return Possible(known=True, value=value, truth=True)
    return certainly(value)
