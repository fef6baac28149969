"""A rich catalog for the compiler's tests: built-in actions, vendors in the style of the real ones, facts, templates, people."""

from __future__ import annotations

from playbook_dsl.catalog import ActionDef, Catalog, FactDef, ParamDef, People, PlaybookRef, TemplateDef
from playbook_dsl.plan import Retry
from playbook_dsl.types import BOOL, DATE, DATETIME, DURATION, MONEY, NUMBER, TEXT, Type, list_of, one_of, record

OWNER = ParamDef(kind="owner")
OWNER_REQUIRED = ParamDef(kind="owner", required=True)
TO = ParamDef(kind="recipient", required=True)
PRIORITY = ParamDef(one_of("low", "normal", "high"), default="normal")
TASK_STATUS = one_of("open", "in_progress", "done", "cancelled")
CONTACT = record(
    {"id": TEXT, "name": TEXT, "email": TEXT, "role": one_of("champion", "user", "billing", "sponsor"), "language": TEXT.maybe()}
)


def text(*, required: bool = False, help: str = "") -> ParamDef:
    return ParamDef(TEXT, required=required, help=help)


def number(low: float | None = None, high: float | None = None, *, required: bool = False) -> ParamDef:
    return ParamDef(NUMBER, required=required, minimum=low, maximum=high)


BUILT_IN = (
    ActionDef(
        "task.create",
        "Create a task",
        "compensable",
        {
            "title": text(required=True),
            "owner": OWNER_REQUIRED,
            "due": ParamDef(kind="due"),
            "priority": PRIORITY,
            "checklist": ParamDef(list_of(TEXT)),
            "form": ParamDef(kind="form"),
            "description": text(),
            "when_owner_changes": ParamDef(one_of("follow", "stay"), default="follow"),
        },
        {
            "task_id": TEXT,
            "status": TASK_STATUS,
            "owner": TEXT.maybe(),
            "due_at": DATETIME.maybe(),
            "done_at": DATETIME.maybe(),
            "answers": record({}, open=True).maybe(),
        },
        undo="the task is cancelled",
        live=True,
        can_wait=True,
    ),
    ActionDef(
        "cta.open",
        "Open a CTA",
        "compensable",
        {
            "type": ParamDef(one_of("risk", "opportunity", "lifecycle"), required=True),
            "priority": PRIORITY,
            "owner": OWNER_REQUIRED,
            "because": text(),
            "title": text(),
        },
        {"cta_id": TEXT, "status": one_of("open", "closed")},
        undo="the CTA is closed",
        live=True,
    ),
    ActionDef(
        "cta.close", "Close a CTA", "compensable", {"cta": text(required=True), "outcome": text()}, {}, undo="the CTA is opened again"
    ),
    ActionDef("note.add", "Add a note", "compensable", {"text": text(required=True)}, {"note_id": TEXT}, undo="the note is removed"),
    ActionDef(
        "event.emit", "Emit an event", "irreversible", {"name": text(required=True), "fields": ParamDef(kind="fields")}, {"event_id": TEXT}
    ),
    ActionDef(
        "account.update",
        "Change fields of the account",
        "reversible",
        {"set": ParamDef(kind="fields", required=True)},
        {},
        undo="the fields get their prior values",
    ),
    ActionDef(
        "score.churn",
        "Score the churn risk",
        "read",
        {},
        {"score": NUMBER, "top_factors": TEXT, "band": one_of("low", "medium", "high")},
        timeout_s=10,
    ),
    ActionDef(
        "http.request",
        "Call an address",
        "irreversible",
        {
            "url": text(required=True),
            "method": ParamDef(one_of("GET", "POST", "PUT", "DELETE"), default="GET"),
            "headers": ParamDef(kind="fields"),
            "body": ParamDef(),
            "token": text(),
        },
        {"status": NUMBER, "body": Type("any", optional=True)},
        retry=Retry(attempts=3),
        sensitive=frozenset({"token"}),
    ),
    ActionDef(
        "email.send",
        "Send an e-mail",
        "irreversible",
        {
            "template": ParamDef(kind="template", required=True),
            "to": TO,
            "from": OWNER,
            "subject": text(),
            "fields": ParamDef(kind="fields"),
        },
        {"message_id": TEXT, "opened_at": DATETIME.maybe(), "replied": BOOL},
        sends="email",
        live=True,
    ),
)

VENDORS = (
    ActionDef(
        "sms.send",
        "Send an SMS",
        "irreversible",
        {"template": ParamDef(kind="template"), "text": text(), "to": TO},
        {"message_id": TEXT},
        sends="sms",
    ),
    ActionDef(
        "slack.post",
        "Post to Slack",
        "compensable",
        {"channel": text(required=True), "text": text(required=True)},
        {"ts": TEXT},
        undo="the message is deleted",
    ),
    ActionDef(
        "stripe.apply_discount",
        "Give a discount",
        "reversible",
        {"percent_off": number(1, 100, required=True), "for": ParamDef(DURATION), "coupon": text()},
        {"discount_id": TEXT, "amount": MONEY.maybe()},
        undo="the discount is removed",
    ),
    ActionDef(
        "stripe.create_invoice",
        "Create an invoice",
        "compensable",
        {"amount": ParamDef(MONEY, required=True), "due_on": ParamDef(DATE), "memo": text()},
        {"invoice_id": TEXT, "paid": BOOL},
        undo="the invoice is voided",
    ),
    ActionDef(
        "salesforce.update",
        "Update a record",
        "reversible",
        {"object": text(required=True), "set": ParamDef(kind="fields", required=True), "id": text()},
        {"id": TEXT},
        undo="the fields get their prior values",
    ),
    ActionDef(
        "calendar.book",
        "Book a meeting",
        "compensable",
        {
            "title": text(required=True),
            "at": ParamDef(DATETIME),
            "minutes": number(15, 240),
            "with": ParamDef(kind="recipient"),
            "all_day": ParamDef(BOOL),
        },
        {"meeting_id": TEXT, "starts_at": DATETIME.maybe()},
        undo="the meeting is cancelled",
        live=True,
    ),
)

SEALED = ("contact.phone",)
FACTS = tuple(
    FactDef(path, kind, sealed=path in SEALED)
    for path, kind in {
        "account.id": TEXT,
        "account.name": TEXT,
        "account.status": one_of("active", "churned", "prospect"),
        "account.tier": one_of("starter", "growth", "enterprise"),
        "account.country": TEXT.maybe(),
        "account.tags": list_of(TEXT),
        "account.mrr": MONEY,
        "account.seats": NUMBER,
        "account.stage": TEXT,
        "account.csm.name": TEXT,
        "account.csm.manager": TEXT,
        "account.renewal_date": DATE,
        "account.notice_date": DATE.maybe(),
        "account.contacts": list_of(CONTACT),
        "contact.name": TEXT,
        "contact.email": TEXT,
        "contact.role": TEXT,
        "contact.phone": TEXT.maybe(),
        "health.score": NUMBER,
        "health.band": one_of("red", "yellow", "green"),
        "risk.score": NUMBER.maybe(),
        "expansion.score": NUMBER.maybe(),
        "usage.logins.change_30d": NUMBER,
        "usage.seats_used": NUMBER,
        "custom.region_lead": TEXT.maybe(),
    }.items()
)

TEMPLATES = {
    name: TemplateDef(name, channel, subject, body, f"templates/{name}.md.j2")
    for name, channel, subject, body in (
        ("save-intro", "email", "A word about {{ account.name }}", "Dear {{ contact.name }},\n\nshall we talk?\n"),
        ("adoption-tip", "email", "A tip", "{% if usage.seats_used < account.seats %}Invite your team.{% endif %}"),
        ("hello", "email", "Welcome", "Hello {{ contact.name }}"),
        (
            "broken-names",
            "email",
            "For {{ acount.name }}",
            "{{ contact.nmae }} {{ steps.later.text }} {% for c in account.contacts %}{{ c.rol }}{% endfor %}",
        ),
        ("country", "email", "Hi", "Greetings to {{ account.country }}"),
        ("broken-braces", "email", "Hi", "Hello {{ contact.name }\n"),
        ("reminder", "sms", "", "{{ account.name }}: please call back."),
    )
}

EVENTS = {
    "invoice.payment_failed": record({"invoice_id": TEXT, "amount_due": MONEY, "attempt": NUMBER}),
    "email.replied": record({"message_id": TEXT, "text": TEXT.maybe()}),
    "meeting.booked": record({"meeting_id": TEXT, "starts_at": DATETIME}),
    "survey.answered": record({"score": NUMBER, "comment": TEXT.maybe()}),
    "incident.opened": record({"severity": one_of("sev1", "sev2"), "account_ids": list_of(TEXT)}),
}

PLAYBOOKS = {
    "exec-sponsor": PlaybookRef(
        "exec-sponsor", {"sponsor": ParamDef(TEXT, required=True), "days": ParamDef(NUMBER, minimum=1, maximum=30)}
    ),
    "churn-negotiation": PlaybookRef("churn-negotiation"),
    "win-back": PlaybookRef("win-back", plays=("at-risk-save",)),
    "round-trip": PlaybookRef("round-trip", plays=("win-back",)),
}

CATALOG = Catalog(
    actions={action.name: action for action in (*BUILT_IN, *VENDORS)},
    facts=FACTS,
    templates=TEMPLATES,
    playbooks=PLAYBOOKS,
    people=People(
        roles=frozenset({"cs_ops", "cs_ops_lead", "vp_cs", "legal", "am"}),
        teams=frozenset({"emea-cs", "onboarding"}),
        people=frozenset({"maria@acme.example"}),
    ),
    events=EVENTS,
)
