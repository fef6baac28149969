"""Check an expression against what is in scope: names, fields, functions and types."""

from dataclasses import dataclass
from functools import lru_cache

from playbook_dsl.expressions.canonical import canonical
from playbook_dsl.expressions.expected import check_expected
from playbook_dsl.expressions.problems import Problem
from playbook_dsl.expressions.read import read
from playbook_dsl.expressions.scope import Scope
from playbook_dsl.expressions.tree import Node, children, path_of
from playbook_dsl.expressions.typer import Typer
from playbook_dsl.types import Type


@dataclass(frozen=True)
class Reference:
    """A name the expression reads, with its fields: `account.mrr` is `("account", "mrr")`. Place in characters of the source."""

    path: tuple[str, ...]
    offset: int
    length: int


@dataclass(frozen=True)
class Checked:
    """What is known of an expression.

    `type` is None when a mistake hides it. `references` are in the order of the source; `problems` sorted by place. `tree` is None
    when the expression cannot be read.
    """

    type: Type | None
    references: tuple[Reference, ...]
    problems: tuple[Problem, ...]
    tree: Node | None = None

    @property
    def canonical(self) -> str | None:
        """The one spelling of the expression, None when it cannot be read."""
        return None if self.tree is None else canonical(self.tree)

    @property
    def errors(self) -> tuple[Problem, ...]:
        """The problems that are no mere warnings."""
        return tuple(problem for problem in self.problems if problem.severity == "error")


def check(source: str, scope: Scope, *, expects: Type | None = None) -> Checked:
    """Check `source`. Never raises, whatever the text.

    Args:
        source: the expression, as an author wrote it.
        scope: what may be named here.
        expects: the type the place wants; None when any will do. A condition (bool) may be missing: it then counts as no.
    """
    got = read(source)
    if got.tree is None:
        return Checked(None, (), got.problems)
    typer = Typer(scope)
    result = typer.type_of(got.tree)
    if expects is not None and result is not None:
        typer.problems.extend(check_expected(got.tree, result, expects))
    problems = tuple(sorted(typer.problems, key=lambda problem: (problem.offset, problem.code))) if typer.problems else ()
    return Checked(result, _references(got.tree), problems, got.tree)


@lru_cache(maxsize=4096)
def _references(tree: Node) -> tuple[Reference, ...]:
    """Give every longest path of names in the tree, from left to right."""
    return tuple(sorted(_find_references(tree), key=lambda reference: reference.offset))


def _find_references(tree: Node) -> list[Reference]:
    path = path_of(tree)
    if path is not None:
        return [Reference(path, tree.offset, tree.length)]
    return [reference for child in children(tree) for reference in _find_references(child)]
