"""What a playbook may refer to: actions, facts, templates, people, other playbooks.

The catalog is handed to the compiler, the editor schema and the pages, so that all of them know the same words. It is plain data:
rooms above build it (actions from `activities.contracts`, facts and custom fields from the tenant's tables).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from playbook_dsl.plan import Retry
from playbook_dsl.types import Type

EffectClass: TypeAlias = Literal["read", "reversible", "compensable", "irreversible"]

ParamKind: TypeAlias = Literal[
    "value",  # a typed value: literal, `{{ }}` or text with `{{ }}` in it
    "owner",  # csm | csm.manager | role:<name> | round_robin(team) | least_loaded(team) | a person; or a list tried in order
    "recipient",  # champion | primary_contact | all(champion) | an address, a contact; or a list tried in order
    "due",  # `3 business days`, or `5 business days before account.renewal_date`
    "template",  # the name of a message template
    "fields",  # a map from field names to values
    "form",  # a map from names to input types
]


@dataclass(frozen=True)
class ParamDef:
    """One input of an action. `type` is what a `value` (or each value of `fields`) must have; None means any."""

    type: Type | None = None
    kind: ParamKind = "value"
    required: bool = False
    default: object = None
    help: str = ""
    minimum: float | None = None
    maximum: float | None = None


@dataclass(frozen=True)
class ActionDef:
    """An action of a connector or a built-in service, as an author sees it.

    `undo` says in words how the effect is taken back (None: it cannot be, or there is no effect). `sends` is the channel of a step
    that reaches a person (`email`, `sms`), so that quiet hours, opt-outs and reviews hold for it. `live` outputs change after the
    step ended (`steps.call.status`). `retry` is how attempts are repeated when neither step nor playbook says.
    """

    name: str
    title: str
    effect: EffectClass
    inputs: Mapping[str, ParamDef]
    outputs: Mapping[str, Type]
    undo: str | None = None
    sends: str | None = None
    live: bool = False
    can_wait: bool = False
    timeout_s: float = 30.0
    retry: Retry | None = None
    help: str = ""
    sensitive: frozenset[str] = frozenset()


@dataclass(frozen=True)
class FactDef:
    """A fact by its dotted path, such as `account.mrr`. The database holds a `sealed` one encrypted: it knows only whether it is there."""

    path: str
    type: Type
    help: str = ""
    unit: str | None = None
    sealed: bool = False


@dataclass(frozen=True)
class TemplateDef:
    """A message template: front matter and Jinja2 body.

    `path` is where its own diagnostics point, `body_line` the line of that file in which the body begins (0: not known).
    """

    name: str
    channel: str
    subject: str
    body: str
    path: str = ""
    body_line: int = 0


@dataclass(frozen=True)
class PlaybookRef:
    """Another playbook, as far as one that starts it must know it. `plays` are the slugs it starts itself."""

    slug: str
    inputs: Mapping[str, ParamDef] = field(default_factory=dict)
    plays: tuple[str, ...] = ()


@dataclass(frozen=True)
class People:
    """The roles, teams and people an owner may name."""

    roles: frozenset[str] = frozenset()
    teams: frozenset[str] = frozenset()
    people: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Catalog:
    """Everything names in a playbook may stand for. Events map a known event name to its fields."""

    actions: Mapping[str, ActionDef] = field(default_factory=dict)
    facts: tuple[FactDef, ...] = ()
    templates: Mapping[str, TemplateDef] = field(default_factory=dict)
    playbooks: Mapping[str, PlaybookRef] = field(default_factory=dict)
    people: People = People()
    events: Mapping[str, Type] = field(default_factory=dict)
