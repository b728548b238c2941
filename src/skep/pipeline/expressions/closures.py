"""A tree in, one closure out: the work that depends only on the text is done once."""

from typing import assert_never

from .access import access_all, access_key, access_name, is_collection
from .frame import Frame, Run
from .functions import BUILD, CREATORS, TEXT_TESTS
from .syntax import Access, Call, Compare, Literal, Logic, Name, Node, Not, Star, children
from .values import FilteredArray, Value, is_less, is_truthy, loosely_equal


def build_closure(node: Node, level: int = 0) -> Run:
    """The closure that evaluates a node at `level` of its tree. Depth is bounded by the parser."""
    match node:
        case Literal(value=value):
            return lambda _frame: value
        case Name():
            return lambda frame: frame.context(node)
        case Access():
            return _access(node, level)
        case Not(operand=operand):
            run = build_closure(operand, level + 1)
            return _released(lambda frame: not is_truthy(run(frame)), node, level)
        case Compare():
            return _released(_compare(node, level), node, level)
        case Logic():
            return _logic(node, level)
        case Call():
            return _call(node, level)
        case _:
            assert_never(node)


def _access(node: Access, level: int) -> Run:
    target = build_closure(node.target, level + 1)
    key = node.key
    if isinstance(key, Star):
        return _access_all(target, level)
    if isinstance(key, Literal) and isinstance(key.value, str):
        name = key.value
        return lambda frame: access_name(target(frame), name)
    index = build_closure(key, level + 1)

    def run(frame: Frame) -> Value:
        collection = target(frame)
        return access_key(collection, index(frame)) if is_collection(collection) else None

    return _charged(run, level)


def _access_all(target: Run, level: int) -> Run:
    return _charged(lambda frame: access_all(target(frame)), level)


def _charged(run: Run, level: int) -> Run:
    def charged(frame: Frame) -> Value:
        value = run(frame)
        if isinstance(value, FilteredArray):
            frame.memory.charge_array(level, len(value))
        return value

    return charged


def _released(run: Run, node: Node, level: int) -> Run:
    """Counts what a truth value was made of as garbage, where anything was made at all."""
    if not _creates(node):
        return run

    def released(frame: Frame) -> Value:
        value = run(frame)
        frame.memory.release_below(level)
        return value

    return released


def _creates(node: Node) -> bool:
    if isinstance(node, Call) and node.name.lower() in CREATORS:
        return True
    if isinstance(node, Access) and not isinstance(node.key, Literal):
        return True
    return any(_creates(child) for child in children(node))


def _compare(node: Compare, level: int) -> Run:
    left = build_closure(node.left, level + 1)
    right = build_closure(node.right, level + 1)
    match node.operator:
        case "==":
            return lambda frame: loosely_equal(left(frame), right(frame))
        case "!=":
            return lambda frame: not loosely_equal(left(frame), right(frame))
        case "<":
            return lambda frame: is_less(left(frame), right(frame))
        case ">":
            return lambda frame: _is_more(left(frame), right(frame))
        case "<=":
            return lambda frame: _at_most(left(frame), right(frame))
        case ">=":
            return lambda frame: _at_least(left(frame), right(frame))
        case _:
            assert_never(node.operator)


def _is_more(left: Value, right: Value) -> bool:
    return is_less(right, left)


def _at_most(left: Value, right: Value) -> bool:
    return loosely_equal(left, right) or is_less(left, right)


def _at_least(left: Value, right: Value) -> bool:
    return loosely_equal(left, right) or is_less(right, left)


def _logic(node: Logic, level: int) -> Run:
    """`&&` and `||` give the operand that decided, unchanged."""
    *firsts, last = (build_closure(operand, level + 1) for operand in node.operands)
    stops_at = node.operator == "||"

    def run(frame: Frame) -> Value:
        for operand in firsts:
            value = operand(frame)
            if is_truthy(value) is stops_at:
                return value
        return last(frame)

    return run


def _call(node: Call, level: int) -> Run:
    arguments = [build_closure(argument, level + 1) for argument in node.arguments]
    build = BUILD.get(node.name.lower())
    if build is not None:
        run = build(node, arguments, level)
        return _released(run, node, level) if node.name.lower() in TEXT_TESTS else run
    return lambda frame: frame.call(node, [argument(frame) for argument in arguments])
