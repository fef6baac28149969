"""Which facts there are of an account, and where they are stored.

`facts_of` gives the compiler, the editor schema and the pages their list; `storage.facts` reads the same list in memory and
`storage.fact_columns` in SQL, so that a condition means the same in both.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from playbook_dsl.catalog import FactDef
from playbook_dsl.types import BOOL, DATE, DATETIME, MONEY, NUMBER, TEXT, Type, list_of, one_of, record
from storage.custom_fields import FIELD_TYPES
from storage.tables import Tenant

STATUSES: Final = ("trial", "active", "paused", "churned")


@dataclass(frozen=True)
class Fact:
    """A fact that every tenant has. Those whose root is not `account` or `contact` are stored in the account's `facts`."""

    path: str
    type: Type
    help: str
    unit: str | None = None
    sealed: bool = False


CONTACT: Final = record(
    {
        "id": TEXT,
        "name": TEXT,
        "email": TEXT.maybe(),
        "phone": TEXT.maybe(),
        "title": TEXT.maybe(),
        "role": TEXT.maybe(),
        "roles": list_of(TEXT),
        "opt_outs": list_of(TEXT),
        "zone": TEXT.maybe(),
        "language": TEXT.maybe(),
    }
)

FACTS: Final[tuple[Fact, ...]] = (
    Fact("account.id", TEXT, "Your own id of the account."),
    Fact("account.name", TEXT, "Its name."),
    Fact("account.status", one_of(*STATUSES), "Whether it is a customer now."),
    Fact("account.stage", TEXT.maybe(), "Where it stands in its life with you."),
    Fact("account.tier", TEXT.maybe(), "Its service level, in your words."),
    Fact("account.segment", TEXT.maybe(), "Its segment, in your words."),
    Fact("account.country", TEXT.maybe(), "Country, as an ISO code or a name."),
    Fact("account.zone", TEXT.maybe(), "Its IANA time zone."),
    Fact("account.currency", TEXT.maybe(), "The currency it pays in."),
    Fact("account.mrr", MONEY.maybe(), "Monthly recurring revenue."),
    Fact("account.arr", MONEY.maybe(), "Yearly recurring revenue, twelve times the monthly one."),
    Fact("account.renewal_date", DATE.maybe(), "When the contract is renewed or ends."),
    Fact("account.notice_date", DATE.maybe(), "The last day on which it can give notice: end of contract minus notice period."),
    Fact("account.tags", list_of(TEXT), "Its tags."),
    Fact("account.csm.id", TEXT.maybe(), "The CSM of today."),
    Fact("account.csm.name", TEXT.maybe(), "The CSM's name."),
    Fact("account.csm.email", TEXT.maybe(), "The CSM's e-mail address."),
    Fact("account.csm.manager.id", TEXT.maybe(), "The CSM's manager."),
    Fact("account.csm.manager.name", TEXT.maybe(), "The manager's name."),
    Fact("account.csm.manager.email", TEXT.maybe(), "The manager's e-mail address."),
    Fact("account.contacts", list_of(CONTACT), "Everybody we know there."),
    Fact("contact.id", TEXT.maybe(), "The champion, or else the primary contact, or else the first contact."),
    Fact("contact.name", TEXT.maybe(), "That contact's name."),
    Fact("contact.email", TEXT.maybe(), "That contact's e-mail address.", sealed=True),
    Fact("contact.title", TEXT.maybe(), "That contact's job title."),
    Fact("contact.role", TEXT.maybe(), "That contact's first role."),
    Fact("contact.zone", TEXT.maybe(), "That contact's IANA time zone."),
    Fact("contact.language", TEXT.maybe(), "That contact's language."),
    Fact("contract.type", TEXT.maybe(), "The kind of contract, in your words."),
    Fact("contract.start_date", DATE.maybe(), "When it began."),
    Fact("contract.end_date", DATE.maybe(), "When it ends."),
    Fact("contract.term_months", NUMBER.maybe(), "How long it runs.", "months"),
    Fact("contract.notice_days", NUMBER.maybe(), "How long before its end notice must be given.", "days"),
    Fact("contract.auto_renew", BOOL.maybe(), "Whether it goes on by itself."),
    Fact("contract.value", MONEY.maybe(), "What it is worth over its term."),
    Fact("contract.renewal_date", DATE.maybe(), "When the running term ends, as the system that bills says."),
    Fact("contract.status", TEXT.maybe(), "How the subscription stands, in the words of the system that bills."),
    Fact("health.score", NUMBER.maybe(), "Health, 0 (worst) to 100.", "points"),
    Fact("health.previous", NUMBER.maybe(), "Health before the last change.", "points"),
    Fact("health.change_30d", NUMBER.maybe(), "Change of health over 30 days.", "points"),
    Fact("health.band", one_of("green", "yellow", "red").maybe(), "Health in one word."),
    Fact("health.updated_at", DATETIME.maybe(), "When health was last computed."),
    Fact("risk.score", NUMBER.maybe(), "Risk of churn, 0 to 100 (highest).", "points"),
    Fact("risk.churn_probability", NUMBER.maybe(), "Probability of churn, 0 to 1."),
    Fact("risk.level", one_of("low", "medium", "high").maybe(), "Risk in one word."),
    Fact("risk.top_factors", list_of(TEXT), "What adds most to the risk."),
    Fact("risk.updated_at", DATETIME.maybe(), "When risk was last computed."),
    Fact("expansion.score", NUMBER.maybe(), "Readiness for more, 0 to 100.", "points"),
    Fact("expansion.potential", MONEY.maybe(), "What more it might be worth a month."),
    Fact("usage.logins.last_30d", NUMBER.maybe(), "Logins in the last 30 days."),
    Fact("usage.logins.change_30d", NUMBER.maybe(), "Change of logins against the 30 days before.", "percent"),
    Fact("usage.active_users", NUMBER.maybe(), "People who used the product in the last 30 days."),
    Fact("usage.active_users_change_30d", NUMBER.maybe(), "Change of active users against the 30 days before.", "percent"),
    Fact("usage.seats", NUMBER.maybe(), "Seats bought."),
    Fact("usage.seat_share", NUMBER.maybe(), "Share of the seats in use, 0 to 1.", "share"),
    Fact("usage.adoption_score", NUMBER.maybe(), "How much of the product is used, 0 to 100.", "points"),
    Fact("usage.last_login_at", DATETIME.maybe(), "When somebody last logged in."),
    Fact("usage.weeks_active_share", NUMBER.maybe(), "Share of the last 13 weeks in which somebody logged in, 0 to 1.", "share"),
    Fact("usage.features_change_30d", NUMBER.maybe(), "Change of the number of features in use against the time before.", "percent"),
    Fact("usage.setup_share", NUMBER.maybe(), "Share of the set-up that is done, 0 to 1.", "share"),
    Fact("usage.updated_at", DATETIME.maybe(), "When usage was last computed."),
    Fact("support.open_tickets", NUMBER.maybe(), "Open support tickets."),
    Fact("support.open_sev1", NUMBER.maybe(), "Open tickets of the highest severity."),
    Fact("support.urgent_open", NUMBER.maybe(), "Open tickets of the two highest severities."),
    Fact("support.tickets_30d", NUMBER.maybe(), "Tickets opened in the last 30 days."),
    Fact("survey.nps", NUMBER.maybe(), "The latest answer to the recommendation question, 0 to 10.", "points"),
    Fact("survey.csat", NUMBER.maybe(), "The latest satisfaction, 1 to 5.", "points"),
    Fact("survey.answered_at", DATETIME.maybe(), "When the latest survey was answered."),
    Fact("billing.open_invoices", NUMBER.maybe(), "Unpaid invoices that are due."),
    Fact("billing.overdue_amount", MONEY.maybe(), "What is overdue."),
    Fact("billing.overdue_days", NUMBER.maybe(), "How long the oldest unpaid invoice is overdue.", "days"),
    Fact("billing.failed_payments_90d", NUMBER.maybe(), "Payments that failed in the last 90 days."),
    Fact("billing.last_payment_at", DATETIME.maybe(), "When they last paid."),
    Fact("billing.next_due_date", DATE.maybe(), "When the next open invoice is due."),
    Fact("opportunity.open", NUMBER.maybe(), "Open opportunities."),
    Fact("opportunity.stage", TEXT.maybe(), "The stage of the open opportunity that changed last."),
    Fact("opportunity.amount", MONEY.maybe(), "What the open opportunities are worth together."),
    Fact("opportunity.close_date", DATE.maybe(), "When the next open opportunity is to be closed."),
    Fact("meetings.last_at", DATETIME.maybe(), "When the last meeting with them was."),
    Fact("meetings.last_executive_at", DATETIME.maybe(), "When the last meeting with one of their executives was."),
    Fact("meetings.next_at", DATETIME.maybe(), "When the next meeting with them is."),
    Fact("engagement.champion_left", BOOL.maybe(), "Whether the champion left in the last 180 days."),
    Fact("engagement.reply_share", NUMBER.maybe(), "Share of our messages of the last 90 days that they answered, 0 to 1.", "share"),
)
STORED_ROOTS: Final = frozenset(root for fact in FACTS if (root := fact.path.partition(".")[0]) not in ("account", "contact"))
"""The roots whose facts are stored in the account's `facts`."""

BY_PATH: Final[Mapping[str, Fact]] = {fact.path: fact for fact in FACTS}
CUSTOM: Final = "account.custom."


def facts_of(tenant: Tenant | None) -> tuple[FactDef, ...]:
    """Give the definitions of all facts, the tenant's own fields among them as `account.custom.<name>`."""
    return facts_with(tenant.custom_fields if tenant else [])


def facts_with(own: Sequence[Mapping[str, str]]) -> tuple[FactDef, ...]:
    """Give the definitions of all facts, with these fields (`name`, `type`, perhaps `help`) as `account.custom.<name>`."""
    custom = tuple(
        FactDef(CUSTOM + field["name"], _optional(FIELD_TYPES[field["type"]]), field.get("help") or "A field of your own.")
        for field in sorted(own, key=lambda field: field["name"])
        if field["type"] in FIELD_TYPES
    )
    return tuple(FactDef(fact.path, fact.type, fact.help, fact.unit, fact.sealed) for fact in FACTS) + custom


def _optional(kind: Type) -> Type:
    """A list that is missing is an empty one; everything else may be missing."""
    return kind if kind.kind == "list" else kind.maybe()
