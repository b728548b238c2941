"""An evaluated `strategy:` -> the legs of a job, exactly as GitHub expands them.

    product   one row per combination of the vectors, the first key varying slowest
    exclude   a row goes when every leaf of an exclude entry loosely equals (`==`) the row's value at that place
    include   an entry's values for vector keys must match a row as in exclude; then its other values are added to the row,
              over those of earlier entries, never over the row's own. An entry that matches no row becomes a row of its own
    name      the non-empty scalars of the row, in depth; values that an include added to a product row do not count

Source: `MatrixBuilder.cs` and `ConvertToStrategy` of actions/runner; the limit of 256 from the documentation.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from skep.model.errors import UserError
from skep.pipeline.expressions.values import Value, is_truthy, kind_of, loosely_equal, to_text

from .names import did_you_mean
from .values import MatrixLeg, Strategy

MAX_LEGS = 256
MAX_NAME_LENGTH = 100

_NO_MATRIX = MatrixLeg(index=0, values={}, suffix="")
_KEYS = ("matrix", "fail-fast", "max-parallel")


def expand_strategy(value: Value | None) -> Strategy:
    """The legs of an evaluated `strategy:`; None stands for a job without one.

    A matrix whose rows are all excluded gives one leg with an empty matrix, as on GitHub.
    Raises UserError: a value of the wrong kind, an empty vector, more than 256 legs.
    """
    if value is None:
        return Strategy(legs=(_NO_MATRIX,))
    strategy = _mapping(value, "`strategy`")
    for key in strategy:
        if key not in _KEYS:
            raise UserError(f"`strategy` has no key `{key}`", hint=did_you_mean(key, _KEYS))
    fail_fast = strategy.get("fail-fast", True)
    if not isinstance(fail_fast, bool):
        raise UserError(f"`strategy.fail-fast` must be true or false, not {_kind(fail_fast)}")
    max_parallel = _max_parallel(strategy.get("max-parallel"))
    if "matrix" not in strategy:
        return Strategy(legs=(_NO_MATRIX,), fail_fast=fail_fast, max_parallel=max_parallel)
    legs = tuple(_legs(_mapping(strategy["matrix"], "`strategy.matrix`")))
    return Strategy(
        legs=legs or (_NO_MATRIX,),
        fail_fast=fail_fast,
        max_parallel=max_parallel,
        is_matrix=bool(legs),
    )


def job_display_name(name: str | None, job_id: str, leg: MatrixLeg, *, evaluated: bool = False) -> str:
    """A leg's name. `name` is the job's name for this leg, if it has one; `evaluated`: it was an expression.

    An expression's text stands alone; a literal name, or the id, gets ` (a, b)`. Never longer than 100 characters.
    """
    if evaluated and name:
        return _cut(name)
    base = (None if evaluated else name) or job_id
    return _cut(f"{base} {leg.suffix}" if leg.suffix else base)


def leg_key(job: str, leg: MatrixLeg, strategy: Strategy, used: set[str]) -> str:
    """The key of a leg in its run, as journals and durations name it; `used` holds those of its siblings and gets this one."""
    text = f"{job} {leg.suffix}" if strategy.is_matrix and leg.suffix else job
    if text in used:
        text = f"{text}#{leg.index}"
    used.add(text)
    return text


def strategy_context(strategy: Strategy, leg: MatrixLeg) -> dict[str, Value]:
    """The `strategy` context of one leg. Without a limit `max-parallel` is the number of legs, as on GitHub."""
    total = len(strategy.legs)
    return {
        "fail-fast": strategy.fail_fast,
        "job-index": leg.index,
        "job-total": total,
        "max-parallel": strategy.max_parallel or total,
    }


@dataclass(slots=True)
class _Include:
    """One entry of `include`, split by whether a key names a vector."""

    filter: dict[str, Value] = field(default_factory=dict)
    extra: dict[str, Value] = field(default_factory=dict)
    matched: bool = False


def _legs(matrix: Mapping[str, Value]) -> Iterator[MatrixLeg]:
    vectors = {key: _vector(key, value) for key, value in matrix.items() if key not in ("include", "exclude")}
    includes = _includes(matrix.get("include", []), vectors)
    if not vectors and not includes:
        raise UserError(
            "`strategy.matrix` must define at least one vector",
            hint="add a list such as `os: [ubuntu-latest]`, or entries under `include`",
        )
    excludes = _excludes(matrix.get("exclude", []), vectors)
    _check_size(math.prod(map(len, vectors.values())) if vectors else 0, len(excludes), len(includes))
    for index, (values, named) in enumerate(_rows(vectors, excludes, includes)):
        if index == MAX_LEGS:
            raise UserError(f"the matrix gives more than {MAX_LEGS} jobs, GitHub's limit", hint=_SMALLER)
        yield MatrixLeg(index=index, values=values, suffix=_suffix(named))


_SMALLER = "leave out values, or split the job"
_MAX_COMPARISONS = 1_000_000  # a second or two; far more than a matrix that ends below 256 jobs needs


def _check_size(product: int, excludes: int, includes: int) -> None:
    """Refuses what is certainly too large, or would take very long to find out, before it is walked through."""
    comparisons = product * (excludes + includes)
    if (product > MAX_LEGS and not excludes) or comparisons > _MAX_COMPARISONS:
        raise UserError(
            f"the matrix has {product} combinations, and GitHub's limit is {MAX_LEGS} jobs", hint=_SMALLER
        )


def _rows(
    vectors: Mapping[str, Sequence[Value]],
    excludes: Sequence[Mapping[str, Value]],
    includes: Sequence[_Include],
) -> Iterator[tuple[dict[str, Value], dict[str, Value]]]:
    """Each row with the part of it that its name is made of."""
    for row in _product(vectors):
        if any(_matches(entry, row) for entry in excludes):
            continue
        extra: dict[str, Value] = {}
        for include in includes:
            if _matches(include.filter, row):
                include.matched = True
                _update(extra, include.extra)
        yield {**row, **extra}, row
    for include in includes:
        if not include.matched:
            values = {**include.filter, **include.extra}
            yield values, values


def _product(vectors: Mapping[str, Sequence[Value]]) -> Iterator[dict[str, Value]]:
    size = math.prod(map(len, vectors.values())) if vectors else 0
    for index in range(size):
        row: dict[str, Value] = {}
        block = size
        for key, vector in vectors.items():
            block //= len(vector)
            row[key] = vector[index // block % len(vector)]
        yield row


def _includes(value: Value, vectors: Mapping[str, Value]) -> list[_Include]:
    includes: list[_Include] = []
    folded = {key.lower(): key for key in vectors}
    for entry in _entries(value, "include"):
        include = _Include()
        for key, item in entry.items():
            if key.lower() in folded:
                include.filter[folded[key.lower()]] = item
            else:
                include.extra[key] = item
        includes.append(include)
    return includes


def _excludes(value: Value, vectors: Mapping[str, Value]) -> list[Mapping[str, Value]]:
    folded = {key.lower() for key in vectors}
    entries = _entries(value, "exclude")
    for entry in entries:
        for key in entry:
            if key.lower() not in folded:
                raise UserError(
                    f"`strategy.matrix.exclude` names `{key}`, which is no vector of the matrix",
                    hint=did_you_mean(key, vectors),
                )
    return entries


def _entries(value: Value, key: str) -> list[Mapping[str, Value]]:
    if not isinstance(value, Sequence) or isinstance(value, str):
        raise UserError(f"`strategy.matrix.{key}` must be a list of mappings, not {_kind(value)}")
    entries = [_mapping(item, f"an entry of `strategy.matrix.{key}`") for item in value]
    if not all(entries):
        raise UserError(f"an entry of `strategy.matrix.{key}` is empty")
    return entries


def _matches(wanted: Value, actual: Value) -> bool:
    """Whether every leaf of `wanted` loosely equals the value of `actual` at the same place."""
    if isinstance(wanted, Mapping):
        return all(_matches(item, _at(actual, key)) for key, item in wanted.items())
    if isinstance(wanted, Sequence) and not isinstance(wanted, str):
        return all(_matches(item, _item(actual, index)) for index, item in enumerate(wanted))
    return loosely_equal(actual, wanted)


def _at(value: Value, key: str) -> Value:
    if not isinstance(value, Mapping):
        return None
    if key in value:
        return value[key]
    folded = key.lower()
    return next((item for name, item in value.items() if name.lower() == folded), None)


def _item(value: Value, index: int) -> Value:
    if isinstance(value, Sequence) and not isinstance(value, str) and index < len(value):
        return value[index]
    return None


def _update(target: dict[str, Value], values: Mapping[str, Value]) -> None:
    """Adds values; a key that differs only in case is the same key, as in GitHub's objects."""
    folded = {key.lower(): key for key in target}
    for key, value in values.items():
        target[folded.get(key.lower(), key)] = value


def _suffix(row: Mapping[str, Value]) -> str:
    texts = [text for text in map(to_text, _scalars(row)) if text]
    return f"({', '.join(texts)})" if texts else ""


def _scalars(value: Value) -> Iterator[Value]:
    if isinstance(value, Mapping):
        for item in value.values():
            yield from _scalars(item)
    elif isinstance(value, Sequence) and not isinstance(value, str):
        for item in value:
            yield from _scalars(item)
    elif value is not None:
        yield value


def _vector(key: str, value: Value) -> Sequence[Value]:
    if not isinstance(value, Sequence) or isinstance(value, str):
        raise UserError(
            f"matrix vector `{key}` must be a list, not {_kind(value)}", hint="write it as `[a, b]`"
        )
    if not value:
        raise UserError(
            f"matrix vector `{key}` does not contain any values",
            hint="skip the job with `if:` when its list is empty",
        )
    return value


def _max_parallel(value: Value) -> int | None:
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise UserError(f"`strategy.max-parallel` must be a number, not {_kind(value)}")
    return int(value) if value >= 1 else None


def _mapping(value: Value, what: str) -> Mapping[str, Value]:
    if not isinstance(value, Mapping):
        raise UserError(f"{what} must be a mapping, not {_kind(value)}")
    return value


def _kind(value: Value) -> str:
    if value is None:
        return "null"
    if is_truthy(value) and isinstance(value, str):
        return f"the text `{value[:40]}`"
    return {"String": "an empty text", "Array": "a list", "Object": "a mapping"}.get(
        kind_of(value), to_text(value)
    )


def _cut(name: str) -> str:
    return name if len(name) <= MAX_NAME_LENGTH else name[: MAX_NAME_LENGTH - 3] + "..."
