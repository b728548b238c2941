"""A scalar with `${{ }}` in it, in; the compiled template out, or what is wrong with it."""

from __future__ import annotations

from dataclasses import dataclass

from skep.model.finding import Location
from skep.pipeline.expressions.compile import Expression, compile_expression
from skep.pipeline.expressions.errors import ExpressionError
from skep.pipeline.expressions.parser import parse_expression
from skep.pipeline.expressions.templates import split_template, template_expression

from .availability import Availability
from .nodes import Scalar, Template
from .report import Report
from .source import Source

_OPEN = "${{"
_INSERT = "insert"
_MOST_ERRORS = 10  # of one scalar are reported


@dataclass(frozen=True, slots=True)
class Embedder:
    """Reads the templates of one file."""

    report: Report
    source: Source

    def read(self, scalar: Scalar, available: Availability) -> Scalar | Template:
        """The scalar itself when it holds no expression or a wrong one, a literal for `${{ 'text' }}`, else a template."""
        text = scalar.value
        if not isinstance(text, str) or _OPEN not in text:
            return scalar
        try:
            pieces = split_template(text)
        except ExpressionError as error:
            self._unclosed(scalar, error)
            return scalar
        expressions = [piece for piece in pieces if not isinstance(piece, str)]
        if len(pieces) == 1 and expressions:
            if expressions[0][0].split() == [_INSERT]:
                return Template(compile_expression(_INSERT), scalar.span, text, insert=True)
            literal = _string_literal(expressions[0][0].strip())
            if literal is not None:
                return Scalar(literal, scalar.span, text)
        if not available.allowed:
            self.report.error(
                "expression-not-allowed",
                "expressions are not allowed here",
                scalar.span,
                hint="write a fixed value: GitHub reads this key before any context exists",
            )
            return scalar
        if not self._all_compile(scalar, expressions, available):
            return scalar
        whole = template_expression(text)
        compiled = self.compile(whole or "", scalar, available) if expressions else None
        return scalar if compiled is None else Template(compiled, scalar.span, text)

    def compile(self, text: str, scalar: Scalar, available: Availability) -> Expression | None:
        """A bare expression that stands in (or was made of) this scalar; None when it is wrong, which is reported."""
        try:
            return _compiled(text, available)
        except ExpressionError as error:
            self._wrong(scalar, error, available, self.source.focus(scalar, text, 0, error))
            return None

    def _all_compile(
        self, scalar: Scalar, expressions: list[tuple[str, int]], available: Availability
    ) -> bool:
        wrong = 0
        for number, (text, _) in enumerate(expressions):
            words = text.split()
            try:
                if words[0] == _INSERT:
                    raise ExpressionError(
                        "`${{ insert }}` must be a whole key, with nothing around it", kind="parse"
                    )
                _compiled(text, available)
            except ExpressionError as error:
                wrong += 1
                self._wrong(scalar, error, available, self.source.focus(scalar, text, number, error))
                if wrong == _MOST_ERRORS:
                    break
        return not wrong

    def _wrong(
        self, scalar: Scalar, error: ExpressionError, available: Availability, focus: Location
    ) -> None:
        rule, hint = _rule_of(error, self.source.last_text), error.hint
        if rule == "expression-function" and not hint:
            names = sorted(name for name, _, _ in available.functions)
            hint = f"also available here: {', '.join(names)}" if names else ""
        self.report.error(rule, str(error), scalar.span, hint=hint, focus=focus)

    def _unclosed(self, scalar: Scalar, error: ExpressionError) -> None:
        if error.kind != "lex":
            focus = self.source.inside(scalar, error.position, error.length)
            self.report.error("expression-syntax", str(error), scalar.span, hint=error.hint, focus=focus)
            return
        self.report.error(
            "expression-not-closed",
            "`${{` is not closed by `}}`",
            scalar.span,
            hint=error.hint or "close it with `}}`; a single quote in the expression must be closed, too",
            focus=self.source.inside(scalar, error.position, error.length or len(_OPEN)),
        )


def _compiled(text: str, available: Availability) -> Expression:
    return compile_expression(text, contexts=available.contexts, functions=available.function_counts())


def _rule_of(error: ExpressionError, text: str) -> str:
    """Which kind of mistake: one of syntax, a context that is not available, or a function's name or arguments."""
    try:
        names = parse_expression(text)
    except ExpressionError:
        return "expression-syntax"
    called = text[error.position + error.length :].lstrip().startswith("(")
    return "expression-function" if called or names is None else "expression-context"


def _string_literal(text: str) -> str | None:
    """The content of an expression that is one quoted string, else None."""
    if len(text) < 2 or text[0] != "'" or text[-1] != "'":
        return None
    body = text[1:-1].replace("''", "\0")
    return None if "'" in body else body.replace("\0", "'")
