"""What reading a scorecard needs beside the keys: expressions over facts, checked where they stand."""

from collections.abc import Sequence
from dataclasses import dataclass

from playbook_dsl.catalog import FactDef
from playbook_dsl.diagnostics import Report
from playbook_dsl.expressions.check import check
from playbook_dsl.expressions.problems import Problem
from playbook_dsl.expressions.scope import Scope
from playbook_dsl.expressions.signatures import FUNCTION_NAMES
from playbook_dsl.lower.values import one_line
from playbook_dsl.nodes import Document, Scalar
from playbook_dsl.parse.keys import Keys, Reader
from playbook_dsl.resolve.scopes import fact_types
from playbook_dsl.types import Type

_MADE_OF_HEALTH = {
    "health": "health is what the scorecard makes",
    "risk": "risk is made after health, and of it where no model is",
    "expansion": "readiness for more is made after health, and of it where no model is",
}
_OF_PLAYS = frozenset({"in_play", "open_tasks"})
"""What nobody can know of the past, so that no card could be tested on it."""


@dataclass(frozen=True)
class Read:
    """An expression that was read: its source on one line, the type it gives (None when a mistake hides it), the facts it reads."""

    source: str
    type: Type | None
    paths: tuple[str, ...]


class CardReader(Reader):
    """A reader of scorecards: knows the facts, and reports what is wrong with an expression at its place."""

    def __init__(self, document: Document, report: Report, facts: Sequence[FactDef]) -> None:
        super().__init__(document, report)
        self.facts = {fact.path: fact for fact in facts}
        known = fact_types(tuple(facts))
        names = {name: kind for name, kind in known.items() if name not in _MADE_OF_HEALTH}
        self.scope = Scope(names, FUNCTION_NAMES - _OF_PLAYS, _MADE_OF_HEALTH)

    def formula(self, keys: Keys, key: str, expects: Type | None) -> Read | None:
        """Give the expression under a key; `expects` is the type its place wants, None for any."""
        given = keys.expression(key, expects)
        if given is None:
            return None
        checked = check(given.scalar.text, self.scope, expects=expects)
        for problem in checked.problems:
            self._tell(given.scalar, given.what, problem)
        if checked.errors:
            return Read(given.scalar.text, None, ())
        paths = {path for reference in checked.references if (path := self._fact(reference.path)) is not None}
        return Read(one_line(given.scalar.text), checked.type, tuple(sorted(paths)))

    def _fact(self, path: tuple[str, ...]) -> str | None:
        """Give the fact that a path reads: itself, or the list or record it goes into."""
        return next((name for end in range(len(path), 0, -1) if (name := ".".join(path[:end])) in self.facts), None)

    def _tell(self, scalar: Scalar, what: str, problem: Problem) -> None:
        add = self.report.error if problem.severity == "error" else self.report.warning
        message = problem.message.replace("? must stand here", " must stand here")
        if problem.code == "PB217" and not message.startswith('"'):
            word = scalar.text[problem.offset : problem.offset + problem.length]
            message = f'"{word}" cannot be read here: {message}'
        add(problem.code, self.document.place(scalar, problem.offset, problem.length), f"{what}: {message}", hint=problem.hint)
