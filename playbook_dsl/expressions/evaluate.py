"""Turn a tree into one Python function. The answer depends on the environment alone: no clock, no chance, no I/O."""

from collections.abc import Callable
from datetime import date, datetime
from functools import lru_cache
from typing import Final, cast

from playbook_dsl.expressions.environment import Closure, Env
from playbook_dsl.expressions.functions import FUNCTIONS
from playbook_dsl.expressions.moments import has_fixed_length, negative
from playbook_dsl.expressions.operations import (
    COMPARES,
    MIRRORED,
    NUMBERS,
    Compare,
    EvaluationError,
    add,
    compare,
    divide,
    divide_numbers,
    multiply,
    operand,
    remainder,
    remainder_of_numbers,
    same,
    settle,
    subtract,
)
from playbook_dsl.expressions.read import read
from playbook_dsl.expressions.tree import (
    Arithmetic,
    Call,
    Comparison,
    Field,
    IfElse,
    Index,
    IsMissing,
    Items,
    Literal,
    Logic,
    Name,
    Negative,
    Node,
    Not,
    children,
    path_of,
)
from playbook_dsl.values import Duration, Money, Value

__all__ = ["Closure", "Env", "EvaluationError", "evaluator"]

MOST_STEPS: Final = 10_000
_DIRECT: Final = frozenset({str, float, date})
"""Classes whose values Python compares just as the language does."""

Numeric = Callable[[float, float], Value]
Other = Callable[[Value, Value, Env], Value]


@lru_cache(maxsize=4096)
def evaluator(source: str) -> Closure:
    """Give the function that evaluates `source`.

    Raises:
        EvaluationError: `source` is no expression (checking it first tells why). The function itself raises it when a list or text
            goes over the budget of 10,000 steps.
    """
    got = read(source)
    if got.tree is None:
        raise EvaluationError(got.problems[0].message)
    return closure(got.tree)


def closure(tree: Node) -> Closure:
    """Give the function that evaluates a tree."""
    return _Builder(tree).build(tree)


class _Builder:
    def __init__(self, tree: Node) -> None:
        nodes = [tree]
        for node in nodes:
            nodes.extend(children(node))
        over_lists = sum(isinstance(node, Call) or (isinstance(node, Comparison) and "in" in node.operator) for node in nodes)
        self._most_items = (MOST_STEPS - len(nodes)) // max(over_lists, 1)

    def build(self, node: Node) -> Closure:
        match node:
            case Literal(value=value):
                return lambda env: value
            case Name(name=name):
                return lambda env: cast(Value, env.get(name))
            case Field():
                return self._field(node)
            case Index(base=base, index=index):
                return _indexed(self.build(base), self.build(index))
            case Items(items=items):
                parts = tuple(self.build(item) for item in items)
                return lambda env: [part(env) for part in parts]
            case Call():
                return self._call(node)
        return self._operation(node)

    def _operation(self, node: Node) -> Closure:
        match node:
            case Negative(operand=inner):
                return _negated(self._operand(inner))
            case Not(operand=inner):
                answer = self.build(inner)
                return lambda env: answer(env) is not True
            case Arithmetic(operator=operator, left=left, right=right):
                return _calculated(operator, self._operand(left), self._operand(right))
            case Comparison():
                return self._comparison(node)
            case IsMissing(operand=inner, negated=negated):
                value = self.build(inner)
                return (lambda env: value(env) is not None) if negated else (lambda env: value(env) is None)
            case Logic(operator=operator, operands=operands):
                return _joined(operator, tuple(self.build(operand) for operand in operands))
            case IfElse(condition=condition, then=then, otherwise=otherwise):
                test, yes, no = self.build(condition), self.build(then), self.build(otherwise)
                return lambda env: yes(env) if test(env) is True else no(env)
        raise EvaluationError(f"{type(node).__name__} is no part of an expression")

    def _field(self, node: Field) -> Closure:
        path = path_of(node)
        if path is None:
            return _member(self.build(node.base), node.name)
        if len(path) == 2:
            return _member_of_root(*path)
        return _member_of_path(path)

    def _operand(self, node: Node) -> Closure:
        value = self.build(node)
        return value if is_calculation(node) else (lambda env: operand(value(env)))

    def _call(self, node: Call) -> Closure:
        function = FUNCTIONS.get(node.function)
        if function is None:
            raise EvaluationError(f'there is no function "{node.function}"')
        arguments = tuple(self.build(argument) for argument in node.arguments)
        most = self._most_items

        def call(env: Env) -> Value:
            values = [argument(env) for argument in arguments]
            for value in values:
                if value.__class__ is list and len(value) > most:
                    raise EvaluationError(f"a list of over {most} items is too long here")
            return function(values, env)

        return call

    def _comparison(self, node: Comparison) -> Closure:
        left, right = self.build(node.left), self.build(node.right)
        if "in" in node.operator:
            return _membership(left, right, node.operator == "in", self._most_items)
        test = COMPARES[node.operator]
        match node.left, node.right:
            case Arithmetic(operator="-"), Arithmetic(operator="-"):
                pass
            case Arithmetic(operator="-", left=late, right=early), _:
                return _gap(node.operator, self.build(late), self.build(early), right, _compared(test, left, right))
            case _, Arithmetic(operator="-", left=late, right=early):
                return _gap(MIRRORED[node.operator], self.build(late), self.build(early), left, _compared(test, left, right))
        return _compared(test, left, right)


def is_calculation(node: Node) -> bool:
    """Tell whether a number from this part is made by the expression itself, and so known to be within the range."""
    return isinstance(node, Literal | Arithmetic) or (isinstance(node, Negative) and is_calculation(node.operand))


def _member_of_root(root: str, name: str) -> Closure:
    def read_field(env: Env) -> Value:
        base = env.get(root)
        return base.get(name) if isinstance(base, dict) else None

    return read_field


def _member_of_path(path: tuple[str, ...]) -> Closure:
    root, *names = path

    def read_path(env: Env) -> Value:
        value = env.get(root)
        for name in names:
            if not isinstance(value, dict):
                return None
            value = value.get(name)
        return cast(Value, value)

    return read_path


def _member(base: Closure, name: str) -> Closure:
    def read_field(env: Env) -> Value:
        value = base(env)
        return value.get(name) if isinstance(value, dict) else None

    return read_field


def _indexed(base: Closure, index: Closure) -> Closure:
    def read_item(env: Env) -> Value:
        whole, key = base(env), index(env)
        if isinstance(whole, dict):
            return whole.get(key) if isinstance(key, str) else None
        position = operand(key)
        if isinstance(position, float) and position.is_integer():
            position = int(position)
        if not isinstance(whole, list) or position.__class__ is not int:
            return None
        return whole[position] if -len(whole) <= position < len(whole) else None

    return read_item


def _negated(value: Closure) -> Closure:
    def negate(env: Env) -> Value:
        number = value(env)
        if number.__class__ in NUMBERS:
            return -cast(float, number)
        if isinstance(number, Money):
            return Money(-number.amount, number.currency)
        return negative(number) if isinstance(number, Duration) else None

    return negate


_CALCULATIONS: Final[dict[str, tuple[Numeric, Other]]] = {
    "+": (lambda left, right: settle(left + right), add),
    "-": (lambda left, right: settle(left - right), subtract),
    "*": (lambda left, right: settle(left * right), multiply),
    "/": (divide_numbers, divide),
    "%": (remainder_of_numbers, remainder),
}


def _calculated(operator: str, left: Closure, right: Closure) -> Closure:
    of_numbers, of_others = _CALCULATIONS[operator]

    def calculate(env: Env) -> Value:
        first, second = left(env), right(env)
        if first is None or second is None:
            return None
        if first.__class__ in NUMBERS and second.__class__ in NUMBERS:
            return of_numbers(cast(float, first), cast(float, second))
        return of_others(first, second, env)

    return calculate


def _compared(test: Compare, left: Closure, right: Closure) -> Closure:
    def compare_values(env: Env) -> Value:
        first, second = left(env), right(env)
        if first is None or second is None:
            return False
        if first.__class__ is second.__class__ and first.__class__ in _DIRECT:
            return test(first, second)
        return compare(test, first, second, env)

    return compare_values


def _gap(operator: str, late: Closure, early: Closure, span: Closure, otherwise: Closure) -> Closure:
    """`late - early < span`: months and business days have a length only on the calendar, so `late < early + span` is asked instead."""
    test = COMPARES[operator]

    def compare_gap(env: Env) -> Value:
        length = span(env)
        if not isinstance(length, Duration):
            return otherwise(env)
        end, start = late(env), early(env)
        both_dates = end.__class__ is date and start.__class__ is date
        if has_fixed_length(length):
            only_days = both_dates and not length.seconds
            return test((cast(date, end) - cast(date, start)).days, length.days) if only_days else otherwise(env)
        if not both_dates and not (isinstance(end, datetime) and isinstance(start, datetime)):
            return otherwise(env)
        limit = add(start, length, env)
        return limit is not None and compare(test, end, limit, env)

    return compare_gap


def _membership(left: Closure, right: Closure, wanted: bool, most: int) -> Closure:
    def look(env: Env) -> Value:
        value, items = left(env), right(env)
        if value is None or not isinstance(items, list):
            return False
        if len(items) > most:
            raise EvaluationError(f"a list of over {most} items is too long here")
        if value.__class__ is str:
            return (value in items) is wanted
        return any(same(item, value) for item in items) is wanted

    return look


def _joined(operator: str, operands: tuple[Closure, ...]) -> Closure:
    if len(operands) == 2:
        first, second = operands
        if operator == "and":
            return lambda env: first(env) is True and second(env) is True
        return lambda env: first(env) is True or second(env) is True
    if operator == "and":
        return lambda env: all(operand(env) is True for operand in operands)
    return lambda env: any(operand(env) is True for operand in operands)
