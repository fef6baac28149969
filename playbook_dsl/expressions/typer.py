"""Give every part of a tree its type, and report what does not fit."""

from datetime import date
from typing import Final

from playbook_dsl.expressions.comparing import check_comparison, check_membership
from playbook_dsl.expressions.narrowing import NONE, Paths, present_when
from playbook_dsl.expressions.problems import Problem, did_you_mean, near_or_all
from playbook_dsl.expressions.scope import Scope
from playbook_dsl.expressions.signatures import SIGNATURES, WrongArgument, join
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
    path_of,
)
from playbook_dsl.expressions.typing_rules import hint_for, result_of
from playbook_dsl.types import ANY, BOOL, DATE, DURATION, MISSING, MONEY, NUMBER, TEXT, Type, list_of
from playbook_dsl.values import Duration, Money, Value

_YES_OR_NO: Final = {"yes": "write true", "no": "write false"}


class Typer:
    """Walks a tree once. A part whose mistake is reported has no type (None), and nothing more is said because of it."""

    def __init__(self, scope: Scope) -> None:
        self._scope = scope
        self.problems: list[Problem] = []
        self.types: dict[Node, Type] = {}
        self._present: Paths = NONE

    def type_of(self, node: Node) -> Type | None:
        """Give the type of a part, reporting on it and all below it."""
        found = self._find(node)
        if found is not None:
            found = found.present() if found.optional and path_of(node) in self._present else found
            self.types[node] = found
        return found

    def _find(self, node: Node) -> Type | None:
        match node:
            case Literal(value=value):
                return type_of_value(value)
            case Name():
                return self._name(node)
            case Field():
                return self._field(node)
            case Index():
                return self._index(node)
            case Items(items=items):
                return self._items(node, [(item, self.type_of(item)) for item in items])
            case Call():
                return self._call(node)
        return self._operation(node)

    def _operation(self, node: Node) -> Type | None:
        match node:
            case Negative(operand=operand):
                return self._negative(node, self.type_of(operand))
            case Arithmetic():
                return self._arithmetic(node)
            case Comparison(left=left, right=right):
                sides = self.type_of(left), self.type_of(right)
                inspect = check_membership if "in" in node.operator else check_comparison
                self.problems.extend(inspect(node, *sides))
            case Not(operand=operand):
                self._condition(operand)
            case Logic(operator=operator, operands=operands):
                self._each_condition(operands, holds=operator == "and")
            case IsMissing(operand=operand):
                self._is_missing(node, self.type_of(operand))
            case IfElse():
                return self._if_else(node)
        return BOOL

    def _report(self, code: str, message: str, node: Node, hint: str | None = None, severity: str = "error") -> None:
        self.problems.append(Problem(code, message, node.offset, node.length, hint, severity))

    def _name(self, node: Name) -> Type | None:
        found = self._scope.type_of(node.name)
        if found is not None:
            return found
        why = self._scope.why_missing.get(node.name)
        if why is not None:
            self._report("PB217", why, node)
        elif node.name in self._scope.functions:
            self._report("PB226", f'"{node.name}" is a function', node, f"write {SIGNATURES[node.name].form}")
        else:
            legal = sorted({*self._scope.names, "now", "today", "true", "false", "missing"})
            hint = self._as_field(node.name) or _YES_OR_NO.get(node.name.lower()) or did_you_mean(node.name, legal)
            hint = hint or "put quotes around a text"
            self._report("PB201", f'there is no "{node.name}" here', node, hint)
        return None

    def _as_field(self, name: str) -> str | None:
        owners = sorted(root for root, kind in self._scope.names.items() if name in kind.fields)
        return f'did you mean "{owners[0]}.{name}"?' if owners else None

    def _field(self, node: Field) -> Type | None:
        why = self._scope.why_missing.get(".".join(path_of(node) or ()))
        if why is not None and isinstance(node.base, Name) and self._scope.type_of(node.base.name) is None:
            self.problems.append(Problem("PB217", why, node.name_offset, len(node.name)))
            return None
        base = self.type_of(node.base)
        if base is None:
            return None
        return self._member(base, node.name, (node.name_offset, len(node.name)), node)

    def _member(self, base: Type, name: str, place: tuple[int, int], node: Node) -> Type | None:
        if base.kind == "any":
            return ANY.maybe()
        path = path_of(node) or (name,)
        found = base.fields.get(name) if base.kind == "record" else None
        if found is not None:
            return found.maybe() if base.optional else found
        why = self._scope.why_missing.get(".".join(path))
        if why is not None:
            self.problems.append(Problem("PB217", why, *place))
        elif base.kind == "record" and base.open:
            return ANY.maybe()
        elif base.kind == "record":
            owner = ".".join(path[:-1]) or "this record"
            self.problems.append(Problem("PB202", f'"{owner}" has no "{name}"', *place, near_or_all(name, base.fields)))
        else:
            hint = f"name one item first: {'.'.join(path[:-1])}[0].{name}" if base.kind == "list" and len(path) > 1 else None
            self.problems.append(Problem("PB202", f'{base.present()} has no fields, so no "{name}"', *place, hint))
        return None

    def _index(self, node: Index) -> Type | None:
        base, index = self.type_of(node.base), self.type_of(node.index)
        if base is None or index is None:
            return None
        if base.kind == "any":
            return ANY.maybe()
        wanted = {"list": "number", "record": "text"}.get(base.kind)
        if wanted is None:
            self._report("PB312", f"{base} has no items", node.base)
            return None
        if index.kind not in (wanted, "any"):
            self._report("PB312", f"an item of a {base.kind} is named by {wanted}, not by {index}", node.index)
            return None
        if base.kind == "list":
            return (base.item or ANY).maybe()
        if isinstance(node.index, Literal) and isinstance(node.index.value, str):
            return self._member(base, node.index.value, (node.index.offset, node.index.length), node)
        return self._any_field(base)

    def _any_field(self, base: Type) -> Type:
        """The type of `record[text]` when the text is not known before."""
        result: Type | None = None
        for field in base.fields.values():
            result = field if result is None else join(result, field)
            if result is None:
                break
        return ANY.maybe() if result is None or base.open else result.maybe()

    def _items(self, node: Items, items: list[tuple[Node, Type | None]]) -> Type | None:
        result: Type = MISSING
        sure = True
        for item, kind in items:
            if kind is None:
                return None
            sure = sure and not kind.optional
            joined = join(result, kind)
            if joined is None:
                self._report("PB311", f"a list holds one type, but this is {kind.present()} after {result.present()}", item)
                return None
            result = joined
        return list_of(result.present() if sure and items else result)

    def _call(self, node: Call) -> Type | None:
        given = [self.type_of(argument) for argument in node.arguments]
        signature = SIGNATURES.get(node.function) if node.function in self._scope.functions else None
        if signature is None:
            self._unknown_function(node)
            return None
        if not signature.least <= len(given) <= signature.most:
            self._report("PB218", f'"{node.function}" cannot take {_count(len(given))}', node, f"write {signature.form}")
            return None
        known = tuple(kind for kind in given if kind is not None)
        if len(known) != len(given):
            return None
        try:
            return signature.result(known)
        except WrongArgument as wrong:
            argument = node.arguments[wrong.position]
            message = f'"{node.function}" needs {wrong.wanted} here, but this is {known[wrong.position]}'
            self._report("PB304", message, argument, f"write {signature.form}")
            return None

    def _unknown_function(self, node: Call) -> None:
        place = Name(node.offset, len(node.function), node.function)
        if node.function in SIGNATURES:
            self._report("PB217", f'"{node.function}" cannot be asked here', place)
        elif self._scope.type_of(node.function) is not None:
            self._report("PB226", f'"{node.function}" is not a function', place)
        else:
            self._report("PB203", f'there is no function "{node.function}"', place, near_or_all(node.function, self._scope.functions))

    def _negative(self, node: Negative, operand: Type | None) -> Type | None:
        if operand is None or operand.kind in ("number", "money", "duration", "any", "missing"):
            return operand
        self._report("PB302", f"{operand} has no minus", node)
        return None

    def _arithmetic(self, node: Arithmetic) -> Type | None:
        left, right = self.type_of(node.left), self.type_of(node.right)
        if left is None or right is None:
            return None
        result = result_of(left, node.operator, right)
        if result is None:
            hint = 'put them into a text: "{{ a }} {{ b }}"' if "text" in (left.kind, right.kind) else hint_for(left, right)
            self._report("PB302", f'"{node.operator}" does not work with {left.present()} and {right.present()}', node, hint)
            return None
        self._check_operands(node, left, right)
        by_zero = node.operator in "/%" and not (isinstance(node.right, Literal) and node.right.value)
        return result.maybe() if left.optional or right.optional or by_zero else result

    def _check_operands(self, node: Arithmetic, left: Type, right: Type) -> None:
        match node.left, node.right:
            case Literal(value=Money(currency=first)), Literal(value=Money(currency=second)) if first != second:
                self._report("PB307", f'"{first}" and "{second}" are different currencies', node)
            case _, Literal(value=Duration() as span) if left.kind == "date" and (span.seconds or span.working_seconds):
                hint = "use now, or whole days"
                self._report("PB320", "a date has no time of day; only whole days of this count", node.right, hint, "warning")

    def _condition(self, node: Node) -> None:
        found = self.type_of(node)
        if found is None or found.kind in ("bool", "any", "missing"):
            return
        hint = "compare it with something; instead of a missing value write default(value, instead)"
        self._report("PB303", f"a condition must stand here, but this is {found.present()}", node, hint)

    def _each_condition(self, operands: tuple[Node, ...], *, holds: bool) -> None:
        """What stands behind `and` is looked at only where all before held, behind `or` where none did."""
        before = self._present
        for operand in operands:
            self._condition(operand)
            self._present |= present_when(operand, holds)
        self._present = before

    def _type_where(self, condition: Node, answer: bool, node: Node) -> Type | None:
        before = self._present
        self._present |= present_when(condition, answer)
        found = self.type_of(node)
        self._present = before
        return found

    def _is_missing(self, node: IsMissing, operand: Type | None) -> None:
        if operand is not None and not operand.optional and operand.kind != "any":
            answer = "always true" if node.negated else "never true"
            self._report("PB314", f"this is {answer}: the value is never missing", node, None, "warning")

    def _if_else(self, node: IfElse) -> Type | None:
        self._condition(node.condition)
        then = self._type_where(node.condition, True, node.then)
        otherwise = self._type_where(node.condition, False, node.otherwise)
        if then is None or otherwise is None:
            return None
        result = join(then, otherwise)
        if result is None:
            self._report("PB310", f"this is {otherwise.present()}, but the other result is {then.present()}", node.otherwise)
        return result


def type_of_value(value: Value) -> Type:
    """Give the type of a literal."""
    match value:
        case None:
            return MISSING
        case bool():
            return BOOL
        case int() | float():
            return NUMBER
        case str():
            return TEXT
        case Money():
            return MONEY
        case Duration():
            return DURATION
        case date():
            return DATE
    return ANY


def _count(number: int) -> str:
    return f"{number or 'no'} argument{'' if number == 1 else 's'}"
