"""Facts as columns, for audiences: the same answer in SQL as `storage.facts` gives in memory."""

from typing import Any, Final, TypeAlias

from sqlalchemy import ColumnElement, Date, Integer, LargeBinary, Numeric, String, Text, case, cast, exists, func, literal, select
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import aliased
from sqlmodel import col

from storage.fact_definitions import BY_PATH, STORED_ROOTS
from storage.facts import LONGEST_NOTICE_DAYS
from storage.tables import Account, Contact, Person, Run, Task

Element: TypeAlias = ColumnElement[Any]
Path: TypeAlias = tuple[str, ...]

_PLAIN: Final = ("id", "name", "status", "stage", "tier", "segment", "country", "zone", "currency", "renewal_date", "tags")
_PERSON: Final = ("id", "name", "email")
_CONTACT: Final = ("id", "name", "email", "title", "zone", "language")
_EMPTY_LIST: Final = literal([], JSONB)


def fact_column(path: Path) -> Element | None:
    """Give the column of a fact of `account`, None when it is not one; what `playbook_dsl.expressions.sql.lower` asks for.

    `in_play("x")` is asked for as `("in_play()", "x")`, `open_tasks()` as `("open_tasks()",)`, the currency of money as its path with
    `currency` behind. The query must select from `account`.
    """
    match path:
        case ("in_play()", slug):
            return in_play(slug)
        case ("open_tasks()",):
            return open_tasks()
        case ("account", "custom", name):
            return col(Account.custom)[name]
        case ("account", *rest):
            return _account_column(tuple(rest))
        case ("contact", name):
            return _contact_column(name)
        case (root, *_) if root in STORED_ROOTS and ".".join(path) in BY_PATH:
            stored = col(Account.facts)[path]
            return func.coalesce(stored, _EMPTY_LIST, type_=JSONB) if BY_PATH[".".join(path)].type.kind == "list" else stored
    return None


def in_play(slug: str) -> Element:
    """Give whether the account is in a play of this playbook."""
    active = (col(Run.account) == col(Account.id), col(Run.playbook) == slug, col(Run.state) != "closed")
    return exists().where(*active).correlate(Account)


def open_tasks() -> Element:
    """Give how many tasks of the account are open."""
    is_open = (col(Task.account) == col(Account.id), col(Task.status) == "open", col(Task.kind) == "task")
    return select(func.count()).select_from(Task).where(*is_open).correlate(Account).scalar_subquery()


def _account_column(rest: Path) -> Element | None:
    match rest:
        case ("mrr",):
            return case((col(Account.currency).is_not(None), col(Account.mrr)))
        case ("arr",):
            return case((col(Account.currency).is_not(None), col(Account.mrr) * 12))
        case ("mrr" | "arr", "currency"):
            return cast(col(Account.currency), Text)
        case ("notice_date",):
            return _notice_date()
        case ("csm", name) if name in _PERSON:
            return _csm(name)
        case ("csm", "manager", name) if name in _PERSON:
            return _manager(name)
        case (name,) if name in _PLAIN:
            column: Element = getattr(Account, name)
            return cast(column, Text) if isinstance(column.type, String) else column
    return None


def _csm(name: str) -> Element:
    person = aliased(Person)
    return select(cast(getattr(person, name), Text)).where(col(person.id) == col(Account.csm)).correlate(Account).scalar_subquery()


def _manager(name: str) -> Element:
    csm, manager = aliased(Person), aliased(Person)
    query = select(cast(getattr(manager, name), Text)).join_from(csm, manager, col(csm.manager) == col(manager.id))
    return query.where(col(csm.id) == col(Account.csm)).correlate(Account).scalar_subquery()


def _contact_column(name: str) -> Element | None:
    contact = aliased(Contact)
    if name == "role":
        wanted: Element = col(contact.roles)[1]
    elif name in _CONTACT:
        wanted = getattr(contact, name)
    else:
        return None
    rank = case((col(contact.roles).contains(["champion"]), 0), (col(contact.roles).contains(["primary_contact"]), 1), else_=2)
    # A sealed field stays bytes: whether it is there is all that can be asked of it.
    shown = wanted if isinstance(wanted.type, LargeBinary) else cast(wanted, Text)
    query = select(shown).where(col(contact.account) == col(Account.id)).order_by(rank, col(contact.id).collate("C")).limit(1)
    return query.correlate(Account).scalar_subquery()


def _notice_date() -> Element:
    ends = func.coalesce(cast(col(Account.facts)[("contract", "end_date", "$date")].astext, Date), col(Account.renewal_date))
    days = col(Account.facts)[("contract", "notice_days")]
    number = case((func.jsonb_typeof(days) == "number", cast(days.astext, Numeric)))
    return case((number.between(0, LONGEST_NOTICE_DAYS), ends - cast(func.trunc(number), Integer)))
