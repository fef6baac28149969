"""Read a source into a tree. The grammar is Python's, cut down to the nodes of the language."""

import ast
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from threading import RLock
from typing import Any, Final, NoReturn

from playbook_dsl.expressions.problems import Problem
from playbook_dsl.expressions.scan import Scanned, scan
from playbook_dsl.expressions.shape import Shape
from playbook_dsl.expressions.signatures import SIGNATURES
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

MOST_CHARACTERS: Final = 2_000
MOST_LEVELS: Final = 40

_ARITHMETIC: Final[dict[type[ast.operator], str]] = {ast.Add: "+", ast.Sub: "-", ast.Mult: "*", ast.Div: "/", ast.Mod: "%"}
_COMPARISON: Final[dict[type[ast.cmpop], str]] = {
    ast.Eq: "==",
    ast.NotEq: "!=",
    ast.Lt: "<",
    ast.LtE: "<=",
    ast.Gt: ">",
    ast.GtE: ">=",
    ast.In: "in",
    ast.NotIn: "not in",
}
# Before 3.13 Python counts the depth of all conversions to `ast` nodes in one place: two threads of a worker that parse at once end in
# `SystemError: AST constructor recursion depth mismatch`. Reentrant, because a finalizer may run in between.
_ONE_AT_A_TIME: Final = RLock()


@dataclass(frozen=True)
class Read:
    """A tree, or the problems because of which there is none."""

    tree: Node | None
    problems: tuple[Problem, ...] = ()


class _Refused(Exception):
    def __init__(self, problem: Problem) -> None:
        self.problem = problem


@lru_cache(maxsize=4096)
def read(source: str) -> Read:
    """Read `source`. Never raises; there is a tree or at least one problem."""
    if not source.strip():
        return Read(None, (Problem("PB221", "an expression must stand here", 0, len(source)),))
    if len(source) > MOST_CHARACTERS:
        message = f"the expression has {len(source)} characters; {MOST_CHARACTERS} is the most"
        return Read(None, (Problem("PB219", message, 0, len(source), "name a part of it in a `set` step"),))
    scanned = scan(source)
    if scanned.problems:
        return Read(None, tuple(scanned.problems))
    problem = Shape(source, scanned).first_problem()
    if problem is not None:
        return Read(None, (problem,))
    try:
        return Read(_Reader(source, scanned).read(parse_alone(scanned.masked.strip())))
    except SyntaxError as error:
        return Read(None, (_unreadable(source, scanned, error),))
    except (RecursionError, MemoryError, ValueError):
        return Read(None, (_too_deep(0, len(source)),))
    except _Refused as refused:
        return Read(None, (refused.problem,))


def parse_alone(text: str) -> ast.expr:
    """Let Python parse an expression while no other thread of this process does.

    Raises:
        SyntaxError, RecursionError, MemoryError, ValueError: as `ast.parse` does.
    """
    with _ONE_AT_A_TIME:
        try:
            return ast.parse(text, mode="eval").body
        except SystemError:  # a finalizer ran in between and parsed something itself; it has run now
            return ast.parse(text, mode="eval").body


def _too_deep(offset: int, length: int) -> Problem:
    return Problem("PB220", f"the expression is nested more than {MOST_LEVELS} deep", offset, length, "name a part of it in a `set` step")


def _unreadable(source: str, scanned: Scanned, error: SyntaxError) -> Problem:
    """Say at which token the parser stopped; its own words are about another language."""
    start = len(source) - len(source.lstrip()) + max((error.offset or 1) - 1, 0)
    token = next((token for token in scanned.tokens if token.end > start), scanned.tokens[-1])
    if any(later.text == "if" for later in scanned.tokens) and not any(later.text == "else" for later in scanned.tokens):
        token = next(later for later in scanned.tokens if later.text == "if")
        return Problem("PB211", '"if" needs an "else"', token.offset, 2, "write a if condition else b")
    hint = "put brackets around the part with not" if token.text == "not" else None
    return Problem("PB211", f'the expression cannot be read at "{token.text[:30]}"', token.offset, len(token.text), hint)


class _Reader:
    """Turns Python's tree into ours and refuses what the language has not."""

    def __init__(self, source: str, scanned: Scanned) -> None:
        self._source = source
        self._scanned = scanned
        self._start = len(source) - len(source.lstrip())

    def read(self, node: ast.expr, level: int = 1) -> Node:
        offset, length = self._place(node)
        if level > MOST_LEVELS:
            raise _Refused(_too_deep(offset, length))
        rule = _RULES.get(type(node))
        if rule is None:
            self._refuse(node, "this is not part of expressions")
        return rule(self, node, level + 1, offset, length)

    def name(self, node: ast.expr, level: int, offset: int, length: int) -> Node:
        if offset in self._scanned.literals:
            return Literal(offset, length, self._scanned.literals[offset])
        name = self._scanned.renamed[offset]
        self._check_hidden(name, offset)
        return Name(offset, length, name)

    def field(self, node: ast.Attribute, level: int, offset: int, length: int) -> Node:
        base = self.read(node.value, level)
        name_offset = offset + length - len(node.attr)
        name = self._scanned.renamed[name_offset]
        self._check_hidden(name, name_offset)
        return Field(offset, length, base, name, name_offset)

    def index(self, node: ast.Subscript, level: int, offset: int, length: int) -> Node:
        return Index(offset, length, self.read(node.value, level), self.read(node.slice, level))

    def items(self, node: ast.List, level: int, offset: int, length: int) -> Node:
        return Items(offset, length, tuple(self.read(item, level) for item in node.elts))

    def if_else(self, node: ast.IfExp, level: int, offset: int, length: int) -> Node:
        return IfElse(offset, length, self.read(node.test, level), self.read(node.body, level), self.read(node.orelse, level))

    def unary(self, node: ast.UnaryOp, level: int, offset: int, length: int) -> Node:
        operand = self.read(node.operand, level)
        return Not(offset, length, operand) if isinstance(node.op, ast.Not) else Negative(offset, length, operand)

    def arithmetic(self, node: ast.BinOp, level: int, offset: int, length: int) -> Node:
        return Arithmetic(offset, length, _ARITHMETIC[type(node.op)], self.read(node.left, level), self.read(node.right, level))

    def logic(self, node: ast.BoolOp, level: int, offset: int, length: int) -> Node:
        operator = "and" if isinstance(node.op, ast.And) else "or"
        return Logic(offset, length, operator, tuple(self.read(value, level) for value in node.values))

    def tuple_(self, node: ast.Tuple, level: int, offset: int, length: int) -> NoReturn:
        self._refuse(node, "a list stands in square brackets", hint="write [a, b]")

    def _place(self, node: ast.expr) -> tuple[int, int]:
        end = node.end_col_offset if node.end_col_offset is not None else node.col_offset
        return node.col_offset + self._start, end - node.col_offset

    def _check_hidden(self, name: str, offset: int) -> None:
        if name.startswith("_"):
            raise _Refused(Problem("PB216", f'"{name}" begins with an underscore; no name here does', offset, len(name)))

    def call(self, node: ast.Call, level: int, offset: int, length: int) -> Node:
        if not isinstance(node.func, ast.Name):
            known = SIGNATURES.get(node.func.attr) if isinstance(node.func, ast.Attribute) else None
            form = known.form if known else "lower(account.name)"
            self._refuse(node.func, "only a function can be called", "PB226", f"write the function first: {form}")
        name_offset, name_length = self._place(node.func)
        if name_offset in self._scanned.literals:
            self._refuse(node.func, "only a function can be called", "PB226")
        name = self._source[name_offset : name_offset + name_length]
        self._check_hidden(name, name_offset)
        return Call(offset, length, name, tuple(self.read(argument, level) for argument in node.args))

    def comparison(self, node: ast.Compare, level: int, offset: int, length: int) -> Node:
        operands = [node.left, *node.comparators]
        if any(isinstance(operator, ast.Is | ast.IsNot) for operator in node.ops):
            if len(node.ops) > 1:
                self._refuse(node, "`is missing` cannot be chained with a comparison", "PB211", "put brackets around it")
            return IsMissing(offset, length, self.read(node.left, level), isinstance(node.ops[0], ast.IsNot))
        read = [self.read(operand, level) for operand in operands]
        pairs = [
            Comparison(left.offset, right.offset + right.length - left.offset, _COMPARISON[type(operator)], left, right)
            for operator, left, right in zip(node.ops, read, read[1:], strict=False)
        ]
        return pairs[0] if len(pairs) == 1 else Logic(offset, length, "and", tuple(pairs))

    def _refuse(self, node: ast.expr, message: str, code: str = "PB212", hint: str | None = None) -> NoReturn:
        offset, length = self._place(node)
        raise _Refused(Problem(code, message, offset, length, hint))


_Rule = Callable[[_Reader, Any, int, int, int], Node]
_RULES: Final[dict[type[ast.expr], _Rule]] = {
    ast.Attribute: _Reader.field,
    ast.BinOp: _Reader.arithmetic,
    ast.BoolOp: _Reader.logic,
    ast.Call: _Reader.call,
    ast.Compare: _Reader.comparison,
    ast.IfExp: _Reader.if_else,
    ast.List: _Reader.items,
    ast.Name: _Reader.name,
    ast.Subscript: _Reader.index,
    ast.Tuple: _Reader.tuple_,
    ast.UnaryOp: _Reader.unary,
}
"""The whitelist: what Python's parser may find, and who reads it."""
