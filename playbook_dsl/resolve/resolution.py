"""What resolving a file gives to the checks: every expression with its types, every step with its place."""

from dataclasses import dataclass, field

from playbook_dsl.catalog import Catalog
from playbook_dsl.diagnostics import Report
from playbook_dsl.expressions.check import Checked, check
from playbook_dsl.expressions.template import check_text
from playbook_dsl.nodes import Document, Mapping, Node, Scalar
from playbook_dsl.resolve.env import Env
from playbook_dsl.resolve.forms import Form, form_of
from playbook_dsl.resolve.scopes import literal_type
from playbook_dsl.syntax import FieldSpec, PlaybookSpec, Step
from playbook_dsl.types import BOOL, Type, list_of, record
from playbook_dsl.walks import Place, places
from playbook_dsl.words import Expression, Value

MAX_EXPRESSIONS = 2_000
MAX_STEPS = 1_500
MAX_PROBLEMS = 500


@dataclass(slots=True)
class Use:
    """An expression, or a text with `{{ }}`, and what the front end found in it. `step` is the step it belongs to.

    `bare`: the place is one where authors forget that a text needs quotes (`set`).
    """

    scalar: Scalar
    checked: Checked
    what: str
    step: Step | None
    env: Env
    expects: Type | None = None
    form: Form = "expression"
    bare: bool = False


@dataclass(slots=True)
class Literal:
    """A literal that stands where a value of a type is wanted."""

    node: Node
    expects: Type
    what: str


@dataclass
class Resolution:
    """The resolved file."""

    playbook: PlaybookSpec
    document: Document
    catalog: Catalog
    report: Report
    uses: list[Use] = field(default_factory=list)
    literals: list[Literal] = field(default_factory=list)
    places: list[Place] = field(default_factory=list)
    by_id: dict[str, Place] = field(default_factory=dict)
    place_of: dict[int, Place] = field(default_factory=dict)
    env_before: dict[int, Env] = field(default_factory=dict)
    forms: dict[int, tuple[FieldSpec, ...]] = field(default_factory=dict)
    _told_enough: bool = False
    _problems: int = 0
    _types: dict[int, Type | None] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Find all steps."""
        self.places = places(self.playbook)
        self.place_of = {id(place.step): place for place in self.places}
        for place in self.places:
            if place.step.id is not None:
                self.by_id.setdefault(place.step.name, place)

    def _note(self, use: Use) -> None:
        self.uses.append(use)
        self._problems += len(use.checked.problems)

    def _has_enough(self, scalar: Scalar) -> bool:
        """Say whether there are more expressions than a play can carry; a file of them would take seconds to check."""
        if self._problems > MAX_PROBLEMS:
            self.report.is_cut = True
            return True
        if len(self.uses) < MAX_EXPRESSIONS:
            return False
        if not self._told_enough:
            self._told_enough = True
            message = f"this is expression number {MAX_EXPRESSIONS + 1:,} of the file; more are not checked"
            self.report.error("PB119", scalar.span, message, hint="split the playbook into ones started with `play`")
        return True

    def expression(self, expression: Expression | None, env: Env, step: Step | None = None) -> Type | None:
        """Check an expression and give its type."""
        if expression is None or self._has_enough(expression.scalar):
            return None
        checked = check(expression.scalar.text, env.scope, expects=_wanted(expression.expects, env))
        for other in expression.also:
            if any(problem.code == "PB305" for problem in checked.problems):
                second = check(expression.scalar.text, env.scope, expects=_wanted(other, env))
                checked = checked if any(problem.code == "PB305" for problem in second.problems) else second
        self._note(Use(expression.scalar, checked, expression.what, step, env, expression.expects))
        return checked.type

    def type_of(self, scalar: Scalar) -> Type | None:
        """Give the type that was found for an expression."""
        if not self._types:
            self._types = {id(use.scalar): use.checked.type for use in self.uses}
        return self._types.get(id(scalar))

    def value(self, value: Value | None, env: Env, step: Step | None = None) -> Type | None:
        """Check a value and give its type."""
        return None if value is None else self.node(value.node, value.expects, value.what, env, step, bare=value.bare)

    def node(self, node: Node, expects: Type | None, what: str, env: Env, step: Step | None, *, bare: bool = False) -> Type | None:
        """Check a tree of values against the type its place wants, and give its type."""
        if isinstance(node, Scalar):
            return self._scalar(node, expects, what, env, step, bare=bare)
        if expects is not None and expects.kind not in ("any", "list" if not isinstance(node, Mapping) else "record"):
            self.literals.append(Literal(node, expects, what))
            return expects
        if isinstance(node, Mapping):
            fields = expects.fields if expects else {}
            if expects is not None and expects.kind == "record":
                self.literals.append(Literal(node, expects, what))
            return record(
                {
                    entry.key.text: self.node(entry.value, fields.get(entry.key.text), what, env, step) or Type("any")
                    for entry in node.entries
                }
            )
        item = expects.item if expects else None
        kinds = [self.node(child, item, what, env, step) for child in node.items]
        return list_of(item or (kinds[0] if kinds and kinds[0] else Type("any")))

    def _scalar(self, scalar: Scalar, expects: Type | None, what: str, env: Env, step: Step | None, *, bare: bool) -> Type | None:
        form = form_of(scalar, expects, bare=bare)
        if form == "literal":
            if expects is not None:
                self.literals.append(Literal(scalar, expects, what))
            return expects or literal_type(scalar)
        if self._has_enough(scalar):
            return None
        wanted = _wanted(expects, env)
        checked = check_text(scalar.text, env.scope, wanted) if form == "text" else check(scalar.text, env.scope, expects=wanted)
        self._note(Use(scalar, checked, what, step, env, expects, form, bare))
        return checked.type


def _wanted(expects: Type | None, env: Env) -> Type | None:
    return expects.maybe() if expects is not None and env.lenient and expects.kind != BOOL.kind else expects
