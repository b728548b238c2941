"""Composed YAML and a shape in; the same tree with templates compiled out, and a finding for all that does not fit.

The rules are those of GitHub's template reader: a scalar that is no string counts as one where only strings are allowed,
keys are distinct without case, and of several forms of a mapping the keys choose one.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from skep.model.finding import Location

from .availability import NOWHERE, Availability, joined
from .embed import Embedder
from .limits import Limits
from .nodes import MappingNode, Node, Scalar, SequenceNode, Template
from .report import Report, did_you_mean, quoted
from .shapes import FREE, NAME, Form, Shape

_OBJECT_BYTES = 24
_TEXT_BYTES = 26
_MESSAGE = 200  # characters of what is expected, at most


class ResultTooLargeError(Exception):
    """The tree takes more memory than allowed; the finding is in the report."""


@dataclass(slots=True)
class Budget:
    """What trees may take in all, over the files of one reading. Source: actions/runner `TemplateMemory.cs`."""

    limits: Limits
    used_bytes: int = 0

    def add_text(self, text: str) -> bool:
        """Counts a bare text; False when the limit is passed."""
        return self.add(_TEXT_BYTES + 2 * len(text))

    def add(self, size_bytes: int) -> bool:
        """Counts bytes; False when the limit is passed."""
        self.used_bytes += size_bytes
        return self.used_bytes <= self.limits.max_result_size_bytes


@dataclass(slots=True)
class Validator:
    """Fits trees of one file to shapes."""

    report: Report
    embedder: Embedder
    budget: Budget
    _depth: int = field(default=0, init=False)

    def read(self, node: Node, shape: Shape, outer: Availability = NOWHERE) -> Node:
        """The node as the shape wants it; wrong parts stay as they are, and are reported. Raises ResultTooLargeError."""
        available = joined(outer, shape.available)
        if isinstance(node, Scalar):
            return self._scalar(node, shape, available)
        if isinstance(node, SequenceNode):
            return self._sequence(node, shape, available)
        if isinstance(node, MappingNode):
            return self._mapping(node, shape, available)
        return node

    # --- scalars ------------------------------------------------------------------------------------------------------
    def _scalar(self, node: Scalar, shape: Shape, available: Availability) -> Node:
        scalar = self.embedder.read(node, available)
        if isinstance(scalar, Template):
            if scalar.insert:
                self.report.error("unexpected-value", "`${{ insert }}` is only allowed as a key", node.span)
            self.count(scalar)
            return scalar
        fitted = _fitted(scalar, shape)
        if fitted is None and scalar.span not in self.report.wrong:
            self._does_not_fit(scalar, shape)
        self.count(fitted or scalar)
        return fitted or scalar

    def _does_not_fit(self, scalar: Scalar, shape: Shape) -> None:
        if scalar.value is None:
            message = "a value is missing"
        elif scalar.value == "":
            message = "the value is empty"
        else:
            message = f"unexpected value {quoted(scalar.text)}"
        wanted = shape.described()
        fits_line = bool(wanted) and len(wanted) < _MESSAGE
        hint = did_you_mean(scalar.text, shape.values, list_all=not fits_line) if scalar.text else ""
        self.report.error(
            "unexpected-value" if shape.values else "wrong-type",
            f"{message}; expected {wanted}" if fits_line else message,
            scalar.span,
            hint=hint,
        )

    # --- collections --------------------------------------------------------------------------------------------------
    def _sequence(self, node: SequenceNode, shape: Shape, available: Availability) -> Node:
        self._take(_OBJECT_BYTES, node)
        if shape.items is None:
            self.report.error(
                "wrong-type", f"a list is not allowed here; expected {shape.described()}", node.span
            )
            return node
        items = shape.items
        return SequenceNode(tuple(self.read(item, items, available) for item in node.items), node.span)

    def _mapping(self, node: MappingNode, shape: Shape, available: Availability) -> Node:
        self._take(_OBJECT_BYTES, node)
        if not shape.forms:
            self.report.error(
                "wrong-type", f"a mapping is not allowed here; expected {shape.described()}", node.span
            )
            return node
        return _FormReader(self, node, list(shape.forms), available).read()

    def count(self, node: Scalar | Template) -> None:
        """Counts a scalar's size. Raises ResultTooLargeError."""
        text = node.expression.text if isinstance(node, Template) and not node.insert else None
        if isinstance(node, Scalar) and isinstance(node.value, str):
            text = node.value
        self._take(_OBJECT_BYTES + (0 if text is None else _TEXT_BYTES + 2 * len(text)), node)

    def _take(self, size_bytes: int, node: Node) -> None:
        if not self.budget.add(size_bytes):
            self.report.error(
                "result-too-large",
                f"the workflow takes more than {self.budget.limits.max_result_size_bytes} bytes, aliases expanded",
                node.span,
            )
            raise ResultTooLargeError


@dataclass(slots=True)
class _FormReader:
    """Reads one mapping whose form its keys decide."""

    validator: Validator
    node: MappingNode
    forms: list[Form]
    available: Availability
    seen: set[str] = field(default_factory=set)
    has_template_key: bool = False

    def read(self) -> MappingNode:
        entries: list[tuple[Scalar | Template, Node]] = []
        for key, value in self.node.entries:
            entry = self._entry(key, value)
            if entry is not None:
                entries.append(entry)
        self._check_form()
        return MappingNode(tuple(entries), self.node.span)

    def _entry(self, key: Scalar | Template, value: Node) -> tuple[Scalar | Template, Node] | None:
        validator = self.validator
        name = key if isinstance(key, Template) else validator.embedder.read(key, self.available)
        if isinstance(name, Template):
            self.has_template_key = True
            validator.count(name)
            shape = FREE if self.forms[0].keys or self.forms[0].other is None else self.forms[0].other
            return name, validator.read(value, shape, self.available)
        name = name if isinstance(name.value, str) else Scalar(name.text, name.span, name.raw)
        if name.text.lower() in self.seen:
            validator.report.error("duplicate-key", f"{quoted(name.text)} is already defined", name.span)
            return None
        self.seen.add(name.text.lower())
        shape_of_value = self._value_shape(name)
        if shape_of_value is None:
            return None
        validator.count(name)
        return name, validator.read(value, shape_of_value, self.available)

    def _value_shape(self, name: Scalar) -> Shape | None:
        fitting = [form for form in self.forms if name.text in form.keys]
        if fitting:
            self.forms[:] = fitting
            return fitting[0].keys[name.text].shape
        other = self.forms[0].other
        if other is not None:
            if _fitted(name, NAME) is None:
                self.validator.report.error("unexpected-value", "a key is empty", name.span)
            return other
        self._unknown(name)
        return None

    def _unknown(self, name: Scalar) -> None:
        known = {key for form in self.forms for key in form.keys}
        hint = did_you_mean(name.text, known - self.seen)
        if name.text == "<<":
            hint = "GitHub knows no merge keys; repeat the entries, or alias the whole value"
        self.validator.report.error(
            "unknown-key", f"unexpected key {quoted(name.text)}", name.span, hint=hint
        )

    def _check_form(self) -> None:
        report, span = self.validator.report, self._span()
        if len(self.forms) > 1:
            deciding = [
                sorted(key for key, spec in form.keys.items() if spec.required) for form in self.forms
            ]
            words = ", ".join(f"`{name}`" for name in sorted({key for keys in deciding for key in keys}))
            report.error("missing-key", f"one of {words} is missing", span)
        elif not self.has_template_key:
            for key, spec in self.forms[0].keys.items():
                if spec.required and key.lower() not in self.seen:
                    report.error("missing-key", f"required key `{key}` is missing", span)

    def _span(self) -> Location:
        """Where the mapping begins: its first key, when it begins with that, else all of it."""
        whole = self.node.span
        first = self.node.entries[0][0].span if self.node.entries else whole
        return first if (first.line, first.column) == (whole.line, whole.column) else whole


def _fitted(scalar: Scalar, shape: Shape) -> Scalar | None:
    """The scalar as the shape wants it: itself, or as a string; None when it does not fit."""
    value = scalar.value
    if value is None and shape.null:
        return scalar
    if isinstance(value, bool):
        if shape.boolean:
            return scalar
    elif isinstance(value, int | float) and shape.number:
        return scalar
    if not shape.text:
        return None
    text = scalar.text
    if (shape.values and text not in shape.values) or (shape.non_empty and not text):
        return None
    return scalar if isinstance(value, str) else Scalar(text, scalar.span, scalar.raw)
