"""YAML text in, nodes with positions out; nothing is known of workflows here.

Events come from libyaml (PyYAML's C parser; the pure parser where that is missing) and are composed here, because PyYAML's
own composer refuses redefined anchors and resolves YAML 1.1. Aliases share nodes: their expanded size is counted, never
built, so a billion-laughs file stops at the limit with no memory spent.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

import yaml

from skep.model.finding import Location

from .limits import Limits
from .nodes import MappingNode, Node, Scalar, SequenceNode
from .report import Report, quoted
from .scalars import SCALAR_TAGS, WrongTagError, resolve_plain, resolve_tagged
from .syntax import syntax_finding

_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_CORE = "tag:yaml.org,2002:"
_BAD_CHARACTER = re.compile("[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


class _StoppedError(Exception):
    """Composing cannot go on; the finding is in the report."""


@dataclass(frozen=True, slots=True)
class _Anchored:
    """What an alias stands for, and what it costs."""

    node: Node
    events: int
    height: int


@dataclass(slots=True)
class _Open:
    """A collection whose end has not come yet."""

    start: yaml.CollectionStartEvent
    first_event: int
    children: list[Node] = field(default_factory=list)
    height: int = 1


def compose(text: str, report: Report, limits: Limits) -> Node | None:
    """The document of a YAML text as nodes, tags resolved, aliases in place; None when it has no document.

    Templates are not looked at: every scalar is a `Scalar`. Whatever is wrong goes to the report; a syntax error ends the
    reading, so it is the last finding. Duplicate keys are kept.
    """
    composer = _Composer(report=report, limits=limits)
    text = composer.checked(text)
    if report.has_errors:
        return None
    try:
        for event in yaml.parse(text, Loader=_LOADER):
            composer.take(event)
    except _StoppedError:
        return None
    except yaml.YAMLError as error:
        report.findings.append(syntax_finding(error, text, report.path))
        return None
    if composer.root is None and not report.has_errors:
        report.error("empty-file", "the file is empty", Location(path=report.path, line=1, column=1))
    return composer.root


@dataclass(slots=True)
class _Composer:
    report: Report
    limits: Limits
    root: Node | None = None
    stack: list[_Open] = field(default_factory=list)
    anchors: dict[str, _Anchored | None] = field(default_factory=dict)  # None: still open
    events: int = 0
    documents: int = 0

    def checked(self, text: str) -> str:
        """The text that YAML may see: not too long, no byte order mark, no character that YAML forbids."""
        if len(text) > self.limits.max_file_size:
            self.report.error(
                "file-too-large",
                f"the file has {len(text)} characters; {self.limits.max_file_size} are allowed",
                Location(path=self.report.path),
            )
            return ""
        if text.startswith("\ufeff"):
            where = Location(path=self.report.path, line=1, column=1)
            self.report.warn("byte-order-mark", "the file begins with a byte order mark", where)
            text = text[1:]
        if bad := _BAD_CHARACTER.search(text):
            self._bad_character(text, bad.start())
        return text

    def _bad_character(self, text: str, offset: int) -> None:
        line = text.count("\n", 0, offset) + 1
        column = offset - text.rfind("\n", 0, offset)
        where = Location(
            path=self.report.path, line=line, column=column, end_line=line, end_column=column + 1
        )
        if "\udc80" <= text[offset] <= "\udcff":
            message = f"byte 0x{ord(text[offset]) - 0xDC00:02x} is not UTF-8"
            self.report.error("not-utf-8", message, where, hint="save the file as UTF-8")
            return
        self.report.error(
            "control-character",
            f"character U+{ord(text[offset]):04X} is not allowed in YAML",
            where,
            hint="remove it, or write it as an escape in double quotes",
        )

    def take(self, event: yaml.Event) -> None:
        """Adds one parser event to the tree."""
        if isinstance(event, yaml.ScalarEvent):
            self._count(1, event)
            scalar = self._scalar(event)
            if event.anchor is not None:
                self.anchors[event.anchor] = _Anchored(scalar, 1, 0)
            self._add(scalar)
        elif isinstance(event, yaml.CollectionStartEvent):
            self._begin(event)
        elif isinstance(event, yaml.CollectionEndEvent):
            self._end(event)
        elif isinstance(event, yaml.AliasEvent):
            self._alias(event)
        elif isinstance(event, yaml.DocumentStartEvent):
            self.documents += 1
            if self.documents > 1:
                self._stop(
                    "multiple-documents", "a second YAML document begins here; only one is allowed", event
                )

    def _begin(self, event: yaml.CollectionStartEvent) -> None:
        self._count(1, event)
        wanted = f"{_CORE}{'seq' if isinstance(event, yaml.SequenceStartEvent) else 'map'}"
        if event.tag not in {None, wanted}:
            self._bad_tag(event)
        if event.anchor is not None:
            self.anchors[event.anchor] = None
        self.stack.append(_Open(event, self.events))
        self._check_depth(0, event)

    def _end(self, event: yaml.CollectionEndEvent) -> None:
        self._count(1, event)
        done = self.stack.pop()
        span = self._span(done.start, event)
        if isinstance(done.start, yaml.SequenceStartEvent):
            node: Node = SequenceNode(tuple(done.children), span)
        else:
            node = MappingNode(tuple(self._entries(done.children)), span)
        if done.start.anchor is not None:
            self.anchors[done.start.anchor] = _Anchored(node, self.events - done.first_event + 1, done.height)
        if self.stack:
            self.stack[-1].height = max(self.stack[-1].height, done.height + 1)
        self._add(node)

    def _entries(self, children: list[Node]) -> Iterator[tuple[Scalar, Node]]:
        for key, value in zip(children[::2], children[1::2], strict=True):
            if isinstance(key, Scalar):
                yield key, value
            else:
                self.report.error("complex-key", "a mapping or sequence cannot be a key", key.span)

    def _alias(self, event: yaml.AliasEvent) -> None:
        name = str(event.anchor)
        if name not in self.anchors:
            span = self._span(event)
            self.report.error("unknown-anchor", f"no anchor {quoted('&' + name)} above", span)
            self._add(Scalar("", span))
            return
        target = self.anchors[name]
        if target is None:
            self._stop("recursive-alias", f"{quoted('*' + name)} stands inside its own anchor", event)
            return
        self._count(target.events, event)
        self._check_depth(target.height, event)
        if self.stack:
            self.stack[-1].height = max(self.stack[-1].height, target.height + 1)
        self._add(target.node)

    def _add(self, node: Node) -> None:
        if self.stack:
            self.stack[-1].children.append(node)
        else:
            self.root = node

    def _scalar(self, event: yaml.ScalarEvent) -> Scalar:
        span = self._span(event)
        if event.tag is None:
            value = resolve_plain(event.value) if event.implicit[0] else event.value
            return Scalar(value, span, event.value)
        tag = event.tag.removeprefix(_CORE)
        if not event.tag.startswith(_CORE) or tag not in SCALAR_TAGS:
            self._bad_tag(event)
        elif event.style and tag != "str":
            self.report.error("wrong-tag", f"a quoted scalar cannot be `!!{tag}`", span)
        else:
            try:
                return Scalar(resolve_tagged(event.value, tag), span, event.value)
            except WrongTagError:
                self.report.error("wrong-tag", f"{quoted(event.value)} is not `!!{tag}`", span)
        return Scalar(event.value, span, event.value)

    def _bad_tag(self, event: yaml.ScalarEvent | yaml.CollectionStartEvent) -> None:
        tag = str(event.tag)
        shown = "!!" + tag.removeprefix(_CORE) if tag.startswith(_CORE) else tag
        self.report.error(
            "unknown-tag",
            f"tag {quoted(shown)} is not allowed here",
            self._span(event),
            hint="remove the tag",
        )

    def _count(self, events: int, event: yaml.Event) -> None:
        self.events += events
        if self.events > self.limits.max_nodes:
            self._stop(
                "too-many-nodes",
                f"the file has more than {self.limits.max_nodes} YAML nodes, aliases expanded",
                event,
            )

    def _check_depth(self, more: int, event: yaml.Event) -> None:
        if len(self.stack) + more > self.limits.max_depth:
            self._stop("too-deep", f"nested deeper than {self.limits.max_depth} levels", event)

    def _stop(self, rule: str, message: str, event: yaml.Event) -> None:
        self.report.error(rule, message, self._span(event))
        raise _StoppedError

    def _span(self, event: yaml.Event, end: yaml.Event | None = None) -> Location:
        start, stop = event.start_mark, (end or event).end_mark
        assert start is not None  # only events made by hand have no marks
        assert stop is not None
        return Location(
            path=self.report.path,
            line=start.line + 1,
            column=start.column + 1,
            end_line=stop.line + 1,
            end_column=stop.column + 1,
        )
