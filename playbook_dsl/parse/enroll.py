"""`enroll`: who enters, when, how often, how many at once."""

from playbook_dsl.enroll_syntax import BudgetSpec, EnrollSpec, HoldoutSpec, LaunchSpec, LimitsSpec, SuppressSpec
from playbook_dsl.nodes import Mapping, Node, Scalar
from playbook_dsl.parse.keys import Keys, Reader
from playbook_dsl.parse.triggers import triggers
from playbook_dsl.types import DURATION

_LEGAL = ("when", "audience", "suppress", "existing", "again", "holdout", "limits", "budget", "launch", "priority", "start")


def enroll(reader: Reader, node: Node, what: str) -> EnrollSpec | None:
    """Read `enroll`."""
    mapping = reader.mapping(node, what)
    if mapping is None:
        return None
    keys = Keys(reader, mapping, '"enroll"', _LEGAL)
    spec = EnrollSpec(
        mapping.span,
        triggers=keys.read("when", lambda found, label: triggers(reader, found, label), ()),
        audience=keys.condition("audience"),
        suppress=_suppressions(keys),
        existing=keys.choice("existing", "preview", "include", "only_new"),
        priority=keys.whole("priority", -100, 100),
    )
    _again(keys, spec)
    spec.holdout = _holdout(keys)
    spec.limits = _limits(keys)
    spec.budget = _budget(keys)
    spec.launch = _launch(keys)
    if (start := keys.mapping_at("start")) is not None:
        spec.start_roles = Keys(reader, start, '"start"', ("roles",), required=("roles",)).words("roles")
    return spec


def _suppressions(keys: Keys) -> tuple[SuppressSpec, ...]:
    node = keys.node("suppress")
    if node is None:
        return ()
    found = []
    for item in keys.reader.items(node, '"suppress"'):
        if isinstance(item, Scalar):
            found.append(SuppressSpec(keys.reader.expression(item, '"suppress"', None), None))
            continue
        mapping = keys.reader.mapping(item, '"suppress"', "write - {if: a condition, then: drop}")
        if mapping is not None:
            own = Keys(keys.reader, mapping, '"suppress"', ("if", "then"), required=("if",))
            found.append(SuppressSpec(own.condition(), own.choice("then", "drop", "delay")))
    return tuple(found)


def _again(keys: Keys, spec: EnrollSpec) -> None:
    mapping = keys.mapping_at("again")
    if mapping is not None:
        own = Keys(keys.reader, mapping, '"again"', ("after", "key", "while_active"))
        spec.again_after = own.expression("after", DURATION)
        spec.again_key = own.expression("key")
        spec.while_active = own.choice("while_active", "ignore", "queue", "restart", "alongside")


def _holdout(keys: Keys) -> HoldoutSpec | None:
    mapping = keys.mapping_at("holdout")
    if mapping is None:
        return None
    own = Keys(keys.reader, mapping, '"holdout"', ("share", "stratify", "measure"), required=("share",))
    node = own.node("stratify")
    paths = keys.reader.items(node, '"stratify"') if node is not None else []
    stratify = tuple(found for item in paths if (found := keys.reader.expression(item, '"stratify"', None)) is not None)
    return HoldoutSpec(mapping.span, own.read("share", keys.reader.share, None), stratify, own.word("measure"))


def _limits(keys: Keys) -> LimitsSpec | None:
    mapping = keys.mapping_at("limits")
    if mapping is None:
        return None
    own = Keys(keys.reader, mapping, '"limits"', ("at_once", "per_day", "per_owner"))
    return LimitsSpec(own.whole("at_once", 1), own.whole("per_day", 1), own.word("per_owner"))


def _budget(keys: Keys) -> BudgetSpec | None:
    mapping = keys.mapping_at("budget")
    if mapping is None:
        return None
    channels = ("email", "sms", "slack", "call")
    own = Keys(keys.reader, mapping, '"budget"', (*channels, "per"))
    found = [(key, count) for channel in channels if (count := own.word(channel)) and (key := mapping.key(channel))]
    return BudgetSpec(tuple(found), own.choice("per", "contact", "account"))


def _launch(keys: Keys) -> LaunchSpec | None:
    mapping = keys.mapping_at("launch")
    if mapping is None:
        return None
    own = Keys(keys.reader, mapping, '"launch"', ("approve", "waves", "gate"))
    spec = LaunchSpec(waves=own.words("waves"))
    if (approve := own.mapping_at("approve")) is not None:
        spec.approve_by = Keys(keys.reader, approve, '"approve" of "launch"', ("by",), required=("by",)).owners("by")
    gate: Mapping | None = own.mapping_at("gate")
    if gate is not None:
        inner = Keys(keys.reader, gate, '"gate"', ("after", "halt_if"))
        spec.gate_after, spec.halt_if = inner.duration("after"), inner.condition("halt_if")
    return spec
