"""Look at the order of tokens before the parser does, so that a mistake is said at its exact place in the author's words."""

from typing import Final

from playbook_dsl.expressions.problems import Problem
from playbook_dsl.expressions.scan import Scanned, Token
from playbook_dsl.expressions.signatures import SIGNATURES

_OPENING: Final = {"(": ")", "[": "]"}
MOST_BRACKETS: Final = 40
_INSTEAD: Final = {
    "AND": "write `and` in small letters",
    "IN": "write `in` in small letters",
    "IS": "write `is` in small letters",
    "NOT": "write `not` in small letters",
    "OR": "write `or` in small letters",
    "between": "write low <= x <= high",
    "equals": "write ==",
    "like": "write contains(text, part) or starts_with(text, beginning)",
    "within": "write date - today < 90 days",
}


class Shape:
    """Walks over the tokens and knows whether a value or an operator must come next. Reports the first mistake only."""

    def __init__(self, source: str, scanned: Scanned) -> None:
        self._source = source
        self._tokens = scanned.tokens
        self._open: list[Token] = []
        self._wants_value = True
        self._unary = 0
        self._before: Token | None = None

    def first_problem(self) -> Problem | None:
        """Give the first mistake, None when the order is right as far as this can tell."""
        for position, token in enumerate(self._tokens):
            after = self._tokens[position + 1] if position + 1 < len(self._tokens) else None
            problem = self._take(token, after)
            if problem is not None:
                return problem
            self._before = token
        return self._at_end()

    def _take(self, token: Token, after: Token | None) -> Problem | None:
        if token.kind in ("literal", "name"):
            return self._take_value(token)
        if token.kind == "field":
            self._wants_value = False
            return None
        if token.text == "not":
            return self._take_not(token, after)
        if token.text in ("(", "["):
            return self._take_opening(token)
        if token.text in (")", "]"):
            return self._take_closing(token)
        return self._take_operator(token, after)

    def _take_value(self, token: Token) -> Problem | None:
        if not self._wants_value:
            return self._unexpected(token)
        if self._before is not None and self._before.end == token.offset and self._before.text[-1].isalnum():
            return self._unexpected(token)
        self._wants_value = False
        self._unary = 0
        return None

    def _take_not(self, token: Token, after: Token | None) -> Problem | None:
        if self._wants_value:
            return self._take_unary(token)
        if self._before is not None and self._before.text == "is":
            self._wants_value = True
            return None
        if after is None or after.text != "in":
            return self._unexpected(token)
        return None

    def _take_unary(self, token: Token) -> Problem | None:
        self._unary += 1
        if self._unary > MOST_BRACKETS:
            return Problem("PB220", f"the expression is nested more than {MOST_BRACKETS} deep", token.offset, len(token.text))
        return None

    def _take_opening(self, token: Token) -> Problem | None:
        self._open.append(token)
        if len(self._open) > MOST_BRACKETS:
            return Problem("PB220", f"the expression is nested more than {MOST_BRACKETS} deep", token.offset, 1)
        if token.text == "(" and not self._wants_value and self._before is not None and self._before.kind not in ("name", "field"):
            return self._unexpected(token)
        self._wants_value = True
        return None

    def _take_closing(self, token: Token) -> Problem | None:
        if not self._open:
            return Problem("PB222", f'"{token.text}" closes nothing', token.offset, 1)
        opening = self._open.pop()
        if _OPENING[opening.text] != token.text:
            return Problem("PB222", f'"{opening.text}" is closed by "{token.text}"', token.offset, 1, f'write "{_OPENING[opening.text]}"')
        empty = self._before is opening
        if self._wants_value and not empty and not (self._before is not None and self._before.text == ","):
            return self._unexpected(token)
        self._wants_value = False
        return None

    def _take_operator(self, token: Token, after: Token | None) -> Problem | None:
        if token.text == "-" and self._wants_value:
            return self._take_unary(token)
        if self._wants_value or (token.text == "," and not self._open):
            return self._unexpected(token)
        if token.text == ".":
            return None if after is not None and after.kind == "field" else self._no_field(token)
        if token.text == "is":
            return self._take_is(token, after)
        self._wants_value = True
        return None

    def _take_is(self, token: Token, after: Token | None) -> Problem | None:
        position = self._tokens.index(token)
        rest = [later.text for later in self._tokens[position + 1 : position + 3]]
        if rest[:1] == ["missing"]:
            self._wants_value = True
        elif rest != ["not", "missing"]:
            length = (after or token).end - token.offset
            hint = "write == or !=" if after is None or after.kind == "literal" else "write `is missing` or `is not missing`, or =="
            return Problem("PB211", '"is" goes only with "missing" or "not missing"', token.offset, length, hint)
        return None

    def _no_field(self, token: Token) -> Problem:
        return Problem("PB211", 'a field must follow the "."', token.offset, 1)

    def _unexpected(self, token: Token) -> Problem:
        if self._before is None:
            hint = "leave it out: this is a condition already" if token.text == "if" else None
            return Problem("PB211", f'an expression cannot begin with "{token.text}"', token.offset, len(token.text), hint)
        message = f"did not expect {_quoted(token.text)} after {_quoted(self._before.text)}"
        return Problem("PB211", message, token.offset, len(token.text), self._hint(token))

    def _hint(self, token: Token) -> str | None:
        if self._wants_value:
            return "a value is missing between them"
        if token.text == "," and not self._open:
            return "a list stands in brackets: [a, b]; a number has no comma"
        if token.kind in ("literal", "name"):
            return self._hint_between(token.text)
        return None

    def _hint_between(self, word: str) -> str:
        before = self._before.text if self._before is not None else ""
        for name in (before, word):
            if name in SIGNATURES:
                return f"write {SIGNATURES[name].form}"
        if word in _INSTEAD:
            return _INSTEAD[word]
        return f"{'a comma or ' if self._open else ''}an operator is missing between them, such as ==, and, +"

    def _at_end(self) -> Problem | None:
        if self._wants_value and self._before is not None and not (self._open and self._before is self._open[-1]):
            message = f"the expression ends after {_quoted(self._before.text)}"
            hint = "a share is written 0.15" if self._before.text == "%" else "a value must follow"
            return Problem("PB211", message, self._before.offset, len(self._before.text), hint)
        if self._open:
            opening = self._open[-1]
            return Problem("PB222", f'"{opening.text}" is not closed', opening.offset, 1, f'add "{_OPENING[opening.text]}"')
        return None


def _quoted(text: str) -> str:
    short = text if len(text) <= 30 else f"{text[:27]}..."
    return short if text[0] in "\"'" else f'"{short}"'
