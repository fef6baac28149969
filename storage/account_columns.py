"""The columns of an accounts file: which names mean which field, and how a row of cells becomes an account."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Final, cast

from playbook_dsl.catalog import FactDef
from playbook_dsl.types import Type
from playbook_dsl.values import Json
from storage.account_cells import (
    WrongCell,
    read_address,
    read_amount,
    read_currency,
    read_date,
    read_id,
    read_list,
    read_status,
    read_text,
    read_value,
    read_zone,
)
from storage.csv_records import FileRefused
from storage.custom_fields import FIELD_NAME

_ALIASES: Final[Mapping[str, str]] = {
    **dict.fromkeys(("account_id", "external_id", "accountid", "sfdc_id", "salesforce_id", "crm_id", "customer_id"), "id"),
    **dict.fromkeys(("account", "account_name", "customer", "customer_name", "company", "company_name"), "name"),
    **dict.fromkeys(("monthly_recurring_revenue", "monthly_revenue", "monthly_charges"), "mrr"),
    **dict.fromkeys(("renewal", "renewal_on", "renews_on", "renewal_day"), "renewal_date"),
    **dict.fromkeys(("owner", "account_owner", "csm_email", "customer_success_manager"), "csm"),
    **dict.fromkeys(("time_zone", "timezone"), "zone"),
    **dict.fromkeys(("health", "health_score"), "health.score"),
    **dict.fromkeys(("risk", "risk_score"), "risk.score"),
    **dict.fromkeys(("plan_tier", "service_level"), "tier"),
    **dict.fromkeys(("email", "contact_mail", "champion_email"), "contact_email"),
    **dict.fromkeys(("champion", "champion_name", "contact"), "contact_name"),
    **dict.fromkeys(("contract_end", "contract_end_date"), "contract.end_date"),
    **dict.fromkeys(("contract_start", "contract_start_date"), "contract.start_date"),
    **dict.fromkeys(("seats", "licences", "licenses"), "usage.seats"),
    "labels": "tags",
}
_TEXTS: Final = ("name", "stage", "tier", "segment", "country")
_CONTACT: Final = (
    "contact_name",
    "contact_email",
    "contact_phone",
    "contact_title",
    "contact_roles",
    "contact_zone",
    "contact_language",
    "contact_opt_outs",
)
FIELDS: Final = frozenset({*_TEXTS, *_CONTACT, "id", "status", "zone", "currency", "mrr", "csm", "renewal_date", "tags", "contact_role"})
_NOT_EMPTY: Final = frozenset({"id", "name"})


@dataclass(frozen=True)
class Problem:
    """What is wrong with one cell (`column` None: with the row as a whole), and what to write."""

    column: str | None
    value: str
    wrong: str
    write: str


@dataclass(frozen=True)
class Layout:
    """What each column of a file holds: a field, a fact by its path, or an own field (`custom.<name>`); None is left out."""

    header: tuple[str, ...]
    targets: tuple[str | None, ...]

    @property
    def new_names(self) -> dict[int, str]:
        """The own fields by the index of their column."""
        return {index: target[7:] for index, target in enumerate(self.targets) if target is not None and target.startswith("custom.")}


def layout_of(header: Sequence[str], facts: Mapping[str, FactDef]) -> Layout:
    """Say what each column holds.

    Raises:
        FileRefused: `id` or `name` is missing, or two columns mean the same.
    """
    targets = tuple(_target(name, facts) for name in header)
    seen: dict[str, str] = {}
    for name, target in zip(header, targets, strict=True):
        if target is not None and target in seen:
            raise FileRefused(f'the columns "{seen[target]}" and "{name}" both hold the {target}; leave one out')
        if target is not None:
            seen[target] = name
    missing = [name for name in ("id", "name") if name not in seen]
    if missing:
        known = "id (your own id of the account) and name"
        raise FileRefused(f'the first line names no column "{missing[0]}"; it must name {known}, and found: {", ".join(header)[:300]}')
    return Layout(tuple(header), targets)


def _target(name: str, facts: Mapping[str, FactDef]) -> str | None:
    plain = "_".join(name.strip().lower().replace("-", " ").replace("/", " ").split())
    plain = _ALIASES.get(plain, plain)
    if plain in FIELDS:
        return "contact_roles" if plain == "contact_role" else plain
    if plain in facts and plain.partition(".")[0] not in ("account", "contact"):
        return plain
    own = "".join(letter if letter.isascii() and (letter.isalnum() or letter == "_") else "_" for letter in plain.removeprefix("custom."))
    own = own.strip("_")
    return f"custom.{own}" if FIELD_NAME.fullmatch(own) else None


@dataclass(frozen=True)
class AccountRow:
    """An account ready for the table, and its contact, still without an id, when the row has one."""

    account: dict[str, object]
    contact: dict[str, object] | None


@dataclass(frozen=True)
class Reader:
    """Reads rows of one file. `types` are those of facts and own fields by target; `csms` gives a person's id by id or address."""

    layout: Layout
    types: Mapping[str, Type]
    csms: Mapping[str, str]
    currency: str

    def read(self, cells: Sequence[str]) -> tuple[AccountRow | None, list[Problem]]:
        """Give the account of a row, or everything that is wrong with it."""
        if len(cells) != len(self.layout.header):
            return None, [self._wrong_width(cells)]
        found: dict[str, object] = {}
        problems: list[Problem] = []
        for name, target, cell in zip(self.layout.header, self.layout.targets, cells, strict=True):
            if target is None:
                continue
            try:
                found[target] = self._cell(target, cell, found)
            except WrongCell as wrong:
                problems.append(Problem(name, cell[:200], wrong.wrong, wrong.write))
        if problems:
            return None, problems
        return self._row(found), []

    def _wrong_width(self, cells: Sequence[str]) -> Problem:
        expected = len(self.layout.header)
        hint = "is a text with the delimiter in it not quoted?" if len(cells) > expected else "is the row cut off?"
        return Problem(None, "", f"the row has {len(cells)} cells and the first line names {expected} columns", hint)

    def _cell(self, target: str, cell: str, found: Mapping[str, object]) -> object:
        if "\x00" in cell:
            raise WrongCell("it has a character that no text has", cell.replace("\x00", ""))
        if target in _NOT_EMPTY and not cell:
            raise WrongCell(f"the {target} is missing", f"the account's {target}")
        reader = _FIELD_READERS.get(target)
        if reader is not None:
            return reader(cell)
        if target == "mrr":
            return read_amount(cell)
        if target == "csm":
            return self._csm(cell)
        unit = found.get("currency")
        return read_value(self.types[target], cell, str(unit) if unit else self.currency)

    def _csm(self, cell: str) -> str | None:
        if not cell:
            return None
        person = self.csms.get(cell) or self.csms.get(cell.lower())
        if person is None:
            raise WrongCell(f'there is nobody "{cell[:60]}" in your team', "the short name or e-mail address of somebody, or nothing")
        return person

    def _row(self, found: dict[str, object]) -> AccountRow:
        account = {name: value for name, value in found.items() if name in FIELDS and name not in _CONTACT}
        if "mrr" in found:
            amount, currency = cast(tuple[Decimal | None, str | None], found["mrr"])
            account["mrr"] = amount
            account["currency"] = currency or found.get("currency") or self.currency
        elif not account.get("currency"):
            account["currency"] = self.currency
        account["custom"] = {name[7:]: value for name, value in found.items() if name.startswith("custom.") and value is not None}
        account["facts"] = _nested({name: value for name, value in found.items() if name in self.types and not name.startswith("custom.")})
        return AccountRow(account, _contact(str(found["id"]), found))


def _contact(account: str, found: Mapping[str, object]) -> dict[str, object] | None:
    name, email = found.get("contact_name"), found.get("contact_email")
    if not name and not email:
        return None
    return {
        "account": account,
        # Names are not sealed, so that an address must not stand in for one.
        "name": name or str(email).partition("@")[0],
        "email": email,
        "phone": found.get("contact_phone"),
        "title": found.get("contact_title"),
        "roles": found.get("contact_roles") or ["primary_contact"],
        "opt_outs": found.get("contact_opt_outs") or [],
        "zone": found.get("contact_zone"),
        "language": found.get("contact_language"),
    }


def _nested(leaves: Mapping[str, object]) -> dict[str, Json]:
    tree: dict[str, Json] = {}
    for path, value in leaves.items():
        if value is None:
            continue
        *parents, last = path.split(".")
        node = tree
        for parent in parents:
            inner = node.setdefault(parent, {})
            node = inner if isinstance(inner, dict) else {}
        node[last] = value  # type: ignore[assignment]  # read_value gave JSON
    return tree


_FIELD_READERS: Final[Mapping[str, Callable[[str], object]]] = {
    "id": read_id,
    **dict.fromkeys((*_TEXTS, "contact_name", "contact_phone", "contact_title", "contact_language"), read_text),
    "status": read_status,
    "zone": read_zone,
    "contact_zone": read_zone,
    "currency": read_currency,
    "renewal_date": read_date,
    "tags": read_list,
    "contact_roles": read_list,
    "contact_opt_outs": read_list,
    "contact_email": read_address,
}
