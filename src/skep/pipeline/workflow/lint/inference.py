"""The tree of an expression and the types of its contexts in; its type, and every misuse in it, out."""

from __future__ import annotations

import math
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
from .comparison_types import check_comparison
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
                sides = self.type_of(node.left), self.type_of(node.right)
                check_comparison(node, *sides, self.shown, self.note)
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
            return Array(ANY, filtered=True) if target.filtered else target.item
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
            if not math.isnan(to_number(key.value)):  # `['0']` is an index, too
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
