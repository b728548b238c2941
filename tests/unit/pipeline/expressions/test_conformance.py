"""GitHub's public expression cases: every one, without exception."""

import json
import math
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from skep.pipeline.expressions.compile import compile_expression
from skep.pipeline.expressions.errors import ExpressionError
from skep.pipeline.expressions.scope import Scope
from skep.pipeline.expressions.values import kind_of


def _cases(folder: Path) -> Iterator[tuple[str, Mapping[str, Any]]]:
    for path in sorted(folder.glob("*.json")):
        for group, cases in json.loads(path.read_text(encoding="utf-8")).items():
            for case in cases:
                yield f"{path.name}:{group}", case


def _outcome(case: Mapping[str, Any]) -> tuple[str, object]:
    contexts = case.get("contexts") or {}
    try:
        value = compile_expression(case["expr"], contexts=frozenset(contexts)).evaluate(Scope(contexts))
    except ExpressionError:
        return "error", None
    return kind_of(value), value


def _agrees(case: Mapping[str, Any]) -> bool:
    kind, value = _outcome(case)
    if "err" in case:
        return kind == "error"
    expected = case["result"]
    if kind != expected["kind"]:
        return False
    if isinstance(value, float) and math.isnan(value):
        return expected["value"] in ("NaN", None)
    return bool(value == expected["value"])


def test_every_public_case_gives_githubs_kind_and_value(conformance: Path) -> None:
    cases = list(_cases(conformance / "expressions"))
    wrong = [f"{where}: {case['expr'][:80]}" for where, case in cases if not _agrees(case)]
    assert wrong == []
    assert len(cases) > 600
