"""Turn a condition over accounts into a WHERE clause, with the same answer for every account as in memory."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final

from sqlalchemy import ARRAY, JSON, Boolean, ColumnElement, LargeBinary, Text, and_, any_, case, false, func, literal, not_, or_, true
from sqlalchemy import cast as cast_to

from playbook_dsl.expressions.check import check
from playbook_dsl.expressions.environment import BusinessCalendar, Env
from playbook_dsl.expressions.evaluate import EvaluationError, closure, is_calculation
from playbook_dsl.expressions.operations import MIRRORED
from playbook_dsl.expressions.problems import Problem
from playbook_dsl.expressions.read import read
from playbook_dsl.expressions.scope import CLOCK_NAMES, Scope
from playbook_dsl.expressions.sql_calculations import backwards, calculate, gap_as_limit, negated, shifted
from playbook_dsl.expressions.sql_functions import call_condition, call_value
from playbook_dsl.expressions.sql_terms import (
    MOST_PARTS,
    Cannot,
    Condition,
    Element,
    Term,
    as_kind,
    as_numeric,
    bounded,
    cannot,
    column_term,
    constant,
    finite,
    is_present,
)
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
from playbook_dsl.expressions.typer import Typer
from playbook_dsl.types import BOOL, Type
from playbook_dsl.values import Duration, Value

Column = Callable[[tuple[str, ...]], Element | None]
_ASKS_THE_ROW: Final = frozenset({"in_play", "open_tasks"})


@dataclass(frozen=True)
class CannotLower:
    """Why an expression is no query: its mistakes, or the parts that cannot be turned."""

    problems: tuple[Problem, ...]


def lower(
    source: str,
    scope: Scope,
    column: Column,
    *,
    now: datetime,
    today: date,
    zone: str = "UTC",
    calendar: BusinessCalendar | None = None,
) -> ColumnElement[bool] | CannotLower:
    """Give the condition as SQL for PostgreSQL. In a WHERE clause NULL is no; elsewhere wrap it in coalesce(…, false).

    Args:
        source: a condition; anything `check` refuses gives its problems.
        scope: the names of the audience and their types.
        column: gives the column of a path, None when there is none. JSON columns may hold the JSON form of `playbook_dsl.values`. Money
            is asked for as its path (the amount) and its path with `currency` behind (the account's currency when None).
            A column of bytes is a sealed one, of which only whether it is missing can be asked.
            `in_play("x")` is asked for as `("in_play()", "x")`, `open_tasks()` as `("open_tasks()",)`.
        now: aware; with `today` fixed for the whole query.
        today: the date of `now` in the team's zone.
        zone: the zone whose days `now + 3 days` means.
        calendar: business days for spans that begin today or now.
    """
    checked = check(source, scope, expects=BOOL)
    tree = read(source).tree
    if checked.errors or tree is None:
        return CannotLower(checked.errors)
    typer = Typer(scope)
    typer.type_of(tree)
    env: dict[str, object] = {"now": now, "today": today, "$zone": zone, "$calendar": calendar}
    lowering = _Lowering(typer.types, column, env)
    try:
        condition = lowering.condition(tree, strict=False)
    except Cannot as refused:
        lowering.problems.append(refused.problem)
        condition = false()
    if lowering.problems:
        return CannotLower(tuple(sorted(lowering.problems, key=lambda problem: problem.offset)))
    return condition


class _Lowering:
    def __init__(self, types: dict[Node, Type], column: Column, env: Env) -> None:
        self._types = types
        self._column = column
        self._env = env
        self._parts = 0
        self._constants: dict[Node, bool] = {}
        self.problems: list[Problem] = []

    # Conditions: `strict` ones are never NULL. The others may be where NULL means no, which lets an index serve them.

    def condition(self, node: Node, *, strict: bool) -> Condition:
        if self._is_constant(node):
            return true() if self._known(node) is True else false()
        match node:
            case Logic(operator=operator, operands=operands):
                parts = list(self._each(operands, strict=strict))
                return and_(true(), *parts) if operator == "and" else or_(false(), *parts)
            case Not(operand=operand):
                return not_(self.condition(operand, strict=True))
            case Comparison():
                return _settled(self._comparison(node), strict=strict)
            case IsMissing(operand=operand, negated=asks_presence):
                there = is_present(self._sealed(operand) or self.value(operand))
                return there if asks_presence else not_(there)
            case Call():
                answer = call_condition(self, node)
                if answer is not None:
                    return answer
        return self._bool_value(node, strict=strict)

    def _each(self, operands: tuple[Node, ...], *, strict: bool) -> Iterator[Condition]:
        """Go on after a part that cannot be turned, so that all of them are named."""
        for operand in operands:
            try:
                yield self.condition(operand, strict=strict)
            except Cannot as refused:
                self.problems.append(refused.problem)

    def _bool_value(self, node: Node, *, strict: bool) -> Condition:
        term = as_kind(node, self._value(node), "bool")
        return _settled(cast_to(term.element, Boolean) if term.kind != "bool" else term.element, strict=strict)

    # Values

    def value(self, node: Node) -> Term:
        if self._is_constant(node):
            term = constant(self._known(node))
            if term is None:
                cannot(node, "a list or record cannot stand here in a query")
            return term
        kind = self._types[node].kind
        if kind == "bool" and isinstance(node, Logic | Not | Comparison | IsMissing | Call):
            answer = call_condition(self, node) if isinstance(node, Call) else self.condition(node, strict=True)
            if answer is not None:
                return Term(func.coalesce(answer, false()), "bool", 8)
        term = self._value(node)
        self._parts += 1
        if term.size > MOST_PARTS or self._parts > MOST_PARTS:
            cannot(node, "this calculation is too long for a query", "PB333", "write fewer operations")
        return term

    def _value(self, node: Node) -> Term:
        match node:
            case Name() | Field() | Index():
                return self._column_value(node)
            case Negative(operand=operand):
                return negated(node, self._operand(operand))
            case Arithmetic():
                return self._arithmetic(node)
            case IfElse():
                return self._if_else(node)
            case Call(function="in_play", arguments=(Literal(value=str(slug)),)):
                return self._row_value(node, ("in_play()", slug), "bool")
            case Call(function="open_tasks"):
                return self._row_value(node, ("open_tasks()",), "number")
            case Call():
                return call_value(self, node)
        cannot(node, "this cannot be turned into a query")

    def _row_value(self, node: Node, path: tuple[str, ...], kind: str) -> Term:
        element = self._column(path)
        if element is None:
            cannot(node, f'"{".".join(path)}" cannot be asked of the database', "PB331")
        return column_term(element, kind, None)

    def _column_value(self, node: Node) -> Term:
        path = path_of(node)
        element = None if path is None else self._column(path)
        if path is None or element is None:
            name = "this" if path is None else f'"{".".join(path)}"'
            cannot(node, f"{name} cannot be asked of the database, so an audience cannot use it", "PB331")
        if isinstance(element.type, LargeBinary):
            hint = f"ask whether it is there ({'.'.join(path)} is missing), or decide by it in a step of the play"
            cannot(node, f'"{".".join(path)}" is kept encrypted, so an audience cannot look at what it says', "PB331", hint)
        kind = self._types[node].kind
        term = column_term(element, kind, self._currency((*path, "currency")) if kind == "money" else None)
        if kind == "money" and term.currency is None:
            cannot(node, f'the currency of "{".".join(path)}" is not known to the database', "PB331")
        return term

    def _sealed(self, node: Node) -> Term | None:
        """Give a column of which nothing but its presence can be asked; None when it is another."""
        path = path_of(node)
        element = None if path is None else self._column(path)
        return Term(element, "bytes") if element is not None and isinstance(element.type, LargeBinary) else None

    def _currency(self, path: tuple[str, ...]) -> Element | None:
        found = self._column(path)
        found = self._column(("account", "currency")) if found is None else found
        return None if found is None else column_term(found, "text", None).element

    def _operand(self, node: Node) -> Term:
        term = self.value(node)
        kind = self._types[node].kind
        if term.kind == "json" and kind == "any":
            return term
        return term if is_calculation(node) or self._is_constant(node) else finite(bounded(term))

    def _arithmetic(self, node: Arithmetic) -> Term:
        for moment, span in ((node.left, node.right), (node.right, node.left)):
            if self._types[moment].kind in ("date", "datetime") and self._is_constant(span):
                length = self._known(span)
                if isinstance(length, Duration):
                    term = finite(self.value(moment))
                    return shifted(node, term, backwards(length, node.operator), str(self._env["$zone"]))
        left, right = self._operand(node.left), self._operand(node.right)
        if left.kind == "json" or right.kind == "json":
            left, right = self._with_types(node, left, right)
        return calculate(node, left, right)

    def _with_types(self, node: Arithmetic, left: Term, right: Term) -> tuple[Term, Term]:
        """A JSON value in a calculation counts as a number beside a number, and is refused elsewhere."""
        if {left.kind, right.kind} != {"json", "number"} or node.operator == "*":
            cannot(node, "the type of this is not known, so it cannot be asked of the database", hint="declare the field with its type")
        return bounded(as_kind(node.left, left, "number")), bounded(as_kind(node.right, right, "number"))

    def _if_else(self, node: IfElse) -> Term:
        kind = self._types[node].kind
        test = self.condition(node.condition, strict=False)
        then, otherwise = (as_kind(part, self.value(part), kind) for part in (node.then, node.otherwise))
        if kind in ("any", "list", "record", "duration"):
            cannot(node, f"an if-else between values of type {kind} cannot be turned into a query")
        currency = case((test, then.currency), else_=otherwise.currency) if kind == "money" else None
        return Term(case((test, then.element), else_=otherwise.element), kind, then.size + otherwise.size + 8, currency)

    # Comparisons: NULL when a side is missing

    def _comparison(self, node: Comparison) -> Condition:
        if "in" in node.operator:
            found = self.membership(node, node.left, node.right)
            return not_(found) if node.operator == "not in" else found
        for gap, span, operator in ((node.left, node.right, node.operator), (node.right, node.left, MIRRORED[node.operator])):
            answer = self._gap(gap, span, operator)
            if answer is not None:
                return answer
        return self._compare(node, node.operator, self.value(node.left), self.value(node.right))

    def _gap(self, gap: Node, span: Node, operator: str) -> Condition | None:
        """`late - early < span` as `late < early + span`, as in memory where the span has no fixed length; see `evaluate`."""
        if not (isinstance(gap, Arithmetic) and gap.operator == "-" and self._is_constant(span)):
            return None
        if isinstance(span, Arithmetic) and span.operator == "-":
            return None
        length = self._known(span)
        kind = self._types[gap.left].kind
        if not isinstance(length, Duration) or kind not in ("date", "datetime") or self._types[gap.right].kind != kind:
            return None
        early_known, late_known = self._is_constant(gap.right), self._is_constant(gap.left)
        if not gap_as_limit(length, kind):
            if length.seconds and not (length.months or length.business_days or length.working_seconds):
                return None
            return self._compare(gap, operator, self.value(gap.left), self._limit(gap.right, length, early_known, kind))
        return self._fixed_gap(gap, length, operator, early_known=early_known, late_known=late_known)

    def _limit(self, early: Node, length: Duration, known: bool, kind: str) -> Term:
        if not known:
            return shifted(early, finite(self.value(early)), length, str(self._env["$zone"]))
        step = Arithmetic(early.offset, early.length, "+", early, Literal(early.offset, early.length, length))
        return as_kind(early, constant(closure(step)(self._env)) or Term(literal(None), "missing"), kind)

    def _fixed_gap(self, gap: Arithmetic, length: Duration, operator: str, *, early_known: bool, late_known: bool) -> Condition | None:
        fixed = Duration(seconds=length.days * 86_400 + length.seconds) if self._types[gap.left].kind == "datetime" else length
        known, other = (gap.right, gap.left) if early_known else (gap.left, gap.right)
        if not early_known and not late_known:
            return None
        sign = "+" if early_known else "-"
        step = Arithmetic(gap.offset, gap.length, sign, known, Literal(gap.offset, gap.length, fixed))
        limit = closure(step)(self._env)
        if limit is None:
            return None
        term = constant(limit)
        return None if term is None else self._compare(gap, operator if early_known else MIRRORED[operator], self.value(other), term)

    def _compare(self, node: Node, operator: str, left: Term, right: Term) -> Condition:
        kinds = {left.kind, right.kind}
        if kinds == {"json"}:
            cannot(node, "the types of these are not known, so they cannot be compared in a query", hint="declare the field with its type")
        if kinds == {"json", "money"}:
            cannot(node, "the type of this is not known, so it cannot be compared with money", hint="declare the field with its type")
        left, right = (
            as_kind(node, term, other.kind) if term.kind in ("json", "missing") else term for term, other in ((left, right), (right, left))
        )
        if "money" in kinds:
            return self._compare_money(operator, left, right)
        if left.kind == "text" and operator not in ("==", "!="):
            return _operation(operator, left.element.collate("C"), right.element)
        return _operation(operator, left.element, right.element)

    def _compare_money(self, operator: str, left: Term, right: Term) -> Condition:
        amounts = _operation(operator, as_numeric(left), as_numeric(right))
        if left.kind == right.kind:
            same_currency = true() if left.currency is None or left.currency is right.currency else left.currency == right.currency
            return and_(same_currency, amounts)
        money = left if left.kind == "money" else right
        own = self._currency(("account", "currency"))
        if own is None or money.currency is None:
            return amounts
        return and_(or_(own.is_(None), own == money.currency), amounts)

    def membership(self, node: Node, value: Node, items: Node) -> Condition:
        """Give whether `items` holds `value`; NULL when either is missing."""
        if self._is_constant(items):
            return self._in_known(node, value, items)
        if isinstance(items, Items):
            sought = self.value(value)
            parts = [func.coalesce(self._compare(node, "==", sought, self.value(item)), False) for item in items.items]
            return case((is_present(sought), or_(false(), *parts)))
        return self._in_column(node, self.value(value), items)

    def _in_known(self, node: Node, value: Node, items: Node) -> Condition:
        known = self._known(items)
        if not isinstance(known, list):
            return cast_to(literal(None), Boolean)
        sought = self.value(value)
        terms = [term for item in known if item is not None and (term := constant(item)) is not None]
        if sought.kind in ("text", "date", "datetime", "number") and all(term.kind == sought.kind for term in terms) and terms:
            return sought.element.in_([term.element for term in terms])
        parts = [func.coalesce(self._compare(node, "==", sought, term), False) for term in terms]
        return case((is_present(sought), or_(false(), *parts)))

    def _in_column(self, node: Node, sought: Term, items: Node) -> Condition:
        whole = self.value(items)
        if sought.kind != "text" or whole.kind != "list":
            cannot(node, "only a text can be looked for in a list of each account")
        if isinstance(whole.element.type, ARRAY):
            found = func.coalesce(sought.element == any_(whole.element), False)
            return case((and_(sought.element.is_not(None), whole.element.is_not(None)), found))
        if isinstance(whole.element.type, JSON):
            return whole.element.op("@>", return_type=Boolean())(func.to_jsonb(cast_to(sought.element, Text)))
        cannot(items, "this list cannot be asked of the database")

    # Constants: parts that read no account are worked out before the query runs

    def _is_constant(self, node: Node) -> bool:
        known = self._constants.get(node)
        if known is None:
            known = all(self._is_constant(child) for child in children(node))
            if isinstance(node, Name):
                known = node.name in CLOCK_NAMES
            elif isinstance(node, Call) and node.function in _ASKS_THE_ROW:
                known = False
            elif isinstance(node, Comparison):
                known = known and not self._reads_currency(node)
            self._constants[node] = known
        return known

    def _reads_currency(self, node: Comparison) -> bool:
        return {self._types[node.left].kind, self._types[node.right].kind} == {"money", "number"}

    def _known(self, node: Node) -> Value:
        try:
            return closure(node)(self._env)
        except EvaluationError as error:
            cannot(node, str(error))


def _settled(condition: Condition, *, strict: bool) -> Condition:
    return func.coalesce(condition, false()) if strict else condition


def _operation(operator: str, left: Element, right: Element) -> Condition:
    match operator:
        case "==":
            return left == right
        case "!=":
            return left != right
        case "<":
            return left < right
        case "<=":
            return left <= right
        case ">":
            return left > right
    return left >= right
