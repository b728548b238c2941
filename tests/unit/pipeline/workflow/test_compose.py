"""YAML as GitHub reads it: the 1.2 core schema, anchors, limits, and characters that do not belong there."""

from __future__ import annotations

import math
import subprocess
import sys

import pytest

from skep.pipeline.workflow.compose import compose
from skep.pipeline.workflow.limits import Limits
from skep.pipeline.workflow.nodes import MappingNode, Node, Scalar, SequenceNode
from skep.pipeline.workflow.report import Report

_SCALARS = [
    ("on", "on"),
    ("yes", "yes"),
    ("No", "No"),
    ("y", "y"),
    ("true", True),
    ("True", True),
    ("TRUE", True),
    ("tRUE", "tRUE"),
    ("False", False),
    ("null", None),
    ("Null", None),
    ("~", None),
    ("", None),
    ("nULL", "nULL"),
    ("0", 0),
    ("0755", 755),
    ("-0755", -755),
    ("+1", 1),
    ("0o17", 15),
    ("0o18", "0o18"),
    ("0xFf", 255),
    ("-0xff", "-0xff"),
    ("0b1", "0b1"),
    ("12_345", "12_345"),
    ("1.5", 1.5),
    (".5", 0.5),
    ("5.", 5.0),
    ("1e3", 1000.0),
    ("-1.5E-1", -0.15),
    ("1e", "1e"),
    (".", "."),
    ("1.2.3", "1.2.3"),
    (".inf", math.inf),
    ("-.INF", -math.inf),
    ("+.Inf", math.inf),
    ("inf", "inf"),
    ("2001-01-01", "2001-01-01"),
    ("12:30:45", "12:30:45"),
    ("'1'", "1"),
    ('"true"', "true"),
    ("!!str 1", "1"),
    ("!!int 0o10", 8),
    ("!!float 3", 3),
    ("!!null ~", None),
    ("!!bool TRUE", True),
]


def composed(text: str, limits: Limits | None = None) -> tuple[Node | None, list[str]]:
    """The node, and the rules of the findings."""
    report = Report("x.yml")
    node = compose(text, report, limits or Limits())
    return node, [finding.rule for finding in report.findings]


def plain(node: Node | None) -> object:
    """The node as ordinary values."""
    if isinstance(node, Scalar):
        return node.value
    if isinstance(node, SequenceNode):
        return [plain(item) for item in node.items]
    assert isinstance(node, MappingNode)
    return {key.text: plain(value) for key, value in node.entries}


@pytest.mark.parametrize(("written", "value"), _SCALARS)
def test_a_scalar_is_what_the_core_schema_says(written: str, value: object) -> None:
    node, rules = composed(f"- {written}\n")
    assert rules == []
    assert plain(node) == [value]
    assert isinstance(node, SequenceNode)
    assert type(plain(node.items[0])) is type(value)


def test_nan_is_a_number() -> None:
    node, _ = composed("- .NaN\n")
    assert isinstance(node, SequenceNode)
    value = plain(node.items[0])
    assert isinstance(value, float)
    assert math.isnan(value)


def test_an_integer_beyond_a_double_is_infinite() -> None:
    node, _ = composed(f"[{'9' * 400}, -{'9' * 310}, 0x{'f' * 400}, {'9' * 20}]")
    assert plain(node) == [math.inf, -math.inf, math.inf, 1e20]


@pytest.mark.parametrize(
    "written", ["!mine x", "!!python/name:os.system x", "!!set {}", "!!timestamp 2001-01-01"]
)
def test_a_tag_outside_the_core_is_an_error(written: str) -> None:
    assert composed(f"- {written}\n")[1] == ["unknown-tag"]


@pytest.mark.parametrize(
    "written", ["!!int x", "!!bool yes", "!!float a", "!!null x", '!!int "1"', "!!bool 'true'"]
)
def test_a_scalar_must_be_what_its_tag_says(written: str) -> None:
    assert composed(f"- {written}\n")[1] == ["wrong-tag"]


def test_an_alias_stands_for_its_anchor_and_an_anchor_may_be_redefined() -> None:
    node, rules = composed("a: &x 1\nb: *x\nc: &x [2, {d: 3}]\ne: *x\n")
    assert rules == []
    assert plain(node) == {"a": 1, "b": 1, "c": [2, {"d": 3}], "e": [2, {"d": 3}]}


def test_merge_keys_are_ordinary_keys() -> None:
    assert plain(composed("a: &x {b: 1}\nc:\n  <<: *x\n")[0]) == {"a": {"b": 1}, "c": {"<<": {"b": 1}}}


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("a: *x\n", "unknown-anchor"),
        ("a: &x [*x]\n", "recursive-alias"),
        ("a: &x 1\nb: &x {c: *x}\n", "recursive-alias"),
        ("{[a]: b}\n", "complex-key"),
        ("a: 1\n---\nb: 2\n", "multiple-documents"),
        ("", "empty-file"),
        ("# only a comment\n", "empty-file"),
        ("a: [\n", "yaml-syntax"),
        ("a: 'b\n", "yaml-syntax"),
        ("\ta: b\n", "yaml-syntax"),
        ("a: b: c\n", "yaml-syntax"),
        ("%YAML 9.9\n", "yaml-syntax"),
        ("a: @b\n", "yaml-syntax"),
        ('a: "\\q"\n', "yaml-syntax"),
        ("a: \x07\n", "control-character"),
        ("a: \ufffe\n", "control-character"),
        ("a: \x00\n", "control-character"),
        (b"a: \xff\n".decode("utf-8", "surrogateescape"), "not-utf-8"),
        ("a: \ud800\n", "control-character"),
    ],
)
def test_what_yaml_does_not_allow_is_one_finding(text: str, rule: str) -> None:
    assert composed(text)[1] == [rule]


def test_a_byte_order_mark_is_a_warning_and_moves_no_column() -> None:
    node, rules = composed("\ufeffa: b\n")
    assert rules == ["byte-order-mark"]
    assert plain(node) == {"a": "b"}
    assert node is not None
    assert (node.span.line, node.span.column) == (1, 1)


def test_a_bad_character_is_shown_where_it_stands() -> None:
    report = Report("x.yml")
    compose("a: b\nc: d\x01\n", report, Limits())
    assert str(report.findings[0].where) == "x.yml:2:5"


def test_spans_are_those_of_the_source() -> None:
    node, _ = composed("a:\n  - 'b c'\n  - |\n    d\n")
    assert isinstance(node, MappingNode)
    items = node.entries[0][1]
    assert isinstance(items, SequenceNode)
    quoted, block = items.items
    assert (quoted.span.line, quoted.span.column, quoted.span.end_line, quoted.span.end_column) == (
        2,
        5,
        2,
        10,
    )
    assert (block.span.line, block.span.column) == (3, 5)


# --- limits ------------------------------------------------------------------------------------------------------------
def test_depth_counts_nested_collections() -> None:
    assert composed("[[[[[1]]]]]", Limits(max_depth=5))[1] == []
    assert composed("[[[[[[1]]]]]]", Limits(max_depth=5))[1] == ["too-deep"]


def test_depth_counts_what_aliases_stand_for() -> None:
    text = "a: &a [[1]]\nb: [[*a]]\n"
    assert composed(text, Limits(max_depth=5))[1] == []
    assert composed(text, Limits(max_depth=4))[1] == ["too-deep"]


def test_nodes_are_counted_again_at_each_alias() -> None:
    text = "a: &a [1, 2, 3]\nb: [*a, *a, *a]\n"
    assert composed(text, Limits(max_nodes=26))[1] == []
    assert composed(text, Limits(max_nodes=25))[1] == ["too-many-nodes"]


def test_a_billion_laughs_are_not_laughed() -> None:
    lines = ["a0: &a0 [lol, lol, lol, lol, lol, lol, lol, lol, lol, lol]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 40)]
    assert composed("\n".join(lines))[1] == ["too-many-nodes"]


def test_aliases_of_long_texts_are_stopped_before_they_are_multiplied() -> None:
    from skep.pipeline.workflow.reader import read_workflow

    text = f"on: push\nenv:\n  A: &a {'x' * 900_000}\n" + "".join(f"  B{n}: *a\n" for n in range(1000))
    workflow, findings = read_workflow(text, "x.yml")
    assert workflow is None
    assert "result-too-large" in {finding.rule for finding in findings}


@pytest.mark.parametrize("opening", ["[", "{", "- ", "? ", "a: {", "[ &a "])
def test_a_file_that_only_nests_is_refused(opening: str) -> None:
    _, rules = composed(opening * 200_000)
    assert len(rules) == 1


def test_ten_megabytes_are_refused_unread() -> None:
    text = "a: [" * (10 * 1024 * 1024 // 4)
    assert composed(text)[1] == ["file-too-large"]
    assert composed("a: b", Limits(max_file_size=3))[1] == ["file-too-large"]
    assert composed("a: b", Limits(max_file_size=4))[1] == []


@pytest.mark.parametrize(
    "text",
    [
        "on: push\nname: x\nrun-name: |\n  " + "${{ ! }}" * 100_000,
        "on: push\nrun-name: " + "${{ a.b }}" * 90_000,
        "on: push\nrun-name: " + "${{" * 300_000,
        "on: push\nrun-name: ${{ " + "(" * 500_000 + " }}",
        "on: push\nrun-name: ${{ " + "'" * 500_001 + " }}",
        "on: push\njobs:\n" + "".join(f"  j{n}:\n    needs: [j{(n + 1) % 5000}]\n" for n in range(5000)),
        "on: push\njobs:\n"
        + "".join(f"  j{n}: {{needs: [r, j{(n + 1) % 4000}]}}\n" for n in range(4000))
        + "  r: {}\n",
        "on: push\njobs:\n" + "".join(f"  j{n}: {{unknown{n}: [1]}}\n" for n in range(5000)),
        "on: push\n" + "".join(f"k{n}: 1\n" for n in range(12000)),
        "? " * 300_000,
        "a: &x " * 100_000,
        "- |\n" * 200_000,
        '"' + "\\x" * 300_000,
    ],
    ids=range(13),
)
def test_a_hostile_file_of_legal_size_takes_no_long_time(text: str) -> None:
    from skep.cli.findings import render_findings
    from skep.pipeline.workflow.reader import read_workflow

    assert len(text) <= Limits().max_file_size
    workflow, findings = read_workflow(text, "x.yml")
    assert workflow is None
    render_findings(findings[:100], {"x.yml": text}, colour=True)


def test_the_pure_parser_serves_where_libyaml_is_missing() -> None:
    script = (
        "import yaml; del yaml.CSafeLoader\n"
        "from skep.pipeline.workflow.reader import read_workflow\n"
        "tree, findings = read_workflow('on: push\\njobs: {a: {runs-on: x, steps: [{run: y}]}}', 'x.yml')\n"
        "assert tree is not None and not findings\n"
        "tree, findings = read_workflow('on: [push\\n', 'x.yml')\n"
        "assert tree is None and [found.rule for found in findings] == ['yaml-syntax']\n"
    )
    subprocess.run([sys.executable, "-c", script], check=True)
