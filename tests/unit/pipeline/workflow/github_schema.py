"""GitHub's published schema beside our tables: every key, kind, value, context and function of both."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from skep.pipeline.workflow.availability import ANY_NUMBER, NOWHERE, Availability, joined
from skep.pipeline.workflow.shapes import FREE, Form, Shape

_BUILT_IN: dict[str, dict[str, Any]] = {
    "null": {"null": {}},
    "boolean": {"boolean": {}},
    "number": {"number": {}},
    "string": {"string": {}},
    "sequence": {"sequence": {"item-type": "any"}},
    "mapping": {"mapping": {"loose-key-type": "string", "loose-value-type": "any"}},
}


@dataclass(slots=True)
class Comparison:
    """Walks both descriptions at once and keeps what differs, as `path: what`."""

    definitions: dict[str, dict[str, Any]]
    differences: list[str] = field(default_factory=list)
    seen: set[tuple[str, str]] = field(default_factory=set)

    @classmethod
    def of(cls, schema: Path) -> Comparison:
        """Reads a schema file of GitHub's."""
        return cls(_BUILT_IN | json.loads(schema.read_text(encoding="utf-8"))["definitions"])

    def compare(
        self, path: str, ours: Shape, outer: Availability, name: str, context: frozenset[str]
    ) -> None:
        """One place: our shape below what is available outside it, their definition below their contexts."""
        available = joined(outer, ours.available)
        definition = self.definitions.get(name, {})
        context |= frozenset(definition.get("context", ()))
        if (path, name) in self.seen:
            return
        self.seen.add((path, name))
        if (written := _written(available)) != context:
            self._differ(
                path, f"contexts: ours {sorted(written - context)}, theirs {sorted(context - written)}"
            )
        if ours is FREE or name == "any":
            if not (ours is FREE and name == "any"):
                self._differ(path, "anything is allowed on one side only")
            return
        options = list(self._options(name))
        self._scalars(path, ours, options)
        self._items(path, ours, options, available, context)
        self._forms(path, ours, options, available, context)

    def _options(self, name: str) -> Iterator[dict[str, Any]]:
        definition = self.definitions[name]
        if "one-of" not in definition:
            yield definition
        for choice in definition.get("one-of", ()):
            yield from self._options(choice)

    def _scalars(self, path: str, ours: Shape, options: list[dict[str, Any]]) -> None:
        theirs: set[str] = set()
        for option in options:
            theirs |= {kind for kind in ("null", "boolean", "number") if kind in option}
            theirs |= {f"={value}" for value in option.get("allowed-values", ())}
            if "string" in option:
                text = option["string"]
                constant = text.get("constant")
                theirs.add(
                    f"={constant}" if constant else "name" if text.get("require-non-empty") else "text"
                )
        kinds = {kind for kind in ("null", "boolean", "number") if getattr(ours, kind)}
        if ours.text:
            kinds |= {f"={v}" for v in ours.values} or {"name" if ours.non_empty else "text"}
        if kinds != theirs:
            self._differ(path, f"scalars: ours {sorted(kinds - theirs)}, theirs {sorted(theirs - kinds)}")

    def _items(
        self,
        path: str,
        ours: Shape,
        options: list[dict[str, Any]],
        available: Availability,
        context: frozenset[str],
    ) -> None:
        types = {option["sequence"]["item-type"] for option in options if "sequence" in option}
        if bool(types) != (ours.items is not None):
            self._differ(path, f"a list: ours {ours.items is not None}, theirs {bool(types)}")
        for name in types if ours.items is not None else ():
            assert ours.items is not None
            self.compare(f"{path}[]", ours.items, available, name, context)

    def _forms(
        self,
        path: str,
        ours: Shape,
        options: list[dict[str, Any]],
        available: Availability,
        context: frozenset[str],
    ) -> None:
        theirs = [option["mapping"] for option in options if "mapping" in option]
        unmatched = list(theirs)
        for form in ours.forms:
            match = next((one for one in unmatched if _required(one) == _our_required(form)), None)
            if match is None and len(ours.forms) == len(theirs) == 1:
                match = theirs[0]
                needed = sorted(_required(match) ^ _our_required(form))
                self._differ(path, f"required on one side only: {needed}")
            if match is None:
                self._differ(path, f"form with {sorted(form.keys)} is ours only")
                continue
            unmatched.remove(match)
            self._form(path, form, match, available, context)
        for one in unmatched:
            self._differ(path, f"form with {sorted(one.get('properties', {}))} is theirs only")

    def _form(
        self, path: str, form: Form, theirs: dict[str, Any], available: Availability, context: frozenset[str]
    ) -> None:
        properties = {key: _type(spec) for key, spec in theirs.get("properties", {}).items()}
        for key in sorted(properties.keys() ^ form.keys.keys()):
            self._differ(f"{path}.{key}", "theirs only" if key in properties else "ours only")
        for key in properties.keys() & form.keys.keys():
            self.compare(f"{path}.{key}", form.keys[key].shape, available, properties[key], context)
        loose = theirs.get("loose-value-type")
        if bool(loose) != (form.other is not None):
            self._differ(path, f"other keys: ours {form.other is not None}, theirs {bool(loose)}")
        elif loose and form.other is not None:
            self.compare(f"{path}.*", form.other, available, loose, context)

    def _differ(self, path: str, what: str) -> None:
        self.differences.append(f"{path}: {what}")


def _written(available: Availability) -> frozenset[str]:
    functions = {
        f"{ {'hashfiles': 'hashFiles'}.get(name, name) }({least},{'MAX' if most == ANY_NUMBER else most})"
        for name, least, most in available.functions
    }
    return available.contexts | functions


def _type(spec: Any) -> str:
    return spec if isinstance(spec, str) else spec["type"]


def _required(mapping: dict[str, Any]) -> set[str]:
    return {
        key
        for key, spec in mapping.get("properties", {}).items()
        if isinstance(spec, dict) and spec.get("required")
    }


def _our_required(form: Form) -> set[str]:
    return {key for key, spec in form.keys.items() if spec.required}


def differences(schema: Path, root: str, ours: Shape) -> set[str]:
    """All differences between a schema file's root definition and our shape."""
    comparison = Comparison.of(schema)
    comparison.compare("", ours, NOWHERE, root, frozenset())
    return set(comparison.differences)
