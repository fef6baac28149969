"""Texts with `{{ }}` in them.

How a value prints inside a text: a number in plain digits (`5`, not `5.0`), money `500 EUR`, a date `23 Nov 2026`, a moment
`23 Nov 2026 07:00` in the zone of the run, a duration in words, true and false as yes and no, a list with commas. A missing value
prints as nothing; the check warns of it. A text that is exactly one `{{ }}` keeps the value as it is.
"""

import re
from dataclasses import dataclass, replace
from datetime import date, datetime
from decimal import Decimal
from functools import lru_cache
from typing import Final

from playbook_dsl.expressions.canonical import write_decimal
from playbook_dsl.expressions.check import Checked, check
from playbook_dsl.expressions.environment import Env, zone_of
from playbook_dsl.expressions.evaluate import EvaluationError, evaluator
from playbook_dsl.expressions.expected import check_expected, not_an_option
from playbook_dsl.expressions.problems import Problem
from playbook_dsl.expressions.scope import Scope
from playbook_dsl.expressions.tree import Literal
from playbook_dsl.timing.durations import words
from playbook_dsl.types import TEXT, Type
from playbook_dsl.values import Duration, Json, Money, Value, from_json

MOST_TEXT: Final = 100_000
_MONTHS: Final = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_INSIDE: Final = re.compile(r"\"(?:[^\"\\]|\\.)*\"|'(?:[^'\\]|\\.)*'|(?P<end>\}\})|(?P<again>\{\{)|.", re.DOTALL)
_BLOCK: Final = re.compile(r"\{[%#]")


@dataclass(frozen=True)
class Piece:
    """An expression inside a text. `offset` is where `source` begins; `start` to `end` is the whole `{{ }}`."""

    source: str
    offset: int
    start: int
    end: int
    closed: bool = True


@lru_cache(maxsize=4096)
def split_template(text: str) -> tuple[str | Piece, ...]:
    """Cut `text` into plain parts and expressions, in order. Never raises; a `{{` without end is a piece that is not `closed`."""
    parts: list[str | Piece] = []
    at = 0
    while (start := text.find("{{", at)) >= 0:
        if start > at:
            parts.append(text[at:start])
        piece = _piece(text, start)
        parts.append(piece)
        at = piece.end
    if at < len(text):
        parts.append(text[at:])
    return tuple(parts)


def _piece(text: str, start: int) -> Piece:
    for match in _INSIDE.finditer(text, start + 2):
        if match.lastgroup == "end":
            return Piece(text[start + 2 : match.start()], start + 2, start, match.end())
        if match.lastgroup == "again":
            break
    plain_end = text.find("}}", start)  # a quote that is not closed hides the end; the expression then says so
    if plain_end >= 0 and text.find("{{", start + 2, plain_end) < 0:
        return Piece(text[start + 2 : plain_end], start + 2, start, plain_end + 2)
    following = text.find("{{", start + 2)
    end = following if following >= 0 else len(text)
    return Piece(text[start + 2 : end], start + 2, start, end, closed=False)


def only_piece(text: str) -> Piece | None:
    """Give the expression when the text is exactly one `{{ }}`, spaces around it aside."""
    parts = split_template(text.strip())
    if len(parts) == 1 and isinstance(parts[0], Piece):
        indent = len(text) - len(text.lstrip())
        piece = parts[0]
        return replace(piece, offset=piece.offset + indent, start=piece.start + indent, end=piece.end + indent)
    return None


def check_text(text: str, scope: Scope, expects: Type | None = None) -> Checked:
    """Check a text with `{{ }}` in it; places count from the start of `text`. Never raises.

    A text that is exactly one `{{ }}` has the type of its expression, any other is text. Where text is wanted, all that prints will do.
    """
    single = only_piece(text)
    pieces = [single] if single else [part for part in split_template(text) if isinstance(part, Piece)]
    problems = [_block(match) for match in _BLOCK.finditer(text) if not any(piece.start <= match.start() < piece.end for piece in pieces)]
    wants_text = expects is not None and expects.kind == "text"
    results = []
    for piece in pieces:
        got = _check_piece(piece, scope, expects if single and not wants_text else None)
        problems.extend(got.problems)
        results.append(got)
        if not single or wants_text:
            problems.extend(_printing(piece, got.type, expects if single else None))
    kind: Type | None = results[0].type if single else TEXT
    if not single and expects is not None:
        problems.extend(_plain(text, expects, has_pieces=bool(pieces)))
    references = tuple(reference for got in results for reference in got.references)
    return Checked(kind, references, tuple(sorted(problems, key=lambda problem: (problem.offset, problem.code))))


def _check_piece(piece: Piece, scope: Scope, expects: Type | None) -> Checked:
    if not piece.closed:
        return Checked(None, (), (Problem("PB213", '"{{" is not closed', piece.start, 2, 'add "}}"'),))
    got = check(piece.source, scope, expects=expects)
    return replace(
        got,
        references=tuple(replace(reference, offset=reference.offset + piece.offset) for reference in got.references),
        problems=tuple(replace(problem, offset=problem.offset + piece.offset) for problem in got.problems),
    )


def _block(match: re.Match[str]) -> Problem:
    return Problem("PB212", f'"{match.group()}" works only in message templates', match.start(), 2, "here a text has only {{ }}")


def _printing(piece: Piece, kind: Type | None, expects: Type | None) -> list[Problem]:
    place = piece.start, piece.end - piece.start
    if kind is None:
        return []
    if not _prints(kind):
        hint = "name one of its fields" if kind.kind == "record" else None
        return [Problem("PB318", f"{kind} cannot be printed in a text", *place, hint)]
    if not kind.optional or (expects is not None and expects.optional):
        return []
    if expects is not None:
        return [
            Problem("PB306", "this may be missing, but text must stand here", *place, "say what to take instead: default(value, instead)")
        ]
    return [
        Problem("PB319", "this may be missing and is then left out", *place, 'say what to print instead: default(value, "...")', "warning")
    ]


def _prints(kind: Type) -> bool:
    return kind.kind != "record" and (kind.item is None or _prints(kind.item))


def _plain(text: str, expects: Type, *, has_pieces: bool) -> list[Problem]:
    """Check a text that is no single expression against the wanted type."""
    node = Literal(0, len(text), text)
    if has_pieces or not expects.options:
        return check_expected(node, TEXT, expects)
    return [] if text in expects.options else [not_an_option(node, text, expects.options, severity="error")]


def evaluate_node(node: Json, env: Env) -> Value:
    """Give the value of a node of a plan: literals and marked values as they are, `$expr` evaluated, `$text` joined to a text.

    Raises:
        EvaluationError: an expression cannot be read, or the budget is used up.
    """
    match node:
        case list():
            return [evaluate_node(child, env) for child in node]
        case {"$expr": str(source)}:
            return evaluator(source)(env)
        case {"$text": list(parts)}:
            text = "".join([part if isinstance(part, str) else print_value(evaluate_node(part, env), env) for part in parts])
            if len(text) > MOST_TEXT:
                raise EvaluationError(f"a text grew over {MOST_TEXT} characters")
            return text
        case dict() if len(node) != 1 or not next(iter(node)).startswith("$"):
            return {name: evaluate_node(child, env) for name, child in node.items()}
    return from_json(node)


def print_value(value: Value, env: Env) -> str:
    """Give a value as it stands in a text; see the head of this file."""
    match value:
        case None:
            return ""
        case bool():
            return "yes" if value else "no"
        case str():
            return value
        case int() | float():
            return write_decimal(Decimal(repr(value)))
        case Money(amount=amount, currency=currency):
            return f"{_print_amount(amount)} {currency}"
        case datetime():
            local = value.astimezone(zone_of(env))
            return f"{_print_date(local)} {local:%H:%M}"
        case date():
            return _print_date(value)
        case Duration():
            return words(value)
        case list():
            return ", ".join(print_value(item, env) for item in value)
    return ", ".join(f"{name}: {print_value(item, env)}" for name, item in value.items())


def _print_date(day: date) -> str:
    return f"{day.day} {_MONTHS[day.month - 1]} {day.year}"


def _print_amount(amount: Decimal) -> str:
    text = write_decimal(amount)
    _, point, cents = text.partition(".")
    return f"{text}0" if point and len(cents) == 1 else text
