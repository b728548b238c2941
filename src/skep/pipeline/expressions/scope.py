"""What an expression may see while it is evaluated."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

from .limits import EXPRESSION_MEMORY_BYTES
from .values import Value

LazyValue: TypeAlias = Callable[[], Value]
ScopeFunction: TypeAlias = Callable[[Sequence[Value]], Value]


@dataclass(frozen=True, slots=True)
class Scope:
    """Contexts by name, and the functions that need the world: always, success, failure, cancelled, hashFiles.

    A context may be a callable without arguments: it is called when an expression first reads it, once per evaluation.
    Functions are found in any case, and get their arguments evaluated. `memory_bytes` bounds what one evaluation creates
    (GitHub: 1 MiB for an expression alone, `limits.TEMPLATE_MEMORY_BYTES` within a workflow file).
    """

    contexts: "Mapping[str, Value | LazyValue]" = field(default_factory=dict)
    functions: Mapping[str, ScopeFunction] = field(default_factory=dict)
    memory_bytes: int = EXPRESSION_MEMORY_BYTES
