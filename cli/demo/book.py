"""Fills the tenant with a simulated book of business: accounts, their people, and a history of what was seen of them."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from itertools import islice
from typing import TYPE_CHECKING

from cli.client import Api, JsonTree, Refused, fail

if TYPE_CHECKING:
    from scoring.observations import Observation
    from scoring.simulate.book import Book

DEMO_ACCOUNTS = 300
DEMO_MONTHS = 24
DEMO_SEED = 7
DEMO_BASE_RATE = 0.06
"""More than most books have, so that three hundred accounts carry a model and its test."""
PREFIX = "B-"
MARK = "simulated_book"
"""The own field of each account that says which book it is of, and when that began: the same book again must have the same days."""
_AT_ONCE = 5_000


@dataclass(frozen=True)
class Wanted:
    """A book as it is asked for."""

    accounts: int
    months: int
    seed: int
    prefix: str
    base_rate: float = 0.03

    def account(self, number: int) -> str:
        """Give the id of an account; the first is 1."""
        return f"{self.prefix}{number:04d}"

    def mark(self, start: date) -> str:
        """Say which book it is."""
        return f"seed {self.seed}, {self.accounts} accounts, {self.months} months, base rate {self.base_rate:g} from {start.isoformat()}"


DEMO = Wanted(DEMO_ACCOUNTS, DEMO_MONTHS, DEMO_SEED, PREFIX, DEMO_BASE_RATE)


def is_loaded(api: Api, wanted: Wanted) -> bool:
    """Say whether the whole book is there: the executive of its last account is brought in last."""
    try:
        contacts = api.ask("GET", f"/v1/accounts/{wanted.account(wanted.accounts)}/contacts")
    except Refused:
        return False
    return any("executive" in contact["roles"] for contact in contacts)


def load_book(api: Api, wanted: Wanted, say: Callable[[str], None]) -> dict[str, int]:
    """Bring in a book that ends today. Bringing it in again, also after a load that broke off, doubles nothing.

    Args:
        api: as whom; an admin, where people of the team are missing.
        wanted: which book.
        say: told what is done, a line at a time.

    Returns:
        How many accounts, churned ones among them, contacts and observations the book has, and how many of the latter were new.
    """
    from scoring.simulate.book import simulate
    from scoring.simulate.options import LIFELIKE, Options

    start = _started(api, wanted) or _today() - timedelta(days=int(Options(accounts=1, months=wanted.months).days))
    options = Options(wanted.accounts, wanted.months, wanted.seed, start, wanted.base_rate, prefix=wanted.prefix, mess=LIFELIKE)
    book = simulate(options)
    _add_people(api)
    report = api.send("POST", "/v1/accounts/import", content=accounts_csv(book, wanted.mark(start)), headers={"Content-Type": "text/csv"})
    if report["refused"]:
        fail(f"{report['refused']} accounts of the simulated book were refused: {report['problems'][:1]}")
    churned = int((book.outcomes.left_at <= options.days).sum())
    say(f"{wanted.accounts} simulated accounts, {churned} of them churned, since {start}")
    sent, taken = _send_observations(api, book)
    say(f"{sent} observations of them")
    for number in range(wanted.accounts):
        _add_executive(api, book, number)
    return {"accounts": wanted.accounts, "churned": churned, "contacts": 2 * wanted.accounts, "observations": sent, "new": taken}


def accounts_csv(book: Book, mark: str) -> bytes:
    """Give the accounts as they are at the end of the book, as a file for the import."""
    out = io.StringIO()
    rows = list(_accounts(book))
    writer = csv.DictWriter(out, [*rows[0], MARK], lineterminator="\n")
    writer.writeheader()
    writer.writerows({**row, MARK: mark} for row in rows)
    return out.getvalue().encode()


def _accounts(book: Book) -> Iterator[dict[str, object]]:
    accounts, end = book.accounts, book.options.days
    growth = book.growth_at(end)
    gone, champion = book.outcomes.left_at <= end, book.state_at(end).champion
    renewal = book.accounts.start + accounts.term_end(end).astype("timedelta64[D]")
    began = accounts.began_on
    for place, account in enumerate(accounts.ids.tolist()):
        term, left = int(accounts.term[place]), bool(gone[place])
        name, address = _person(book, place, 0)
        yield {
            "id": account,
            "name": accounts.names[place],
            "status": "churned" if left else "active",
            "tier": accounts.plan[place],
            "segment": accounts.size[place],
            "country": accounts.country[place],
            "zone": accounts.zone[place],
            "currency": "USD",
            "mrr": f"{accounts.mrr[place] * growth[place]:.2f}",
            "csm": accounts.csm[place],
            "renewal_date": "" if left else renewal[place],
            "tags": "simulated",
            "contact_name": name,
            "contact_email": address,
            "contact_roles": "champion;primary_contact" if champion[place] else "primary_contact",
            "contact_zone": accounts.zone[place],
            "contract.type": {1: "monthly", 12: "yearly"}.get(term, "two years"),
            "contract.start_date": began[place],
            "contract.end_date": "" if left else renewal[place],
            "contract.term_months": term,
            "contract.notice_days": 14 if term == 1 else 60,
            "contract.auto_renew": "yes" if accounts.auto_renew[place] else "no",
            "usage.seats": max(1, round(float(accounts.seats[place] * growth[place]))),
        }


def events_of(book: Book, now: datetime) -> Iterator[JsonTree]:
    """Give what is known of the book by now, as the API takes it."""
    for each in book.observations():
        if each.ingested_at <= now and each.occurred_at <= now:
            yield _event(each)


def _event(each: Observation) -> JsonTree:
    subject = {"subject": each.subject} if each.subject else {}
    return {
        "id": each.id,
        "account": each.account,
        "kind": each.kind,
        "occurred_at": each.occurred_at.isoformat(),
        "ingested_at": each.ingested_at.isoformat(),
        "values": dict(each.values),
        **subject,
    }


def _send_observations(api: Api, book: Book) -> tuple[int, int]:
    events = events_of(book, datetime.now(UTC))
    sent = taken = 0
    while batch := list(islice(events, _AT_ONCE)):
        answer = api.post("/v1/usage-events", {"events": batch, "as_known": True})
        if answer["refused"]:
            first = answer["problems"][0]
            fail(f"{answer['refused']} observations of the simulated book were refused: {first['pointer']} {first['detail']}")
        sent, taken = sent + len(batch), taken + answer["taken"]
    return sent, taken


def _started(api: Api, wanted: Wanted) -> date | None:
    """Give when the book began that is there already."""
    try:
        first = api.ask("GET", f"/v1/accounts/{wanted.account(1)}")
    except Refused:
        return None
    mark = str(first["custom"].get(MARK, ""))
    try:
        start = date.fromisoformat(mark[-10:])
    except ValueError:
        start = None
    if start is None or mark != wanted.mark(start):
        there = f"of another book ({mark})" if mark else "of yours"
        fail(f'the account "{first["id"]}" is there already and is {there}; choose other ids with --prefix')
    return start


def _add_people(api: Api) -> None:
    """Accounts of the book belong to people of the sample's team."""
    from storage.sample.telco import TELCO

    known = {person["id"] for person in api.get("/v1/people")}
    for person in TELCO.people:
        if person.id not in known:
            body = {"name": person.name, "email": person.email, "roles": person.roles, "teams": person.teams, "manager": person.manager}
            api.send("PUT", f"/v1/people/{person.id}", json={**body, **({"zone": person.zone} if person.zone else {})})


def _add_executive(api: Api, book: Book, place: int) -> None:
    name, address = _person(book, place, 1)
    account, zone = str(book.accounts.ids[place]), str(book.accounts.zone[place])
    body = {"name": name, "email": address, "title": "Chief Operating Officer", "roles": ["executive"], "zone": zone}
    api.send("PUT", f"/v1/accounts/{account}/contacts/{account}-executive", json=body)


def _person(book: Book, place: int, number: int) -> tuple[str, str]:
    from scoring.simulate.names import person

    name = person(2 * place + number)
    company = str(book.accounts.names[place]).lower().replace(" ", "-")
    return name, f"{name.lower().replace(' ', '.')}@{company}.example"


def _today() -> date:
    return datetime.now(UTC).date()
