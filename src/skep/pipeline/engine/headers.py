"""What a step's log begins with: its script or inputs, and its environment, in a group that GitHub's pages fold. Pure."""

from __future__ import annotations

from collections.abc import Mapping

from skep.pipeline.expressions.values import Value


def script_header(script: str, shell: str, env: Mapping[str, Value]) -> str:
    """Of a `run:` step."""
    lines = script.rstrip("\n").split("\n")
    title = next((line.strip() for line in lines if line.strip()), "")
    return _group(f"Run {title}", [*lines, f"shell: {shell}", *_block("env:", env)])


def action_header(uses: str, inputs: Mapping[str, str], env: Mapping[str, Value]) -> str:
    """Of a `uses:` step; empty inputs are not shown."""
    given = {name: value for name, value in inputs.items() if value}
    return _group(f"Run {uses}", [*_block("with:", given), *_block("env:", env)])


def _block(title: str, values: Mapping[str, Value]) -> list[str]:
    return [title, *(f"  {name}: {value}" for name, value in values.items())] if values else []


def _group(title: str, lines: list[str]) -> str:
    return "\n".join([f"##[group]{title}", *lines, "##[endgroup]"])
