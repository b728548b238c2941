"""The tree of an expression and the types of its contexts in; its type, and every misuse in it, out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from skep.model.finding import Severity
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
)
from skep.pipeline.expressions.values import to_number, to_text
from skep.pipeline.workflow.report import did_you_mean, quoted

from .call_types import call_type, note_as_word
from .expression_types import (
    ANY,
    BOOLEAN,
    NULL,
    NUMBER,
    Array,
    Object,
    Text,
    Type,
    is_collection,
    joined_all,
    one_of,
)
from .sites import ExpressionSite

TypeOfName = Callable[[str], Type]
"""The type of a context by its lower-cased name; `ANY` for one that is unknown or not available."""

UNKNOWN_PROPERTY = "unknown-property"
COMPARISON = "comparison-type"
IMPOSSIBLE = "impossible-value"


@dataclass(frozen=True, slots=True, kw_only=True)
class TypeProblem:
    """One misuse in an expression."""

    rule: str
    node: Node  # the part to point at
    message: str
    hint: str = ""
    severity: Severity | None = None  # None: the rule's own


@dataclass(slots=True, kw_only=True)
class Inference:
    """One expression looked at. `problems` is complete when `type_of` of the whole tree has returned."""

    text: str
    type_of_name: TypeOfName
    problems: list[TypeProblem] = field(default_factory=list)

    def type_of(self, node: Node) -> Type:
        """The type of a part; problems in it are noted on the way."""
        match node:
            case Literal(value=value):
                return _literal_type(node) if not isinstance(value, str) else one_of(value)
            case Name(name=name):
                return self.type_of_name(name.lower())
            case Access():
                return self._access(node)
            case Not(operand=operand):
                self.type_of(operand)
                return BOOLEAN
            case Compare():
                self._compare(node)
                return BOOLEAN
            case Logic(operands=operands):
                return joined_all([self.type_of(operand) for operand in operands])
            case Call(arguments=arguments):
                return call_type(node, [self.type_of(argument) for argument in arguments], self.note)

    def type_within_text(self, node: Node) -> Type:
        """The type of an expression with other text around it."""
        type_ = self.type_of(node)
        if is_collection(type_):
            note_as_word(node, type_, self.note)
        return type_

    def note(
        self, rule: str, node: Node, message: str, hint: str = "", severity: Severity | None = None
    ) -> None:
        """Adds a problem."""
        self.problems.append(TypeProblem(rule=rule, node=node, message=message, hint=hint, severity=severity))

    def shown(self, node: Node) -> str:
        """A part of the expression as written, for a message."""
        return quoted(self.text[node.start : node.end])

    # --- accesses -----------------------------------------------------------------------------------------------------
    def _access(self, node: Access) -> Type:
        target, key = self.type_of(node.target), node.key
        if isinstance(key, Star):
            return self._star(node, target)
        if isinstance(key, Literal):
            if isinstance(target, Array) and target.filtered:
                item = self._member(node, target.item, key)
                return Array(item, filtered=True)
            return self._member(node, target, key)
        self.type_of(key)
        if isinstance(target, Array):
            return target.item
        return _any_property(target) if isinstance(target, Object) else ANY

    def _star(self, node: Access, target: Type) -> Type:
        if isinstance(target, Array):
            inner = target.item
            if not target.filtered:
                return Array(inner, filtered=True)
            return Array(_items(inner), filtered=True)
        if isinstance(target, Object):
            return Array(_any_property(target), filtered=True)
        if target is not ANY:
            self.note(
                UNKNOWN_PROPERTY, node, f"{self.shown(node.target)} is {target}: `*` gives nothing of it"
            )
        return Array(ANY, filtered=True)

    def _member(self, node: Access, target: Type, key: Literal) -> Type:
        if isinstance(target, Object):
            found = target.property(to_text(key.value))
            return self._absent(node, target, key) if found is None else found
        if isinstance(target, Array):
            if not isinstance(key.value, str):
                return target.item
            self.note(
                UNKNOWN_PROPERTY,
                node,
                f"{self.shown(node.target)} is an array: it has no property {quoted(to_text(key.value))}",
                hint="take one item, `[0]`, or a property of every item, `.*.name`",
            )
            return NULL
        if target is not ANY and target is not NULL:
            self.note(
                UNKNOWN_PROPERTY,
                node,
                f"{self.shown(node.target)} is {target}: it has no property {quoted(to_text(key.value))}",
                hint="" if not isinstance(target, Text) else "`fromJSON(...)` makes an object of JSON text",
            )
        return ANY

    def _absent(self, node: Access, target: Object, key: Literal) -> Type:
        name = to_text(key.value)
        hint = target.why(name) or did_you_mean(name, target.names)
        self.note(
            UNKNOWN_PROPERTY,
            node,
            f"{self.shown(node.target)} has no {target.noun} {quoted(name)}",
            hint=hint,
            severity=None if target.sure else Severity.WARNING,
        )
        return ANY

    # --- comparisons --------------------------------------------------------------------------------------------------
    def _compare(self, node: Compare) -> None:
        left, right = self.type_of(node.left), self.type_of(node.right)
        if ANY in (left, right):
            return
        if is_collection(left) or is_collection(right):
            self._compare_collection(node, left, right)
        elif isinstance(left, Text) and isinstance(right, Text):
            self._compare_texts(node, left, right)
        else:
            self._compare_kinds(node, left, right)
            self._compare_kinds(node, right, left)

    def _compare_collection(self, node: Compare, left: Type, right: Type) -> None:
        side, type_ = (node.left, left) if is_collection(left) else (node.right, right)
        hint = "compare a property of it" if isinstance(type_, Object) else "use `contains(array, item)`"
        self.note(
            COMPARISON,
            node,
            f"{self.shown(side)} is {type_}, so this is always {_always(node)}",
            hint=hint,
        )

    def _compare_texts(self, node: Compare, left: Text, right: Text) -> None:
        """Two strings that can never be the same, such as a job's result and `failed`."""
        if node.operator not in ("==", "!=") or left.values is None or right.values is None:
            return
        if {text.upper() for text in left.values} & {text.upper() for text in right.values}:
            return
        literal, other, values = (
            (node.right, node.left, left.values)
            if isinstance(node.right, Literal)
            else (node.left, node.right, right.values)
        )
        if isinstance(literal, Literal) and not isinstance(other, Literal):
            self.note(
                IMPOSSIBLE,
                node,
                f"{self.shown(other)} is never {self.shown(literal)}, so this is always {_always(node)}",
                hint=did_you_mean(to_text(literal.value), (value for value in values if value)),
            )

    def _compare_kinds(self, node: Compare, type_: Type, other: Type) -> None:
        """A boolean or number with a string: both become numbers, and most strings become none."""
        if type_ not in (BOOLEAN, NUMBER) or not isinstance(other, Text):
            return
        if other.values is not None:
            if all(to_number(value) != to_number(value) for value in other.values):
                self.note(
                    COMPARISON,
                    node,
                    f"this compares {type_} with a string that is no number: it is always {_always(node)}",
                    hint="compare with `true` or `false`, without quotes" if type_ is BOOLEAN else "",
                )
        elif type_ is BOOLEAN and node.operator in ("==", "!="):
            self.note(
                COMPARISON,
                node,
                "this compares a string with a boolean: the text `true` does not equal `true`, nor `false` `false`",
                hint="compare with the text: `== 'true'`",
                severity=Severity.WARNING,
            )


def find_problems(site: ExpressionSite, type_of_name: TypeOfName) -> list[TypeProblem]:
    """Every misuse in one expression of a workflow."""
    inference = Inference(text=site.text, type_of_name=type_of_name)
    if site.whole and not _wants_text(site):
        inference.type_of(site.tree)
    else:
        inference.type_within_text(site.tree)
    return inference.problems


def _wants_text(site: ExpressionSite) -> bool:
    """Whether the value must be a string also when it stands alone."""
    return site.key in _TEXT_KEYS or (site.key in _ENTRY_KEYS and bool(site.name))


_TEXT_KEYS = frozenset(
    {
        "run-name",
        "jobs.<job>.name",
        "jobs.<job>.outputs.<output>",
        "jobs.<job>.environment.url",
        "jobs.<job>.steps.name",
        "jobs.<job>.steps.run",
        "jobs.<job>.steps.working-directory",
    }
)
_ENTRY_KEYS = frozenset({"env", "jobs.<job>.env", "jobs.<job>.steps.env", "jobs.<job>.steps.with"})


def _always(node: Compare) -> str:
    return "true" if node.operator == "!=" else "false"


def _literal_type(node: Literal) -> Type:
    if node.value is None:
        return NULL
    return BOOLEAN if isinstance(node.value, bool) else NUMBER


def _any_property(target: Object) -> Type:
    types = list(target.properties.values())
    return joined_all([*types, target.rest] if target.rest is not None else types)


def _items(type_: Type) -> Type:
    if isinstance(type_, Array):
        return type_.item
    return _any_property(type_) if isinstance(type_, Object) else ANY
