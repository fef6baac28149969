"""The catalog of a tenant: the actions there are, the facts, message templates, playbooks and people."""

from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Final

from activities.definitions.contract import ActionContract
from activities.definitions.ctas import CTA_CLOSE, CTA_OPEN, CTA_UPDATE
from activities.definitions.email import EMAIL_SEND
from activities.definitions.http import HTTP_REQUEST
from activities.definitions.hubspot import HUBSPOT_CONTRACTS
from activities.definitions.meetings import MEETING_CONTRACTS
from activities.definitions.records import ACCOUNT_UPDATE, EVENT_EMIT, NOTE_ADD
from activities.definitions.sagemaker import SAGEMAKER_INVOKE
from activities.definitions.salesforce import SALESFORCE_CONTRACTS
from activities.definitions.scores import SCORE_CONTRACTS
from activities.definitions.slack import SLACK_CONTRACTS
from activities.definitions.sms import SMS_SEND
from activities.definitions.stripe import STRIPE_CONTRACTS
from activities.definitions.tasks import TASK_CANCEL, TASK_COMPLETE, TASK_CREATE
from activities.definitions.webhook import WEBHOOK_EMIT
from connectors.events import EVENTS
from playbook_dsl.catalog import ActionDef, Catalog, ParamDef, ParamKind, People, PlaybookRef, TemplateDef
from playbook_dsl.plan import ActionStep, FormField, Plan, PlayStep, walk
from playbook_dsl.types import BOOL, DATE, DURATION, MONEY, NUMBER, TEXT, Type, list_of, record
from storage.custom_fields import FIELD_TYPES
from storage.fact_definitions import facts_of, facts_with
from storage.repositories.events import list_event_names
from storage.repositories.people import list_people
from storage.repositories.playbooks import list_published_playbooks, list_templates, plan_of
from storage.repositories.tenants import find_tenant
from storage.session import Session

CONTRACTS: Final[tuple[ActionContract, ...]] = (
    ACCOUNT_UPDATE,
    CTA_CLOSE,
    CTA_OPEN,
    CTA_UPDATE,
    EMAIL_SEND,
    EVENT_EMIT,
    HTTP_REQUEST,
    NOTE_ADD,
    TASK_CANCEL,
    TASK_COMPLETE,
    TASK_CREATE,
    *SALESFORCE_CONTRACTS,
    *SLACK_CONTRACTS,
    *STRIPE_CONTRACTS,
    *MEETING_CONTRACTS,
    SMS_SEND,
    *HUBSPOT_CONTRACTS,
    WEBHOOK_EMIT,
    SAGEMAKER_INVOKE,
    *SCORE_CONTRACTS,
)
ACTIONS: Final[Mapping[str, ActionDef]] = MappingProxyType({contract.name: contract.definition() for contract in CONTRACTS})
"""Every action of this version of the product."""

OWN_FIELD_TYPES: Final[tuple[str, ...]] = tuple(FIELD_TYPES)
"""The words for the types of an organisation's own fields."""

_ANY_FIELDS: Final = record({}, open=True)
_FORM_TYPES: Final[Mapping[str, Type]] = {
    "integer": NUMBER,
    "number": NUMBER,
    "money": MONEY,
    "bool": BOOL,
    "date": DATE,
    "duration": DURATION,
}


def plain_catalog(own: Mapping[str, str] = MappingProxyType({})) -> Catalog:
    """Give what every tenant has: actions and facts. For checking files without a database.

    Args:
        own: the fields the organisation has added to its accounts, each with the word for its type.
    """
    return Catalog(actions=ACTIONS, facts=facts_with([{"name": name, "type": kind} for name, kind in own.items()]))


async def load_catalog(session: Session) -> Catalog:
    """Give the session's tenant's catalog."""
    templates = {
        row.name: TemplateDef(name=row.name, channel=row.channel, subject=row.subject, body=row.body, path=row.path)
        for row in await list_templates(session)
    }
    plans = [plan_of(row) for row in await list_published_playbooks(session)]
    playbooks = {plan.playbook: playbook_ref(plan) for plan in plans}
    return Catalog(
        actions=ACTIONS,
        facts=facts_of(await find_tenant(session)),
        templates=templates,
        playbooks=playbooks,
        people=await load_people(session),
        events=dict.fromkeys([*EVENTS, *(name for plan in plans for name in emitted(plan)), *await list_event_names(session)], _ANY_FIELDS),
    )


def emitted(plan: Plan) -> Iterator[str]:
    """Give the names of the events that a playbook's steps emit."""
    for step in walk(plan.steps + plan.finally_):
        if isinstance(step, ActionStep) and step.action == EVENT_EMIT.name and isinstance(name := step.inputs.get("name"), str):
            yield name


async def load_people(session: Session) -> People:
    """Give the roles, teams and people an owner may name."""
    people = [person for person in await list_people(session) if person.active]
    return People(
        roles=frozenset(role for person in people for role in person.roles),
        teams=frozenset(team for person in people for team in person.teams),
        people=frozenset(person.id for person in people) | frozenset(person.email for person in people),
    )


def playbook_ref(plan: Plan) -> PlaybookRef:
    """Give a playbook as far as one that starts it must know it."""
    plays = tuple(dict.fromkeys(step.playbook for step in walk(plan.steps + plan.finally_) if isinstance(step, PlayStep)))
    return PlaybookRef(slug=plan.playbook, inputs={field.name: param_of(field) for field in plan.inputs}, plays=plays)


def param_of(field: FormField) -> ParamDef:
    """Give an input of a playbook as an input of the step that starts it."""
    kind: ParamKind = "value"
    base = _FORM_TYPES.get(field.item or "" if field.type == "list" else field.type, TEXT)
    if field.options:
        base = Type("text", options=field.options)
    return ParamDef(
        type=list_of(base) if field.type == "list" else base,
        kind=kind,
        required=field.required and field.default is None,
        default=field.default,
        help=field.help or "",
        minimum=field.minimum,
        maximum=field.maximum,
    )
