"""A vendor without a server: its records follow from a number, so that every process sees the same ones."""

from __future__ import annotations

import asyncio
from typing import Any

from connectors.records import Record, RecordPage
from connectors.vendor import Allowance, Credentials, Vendor

MAPPING = """
company:
  into: account
  create: true
  changed_at: changed
  fields:
    name: name
    tier: plan.name
    mrr: {field: yearly, divide: 12}
bill:
  into: facts
  match: [{link: {kind: company, field: company}}]
  facts:
    billing.open_invoices: {count: true, where: {status: open}}
    billing.overdue_amount: {sum: {field: left, currency: unit, minor_units: true}, where: {status: open, due: past}}
"""


class GeneratedCredentials(Credentials):
    """How many records there are, how many changes came after them, and how slow the vendor is."""

    companies: int
    changes: int = 0
    bills: int = 0
    pause_s: float = 0.0
    calls_file: str | None = None


class GeneratedClient:
    """Change number p is the making of company p, or later the change of some company. The cursor is the number of the next change."""

    def __init__(self, credentials: GeneratedCredentials) -> None:
        self.credentials = credentials
        self.records_given = 0

    async def verify(self) -> str:
        return f"{self.credentials.companies} companies"

    async def close(self) -> None:
        """Nothing is open."""

    async def changed(self, kind: str, cursor: str | None, limit: int) -> RecordPage:
        await asyncio.sleep(self.credentials.pause_s)
        first = int(cursor or 0)
        last = self.credentials.companies + self.credentials.changes if kind == "company" else self.credentials.bills
        upto = min(first + limit, last)
        make = self._company if kind == "company" else self._bill
        records = tuple(make(number) for number in range(first, upto))
        self.records_given += len(records)
        return RecordPage(records, str(upto), upto < last)

    def _company(self, change: int) -> Record:
        number, version = change, 0
        if change >= self.credentials.companies:
            number, version = change * 7919 % self.credentials.companies, change
        fields: dict[str, Any] = {
            "name": f"Company {number} v{version}",
            "plan": {"name": "gold" if number % 3 else "basic"},
            "yearly": 1200 + number,
            "changed": 1_700_000_000 + change,
        }
        return Record("company", f"co-{number}", fields)

    def _bill(self, number: int) -> Record:
        company = number % self.credentials.companies
        fields = {"company": f"co-{company}", "status": "open" if number % 2 else "paid", "left": 1000, "unit": "eur", "due": 1_600_000_000}
        return Record("bill", f"in-{number}", fields)


def _open(credentials: Credentials, url: str | None) -> GeneratedClient:
    assert isinstance(credentials, GeneratedCredentials)
    return GeneratedClient(credentials)


GENERATED: Vendor[GeneratedClient] = Vendor(
    "generated",
    "Generated",
    GeneratedCredentials,
    _open,
    sandbox={},
    allowance=Allowance(per_hour=1_000_000, burst=100_000),
    records=("company", "bill"),
)
VENDORS = {"generated": GENERATED}
