"""The fields of an account that a play may set, as values in the JSON form of `playbook_dsl.values`."""

import re
from collections.abc import Callable, Mapping
from datetime import date
from difflib import get_close_matches
from typing import NoReturn

from activities.actions.tasks import tell_of_task
from activities.contracts import JsonTree
from activities.failures import BadInput
from playbook_dsl.timing.zones import is_zone
from playbook_dsl.values import Money, Value, from_json, to_json
from storage.custom_fields import fits, type_of_field
from storage.fact_definitions import STATUSES
from storage.facts import plain
from storage.repositories.accounts import update_account
from storage.repositories.people import find_person
from storage.repositories.tasks import give_tasks_to_csm
from storage.session import Session
from storage.tables import Account, Tenant

_TEXTS = ("name", "stage", "tier", "segment", "country")
_CUSTOM = "custom."


def _text(value: Value) -> str | None:
    return value if value is None or (isinstance(value, str) and len(value) <= 300) else _wrong("a text of up to 300 characters")


def _status(value: Value) -> str:
    return value if isinstance(value, str) and value in STATUSES else _wrong(f"one of {', '.join(sorted(STATUSES))}")


def _zone(value: Value) -> str | None:
    return value if value is None or (isinstance(value, str) and is_zone(value)) else _wrong('a time zone such as "Europe/Berlin"')


def _date(value: Value) -> date | None:
    return value if value is None or type(value) is date else _wrong("a date")


def _tags(value: Value) -> list[str]:
    if isinstance(value, list) and all(isinstance(tag, str) for tag in value):
        return [str(tag) for tag in value]
    return _wrong("a list of texts")


def _money(value: Value) -> Money | None:
    if value is None:
        return None
    return Money(plain(value.amount), value.currency) if isinstance(value, Money) else _wrong("an amount such as 500 EUR")


def _currency(value: Value) -> str:
    return value if isinstance(value, str) and re.fullmatch(r"[A-Z]{3}", value) else _wrong("a currency such as EUR")


def _wrong(wanted: str) -> NoReturn:
    raise BadInput(wanted)


_READERS: Mapping[str, Callable[[Value], Value]] = {
    **dict.fromkeys(_TEXTS, _text),
    "status": _status,
    "zone": _zone,
    "renewal_date": _date,
    "tags": lambda value: list(_tags(value)),
    "mrr": _money,
    "currency": _currency,
    "csm": _text,
}


async def read_fields(session: Session, tenant: Tenant | None, wanted: Mapping[str, JsonTree]) -> dict[str, JsonTree]:
    """Check new values of fields, and give them by field name.

    Raises:
        BadInput: a field is not there, or a value does not fit it.
    """
    checked: dict[str, JsonTree] = {}
    for name, tree in wanted.items():
        checked[name] = to_json(_checked(tenant, name, from_json(tree)))
    amount = from_json(checked.get("mrr"))
    if isinstance(amount, Money):
        # One currency holds for the account, so an amount in another one changes it, and the undo puts it back.
        checked.setdefault("currency", amount.currency)
    if checked.get("csm") is not None:
        person = await find_person(session, str(checked["csm"]))
        if person is None:
            raise BadInput(f'account.csm: there is no active person "{checked["csm"]}"')
        checked["csm"] = person.id
    return checked


def _checked(tenant: Tenant | None, name: str, value: Value) -> Value:
    if name.startswith(_CUSTOM):
        kind = type_of_field(tenant, name.removeprefix(_CUSTOM))
        if kind is None:
            raise BadInput(f'your organisation has no field "{name.removeprefix(_CUSTOM)}" on accounts')
        if value is not None and not fits(kind, value):
            raise BadInput(f"account.{name} is a {kind}")
        return value
    read = _READERS.get(name)
    if read is None:
        close = get_close_matches(name, _READERS, n=1)
        hint = f'did you mean "{close[0]}"?' if close else f"a play may set {', '.join(sorted(_READERS))} and custom.<name>"
        raise BadInput(f'an account has no field "{name}" that a play may set; {hint}')
    try:
        return read(value)
    except BadInput as problem:
        raise BadInput(f"account.{name} must be {problem}") from None


def value_now(account: Account, name: str) -> JsonTree:
    """Give the present value of a field."""
    if name.startswith(_CUSTOM):
        return account.custom.get(name.removeprefix(_CUSTOM))
    if name == "mrr":
        return None if account.mrr is None else to_json(Money(plain(account.mrr), account.currency or "USD"))
    return to_json(getattr(account, name))


def differing(account: Account, written: Mapping[str, JsonTree], before: Mapping[str, JsonTree]) -> list[str]:
    """Give the fields that hold neither what was written nor what was there before: somebody changed them since."""
    return [name for name, value in written.items() if value_now(account, name) not in (value, before.get(name))]


async def put(session: Session, account: Account, values: Mapping[str, JsonTree], *, by: str) -> None:
    """Set fields of an account. Open tasks of its CSM go with it to another one, unless they are to stay."""
    if not values:
        return
    changes: dict[str, object] = {}
    custom = {name.removeprefix(_CUSTOM): tree for name, tree in values.items() if name.startswith(_CUSTOM)}
    if custom:
        changes["custom"] = {name: tree for name, tree in {**account.custom, **custom}.items() if tree is not None}
    for name, tree in values.items():
        value = from_json(tree)
        if name == "mrr":
            changes["mrr"] = value.amount if isinstance(value, Money) else None
        elif not name.startswith(_CUSTOM):
            changes[name] = value
    await update_account(session, account.id, changes, by=by)
    if "csm" in changes:
        for task in await give_tasks_to_csm(session, [account.id]):
            await tell_of_task(session, task)
