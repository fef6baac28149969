"""The functions of the language: names, arguments and result types."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final

from playbook_dsl.types import ANY, BOOL, DURATION, NUMBER, TEXT, Type

ORDERED: Final = frozenset({"number", "money", "date", "datetime", "duration"})
"""Kinds that have a least and a greatest."""


class WrongArgument(Exception):
    """An argument does not fit. `position` counts from 0; `wanted` is what would fit, in the author's words."""

    def __init__(self, position: int, wanted: str) -> None:
        super().__init__(f"argument {position + 1} must be {wanted}")
        self.position = position
        self.wanted = wanted


TypeRule = Callable[[tuple[Type, ...]], Type]


@dataclass(frozen=True)
class Signature:
    """A function: how it is written, how many arguments it takes, and the type of its result for given argument types.

    `result` raises `WrongArgument`. Argument types are never `missing` with a kind unknown: a value of unknown type comes as `any`.
    """

    form: str
    least: int
    most: int
    result: TypeRule


def _fits(given: Type, *kinds: str) -> bool:
    return given.kind in kinds or given.kind in ("any", "missing")


def _want(arguments: tuple[Type, ...], position: int, *kinds: str) -> Type:
    if not _fits(arguments[position], *kinds):
        raise WrongArgument(position, " or ".join(kinds))
    return arguments[position]


def join(first: Type, second: Type) -> Type | None:
    """Give the one type that holds values of both, None when there is none."""
    if first.kind == "missing":
        return second.maybe()
    if second.kind == "missing":
        return first.maybe()
    if "any" in (first.kind, second.kind):
        return Type("any", optional=first.optional or second.optional)
    if first.kind != second.kind:
        return None
    optional = first.optional or second.optional
    if first.kind == "list" and first.item and second.item:
        item = join(first.item, second.item)
        return None if item is None else Type("list", optional=optional, item=item)
    if first.kind == "record":
        return replace(first if first.fields == second.fields else Type("record", open=True), optional=optional)
    options = tuple(dict.fromkeys((*first.options, *second.options))) if first.options and second.options else ()
    return replace(first, optional=optional, options=options)


def _optional_like(result: Type, arguments: tuple[Type, ...]) -> Type:
    return result.maybe() if any(given.optional for given in arguments) else result


def _simple(result: Type, *wanted: tuple[str, ...]) -> TypeRule:
    """A function whose argument kinds are fixed and whose result is missing when an argument is."""

    def rule(arguments: tuple[Type, ...]) -> Type:
        for position in range(len(arguments)):
            _want(arguments, position, *wanted[position])
        return _optional_like(result, arguments)

    return rule


def _first_present(arguments: tuple[Type, ...]) -> Type:
    result = arguments[0]
    for position, given in enumerate(arguments[1:], start=1):
        joined = join(result, given)
        if joined is None:
            raise WrongArgument(position, str(result.present()))
        result = joined
    sure = any(not given.optional for given in arguments)
    return result.present() if sure and result.kind != "missing" else result


def _contains(arguments: tuple[Type, ...]) -> Type:
    whole = _want(arguments, 0, "text", "list")
    if whole.kind == "text":
        _want(arguments, 1, "text")
    elif whole.kind == "list" and whole.item and join(whole.item, arguments[1]) is None:
        raise WrongArgument(1, str(whole.item.present()))
    return BOOL


def _starts_with(arguments: tuple[Type, ...]) -> Type:
    _want(arguments, 0, "text")
    _want(arguments, 1, "text")
    return BOOL


def _round(arguments: tuple[Type, ...]) -> Type:
    value = _want(arguments, 0, "number", "money")
    if len(arguments) == 2:
        _want(arguments, 1, "number")
    return _optional_like(NUMBER if value.kind in ("any", "missing") else value.present(), arguments)


def _extreme(arguments: tuple[Type, ...]) -> Type:
    if len(arguments) == 1:
        whole = _want(arguments, 0, "list")
        item = (whole.item or ANY) if whole.kind == "list" else ANY
        if item.kind not in ORDERED and item.kind not in ("any", "missing"):
            raise WrongArgument(0, f"list of {' or '.join(sorted(ORDERED))}")
        return item.maybe()
    result = _want(arguments, 0, *sorted(ORDERED))
    for position in range(1, len(arguments)):
        joined = join(result, _want(arguments, position, *sorted(ORDERED)))
        if joined is None:
            raise WrongArgument(position, str(result.present()))
        result = joined
    return result


def _sum(arguments: tuple[Type, ...]) -> Type:
    whole = _want(arguments, 0, "list")
    item = (whole.item or ANY) if whole.kind == "list" else ANY
    if not _fits(item, "number", "money"):
        raise WrongArgument(0, "list of money or number")
    if item.kind == "money":
        return item.maybe()
    return _optional_like(NUMBER if item.kind in ("number", "missing") else ANY.maybe(), arguments)


def _truths(result: Type) -> TypeRule:
    def rule(arguments: tuple[Type, ...]) -> Type:
        if len(arguments) == 1 and arguments[0].kind == "list":
            item = arguments[0].item
            if item is not None and not _fits(item, "bool"):
                raise WrongArgument(0, "list of bool")
            return result
        for position in range(len(arguments)):
            _want(arguments, position, "bool")
        return result

    return rule


def _between(arguments: tuple[Type, ...]) -> Type:
    first = _want(arguments, 0, "date", "datetime")
    kinds = (first.kind,) if first.kind in ("date", "datetime") else ("date", "datetime")
    _want(arguments, 1, *kinds)
    return _optional_like(NUMBER, arguments)


def _percent_change(arguments: tuple[Type, ...]) -> Type:
    first = _want(arguments, 0, "money", "number")
    _want(arguments, 1, *((first.kind,) if first.kind in ("money", "number") else ("money", "number")))
    return NUMBER.maybe()


def _in_play(arguments: tuple[Type, ...]) -> Type:
    _want(arguments, 0, "text")
    return BOOL


_MANY: Final = 100

SIGNATURES: Final = {
    "all": Signature("all(list of bool)", 1, _MANY, _truths(BOOL)),
    "any": Signature("any(list of bool)", 1, _MANY, _truths(BOOL)),
    "business_days": Signature("business_days(n)", 1, 1, _simple(DURATION, ("number",))),
    "business_days_between": Signature("business_days_between(from, to)", 2, 2, _between),
    "coalesce": Signature("coalesce(first, second, ...)", 2, _MANY, _first_present),
    "contains": Signature("contains(text or list, part)", 2, 2, _contains),
    "count_true": Signature("count_true(list of bool)", 1, _MANY, _truths(NUMBER)),
    "days": Signature("days(n)", 1, 1, _simple(DURATION, ("number",))),
    "days_between": Signature("days_between(from, to)", 2, 2, _between),
    "default": Signature("default(value, instead)", 2, 2, _first_present),
    "in_play": Signature('in_play("playbook")', 1, 1, _in_play),
    "len": Signature("len(text or list)", 1, 1, _simple(NUMBER, ("list", "text"))),
    "lower": Signature("lower(text)", 1, 1, _simple(TEXT, ("text",))),
    "max": Signature("max(list) or max(a, b, ...)", 1, _MANY, _extreme),
    "min": Signature("min(list) or min(a, b, ...)", 1, _MANY, _extreme),
    "open_tasks": Signature("open_tasks()", 0, 0, _simple(NUMBER)),
    "percent_change": Signature("percent_change(old, new)", 2, 2, _percent_change),
    "round": Signature("round(number, digits)", 1, 2, _round),
    "starts_with": Signature("starts_with(text, beginning)", 2, 2, _starts_with),
    "sum": Signature("sum(list of number or money)", 1, 1, _sum),
    "upper": Signature("upper(text)", 1, 1, _simple(TEXT, ("text",))),
}
"""Every function of the language."""

FUNCTION_NAMES: Final = frozenset(SIGNATURES)
