"""Write a tree back as text, in one form for all spellings, with as few brackets as it needs."""

from decimal import Decimal
from typing import Final

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
)
from playbook_dsl.values import Duration, Money, Value

_IF, _OR, _AND, _NOT, _COMPARE, _SUM, _PRODUCT, _MINUS, _ATOM = range(9)
_DURATION_UNITS: Final = (
    ("months", (("month", 1),)),
    ("days", (("day", 1),)),
    ("business_days", (("business day", 1),)),
    ("working_seconds", (("working hour", 3600), ("working minute", 60), ("working second", 1))),
    ("seconds", (("hour", 3600), ("minute", 60), ("second", 1))),
)


def canonical(node: Node) -> str:
    """Give the one text of a tree; reading it gives the same tree again."""
    return _write(node)[0]


def _inside(node: Node, strength: int) -> str:
    text, own = _write(node)
    return text if own >= strength else f"({text})"


def _write(node: Node) -> tuple[str, int]:
    match node:
        case Literal(value=value):
            return write_value(value), _ATOM
        case Name(name=name):
            return name, _ATOM
        case Field(base=base, name=name):
            return f"{_inside(base, _ATOM)}.{name}", _ATOM
        case Index(base=base, index=index):
            return f"{_inside(base, _ATOM)}[{_inside(index, _IF)}]", _ATOM
        case Items(items=items):
            return f"[{', '.join(_inside(item, _IF) for item in items)}]", _ATOM
        case Call(function=function, arguments=arguments):
            return f"{function}({', '.join(_inside(argument, _IF) for argument in arguments)})", _ATOM
    return _write_operation(node)


def _write_operation(node: Node) -> tuple[str, int]:
    match node:
        case Negative(operand=operand):
            return f"-{_inside(operand, _MINUS)}", _MINUS
        case Not(operand=operand):
            return f"not {_inside(operand, _NOT)}", _NOT
        case Arithmetic(operator=operator, left=left, right=right):
            strength = _SUM if operator in "+-" else _PRODUCT
            return f"{_inside(left, strength)} {operator} {_inside(right, strength + 1)}", strength
        case Comparison(operator=operator, left=left, right=right):
            return f"{_inside(left, _SUM)} {operator} {_inside(right, _SUM)}", _COMPARE
        case IsMissing(operand=operand, negated=negated):
            return f"{_inside(operand, _SUM)} is {'not ' if negated else ''}missing", _COMPARE
        case Logic(operator=operator, operands=operands):
            strength = _AND if operator == "and" else _OR
            return f" {operator} ".join(_inside(operand, strength + 1) for operand in operands), strength
        case IfElse(condition=condition, then=then, otherwise=otherwise):
            return f"{_inside(then, _OR)} if {_inside(condition, _OR)} else {_inside(otherwise, _IF)}", _IF
    raise TypeError(f"{type(node).__name__} is no part of an expression")


def write_value(value: Value) -> str:
    """Give the literal that stands for a value."""
    match value:
        case None:
            return "missing"
        case bool():
            return "true" if value else "false"
        case str():
            return _write_text(value)
        case Money(amount=amount, currency=currency):
            return f"{write_decimal(amount)} {currency}"
        case Duration():
            return _write_duration(value)
        case int() | float():
            return write_decimal(Decimal(repr(value)))
    return str(value)


def _write_text(value: str) -> str:
    escaped = value.replace("\\", "\\\\").replace("\n", "\\n").replace("\t", "\\t")
    return f"'{escaped}'" if '"' in value and "'" not in value else '"' + escaped.replace('"', '\\"') + '"'


def write_decimal(amount: Decimal) -> str:
    """Give a number in plain digits, without an exponent and without zeros that say nothing."""
    text = f"{amount:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def _write_duration(span: Duration) -> str:
    """A literal has one unit, so that one of the parts is all there is."""
    for part, units in _DURATION_UNITS:
        amount = Decimal(repr(getattr(span, part)))
        for unit, size in units:
            if amount and (amount % size == 0 or unit == "second"):
                count = amount / size
                return f"{write_decimal(count)} {unit}{'' if count == 1 else 's'}"
    return "0 days"
